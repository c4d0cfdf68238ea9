"""A Gradio app for `bench.press`: the same chunks at the same times. Runs in an environment of its own."""

import socket
import time
from collections.abc import Iterator

import gradio
import numpy as np

RATE, PIECE, PIECES = 24000, 2400, 40
tone = (9000 * np.sin(2 * np.pi * 330 * np.arange(RATE * 4) / RATE)).astype("<i2")


def speak() -> Iterator[tuple[int, np.ndarray]]:
    """Yield 100 ms every 100 ms, as a service does."""
    time.sleep(0.003)
    began = time.monotonic()
    for n in range(PIECES):
        time.sleep(max(0.0, began + n / 10 - time.monotonic()))
        yield RATE, tone[n * PIECE : (n + 1) * PIECE]


with gradio.Blocks() as app:
    button = gradio.Button("Speak")
    button.click(speak, outputs=gradio.Audio(streaming=True, autoplay=True))

if __name__ == "__main__":
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app.queue().launch(server_port=port, prevent_thread_lock=True, quiet=True)
    print(f"http://127.0.0.1:{port}", flush=True)
    app.block_thread()
