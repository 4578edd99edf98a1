"""Typed settings and where files lie."""
