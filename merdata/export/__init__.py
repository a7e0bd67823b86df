"""A store in the formats of other tools: audiofolder, CSV and Croissant."""
