"""The public asynchronous services, with Pipecat's names. Plain asyncio; they take no loop and know no widget."""
