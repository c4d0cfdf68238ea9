"""What can go wrong while listening. Standard library only."""

from __future__ import annotations

from collections.abc import Iterator

from bench.faults.plan import Fault
from bench.faults.row import ALWAYS, FATAL_FRAMES, KILLS, ODD_FRAMES, SECRET, Row, common_rows, plan
from bench.faults.sound import CHUNK_S

_PHASES = {
    "before any result": ("audio", 5),
    "after an interim": ("interim", 2),
    "while idle": ("idle", 1),
}
_ONCE_MORE = "whole after 1 reconnect"
_PAUSE = {"pause_at": 50, "pause_s": 0.5}
_HARMLESS_FRAMES = (
    "an interim without a text",
    "words that are null",
    "words without times",
    "a transcript that is a list",
    "a lone full stop",
    "an empty final",
)
_ERRORS = ("an STT error", "an STT error with a code", "a model server's error")
_REAL_TIME = {"pace_s": CHUNK_S, "apart": True}


def _losses() -> Iterator[Row]:
    for phase, (at, after) in _PHASES.items():
        pause = _PAUSE if at == "idle" else {}
        for kill, what in KILLS.items():
            yield Row(f"{kill}, {phase}", "stt", _ONCE_MORE, plan(Fault(at, after=after, **what)), **pause)
    later = {"after a final": ("final", 1), "in the second segment": ("interim", 6)}
    for phase, (at, after) in {**later, "before the last words": ("closing", 1)}.items():
        yield Row(f"tcp reset, {phase}", "stt", _ONCE_MORE, plan(Fault(at, "reset", after=after)), chunks=80)
    finalized = plan(Fault("finalize", "reset", after=1), endpointing_s=10.0)
    yield Row("tcp reset, before the answer to finalize", "stt", _ONCE_MORE, finalized, finalize_at=80)
    untimed = {"options": {"timed": False}}
    for phase, (at, after) in {**_PHASES, **later}.items():
        pause = _PAUSE if at == "idle" else {}
        reset = plan(Fault(at, "reset", after=after))
        yield Row(f"tcp reset, {phase}, no word times", "stt", _ONCE_MORE, reset, **untimed, **pause)
    unconfirmed = plan(Fault("audio", "reset", after=90), words_per_final=1000, endpointing_s=10.0)
    yield Row("tcp reset with 1.8 s not yet final", "stt", _ONCE_MORE, unconfirmed)
    several = [Fault("audio", "reset", after=5), Fault("interim", "reset", after=2), Fault("final", "reset", after=1)]
    yield Row("tcp reset three times", "stt", "whole after 3 reconnects", plan(*several))
    # Long after the final: once the client has asked for the last final, this one is the answer.
    unasked = plan(Fault("final", "send", after=1, frame="a last final"), Fault("final", "close", after=1, code=1000))
    yield Row("a last final unasked, then close 1000", "stt", _ONCE_MORE, unasked, chunks=150, pace_s=0.01)
    # The cut is in the very middle of a word of which the service has heard the first half before.
    halved = plan(Fault("interim", "close", after=2, code=1000))
    yield Row("close 1000, in a word heard in halves", "stt", _ONCE_MORE, halved, pause_at=5, pause_s=0.4)
    for name, fault in {
        "accepted and closed at once, always": Fault("accepted", "close", code=1013, times=ALWAYS),
        "tcp reset before any result, always": Fault("audio", "reset", after=5, times=ALWAYS),
        "tcp reset after an interim, always": Fault("interim", "reset", after=1, times=ALWAYS),
    }.items():
        yield Row(
            name, "stt", "raised ConnectionLost", plan(fault), options={"max_retries": 2}, pace_s=0.01, reconnects=2
        )


def _little_each_time() -> Iterator[Row]:
    """A service that answers a little and fails, each time: with progress it is served on, but never flooded."""
    for kill in ("tcp reset", "close 1011"):
        again = plan(Fault("final", after=1, times=ALWAYS, **KILLS[kill]))
        yield Row(
            f"{kill} after each final, always", "stt", "whole after 4 reconnects", again,
            chunks=200, within=20.0, limit=40.0, apart=True,
        )  # fmt: skip
        yield Row(
            f"{kill} after each final, always, no word times", "stt", "raised ConnectionLost", again,
            options={"timed": False, "max_retries": 2}, pace_s=0.01, reconnects=2, says="Check the",
        )  # fmt: skip
    again = plan(Fault("final", "reset", after=1, times=ALWAYS))
    yield Row(
        "tcp reset after each of twelve finals", "stt", "whole after 12 reconnects", again,
        options={"close_timeout": 60.0}, chunks=600, within=70.0, limit=90.0, apart=True, long=True,
    )  # fmt: skip
    yield Row(
        "tcp reset after a final, default retries, no word times", "stt", "raised ConnectionLost", again,
        options={"timed": False}, chunks=1500, reconnects=5, within=30.0, limit=60.0, long=True, **_REAL_TIME,
    )  # fmt: skip


def _outages() -> Iterator[Row]:
    refused = Fault("handshake", "refuse", code=503, times=ALWAYS)
    reset = Fault("interim", "reset", after=2)
    keep = {"options": {"buffer_secs": 1.0}, "pace_s": CHUNK_S}
    yield Row("tcp reset, then http 503 always", "stt", "raised ServiceError", plan(reset, refused), **keep)
    denied = plan(reset, Fault("handshake", "refuse", code=401, times=ALWAYS))
    yield Row("tcp reset, then http 401", "stt", "raised AuthError", denied, pace_s=0.01, within=1.0)
    busy = Fault("handshake", "refuse", code=429, secs=1)
    yield Row(
        "tcp reset, then http 429 once", "stt", "whole after 2 reconnects", plan(reset, busy), within=4.0, at_least=0.9
    )
    for secs, chunks, long in ((2, 200, False), (6, 400, False), (20, 1100, True)):
        away = plan(Fault("interim", "outage", after=3, secs=secs))
        limit = 20.0 + 2 * secs
        yield Row(
            f"outage of {secs} s", "stt", _ONCE_MORE, away,
            chunks=chunks, within=secs + 8.0, limit=limit, long=long, **_REAL_TIME,
        )  # fmt: skip
    away = plan(Fault("interim", "outage", after=3, secs=5))
    yield Row(
        "outage longer than the buffer", "stt", "raised ConnectionLost", away,
        options={"buffer_secs": 1.0}, chunks=250, **_REAL_TIME,
    )  # fmt: skip
    yield Row(
        "closed in mid-outage", "stt", "raised ConnectionLost", plan(Fault("interim", "outage", after=3, secs=30)),
        options={"close_timeout": 0.5}, says="last words",
    )  # fmt: skip


def _troubles() -> Iterator[Row]:
    silent = plan(Fault("audio", "silent"))
    yield Row("silent", "stt", "raised ConnectionLost", silent, options={"close_timeout": 0.5}, says="last words")
    slow = plan(Fault("accepted", "slow", secs=0.002))
    yield Row("reads slowly", "stt", "whole", slow, options={"buffer_secs": 1.0}, chunks=300, pace_s=0.0, within=6.0)
    stopped = plan(Fault("audio", "stall", after=20, secs=2))
    yield Row("stops reading for 2 s", "stt", "whole", stopped, chunks=150, within=6.0, **_REAL_TIME)
    yield Row(
        "stops reading for 40 s", "stt", _ONCE_MORE, plan(Fault("audio", "stall", after=20, secs=40)),
        chunks=1200, within=40.0, limit=70.0, long=True, **_REAL_TIME,
    )  # fmt: skip
    own = {"trouble_at": 50, "chunks": 100, "within": 9.0, **_REAL_TIME}
    yield Row("loop blocked for 5 s", "stt", "whole", block_s=5.0, **own)
    yield Row("client suspended for 3 s", "stt", "whole", suspend_s=3.0, **own)
    yield Row(
        "loop blocked for 20 s", "stt", "whole", block_s=20.0, long=True, **{**own, "limit": 60.0, "within": 30.0}
    )
    for secs, chunks, expect, long in ((3, 250, "whole", False), (25, 1400, _ONCE_MORE, True)):
        suspended = plan(Fault("audio", "suspend", after=50, secs=secs))
        yield Row(
            f"server suspended for {secs} s", "stt", expect, suspended,
            chunks=chunks, within=secs + 10.0, limit=30.0 + 2 * secs, long=long, **_REAL_TIME,
        )  # fmt: skip


def _frames() -> Iterator[Row]:
    for frame in (*ODD_FRAMES, *_HARMLESS_FRAMES):
        odd = plan(Fault("interim", "send", after=2, frame=frame))
        yield Row(frame, "stt", "whole", odd, counted=frame not in _HARMLESS_FRAMES)
    for frame in FATAL_FRAMES:
        yield Row(frame, "stt", _ONCE_MORE, plan(Fault("interim", "raw", after=2, frame=frame)))
    large = Fault("interim", "send", after=2, frame="a frame above 16 MiB")
    yield Row("a frame above 16 MiB", "stt", _ONCE_MORE, plan(large))
    yield Row("half a frame, then tcp reset", "stt", _ONCE_MORE, plan(Fault("interim", "half", after=2)))
    yield Row("a frame in two halves", "stt", "whole", plan(Fault("interim", "halves", after=2, secs=0.4)))
    for frame in _ERRORS:
        error = plan(Fault("interim", "send", after=2, frame=frame))
        yield Row(frame, "stt", "raised ServiceError", error, says=SECRET, reconnects=0, within=1.0, pace_s=0.005)


def _bookkeeping() -> Iterator[Row]:
    for timed, how in ((True, ""), (False, ", no word times")):
        options = {"timed": timed}
        yield Row(f"no fault{how}", "stt", "whole", options=options, pause_at=50, pause_s=0.5)
        twice = plan(Fault("final", "repeat", after=1, times=ALWAYS))
        yield Row(f"each final twice{how}", "stt", "whole", twice, options=options)
        late = plan(Fault("final", "late_interim", after=1, times=ALWAYS))
        yield Row(f"an interim after its final{how}", "stt", "whole", late, options=options)
    back = plan(Fault("final", "first_again", after=2, times=ALWAYS))
    yield Row("an old final again: times go back", "stt", "whole", back)


STT_ROWS: tuple[Row, ...] = (
    *common_rows("stt"),
    *_losses(),
    *_little_each_time(),
    *_outages(),
    *_troubles(),
    *_frames(),
    *_bookkeeping(),
)
