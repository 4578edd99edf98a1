"""The nouns. Frozen, no I/O, importable by every room."""
