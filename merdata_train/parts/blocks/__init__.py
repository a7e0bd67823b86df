"""The kinds of blocks, one file each."""
