"""A command that answers as `wezterm cli` does, for machines without one: `python -m wa.embedded.cli [cli] list …`."""
