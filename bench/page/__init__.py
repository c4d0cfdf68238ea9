"""What happens between kernel and page: the audio path, a growing transcript, polling in place of messages."""
