"""What can go wrong while speaking. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from bench.faults.plan import Fault
from bench.faults.row import (
    ALWAYS,
    CHUNKS_OF_TEXT,
    FATAL_FRAMES,
    KILLS,
    MID_AUDIO,
    ODD_FRAMES,
    OTHER_TEXT,
    SECRET,
    SENTENCES,
    TEXT,
    Row,
    common_rows,
    plan,
)

_PHASES = {
    "before the first audio": ("audio", 0),
    "mid-audio": ("audio", MID_AUDIO),
    "before complete": ("unfinished", CHUNKS_OF_TEXT),
}
_ONCE_MORE = "whole after 1 reconnect"
_ODD_FRAMES = (
    *ODD_FRAMES,
    "a chunk with bad base64",
    "a chunk with half a base64 group",
    "a chunk whose audio is null",
    "a chunk without data",
    "a chunk whose data is a list",
    "an empty chunk",
    "ids of a wrong type",
    "a stranger's chunk",
    "a stranger's complete",
)
_ERRORS = ("an error", "an error with a code", "an error as a string")
_TWO = (TEXT, OTHER_TEXT)
_SHORT = {"audio_timeout": 0.5}


def _losses() -> Iterator[Row]:
    for phase, (at, after) in _PHASES.items():
        for kill, what in KILLS.items():
            yield Row(f"{kill}, {phase}", "tts", _ONCE_MORE, plan(Fault(at, after=after, **what)), requests=4)
    further = [Fault("audio", "reset", after=at) for at in (MID_AUDIO, 6, 9)]
    yield Row("tcp reset three times, each a little further", "tts", "whole after 3 reconnects", plan(*further))
    yield Row(
        "tcp reset three times, odd pieces",
        "tts",
        "whole after 3 reconnects",
        plan(*(Fault("audio", "reset", after=at) for at in (30, 12, 15)), piece=1801),
    )
    for kill in ("tcp reset", "close 1013"):
        first, again = Fault("audio", after=MID_AUDIO, **KILLS[kill]), Fault("audio", after=2, times=0, **KILLS[kill])
        yield Row(
            f"{kill} mid-audio, always",
            "tts",
            "raised IncompleteError",
            plan(first, again),
            options={"max_retries": 2},
            reconnects=2,
        )
    cut = plan(Fault("audio", "reset", after=MID_AUDIO), Fault("audio", "reset", after=2, times=ALWAYS))
    yield Row(
        "tcp reset mid-audio, always, and a slow caller",
        "tts",
        "raised IncompleteError",
        cut,
        options={"max_retries": 1},
        slow_s=0.02,
    )
    yield Row(
        "accepted and closed at once, always",
        "tts",
        "raised IncompleteError",
        plan(Fault("accepted", "close", code=1013, times=ALWAYS)),
        reconnects=3,
    )
    yield Row(
        "tcp reset mid-audio, then http 503 always",
        "tts",
        "raised IncompleteError",
        plan(Fault("audio", "reset", after=MID_AUDIO), Fault("handshake", "refuse", code=503, times=ALWAYS)),
        options={"spare_socket": False, "max_retries": 1},
        at_least=5.0,
        within=15.0,
        limit=20.0,
    )
    yield Row(
        "outage of 2 s mid-audio",
        "tts",
        _ONCE_MORE,
        plan(Fault("audio", "outage", after=MID_AUDIO, secs=2)),
        texts=_TWO,
        within=8.0,
        apart=True,
    )
    yield Row(
        "outage of 14 s mid-audio",
        "tts",
        "raised IncompleteError, then whole",
        plan(Fault("audio", "outage", after=MID_AUDIO, secs=14)),
        texts=_TWO,
        pause_s=8.0,
        at_least=9.0,
        within=12.0,
        limit=40.0,
        apart=True,
        long=True,
    )
    closing = plan(Fault("complete", "close", code=1000, times=ALWAYS))
    yield Row("close 1000 after each complete", "tts", "whole after 2 reconnects", closing, texts=SENTENCES)
    yield Row("close 1000 after each complete, in one text", "tts", "whole after 2 reconnects", closing)
    yield from _little_each_time()
    idle = [
        Fault("complete", "send", after=CHUNKS_OF_TEXT, frame="idle timeout"),
        Fault("complete", "close", after=CHUNKS_OF_TEXT, code=1000),
    ]
    yield Row("idle timeout between two texts", "tts", _ONCE_MORE, plan(*idle), texts=_TWO, pause_s=0.2)


def _little_each_time() -> Iterator[Row]:
    """A service that answers a little and fails, each time: with progress it is served on, but never flooded."""
    for kill in ("tcp reset", "close 1011"):
        for phase, after in {"before the first chunk": 0, "after a chunk": 1}.items():
            again = plan(Fault("audio", after=after, times=ALWAYS, **KILLS[kill]))
            yield Row(f"{kill} {phase}, always", "tts", "raised IncompleteError", again, reconnects=3, says="Check the")
    for sentences, long in ((5, False), (14, True)):
        again = plan(Fault("complete", "reset", times=ALWAYS))
        texts = (" ".join(f"Sentence number {n} is here." for n in range(sentences)),)
        yield Row(
            f"tcp reset after each complete, {sentences} sentences in one text", "tts",
            f"whole after {sentences - 1} reconnects", again,
            texts=texts, within=5.0 * sentences, limit=7.0 * sentences, apart=True, long=long,
        )  # fmt: skip
    patient = {"options": {"max_retries": 9, "spare_socket": False}, "within": 120.0, "limit": 150.0, "apart": True}
    again = plan(Fault("audio", "reset", after=1, times=ALWAYS))
    yield Row(
        "tcp reset after a chunk, ten times", "tts", "raised IncompleteError", again, reconnects=9, long=True, **patient
    )


def _silences() -> Iterator[Row]:
    for phase, (at, after) in _PHASES.items():
        yield Row(
            f"silent {phase}",
            "tts",
            "raised IncompleteError, then whole",
            plan(Fault(at, "silent", after=after)),
            options=_SHORT,
            texts=_TWO,
            at_least=0.4,
            reconnects=1,
            says="nothing for 0.5 s",
        )
    yield Row("stall of 1 s mid-audio", "tts", "whole", plan(Fault("audio", "stall", after=MID_AUDIO, secs=1)))
    yield Row("reads slowly", "tts", "whole", plan(Fault("accepted", "slow", secs=0.1)))
    yield Row("stops reading for 1 s", "tts", "whole", plan(Fault("accepted", "stall", secs=1)))
    yield Row(
        "loop blocked for 5 s mid-audio",
        "tts",
        "whole",
        options={"audio_timeout": 2.0},
        trouble_at=MID_AUDIO,
        block_s=5.0,
        within=8.0,
        apart=True,
    )
    yield Row(
        "client suspended for 3 s mid-audio",
        "tts",
        "whole",
        options={"audio_timeout": 2.0},
        trouble_at=MID_AUDIO,
        suspend_s=3.0,
        within=6.0,
        apart=True,
    )
    suspended = plan(Fault("audio", "suspend", after=MID_AUDIO, secs=3))
    yield Row("server suspended for 3 s mid-audio", "tts", "whole", suspended, within=6.0, apart=True)
    yield Row(
        "server suspended for 25 s mid-audio",
        "tts",
        "raised IncompleteError",
        plan(Fault("audio", "suspend", after=MID_AUDIO, secs=25)),
        within=20.0,
        limit=60.0,
        apart=True,
        long=True,
    )


def _frames() -> Iterator[Row]:
    for frame in _ODD_FRAMES:
        odd = plan(Fault("audio", "send", after=MID_AUDIO, frame=frame))
        yield Row(f"{frame}, mid-audio", "tts", "whole", odd, counted=frame != "an empty chunk")
    for frame in FATAL_FRAMES:
        yield Row(frame, "tts", _ONCE_MORE, plan(Fault("audio", "raw", after=MID_AUDIO, frame=frame)))
    large = Fault("audio", "send", after=MID_AUDIO, frame="a frame above 16 MiB")
    yield Row("a frame above 16 MiB, mid-audio", "tts", _ONCE_MORE, plan(large))
    yield Row("half a frame, then tcp reset", "tts", _ONCE_MORE, plan(Fault("audio", "half", after=MID_AUDIO)))
    yield Row("a frame in two halves", "tts", "whole", plan(Fault("audio", "halves", after=MID_AUDIO, secs=0.4)))
    yield Row("odd byte counts", "tts", "whole", plan(piece=1801))
    yield Row("one byte a chunk too much", "tts", "whole", plan(Fault("unfinished", "send", times=0, frame="one byte")))
    for frame in _ERRORS:
        yield Row(
            f"{frame}, mid-audio",
            "tts",
            "raised ServiceError, then whole",
            plan(Fault("audio", "send", after=MID_AUDIO, frame=frame)),
            texts=_TWO,
            says=SECRET,
        )
    yield Row("busy, once", "tts", _ONCE_MORE, plan(Fault("audio", "send", frame="busy")))


def _bookkeeping() -> Iterator[Row]:
    yield Row(
        "complete without audio",
        "tts",
        "raised IncompleteError",
        plan(Fault("request", "no_audio")),
        texts=(OTHER_TEXT,),
        says="without any audio",
    )
    yield Row(
        "complete without audio, one sentence of three",
        "tts",
        "raised IncompleteError",
        plan(Fault("request", "no_audio", after=1)),
    )
    for echo, how in ((True, ""), (False, ", ids not echoed")):
        yield Row(f"no fault{how}", "tts", "whole", plan(echo=echo), texts=_TWO)
        twice = Fault("unfinished", "send", times=ALWAYS, frame="complete")
        yield Row(f"complete twice{how}", "tts", "whole", plan(twice, echo=echo), texts=_TWO)
        for frame in ("a late chunk", "complete"):
            late = Fault("audio", "send_late", after=MID_AUDIO, frame=frame)
            name = f"{frame.removeprefix('a late ')} of the sentence before comes late{how}"
            yield Row(name, "tts", "whole", plan(late, echo=echo))
        for frame in ("a late chunk", "complete", "an error"):
            late = Fault("request", "send_late", after=len(SENTENCES), frame=frame)
            name = f"{frame.removeprefix('a late ').removeprefix('an ')} of an earlier text comes late{how}"
            yield Row(name, "tts", "whole", plan(late, echo=echo), texts=_TWO, counted=True)


TTS_ROWS: tuple[Row, ...] = (*common_rows("tts"), *_losses(), *_silences(), *_frames(), *_bookkeeping())
