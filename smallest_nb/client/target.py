"""Where a service connects: base URL and key.

Services call :func:`resolve`. The notebook's session, which also looks in secret stores and starts the simulator, is
installed from above with :func:`set_resolver`, so that imports keep pointing one way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from smallest_nb.api.catalog import DEFAULT_BASE_URL
from smallest_nb.client.installed_transport import current_transport
from smallest_nb.client.transport import Transport
from smallest_nb.common.address import checked_base_url, is_loopback, without_credentials
from smallest_nb.common.secret import Secret
from smallest_nb.errors import AuthError, ConfigError

__all__ = [
    "ENV_BASE_URL",
    "ENV_KEY",
    "Target",
    "boxed",
    "default_base_url",
    "resolve",
    "set_resolver",
    "target_from_environment",
]

ENV_KEY = "SMALLEST_API_KEY"
ENV_BASE_URL = "SMALLEST_BASE_URL"


@dataclass(frozen=True, slots=True)
class Target:
    """A place to connect to.

    Attributes:
        base_url: `ws://` or `wss://`, host and port, as it is connected to.
        key: The API key.
        simulated: Whether the embedded simulator, or a cassette, answers.
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


_resolver: Callable[[], Target] | None = None
_find_key: Callable[[], Secret | None] | None = None


def set_resolver(resolver: Callable[[], Target] | None, find_key: Callable[[], Secret | None] | None = None) -> None:
    """Install the functions that find a target, and a key for a given address, in place of the environment alone."""
    global _resolver, _find_key
    _resolver, _find_key = resolver, find_key


# These are functions of their own, because tracebacks that show variables would show all of the environment.
def default_base_url() -> str:
    """Return SMALLEST_BASE_URL, or the vendor's host."""
    return without_credentials(os.environ.get(ENV_BASE_URL) or DEFAULT_BASE_URL)


def _key_from_environment() -> Secret | None:
    return Secret.of(os.environ.get(ENV_KEY) or None, f"environment {ENV_KEY}")


def target_from_environment() -> Target | None:
    """Return the target named by SMALLEST_API_KEY (and SMALLEST_BASE_URL), or None without a key.

    Raises:
        ConfigError: Their value cannot be a key or an address.
    """
    key = _key_from_environment()
    return Target(default_base_url(), key.check()) if key is not None else None


def boxed(api_key: str | Secret | None, base_url: str | None) -> tuple[Secret | None, str | None]:
    """Return both as a traceback may show them; for the first statement of every function that takes them.

    A key that cannot be one raises its error in :func:`resolve` only.
    """
    return Secret.of(api_key), without_credentials(base_url)


def resolve(
    api_key: str | Secret | None = None, base_url: str | None = None, transport: Transport | None = None
) -> Target:
    """Find the target: arguments first, then a replayed cassette, then the session's choice, then the environment.

    Args:
        api_key: The key.
        base_url: The address.
        transport: Which transport may decide; None for the transport of this process.

    Raises:
        AuthError: A base URL without a key, or no way to find either.
        ConfigError: A key or a base URL that cannot be used.
    """
    api_key, base_url = boxed(api_key, base_url)
    if api_key is not None:
        return Target(base_url or default_base_url(), api_key.check())
    if base_url is not None:
        base_url = checked_base_url(base_url)
        found = _find_key() if _find_key else _key_from_environment()
        if found is None:
            raise AuthError(f"No API key for {base_url}: pass api_key=, call smallest_nb.ask_key(), or set {ENV_KEY}.")
        return Target(base_url, found.check())
    target: Target | None = getattr(current_transport(transport), "target", None)
    if target is not None:
        return target
    target = _resolver() if _resolver else target_from_environment()
    if target is None:
        raise AuthError(f"No API key: pass api_key=, set {ENV_KEY}, or call smallest_nb.use_simulator().")
    return target
