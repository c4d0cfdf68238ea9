"""Latency, throughput and CPU of each client's speech synthesis and transcription, beside a bare WebSocket client."""
