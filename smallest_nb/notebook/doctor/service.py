"""The key, and whether the service answers.

The key is looked up in the caller's thread, since Colab shows it to cells only; the network is used on the loop.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from statistics import median
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException

from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.api.stt_wire import stt_url
from smallest_nb.api.tts_wire import tts_url
from smallest_nb.client.connect import open_websocket
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.network import NetworkTransport
from smallest_nb.client.target import ENV_BASE_URL, Target
from smallest_nb.errors import AuthError, ConfigError, RateLimitError, SmallestError
from smallest_nb.notebook.doctor.network import Reached, check_network
from smallest_nb.notebook.doctor.report import PENDING, Check, Status
from smallest_nb.notebook.keys import search_sources
from smallest_nb.notebook.session import find_target

__all__ = ["WAITING", "check_key", "check_service"]

_OPEN_SECS, _PONG_SECS, _ANSWER_SECS, _REGION_SECS = 5.0, 2.0, 1.5, 8.0
_PINGS = 5
_REGIONS = {"in": "India", "us": "US"}
_WAYS = "snb.ask_key(), SMALLEST_API_KEY in the environment, Colab's or Kaggle's secrets, keyring, or a .env file"

WAITING = [
    Check("service.reached", "Reached", "unknown", PENDING),
    Check("service.websocket", "WebSocket", "unknown", PENDING),
    Check("service.region", "Region", "unknown", PENDING),
]
"""The lines of `check_service` before it is done."""


def check_key() -> tuple[list[Check], Target | None]:
    """Find the key, and where services connect; starts the simulator if there is none.

    Returns:
        Lines about key and address, and the target, or None if a setting is wrong.
    """
    try:
        target, looked = find_target()
        if target.simulated and not looked:
            looked = search_sources()
    except SmallestError as error:
        return [_wrong(str(error))], None
    address = Check("service.address", "Address", "green", target.base_url)
    if not target.simulated:
        return [Check("service.key", "API key", "green", _masked(target)), address], target
    chosen = [one for one in looked if one.key is not None]
    if chosen:
        found = f"the simulator was chosen, although there is a key ({chosen[0].source})"
        return [Check("service.key", "API key", "amber", found, "snb.use_service() uses the key."), address], target
    why = "; ".join(f"{one.source}: {one.outcome}" for one in looked if not one.outcome.startswith("this is not"))
    found = f"none, so the simulator answers ({why})"
    return [Check("service.key", "API key", "amber", found, f"For the real service: {_WAYS}."), address], target


def _wrong(problem: str) -> Check:
    try:
        search_sources()
    except ConfigError as error:
        return Check("service.key", "API key", "red", str(error), f"Correct it, or use another way: {_WAYS}.")
    return Check("service.address", "Address", "red", problem, f"Correct {ENV_BASE_URL}, or unset it.")


def _masked(target: Target) -> str:
    return repr(target.key).removeprefix("Secret(").removesuffix(")")


async def check_service(target: Target) -> list[Check]:
    """Connect step by step and measure a round trip; ends within 40 s, whatever the other side does."""
    if not isinstance(current_transport(), NetworkTransport):
        found = "not tried, since a cassette is running"
        return [Check(c.id, c.title, "unknown", found) for c in WAITING]
    network, reached = await check_network(target.base_url)
    if reached is Reached.NO:
        found = "not tried, since the address was not reached"
        return [*network, *(Check(c.id, c.title, "unknown", found) for c in WAITING[1:])]
    websocket = await _websocket(target)
    if websocket.status == "red":
        return [*network, websocket, Check("service.region", "Region", "unknown", "not known")]
    return [*network, websocket, await _region(target)]


async def _websocket(target: Target) -> Check:
    settings = SmallestTTSSettings.complete()
    began = perf_counter()
    try:
        ws = await open_websocket(tts_url(target.base_url, str(settings.model)), target, open_timeout=_OPEN_SECS)
    except AuthError as error:
        return _ws("red", str(error), "Enter a key that the service accepts: snb.ask_key().")
    except RateLimitError as error:
        return _ws("amber", str(error), "Close other sessions of this account, or wait.")
    except SmallestError as error:
        return _ws("red", str(error), "Is this a Smallest AI address, and does a proxy let WebSockets through?")
    opened = 1000 * (perf_counter() - began)
    try:
        trips = [await _ping(ws) for _ in range(_PINGS)]
    except (TimeoutError, WebSocketException) as error:
        return _ws("red", f"opened in {opened:.0f} ms, but pings are not answered ({type(error).__name__})",
                   "Something between here and the service holds frames back: try another network.")  # fmt: skip
    finally:
        await ws.close()
    found = f"opened in {opened:.0f} ms, round trip {median(trips):.1f} ms"
    if median(trips) > 400:
        return _ws("amber", found, "Far away: speech starts later by this much. Use a kernel nearer to the service.")
    return _ws("green", found)


def _ws(status: Status, found: str, fix: str = "") -> Check:
    return Check("service.websocket", "WebSocket", status, found, fix)


async def _ping(ws: Any) -> float:
    began = perf_counter()
    async with asyncio.timeout(_PONG_SECS):
        await (await ws.ping())
    return 1000 * (perf_counter() - began)


async def _region(target: Target) -> Check:
    """Ask for a language of each region: the refusal of one names the region. It costs nothing."""
    host = urlsplit(target.base_url).hostname or ""
    named = "US, by the host name" if ".us." in host else ""
    with suppress(TimeoutError):
        async with asyncio.timeout(_REGION_SECS):
            for language in ("zh", "ta"):
                if region := await _refused_in(target, language):
                    return Check(
                        "service.region", "Region", "green", f"{_REGIONS.get(region, region)}, as the service reports"
                    )
    return Check("service.region", "Region", "green" if named else "unknown", named or "not known")


async def _refused_in(target: Target, language: str) -> str | None:
    settings = SmallestSTTSettings.complete(extra={"language": language})
    url = stt_url(target.base_url, settings, sample_rate=16000)
    try:
        ws = await open_websocket(url, target, open_timeout=_OPEN_SECS)
    except SmallestError:
        return None
    try:
        async with asyncio.timeout(_ANSWER_SECS):
            frame = json.loads(await anext(aiter(ws)))
    except (TimeoutError, StopAsyncIteration, ValueError, RecursionError, WebSocketException):
        return None  # it is served, and waits for sound
    finally:
        await ws.close()
    refused = isinstance(frame, dict) and frame.get("error_code") == "LANGUAGE_NOT_ENABLED_IN_REGION"
    return str(frame["region"]) if refused and frame.get("region") else None
