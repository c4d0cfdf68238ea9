"""Settings as code for other programs: only what differs from the default.

Each snippet is a whole program or an expression to paste into one; the tests run every one of them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pprint import pformat
from typing import Any

from smallest_nb.api.catalog import DEFAULT_BASE_URL, tts_model
from smallest_nb.api.rest import http_base
from smallest_nb.api.settings import SmallestTTSSettings, replacement_settings, why_not_taken
from smallest_nb.api.tts_wire import TTSRequest, tts_request, tts_url
from smallest_nb.api.voices import VOICES
from smallest_nb.common.address import checked_base_url
from smallest_nb.errors import ConfigError

__all__ = ["TARGETS", "TARGET_NAMES", "tts_code"]

_RATE = 24000
"""Hz; the default of all of these libraries."""
_V2 = ("consistency", "similarity", "enhancement")
_PIPECAT_TAKES = {"model", "voice", "language", "speed", "math_notation"}
_LIVEKIT_TAKES = {"model", "voice", "language", "speed", "word_timestamps"}

_PIPECAT = """import os

from pipecat.services.smallest.tts import SmallestTTSService
{comments}
tts = SmallestTTSService(
    api_key=os.environ["SMALLEST_API_KEY"],{more}
    settings=SmallestTTSService.Settings({settings}),
)
"""

_PIPECAT_UPDATE = """from pipecat.frames.frames import TTSUpdateSettingsFrame
from pipecat.services.smallest.tts import SmallestTTSService
{comments}
frame = TTSUpdateSettingsFrame(delta=SmallestTTSService.Settings({settings}))
# where your bot runs: await worker.queue_frame(frame)
"""

_LIVEKIT = """from livekit.plugins import smallestai
{comments}
tts = smallestai.TTS({arguments})  # the key comes from SMALLEST_API_KEY
"""

_SMALLEST_NB = """import smallest_nb as snb

clip = snb.speak({arguments})
clip.to_wav("speech.wav")
"""

_WEBSOCKET = """{notes}import base64, json, os, wave

from websockets.sync.client import connect

URL = {url}
REQUEST = {request}

headers = {{"Authorization": "Bearer " + os.environ["SMALLEST_API_KEY"]}}
pcm = b""
with connect(URL, additional_headers=headers, compression=None) as ws:
    ws.send(json.dumps(REQUEST))
    for message in ws:
        frame = json.loads(message)
        if frame["status"] == "chunk":
            pcm += base64.b64decode(frame["data"]["audio"])
        elif frame["status"] == "complete":
            break
        elif frame["status"] == "error":
            raise RuntimeError(frame)
with wave.open("speech.wav", "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate({rate})
    file.writeframes(pcm)
"""

_CURL = """curl --fail-with-body --silent --show-error --output speech.wav \\
  --header "Authorization: Bearer $SMALLEST_API_KEY" \\
  --header "Content-Type: application/json" \\
  --data {body} \\
  {url}
{notes}"""


@dataclass(frozen=True, slots=True)
class _Export:
    """What a snippet is made of."""

    settings: SmallestTTSSettings
    changed: dict[str, Any]
    text: str
    sample_rate: int
    base_url: str
    notes: str

    @property
    def model(self) -> str:
        """The model's name as today's libraries spell it."""
        info = tts_model(str(self.settings.model))
        return info.wire_id if info.unified else info.id

    @property
    def has_other_address(self) -> bool:
        """Whether it is not the vendor's own."""
        return self.base_url != DEFAULT_BASE_URL


def tts_code(
    target: str,
    settings: SmallestTTSSettings,
    *,
    text: str,
    sample_rate: int = _RATE,
    base_url: str = DEFAULT_BASE_URL,
    heard: bool = False,
) -> str:
    """Return a snippet that speaks with these settings.

    If the end of the default model is announced and the user did not choose it, its replacement is written, so that
    the snippet keeps working. A model that was chosen, or was just heard, stays. Both get a comment.

    Args:
        target: One of `TARGETS`. "pipecat" and "livekit" construct their service, "pipecat_update" is the frame that
            changes a running bot, "smallest_nb", "websocket" and "curl" write a WAV file.
        settings: A complete snapshot.
        text: What to say; snippets that only construct a service leave it out.
        sample_rate: Hz.
        base_url: The service's address; named only if it is not the vendor's own.
        heard: Whether speech by the settings' model was heard in this session.

    Raises:
        ConfigError: An unknown target, or a base URL that cannot be used.
    """
    try:
        write = _WRITERS[target]
    except KeyError:
        raise ConfigError(f"There is no code for {target!r}; choose one of {', '.join(TARGETS)}.") from None
    # smallest_nb itself replaces a withdrawn default that was not chosen.
    settings, notes = (settings, "") if target == "smallest_nb" else _with_lasting_model(settings, heard=heard)
    taken = {n: v for n, v in settings.changed_from_default().items() if n == "extra" or not why_not_taken(settings, n)}
    if target == "smallest_nb" and settings.model_chosen and "model" not in settings.extra:
        taken = {"model": settings.model, **taken}
    return write(_Export(settings, taken, text, sample_rate, checked_base_url(base_url).rstrip("/"), notes))


def _with_lasting_model(settings: SmallestTTSSettings, *, heard: bool) -> tuple[SmallestTTSSettings, str]:
    """Return the settings to write, and a comment on a model that ends."""
    info = tts_model(str(settings.model))
    delta = replacement_settings(settings, chosen=False)
    if info.withdrawal is None or delta is None:
        return settings, ""
    ends = f"{info.withdrawal.date} ({info.withdrawal.source})"
    if heard or settings.model_chosen:
        return (
            settings,
            f"# {info.id} ends on {ends};\n# after that, use {delta.model} with a voice such as {delta.voice}.\n",
        )
    lasting, changed = settings.merged(delta)
    notes = f"# {info.id}, the default, ends on {ends},\n# so {lasting.model} is named."
    if "voice" in changed and any(v.id == settings.voice for v in VOICES):  # only plain names go into a comment
        notes += f" It has no voice {settings.voice}: {lasting.voice} speaks."
    return lasting, notes + "\n"


def _pipecat(export: _Export) -> str:
    more: dict[str, Any] = {}
    if export.has_other_address:
        more["base_url"] = export.base_url
    if export.sample_rate != _RATE:
        more["sample_rate"] = export.sample_rate
    lines = "".join(f"\n    {n}={_literal(v)}," for n, v in more.items())
    return _PIPECAT.format(settings=_pipecat_settings(export), comments=_pipecat_comments(export), more=lines)


def _pipecat_update(export: _Export) -> str:
    return _PIPECAT_UPDATE.format(settings=_pipecat_settings(export), comments=_pipecat_comments(export))


def _pipecat_settings(export: _Export) -> str:
    takes = _PIPECAT_TAKES | set(_V2)
    named = {**export.changed, "model": export.model, "voice": export.settings.voice}
    return _arguments({n: v for n, v in named.items() if n in takes})


def _pipecat_comments(export: _Export) -> str:
    comments = export.notes + _comment_on_rest(
        export, _PIPECAT_TAKES | {*_V2, "word_timestamps", "complete_backoff_ms"}, "Pipecat"
    )
    if any(n in export.changed for n in _V2):
        comments += "# consistency, similarity and enhancement: pipecat-ai 1.3 was the last that took them\n"
    return f"\n{comments}".rstrip("\n") + "\n" if comments else ""


def _livekit(export: _Export) -> str:
    named = {**export.changed, "model": export.model, "voice": export.settings.voice}
    arguments = {("voice_id" if n == "voice" else n): v for n, v in named.items() if n in _LIVEKIT_TAKES}
    if export.sample_rate != _RATE:
        arguments["sample_rate"] = export.sample_rate
    if export.has_other_address:
        arguments["base_url"] = f"{http_base(export.base_url)}/waves/v1"
        arguments["ws_url"] = tts_url(export.base_url, "lightning-v3.1")
    comments = export.notes + _comment_on_rest(export, _LIVEKIT_TAKES | {"complete_backoff_ms"}, "LiveKit")
    return _LIVEKIT.format(arguments=_arguments(arguments), comments=f"\n{comments}" if comments else "")


def _smallest_nb(export: _Export) -> str:
    arguments = dict(export.changed)
    if export.sample_rate != _RATE:
        arguments["sample_rate"] = export.sample_rate
    if export.has_other_address:
        arguments["base_url"] = export.base_url
    return _SMALLEST_NB.format(arguments=", ".join(filter(None, (_literal(export.text), _arguments(arguments)))))


def _websocket(export: _Export) -> str:
    url = _literal(tts_url(export.base_url, str(export.settings.model)))
    request = pformat(_request(export), sort_dicts=False)
    return _WEBSOCKET.format(notes=export.notes, url=url, request=request, rate=export.sample_rate)


def _curl(export: _Export) -> str:
    info = tts_model(str(export.settings.model))
    path = "tts" if info.unified else f"{info.id}/get_speech"
    request = {n: v for n, v in _request(export).items() if n not in ("complete_backoff_ms", "word_timestamps")} | {
        "output_format": "wav"
    }
    return _CURL.format(
        notes=export.notes,
        body=shlex.quote(json.dumps(request, ensure_ascii=False)),
        url=shlex.quote(f"{http_base(export.base_url)}/waves/v1/{path}"),
    )


def _request(export: _Export) -> TTSRequest:
    return tts_request(export.settings, export.text, sample_rate=export.sample_rate)


_WRITERS: dict[str, Callable[[_Export], str]] = {
    "pipecat": _pipecat,
    "pipecat_update": _pipecat_update,
    "livekit": _livekit,
    "smallest_nb": _smallest_nb,
    "websocket": _websocket,
    "curl": _curl,
}
TARGETS = tuple(_WRITERS)
TARGET_NAMES = {
    "pipecat": "Pipecat",
    "pipecat_update": "Pipecat, while it runs",
    "livekit": "LiveKit",
    "smallest_nb": "smallest_nb",
    "websocket": "WebSocket",
    "curl": "curl",
}
"""Their names in the user interface."""


def _comment_on_rest(export: _Export, takes: set[str], who: str) -> str:
    left = {n: v for n, v in export.changed.items() if n not in takes}
    return f"# {who} does not take {_arguments(left)}\n" if left else ""


def _arguments(values: dict[str, Any]) -> str:
    return ", ".join(f"{n}={_literal(v)}" for n, v in values.items())


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
