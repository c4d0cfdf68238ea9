"""Where a service connects: base URL and key.

Services ask :func:`resolve`; what answers when neither argument nor environment does (the notebook's session with its
simulator) is installed from above with :func:`set_resolver`, so that imports keep pointing one way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from smallest_nb.api.catalog import DEFAULT_BASE_URL
from smallest_nb.client.transport_stack import current_deck
from smallest_nb.common.address import checked_base_url, is_loopback, without_credentials
from smallest_nb.common.secret import Secret
from smallest_nb.errors import AuthError, ConfigError, ConnectionLost

__all__ = [
    "CASSETTE_URL",
    "ENV_BASE_URL",
    "ENV_KEY",
    "Target",
    "boxed",
    "from_environment",
    "resolve",
    "set_resolver",
    "usual_base_url",
]

ENV_KEY = "SMALLEST_API_KEY"
ENV_BASE_URL = "SMALLEST_BASE_URL"
CASSETTE_URL = "ws://cassette.invalid"
"""Stands for a cassette; the name is reserved never to exist (RFC 2606)."""


@dataclass(frozen=True, slots=True)
class Target:
    """A place to connect to.

    Attributes:
        base_url: `ws://` or `wss://`, host and port, as it is connected to.
        key: The API key.
        simulated: True where the embedded simulator answers.
        label: What a widget says about it.
    """

    base_url: str
    key: Secret
    simulated: bool = False
    label: str = "Smallest AI"

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", checked_base_url(self.base_url))
        if urlsplit(self.base_url).scheme == "ws" and not self.simulated and not is_loopback(self.base_url):
            raise ConfigError(f"base_url={self.base_url!r} would send the key unencrypted; use wss://.")

    def check_there(self) -> None:
        """Refuse to connect where nothing can be.

        Raises:
            ConnectionLost: The target is a cassette that was taken out.
        """
        if self.base_url == CASSETTE_URL:
            raise ConnectionLost(f"{self.label} The replay has ended: make the service anew, or replay again.")


_resolver: Callable[[], Target] | None = None
_find_key: Callable[[], Secret | None] | None = None


def set_resolver(resolver: Callable[[], Target] | None, find_key: Callable[[], Secret | None] | None = None) -> None:
    """Install what answers when neither argument nor environment names a target, and where else a key is looked for."""
    global _resolver, _find_key
    _resolver, _find_key = resolver, find_key


# These are functions of their own, because tracebacks that show variables would show all of the environment.
def usual_base_url() -> str:
    """Return SMALLEST_BASE_URL, or the vendor's host."""
    return without_credentials(os.environ.get(ENV_BASE_URL) or DEFAULT_BASE_URL)


def _key_of_environment() -> Secret | None:
    return Secret.of(os.environ.get(ENV_KEY) or None, f"environment {ENV_KEY}")


def from_environment() -> Target | None:
    """Return the target named by SMALLEST_API_KEY (and SMALLEST_BASE_URL), or None without a key.

    Raises:
        ConfigError: What stands there cannot be a key or an address.
    """
    key = _key_of_environment()
    return Target(usual_base_url(), key.check()) if key is not None else None


def boxed(api_key: str | Secret | None, base_url: str | None) -> tuple[Secret | None, str | None]:
    """Return both as a traceback may show them; for the first statement of every function that takes them.

    A key that cannot be one raises its error in :func:`resolve` only.
    """
    return Secret.of(api_key), without_credentials(base_url)


def resolve(api_key: str | Secret | None = None, base_url: str | None = None) -> Target:
    """Find the target: arguments first, then a cassette, then what the session chose, then the environment.

    Raises:
        AuthError: A base URL without a key, or no way to find either.
        ConfigError: A key or a base URL that cannot be used.
    """
    api_key, base_url = boxed(api_key, base_url)
    if api_key is not None:
        return Target(base_url or usual_base_url(), api_key.check())
    if base_url is not None:
        base_url = checked_base_url(base_url)
        found = _find_key() if _find_key else _key_of_environment()
        if found is None:
            raise AuthError(f"No API key for {base_url}: pass api_key=, call smallest_nb.ask_key(), or set {ENV_KEY}.")
        return Target(base_url, found.check())
    deck = current_deck()
    if deck is not None and deck.target is not None:
        return deck.target
    target = _resolver() if _resolver else from_environment()
    if target is None:
        raise AuthError(f"No API key: pass api_key=, set {ENV_KEY}, or call smallest_nb.use_simulator().")
    return target
