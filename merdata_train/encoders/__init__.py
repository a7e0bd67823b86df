"""Pretrained encoders: loading, reading layers, pooling, tokens, and the cache of frozen ones."""
