"""What reaches wa beside the multiplexer: the agents' own session files."""
