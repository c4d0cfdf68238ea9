"""The simulator's recogniser."""
