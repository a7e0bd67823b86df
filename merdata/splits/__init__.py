"""Splits: a protocol is a table id -> split and fold. One file a kind."""
