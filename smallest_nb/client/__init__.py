"""One WebSocket, well kept: where it goes (`target`), how it is opened (`connect`), how it lives (`connection`)."""
