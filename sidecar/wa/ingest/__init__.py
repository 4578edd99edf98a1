"""Ingest: what a pane shows, turned into a log that only grows. Pure: time comes in as a value."""

from wa.ingest.tracker import PaneTracker

__all__ = ["PaneTracker"]
