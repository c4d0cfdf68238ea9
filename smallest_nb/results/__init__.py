"""What a person takes on: transcripts, takes, metrics."""
