"""Bytes or JSON to nouns and back; no I/O."""
