"""Settings read from elsewhere: a mapping, JSON, a request, Pipecat's settings, code. Imports settings.

Code is parsed, never run.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from smallest_nb.catalog import TTS_MODELS, SmallestTTSModel
from smallest_nb.errors import ConfigError
from smallest_nb.language import Language
from smallest_nb.secret import Secret, without_keys
from smallest_nb.settings import SmallestTTSSettings

__all__ = ["read_settings"]

_ENVELOPE = frozenset(
    "text sample_rate request_id context_id continue flush max_buffer_delay_ms max_buffer_flush_ms output_format "
    "cancel_request session_id api_key base_url ws_url settings timeout".split()
)
"""What a request or a constructor says besides the settings of a voice."""
_PLACES = re.compile(r"(Settings|^TTS|speak|VoiceTuner)$")
_OWN_MODEL_URL = re.compile(r"/waves/v1/(lightning[-_.a-z0-9]+)/")
_ENUMS = {"Language": Language, "SmallestTTSModel": SmallestTTSModel}
_MAX_CHARACTERS = 1_000_000


def read_settings(source: Any) -> SmallestTTSSettings:
    """Return what of a voice's settings is given elsewhere, as a delta.

    Args:
        source: Settings of ours; a mapping by our names or the wire's; a Pipecat settings object of any version; or
            text: JSON (settings or a whole request), or code such as :func:`~smallest_nb.snippets.tts_code` writes.

    Raises:
        ConfigError: What of it was not understood, and what would have been.
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
        raise ConfigError(f"The names of settings are text; got {[n for n in values if not isinstance(n, str)]!r}.")
    given = {n: v for n, v in values.items() if n not in _ENVELOPE and not isinstance(v, Secret)}
    if {"text", "voice_id"} <= set(values):  # a request: what is new in it is the service's to know
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
        raise ConfigError(f"{type(source).__qualname__} holds what this package does not know: {unknown!r}.")
    # None in Pipecat's store mode means "the service's default", also where ours is never None.
    specs = SmallestTTSSettings.specs()
    values = {n: v for n, v in given.items() if n in known and (v is not None or specs[n].optional)}
    return SmallestTTSSettings.from_mapping({**values, **({"extra": extra} if extra else {})})


def _from_text(text: str) -> SmallestTTSSettings:
    if len(text) > _MAX_CHARACTERS:
        raise ConfigError(f"A text of {len(text):,} characters is no settings; expected JSON or a snippet of code.")
    stripped = text.strip()
    if not stripped:
        raise ConfigError("The text is empty; expected JSON or a snippet of code.")
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        found = None
    if found is not None:
        return _from_json(found, stripped)
    if stripped.startswith("curl") or "\ncurl " in stripped:
        return _from_curl(stripped)
    return _from_python(stripped)


def _from_json(found: Any, text: str) -> SmallestTTSSettings:
    if not isinstance(found, dict):
        raise ConfigError(f"JSON {type(found).__name__} ({text[:40]}) is no settings; expected an object.")
    return _from_mapping(found)


def _from_curl(text: str) -> SmallestTTSSettings:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigError(f"The curl command cannot be read ({error}); copy it whole, with its quotes.") from None
    bodies = [words[i + 1] for i, w in enumerate(words[:-1]) if w in ("-d", "--data", "--data-raw", "--json")]
    bodies += [w.partition("=")[2] for w in words if w.startswith(("--data=", "--data-raw=", "--json="))]
    try:
        found = json.loads(bodies[0])
    except (IndexError, ValueError):
        raise ConfigError("The curl command has no JSON after --data; expected the body of a request.") from None
    return _with_model_of(text, _from_json(found, bodies[0]))


def _from_python(text: str) -> SmallestTTSSettings:
    try:
        tree = compile(text, "settings", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f"The text is neither JSON nor Python ({error}); expected settings, or a snippet as `code()` writes it."
        ) from None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _PLACES.search(_name(n.func))]
    # A settings class says it best; the constructor around it is looked at only where there is none.
    places = [c for c in calls if _name(c.func).endswith("Settings")] or calls
    requests = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and isinstance(n.value, ast.Dict)]
    requests = [r for r in requests if {"voice_id", "voice"} & {getattr(k, "value", None) for k in r.keys}]
    if len(places) + len(requests) != 1:
        told = "no settings" if not places and not requests else f"{len(places) + len(requests)} times settings"
        raise ConfigError(
            f"The code holds {told}; expected one call such as SmallestTTSSettings(voice=…) or smallestai.TTS(…), "
            "or one request as a dict."
        )
    if requests:
        return _with_model_of(text, _from_mapping(_value(requests[0])))
    found: dict[str, Any] = {}
    for keyword in places[0].keywords:
        if keyword.arg is None:
            unpacked = _value(keyword.value)
            if not isinstance(unpacked, dict):
                raise ConfigError(f"**{ast.unparse(keyword.value)[:60]} is no dict of settings.")
            found |= unpacked
        elif keyword.arg not in _ENVELOPE:
            found[keyword.arg] = _value(keyword.value)
    return _from_mapping(found)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr) -> Any:
    """Read a literal, or a member of an enumeration that everyone here has."""
    if isinstance(node, ast.Attribute) and (known := _ENUMS.get(_name(node.value))) is not None:
        try:
            return known[node.attr]
        except KeyError:
            raise ConfigError(f"There is no {ast.unparse(node)} here; write it as text, such as 'en'.") from None
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        raise ConfigError(
            f"{ast.unparse(node)[:80]} is not known before the code runs; write the value itself."
        ) from None


def _with_model_of(text: str, settings: SmallestTTSSettings) -> SmallestTTSSettings:
    """Take the model from the address where the request does not name it: older models have one of their own."""
    found = _OWN_MODEL_URL.search(text)
    if "model" in settings.given_fields() or not found or found[1] not in TTS_MODELS:
        return settings
    return settings.merged(SmallestTTSSettings(model=found[1]))[0]
