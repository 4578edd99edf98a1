"""Runs it all: sessions with multiplexers, the way to the store, the sidecar's socket, sends."""
