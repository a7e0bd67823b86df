"""Features of utterances: each kind computes arrays from audio or text, and names its own width."""
