"""Which rule speaks about this text, and why; what the agent in a pane is doing. Pure: time comes in as a value."""
