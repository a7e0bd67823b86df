"""Transcripts by recognition, in a layer beside the rows, and what they tell about the corpora's texts."""
