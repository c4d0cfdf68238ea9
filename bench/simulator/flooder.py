"""Floods a simulator over one socket: `python -m bench.simulator.flooder PORT KIND FRAMES MEGABYTES SECONDS`.

Prints one line of JSON: what was sent, in how long, and how it ended. "not reading" floods never read an answer.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from time import perf_counter, sleep

from bench.simulator.clients import TTS, stt_path
from bench.simulator.raw import BINARY, PING, TEXT, RawSocket, frame
from bench.simulator.texts import signal_text
from smallest_nb.audio.clip import as_pcm16
from smallest_nb.simulator.speech.signal_code import burst_of

__all__ = ["CONTROLS", "FLOODS"]

CONTROLS = 100_000
FLOODS = (
    "keepalives",
    "keepalives, not reading",
    "pings",
    "pings, not reading",
    "requests",
    "requests, not reading",
    "audio",
    "audio, not reading",
)
_RATE = 16000
_AT_ONCE = 100
_PACKET = 3200
_UNREAD_PINGS = 10
"""Times as many: until the system's buffers are full, the simulator has no pong to keep."""


def _frames(kind: str, count: int, megabytes: int) -> tuple[str, list[bytes]]:
    """Return where a flood goes and its frames, joined by the hundred."""
    name = kind.partition(",")[0]
    if name == "audio":
        words = signal_text(50, 1).split()
        gap = bytes(_RATE * 2 * 80 // 1000)
        sound = b"".join(as_pcm16(burst_of(w, 3, 0.04, _RATE)) + gap for w in words)
        sound = sound[: len(sound) // _PACKET * _PACKET]
        packets = [frame(BINARY, sound[at : at + _PACKET]) for at in range(0, len(sound), _PACKET)]
        wanted = megabytes * 2**20 // _PACKET
        return stt_path(), [packets[n % len(packets)] for n in range(wanted)]
    one = {
        "keepalives": frame(TEXT, b'{"type":"keepalive"}'),
        "pings": frame(PING, b"p" * 125),
        "requests": frame(TEXT, b'{"text":"a flood","voice_id":"magnus","sample_rate":24000}'),
    }[name]
    return (TTS if name == "requests" else stt_path()), [one * _AT_ONCE] * (
        count // _AT_ONCE * (_UNREAD_PINGS if kind == "pings, not reading" else 1)
    )


def main() -> None:
    """Flood."""
    port, kind, count, megabytes, seconds = sys.argv[1:]
    path, packets = _frames(kind, int(count), int(megabytes))
    each = 1 if kind.startswith("audio") else _AT_ONCE
    link = RawSocket(int(port), path, buffer=4096 if "not reading" in kind else None)
    answers = threading.Thread(target=_drain, args=(link,), daemon=True)
    if "not reading" not in kind:
        answers.start()
    print(flush=True)
    begun, sent, size, end = perf_counter(), 0, 0, "all taken"
    link.socket.settimeout(float(seconds))
    try:
        for packet in packets:
            if perf_counter() - begun > float(seconds):
                end = "time is up"
                break
            link.socket.sendall(packet)
            sent += each
            size += len(packet)
    except TimeoutError:
        end = "the server read no more"
    except OSError as error:
        end = f"the server hung up: {error}"
    else:
        if answers.is_alive() and path != TTS:
            link.send(TEXT, b'{"type":"close_stream"}')
            answers.join(float(seconds))  # until the server has worked off everything and hangs up
            end = "still at work" if answers.is_alive() else "all answered"
    took = perf_counter() - begun
    sleep(1.0)
    link.close()
    report = {"sent": sent, "wanted": len(packets) * each, "mb": size / 2**20, "secs": took, "end": end}
    print(json.dumps(report), flush=True)


def _drain(link: RawSocket) -> None:
    with contextlib.suppress(OSError):
        while link.socket.recv(2**16):
            pass


if __name__ == "__main__":
    main()
