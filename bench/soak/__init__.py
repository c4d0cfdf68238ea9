"""Hours of microphone to transcript, and of playback, in a real browser: what is lost, doubled, late or kept."""
