"""wa: watches every pane of every WezTerm domain, keeps what they print, and types only where it is safe."""

__version__ = "0.1.0"
