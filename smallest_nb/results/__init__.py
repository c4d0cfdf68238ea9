"""What users keep and pass on: transcripts, takes, metrics."""
