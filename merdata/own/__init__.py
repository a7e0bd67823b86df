"""Corpora that are not in the registry: a table of one's own recordings."""
