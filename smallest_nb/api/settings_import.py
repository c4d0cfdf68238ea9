"""Settings imported from elsewhere: a mapping, JSON, a request, Pipecat's settings, code, a command, variables.

Code is parsed, never run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from smallest_nb.api.catalog import TTS_MODELS, canonical_model
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.settings_python import find_settings, parse_code
from smallest_nb.api.settings_shell import find_request, is_curl, read_variables
from smallest_nb.common.secret import Secret, without_keys
from smallest_nb.errors import ConfigError

__all__ = ["read_settings"]

_ENVELOPE = frozenset(
    "text sample_rate request_id context_id continue flush max_buffer_delay_ms max_buffer_flush_ms output_format "
    "cancel_request session_id api_key base_url ws_url settings timeout params http_session tokenizer stream_path "
    "add_wav_header aggregate_sentences text_aggregator text_filters name transport_destination auto_play label "
    "warn_characters max_bytes endpoint keepalive_secs suspend_secs open_timeout audio_timeout max_retries "
    "spare_socket on_busy target stream save_as input".split()
)
"""What a request or a constructor says besides the settings of a voice."""
_OWN_MODEL_URL = re.compile(r"/waves/v1/(lightning[-_.a-z0-9]+)/", re.IGNORECASE)
_MAX_CHARACTERS = 2_000_000


def read_settings(source: Any) -> SmallestTTSSettings:
    """Return a voice's settings as a delta, read from code, JSON, a command or another library's object.

    Args:
        source: Settings of ours; a mapping by our names or the wire's; a Pipecat settings object of any version; or
            text: JSON (settings or a whole request), Python code, a curl command, or variables as in `.env`. If a
            bot's file sets up several services, the voice of Smallest AI is read.

    Raises:
        ConfigError: What was not understood, and what was expected.
    """
    source = without_keys(source)
    if isinstance(source, SmallestTTSSettings):
        return source
    if isinstance(source, Mapping):
        return _from_mapping(source)
    if isinstance(source, str):
        return _from_text(source)
    fields = getattr(source, "__dataclass_fields__", None)
    if fields is not None and {"model", "voice"} <= set(fields) and not isinstance(source, type):
        return _from_pipecat(source, fields)
    raise ConfigError(
        f"Settings cannot be read from {type(source).__name__}; expected a mapping, JSON, code, "
        "a Pipecat settings object or SmallestTTSSettings."
    )


def _from_mapping(values: Mapping[Any, Any]) -> SmallestTTSSettings:
    if not all(isinstance(name, str) for name in values):
        raise ConfigError(f"The names of settings must be text; got {[n for n in values if not isinstance(n, str)]!r}.")
    given = {n: v for n, v in values.items() if n not in _ENVELOPE and not isinstance(v, Secret)}
    if {"text", "voice_id"} <= set(values):  # a request: a field that is new here may be known to the service
        known = {*SmallestTTSSettings.specs(), *SmallestTTSSettings.aliases, "extra"}
        extra = {n: given.pop(n) for n in tuple(given) if n not in known}
        given |= {"extra": extra} if extra else {}
    return SmallestTTSSettings.from_mapping(given)


def _from_pipecat(source: Any, fields: Mapping[str, Any]) -> SmallestTTSSettings:
    given = {n: v for n in fields if type(v := getattr(source, n)).__name__.lstrip("_") != "NotGiven"}
    extra = given.pop("extra", None) or {}
    known = set(SmallestTTSSettings.specs())
    if (content_filter := given.pop("content_filter", None)) is not None:
        extra = {**extra, "content_filter": {"enabled": True, "action": content_filter}}
    unknown = {n: v for n, v in given.items() if n not in known and v is not None}
    if unknown:
        raise ConfigError(f"{type(source).__qualname__} holds settings that this package does not know: {unknown!r}.")
    # None in Pipecat's store mode means "the service's default", also for settings that are never None here.
    specs = SmallestTTSSettings.specs()
    values = {n: v for n, v in given.items() if n in known and (v is not None or specs[n].optional)}
    return SmallestTTSSettings.from_mapping({**values, **({"extra": extra} if extra else {})})


def _from_text(text: str) -> SmallestTTSSettings:
    if len(text) > _MAX_CHARACTERS:
        raise ConfigError(f"A text of {len(text):,} characters cannot be settings; expected JSON or a snippet of code.")
    stripped = text.strip()
    if not stripped:
        raise ConfigError("The text is empty; expected JSON or a snippet of code.")
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        found = None
    if found is not None:
        return _from_json(found)
    try:
        tree = parse_code(text)
    except ConfigError:
        if is_curl(stripped):
            return _with_model_of(stripped, _from_mapping(find_request(stripped)))
        if (settings := _from_variables(stripped)) is not None:
            return settings
        raise
    try:
        values, is_request = find_settings(tree, text, _ENVELOPE)
    except ConfigError:
        if (settings := _from_variables(stripped)) is not None:
            return settings
        raise
    return _with_model_of(text, _from_mapping(values)) if is_request else _from_mapping(values)


def _from_json(found: Any) -> SmallestTTSSettings:
    if not isinstance(found, dict):
        raise ConfigError(f"JSON {type(found).__name__} cannot be settings; expected an object.")
    return _from_mapping(found)


def _from_variables(text: str) -> SmallestTTSSettings | None:
    specs = SmallestTTSSettings.specs()
    values: dict[str, Any] = dict(read_variables(text, frozenset({*specs, *SmallestTTSSettings.aliases})))
    if not values:
        return None
    for name, value in values.items():
        kind = specs[SmallestTTSSettings.aliases.get(name, name)].kind
        if kind in ("float", "int", "bool"):
            try:
                values[name] = json.loads(value.lower())
            except ValueError:
                continue  # the check of the setting raises for it
    return SmallestTTSSettings.from_mapping(values)


def _with_model_of(text: str, settings: SmallestTTSSettings) -> SmallestTTSSettings:
    """Take the model from the URL if the request does not name it: older models have a URL of their own."""
    found = _OWN_MODEL_URL.search(text)
    if "model" in settings.given_fields() or not found or canonical_model(found[1]) not in TTS_MODELS:
        return settings
    return settings.merged(SmallestTTSSettings(model=found[1]))[0]
