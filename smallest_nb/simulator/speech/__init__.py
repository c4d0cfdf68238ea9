"""The simulator's voice."""
