"""A store in formats of other tools: audiofolder, CSV and Croissant."""
