"""The messages between the kernel and the page: a `TypedDict` for each, checked once when it arrives.

Twin of js/src/protocol.ts; tests/wire/bridge.json holds both to it. On the way every message has an
envelope `{v, type, part, ...}`; the widget itself has no `part`. Messages to the page carry `seq` and how they came
(`via`), messages to the kernel carry `page` and `ack`. Audio is one PCM16 buffer beside it, never base64. No key is
called `id`: ipykernel 7.4 keeps an entry for each message with that key and never drops it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypedDict, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

from smallest_nb.errors import ProtocolError

__all__ = [
    "FROM_PAGE", "PROBE", "PROTOCOL_VERSION", "TO_PAGE", "Act", "Burst", "Bye", "Echo", "Facts", "Fetch", "FromPage",
    "Granted", "Hello", "KeyEntered", "Line", "MicChunk", "MicState", "More", "Ping", "Played", "Poll", "Press",
    "RecordingState", "SettingChange", "TakeAction", "ToPage", "TranscriptAction", "Upload", "VoiceAction", "envelope",
    "kinds_of", "parse",
]  # fmt: skip

PROTOCOL_VERSION = 1

PROBE = bytes([0, 127, 128, 255, 10])
"""Sent by the page with `hello`; a host that changes binary buffers is found by it."""

RecordingState = Literal["idle", "starting", "recording", "paused", "stopping"]


class Granted(TypedDict):
    """What the browser really switched on, and the device's name."""

    device: str
    echo_cancellation: bool
    noise_suppression: bool
    auto_gain_control: bool


class Line(TypedDict):
    """One line of a transcript; times in seconds, words as [text, start, end, confidence].

    `mark` is the name of the recording, in its first line if there are several.
    """

    i: int
    text: str
    final: bool
    start: float | None
    end: float | None
    speaker: int | None
    language: str | None
    words: list[list[Any]]
    mark: NotRequired[str]


class _Signal(TypedDict):
    type: Literal["soon", "piece", "mic-start", "mic-stop"]


class _OfPage(TypedDict):
    type: Literal["owner", "probe", "unknown"]
    page: str


class _Numbered(TypedDict):
    type: Literal["mic-ack", "echo", "burst"]
    n: int


class _Welcome(TypedDict):
    type: Literal["welcome"]
    page: str
    start: int
    owners: dict[str, str | None]
    problem: str | None


class _Pong(TypedDict):
    type: Literal["pong"]
    page: str
    t: float
    k: float


class _Polled(TypedDict):
    type: Literal["polled"]
    page: str
    newest: int
    oldest: int
    probed: bool


class _StreamOpen(TypedDict):
    type: Literal["stream-open"]
    stream: str
    sample_rate: int
    queued: bool


class _StreamAudio(TypedDict):
    type: Literal["stream-audio"]
    stream: str
    first: int


class _StreamEnd(TypedDict):
    type: Literal["stream-end"]
    stream: str
    samples: int


class _Stop(TypedDict):
    type: Literal["stop"]
    fade_ms: int


class _Playback(TypedDict):
    type: Literal["playback"]
    action: str
    at: float | None


class _Compare(TypedDict):
    type: Literal["compare"]
    slot: str
    label: str
    sample_rate: int


class _Lines(TypedDict):
    type: Literal["lines"]
    reset: bool
    lines: list[Line]


class _Now(TypedDict):
    type: Literal["now"]
    at: float | None


class _File(TypedDict):
    type: Literal["file"]
    name: str
    mime: str


class _FilePart(TypedDict):
    type: Literal["file-part"]
    file: str
    name: str
    mime: str
    size: int
    first: int


class _Peaks(TypedDict):
    """The picture of a recording: a byte for each 40 ms beside it, from number `first` on; times in s."""

    type: Literal["peaks"]
    first: int
    reset: bool
    seconds: float
    kept_from: float


class _Module(TypedDict):
    """A piece of the widget's module and style sheet, as JSON."""

    type: Literal["module"]
    n: int
    of: int
    text: str


class _UploadAck(TypedDict):
    type: Literal["upload-ack"]
    file: str
    received: int
    error: str | None


ToPage = (
    _Signal | _OfPage | _Numbered | _Welcome | _Pong | _Polled | _StreamOpen | _StreamAudio | _StreamEnd | _Stop
    | _Playback | _Compare | _Lines | _Now | _File | _FilePart | _Peaks | _UploadAck | _Module
)  # fmt: skip


class _FromPage(TypedDict):
    v: int
    page: str
    ack: int
    part: NotRequired[str]


class Hello(_FromPage):
    """A page has come, with what it draws and can do."""

    type: Literal["hello"]
    parts: list[str]
    build: str
    host: str
    secure: bool
    microphone: str
    worklet: bool
    pull: bool


class Poll(_FromPage):
    """The page asks for its messages; `again`: what the last answer held did not come."""

    type: Literal["poll"]
    pull: bool
    again: bool


class Ping(_FromPage):
    """For the clocks; `trip` is the fastest round trip so far, ms."""

    type: Literal["ping"]
    t: float
    trip: float | None


class Bye(_FromPage):
    """The page goes away."""

    type: Literal["bye"]


class Press(_FromPage):
    """A person pressed a button."""

    type: Literal["press"]
    action: str


class TakeAction(_FromPage):
    """What a person did with a take in the list."""

    type: Literal["take"]
    action: str
    number: int
    text: str


class TranscriptAction(_FromPage):
    """What a person did in the transcript: "hear" from a second on, "rename" a speaker, "save" in a format."""

    type: Literal["transcript"]
    action: str
    number: int
    at: float
    text: str


class SettingChange(_FromPage):
    """A person has set a setting; null leaves it to the API."""

    type: Literal["setting"]
    name: str
    value: str | float | bool | dict[str, Any] | list[Any] | None


class VoiceAction(_FromPage):
    """What a person did with a voice: "choose", "preview" or "star" it, or "load" the service's list."""

    type: Literal["voice"]
    action: str
    voice: str


class Act(_FromPage):
    """What else a person did: what it is called, and a text that goes with it."""

    type: Literal["act"]
    action: str
    text: str


class KeyEntered(_FromPage):
    """An API key that a person typed, as UTF-8 beside it: hosts write the JSON of messages to their logs."""

    type: Literal["key"]


class Upload(_FromPage):
    """The next bytes of a file, beside it; `first` is where they begin, `size` the file's length in bytes."""

    type: Literal["upload"]
    file: str
    name: str
    size: int
    first: int


class More(_FromPage):
    """So many bytes of a file that is saved in parts are here."""

    type: Literal["more"]
    file: str
    received: int


class Fetch(_FromPage):
    """The page wants a stream from a sample on: it has not got the sound of a place to which a person went."""

    type: Literal["fetch"]
    stream: str
    first: int


class Played(_FromPage):
    """How far the page has played a stream; `arrived` and `rendered` in ms on the kernel's clock.

    `more`: it goes on from `position`, and has not got all of the stream.
    """

    type: Literal["played"]
    stream: str
    position: int
    received: int
    more: bool
    underruns: int
    state: str
    first_ms: int | None
    arrived: float | None
    rendered: float | None
    prebuffer_ms: int
    clock_error_ms: float | None


class MicState(_FromPage):
    """What the page's microphone does."""

    type: Literal["mic-state"]
    state: str
    error: str | None
    rate: int
    dropped: int
    granted: Granted | None


class MicChunk(_FromPage):
    """A chunk of sound; `t`: when its last sample was captured, ms on the kernel's clock.

    `n` counts what was sent, without a gap; `oldest` is the number of the first chunk that is not acknowledged: none
    before it is sent again.
    """

    type: Literal["mic-chunk"]
    n: int
    oldest: int
    t: float | None
    level: float
    clipped: bool
    last: bool


class Echo(_FromPage):
    """To be sent back."""

    type: Literal["echo"]
    n: int


class Burst(_FromPage):
    """One of many messages in a row."""

    type: Literal["burst"]
    run: int
    n: int


class Module(_FromPage):
    """The page does not have the widget's module."""

    type: Literal["module"]


class Facts(_FromPage):
    """What the page found out about itself."""

    type: Literal["facts"]
    facts: dict[str, Any]


FromPage = (
    Hello | Poll | Ping | Bye | Press | TakeAction | TranscriptAction | SettingChange | VoiceAction | Act | KeyEntered
    | Upload | More | Fetch | Played | MicState | MicChunk | Echo | Burst | Facts | Module
)  # fmt: skip


def kinds_of(message: Any) -> tuple[str, ...]:
    """Return the values that `type` has in a message of a class."""
    return _kinds_of(message)


@cache
def _kinds_of(message: Any) -> tuple[str, ...]:
    return get_args(get_type_hints(message)["type"])  # resolves the text of each annotation of the class


def _runtime_types(annotation: Any) -> tuple[type, ...]:
    """Return the types that `isinstance` takes for an annotation; JSON has no difference between 1 and 1.0."""
    if get_origin(annotation) in (Union, UnionType):
        return tuple(kind for part in get_args(annotation) for kind in _runtime_types(part))
    if is_typeddict(annotation):
        return (dict,)
    if get_origin(annotation) in (dict, list):
        return (get_origin(annotation),)
    return {float: (int, float), None: (NoneType,)}.get(annotation, (annotation,))


def _fields(messages: Any, around: set[str]) -> dict[str, dict[str, tuple[type, ...]]]:
    """Return the fields of each message of a union, and their types, without what every message has."""
    return {
        kind: {name: _runtime_types(hint) for name, hint in get_type_hints(message).items() if name not in around}
        for message in get_args(messages)
        for kind in kinds_of(message)
    }


TO_PAGE = {kind: frozenset(fields) for kind, fields in _fields(ToPage, {"type"}).items()}
"""Fields of each message to the page."""

FROM_PAGE = _fields(FromPage, {"type", "v", "page", "ack", "part"})
"""Fields and types of each message from the page."""


def envelope(message: ToPage) -> dict[str, Any]:
    """Return a message as it is sent.

    Raises:
        ProtocolError: Unknown type, or fields that do not belong to it.
    """
    expected, fields = TO_PAGE.get(message["type"]), frozenset(message) - {"type"}
    if fields != expected:
        raise ProtocolError(f"{message['type']!r} takes {sorted(expected or ())}, got {sorted(fields)}.")
    return {"v": PROTOCOL_VERSION, **message}


_MOST = 2**53
"""Beyond it the page's numbers are not exact; an int of hundreds of digits would overflow in arithmetic with floats."""


def parse(content: Any) -> FromPage:
    """Check a message from the page and return it.

    Raises:
        ProtocolError: Not one of ours, of another version, or with fields of the wrong type.
    """
    if not isinstance(content, Mapping):
        raise ProtocolError(f"Expected a message object, got {type(content).__name__}.")
    version = content.get("v")
    if version != PROTOCOL_VERSION:
        raise ProtocolError(
            f"The page speaks message version {version!r}, the kernel {PROTOCOL_VERSION}: reload the page, "
            "and restart the kernel after an upgrade."
        )
    kind = content.get("type")
    named = isinstance(content.get("page"), str) and isinstance(content.get("part", ""), str)
    if not isinstance(kind, str) or kind not in FROM_PAGE or not named:
        raise ProtocolError(f"Unknown message {kind!r} from the page.")
    for name, expected in {"ack": (int,), **FROM_PAGE[kind]}.items():
        if name not in content:  # a field that may be null must be there all the same: handlers read it
            raise ProtocolError(f"Message {kind!r}: field {name!r} is missing.")
        value = content[name]
        if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
            raise ProtocolError(f"Message {kind!r}: field {name!r} has the wrong type, {type(value).__name__}.")
        if isinstance(value, int | float) and not abs(value) <= _MOST:  # so written, it refuses NaN too
            raise ProtocolError(f"Message {kind!r}: field {name!r} is out of range; expected -2**53 to 2**53.")
    return cast("FromPage", dict(content))
