"""One script per client library; each runs in that library's environment and imports nothing of this project."""
