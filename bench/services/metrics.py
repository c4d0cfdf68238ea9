"""The measurements: which plan the server gets, which task the client, and which metrics come out of both answers."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.services.stamps import HEARD_CHUNK_S, SPEECH_CHUNK, SPEECH_CHUNK_S

Found = dict[str, list[float]]


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes:
        times: Repetitions of a short request within a round.
        budget_s: ... but no longer than this: a client may take seconds to notice an end.
        audio_s: Of the long utterance.
        window_s: Of the steady streams.
        streams: How many at a time.
        imports: Fresh processes per round.
    """

    times: int = 10
    budget_s: float = 12.0
    audio_s: float = 600.0
    window_s: float = 5.0
    streams: tuple[int, ...] = (1, 10, 50, 100)
    imports: int = 3


QUICK = Size(times=5, budget_s=3.5, audio_s=120.0, window_s=1.0, streams=(1, 100), imports=1)


@dataclass(frozen=True)
class Measurement:
    """One turn of one client.

    Attributes:
        units: The metrics it gives, with their units.
        task: What the client does.
        arguments: With what.
        limit: Seconds after which the client counts as stuck.
        plan: How the server behaves.
        read: Makes samples of the client's and the server's answer.
    """

    units: dict[str, str]
    task: str
    arguments: dict[str, Any]
    limit: float
    plan: dict[str, Any]
    read: Callable[[dict[str, Any], dict[str, Any]], Found] = field(compare=False)


def measurements(size: Size) -> list[Measurement]:
    """Return everything that is measured on a socket, in order."""
    chunks = round((size.window_s + 1.5) / SPEECH_CHUNK_S)
    short = {"times": size.times, "budget_s": size.budget_s}
    found = [
        Measurement(
            {"tts_first_chunk": "s", "tts_end_of_request": "s"}, "speak", short, size.budget_s + 30, {}, _speak
        ),
        Measurement(
            {"settings_to_audio": "s"}, "change_voice", short, size.budget_s + 30, {}, _samples("settings_to_audio")
        ),
        Measurement(
            {"interrupt_to_next_byte": "s"},
            "interrupt",
            {"times": size.times},
            60,
            {"chunks": 100, "paced": True, "first_audio_s": 0.0, "handshake_s": 0.1},
            _samples("interrupt_to_next_byte"),
        ),
        Measurement(
            {"tts_decode_throughput": "audio s / CPU s"},
            "drain",
            {"audio_s": size.audio_s},
            180,
            {"chunks": round(size.audio_s / SPEECH_CHUNK_S)},
            _drain(size.audio_s),
        ),
    ]
    for streams in size.streams:
        arguments = {"streams": streams, "window_s": size.window_s}
        name = f"tts_cpu_per_stream@{streams}"
        plan = {"chunks": chunks, "paced": True}
        found.append(Measurement({name: "cores"}, "speak_many", arguments, size.window_s + 60, plan, _speak_many(name)))
    for streams in size.streams:
        arguments = {"streams": streams, "window_s": size.window_s}
        found.append(
            Measurement(_heard_units(streams), "hear_many", arguments, size.window_s + 60, {}, _hear_many(streams))
        )
    return found


def _samples(name: str) -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    return lambda client, _: {name: client["samples"]}


def _speak(client: dict[str, Any], server: dict[str, Any]) -> Found:
    # Each end is proven by the last `complete` that the server had sent by then.
    sent = server["completes"]
    ends = [done - sent[at - 1] for done in client["done"] if (at := bisect_right(sent, done))]
    return {"tts_first_chunk": client["first"], "tts_end_of_request": ends}


def _drain(audio_s: float) -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    wanted = round(audio_s / SPEECH_CHUNK_S) * SPEECH_CHUNK

    def read(client: dict[str, Any], _: dict[str, Any]) -> Found:
        if client["bytes"] < wanted:
            raise ValueError(f"only {client['bytes']} of {wanted} bytes arrived")
        return {"tts_decode_throughput": [client["audio_s_per_cpu_s"]]}

    return read


def _speak_many(name: str) -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    wanted = SPEECH_CHUNK / SPEECH_CHUNK_S

    def read(client: dict[str, Any], _: dict[str, Any]) -> Found:
        if client["bytes_per_s"] < 0.9 * wanted:
            raise ValueError(f"only {client['bytes_per_s'] / wanted:.0%} of the audio arrived in time")
        return {name: [client["cpu_per_stream"]]}

    return read


def _heard_units(streams: int) -> dict[str, str]:
    units = {f"stt_cpu_per_stream@{streams}": "cores"}
    if streams in (1, 100):
        units |= {f"stt_up@{streams}": "s", f"stt_down@{streams}": "s"}
    if streams == 100:
        units["stt_realtime@100"] = "fraction"
    return units


def _hear_many(streams: int) -> Callable[[dict[str, Any], dict[str, Any]], Found]:
    def read(client: dict[str, Any], server: dict[str, Any]) -> Found:
        due = streams * (client["end"] - client["begin"]) / HEARD_CHUNK_S
        found = {
            f"stt_cpu_per_stream@{streams}": [client["cpu_per_stream"]],
            f"stt_up@{streams}": server["up"],
            f"stt_down@{streams}": client["down"],
            "stt_realtime@100": [min(1.0, server["in_time"] / due)],
        }
        return {name: found[name] for name in _heard_units(streams)}

    return read
