"""The kinds of auxiliary losses, one file each."""
