"""One's own recordings: a corpus from a table or a YAML file that is not in the registry."""
