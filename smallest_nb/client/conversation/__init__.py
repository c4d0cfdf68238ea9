"""A conversation: listens, calls a function with what was said, speaks its answer, and stops when the person speaks."""
