"""Corpora as data: one reader for all that a YAML file can say of file names, tables and labels."""
