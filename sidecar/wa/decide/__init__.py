"""May this actor do this here, now? Pure; no way to a pane avoids it."""
