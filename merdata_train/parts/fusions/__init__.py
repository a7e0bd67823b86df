"""The kinds of fusions, one file each."""
