"""One client that speaks many texts, in a process of its own: `python -m bench.batch.client NAME URL COUNT UNITS OUT`.

Prints one line of JSON: seconds and CPU seconds of the work alone, without imports. Everything but `smallest_nb` is the
plain loop that a person would write with that client: as many sockets as units, each taking the next text.
"""

from __future__ import annotations

import asyncio
import json
import sys
import wave
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from bench.clients.interface import load_adapter

KEY = "sk_bench_batch"
QUIET_MS = 250
"""How long the service waits before it says complete; this package's default, given to every client."""


def sentences(count: int) -> list[str]:
    """Return different texts of like length."""
    return [f"This is sentence number {n} of the list." for n in range(count)]


async def _speak_all(client: str, url: str, count: int, units: int, out: Path) -> list[float]:
    """Speak with the client's own asynchronous calls; return the seconds of each text."""
    adapter = load_adapter(client)()
    settings = {**adapter.tts, "complete_backoff_ms": QUIET_MS} if client == "floor" else adapter.tts
    remaining = iter(enumerate(sentences(count)))
    took: list[float] = []

    async def one_socket() -> None:
        voice = await adapter.voice(url, KEY, settings)
        await voice.connect()
        for number, text in remaining:
            pieces: list[bytes] = []
            began = perf_counter()
            await voice.say(text, pieces.append)
            took.append(perf_counter() - began)
            with wave.open(str(out / f"{number:04d}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(24000)
                file.writeframes(b"".join(pieces))
        await voice.close()

    await asyncio.gather(*(one_socket() for _ in range(units)))
    return took


def main() -> None:
    """Read the command line, work, print."""
    client, url, count, units, out = sys.argv[1:]
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    if client == "smallest_nb":
        import smallest_nb as snb  # noqa: PLC0415 - the others run where it is not installed

        snb.speak_many(["Warm."], api_key=KEY, base_url=url, units=1)
        began, cpu = perf_counter(), process_time()
        done = snb.speak_many(sentences(int(count)), out=folder, units=int(units), api_key=KEY, base_url=url)
        found["failed"] = len(done.failed)
        found["refusals"] = done.throughput.refusals
    else:
        asyncio.run(_speak_all(client, url, 1, 1, folder))
        began, cpu = perf_counter(), process_time()
        found["took"] = asyncio.run(_speak_all(client, url, int(count), int(units), folder))
    print(json.dumps({**found, "seconds": perf_counter() - began, "cpu": process_time() - cpu}))


if __name__ == "__main__":
    main()
