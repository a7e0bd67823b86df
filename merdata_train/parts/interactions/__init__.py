"""The kinds of interactions, one file each."""
