"""Models: fusion of modality vectors and the head, one file for each architecture."""
