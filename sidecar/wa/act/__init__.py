"""What to do next, told one step at a time. Pure: whoever carries it out stands in engine."""
