"""A whole conversation beside a Pipecat pipeline: turns, interruptions, what is remembered of them."""
