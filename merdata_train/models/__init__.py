"""Models: fusion of modality vectors and the head, one file an architecture."""
