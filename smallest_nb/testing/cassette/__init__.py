"""Recorded sessions: transports that record, or replay, what goes over the network.

::

    with smallest_nb.record("take.cassette"):                  # from the service or the simulator
        clip = smallest_nb.speak("Hello", speed=1.2)

    with smallest_nb.replay("take.cassette", speed="instant"): # the same code, without key and network
        clip = smallest_nb.speak("Hello", speed=1.2)           # the same bytes
        smallest_nb.speak("Hello", speed=1.3)                  # CassetteError: speed: recorded 1.2, sent 1.3

The format is described in :mod:`smallest_nb.testing.cassette.store`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from smallest_nb.client.transport import Transport
from smallest_nb.testing.cassette.recorder import Recorder
from smallest_nb.testing.cassette.replayer import Replayer
from smallest_nb.testing.cassette.scrub import Scrubber
from smallest_nb.testing.cassette.store import Cassette, load
from smallest_nb.testing.cassette.tracks import MAX_MB

__all__ = ["Cassette", "Recorder", "Replayer", "load", "record", "replay"]


def record(
    path: str | Path,
    *,
    scrub: str | Iterable[str] | Scrubber = (),
    max_mb: float = MAX_MB,
    transport: Transport | None = None,
) -> Recorder:
    """Record every socket and request of this process, of widgets too, from now until the `with` block ends.

    The API key is never recorded. What a widget does between cells is recorded with `tape = record(...)`,
    `tape.__enter__()` in one cell and `tape.stop()` in a later one. A transcription that runs already goes on
    unrecorded; speech is recorded from the next sentence on. To record one service only, give it `transport=tape` in
    place of the `with` block, and end with `tape.stop()`.

    Args:
        path: Where to write, when the recording ends; the sound goes to the same name with `.sound` appended.
        scrub: "text" replaces each letter and digit that was said, "audio" the sound by silence; or a function that
            takes each text and returns another.
        max_mb: Millions of bytes kept; what comes after is not, and `CassetteError` says so at the end.
        transport: What is recorded; None for the network.

    Raises:
        CassetteError: A cassette is running already, or the file cannot be written.
        ConfigError: `scrub` is something else.
    """
    return Recorder(path, scrub=scrub, max_mb=max_mb, transport=transport)


def replay(
    path: str | Path,
    *,
    speed: float | str = 1.0,
    audio: str = "match",
    repeat: bool = False,
    scrub: str | Iterable[str] | Scrubber = (),
    max_mb: float = MAX_MB,
) -> Replayer:
    """Answer every socket and request of this process from a cassette until the `with` block ends.

    Services made inside need no key, and the simulator is not started. To replay to one service only, give it
    `transport=replay(...)` in place of the `with` block.

    Args:
        path: The cassette.
        speed: 1 takes as long as it took, 2 half of that, "instant" no time.
        audio: "match" refuses other sound than was recorded (by more than 4 of 32768 steps), with the place where it
            differs; "any" looks at its length only, for microphones.
        repeat: Whether a request that was recorded once may be made again.
        scrub: The function that the cassette was recorded with, if any.
        max_mb: Millions of bytes of sound that the cassette may unpack to.

    Raises:
        CassetteError: A cassette is running already, or the file cannot be read, or unpacks to more than `max_mb`.
        ConfigError: `speed`, `audio`, `scrub` or `max_mb` is something else.
    """
    return Replayer(path, speed=speed, audio=audio, repeat=repeat, scrub=scrub, max_mb=max_mb)
