"""The transport of this process: one that was installed, or the network.

One per process, because services run on several loops and threads and a person who records means all of them.
"""

from __future__ import annotations

from smallest_nb.client.network import NETWORK
from smallest_nb.client.transport import Transport
from smallest_nb.errors import CassetteError

__all__ = ["current_transport", "install", "uninstall"]

_KEY = "transport"
_installed: dict[str, tuple[Transport]] = {}
"""At most one, under one key: `setdefault` needs no lock, which an interrupt could leave locked."""


def current_transport(given: Transport | None = None) -> Transport:
    """Return the transport to use now: the one that a service was given, else the installed one, else the network."""
    if given is not None:
        return given
    installed = _installed.get(_KEY)
    return NETWORK if installed is None else installed[0]


def install(transport: Transport) -> None:
    """Use a transport for every socket and request of this process that was given no other.

    Raises:
        CassetteError: Another one is installed.
    """
    own = (transport,)
    installed = _installed.setdefault(_KEY, own)
    if installed is not own:
        raise CassetteError(f"{installed[0]!r} is running already; end it first, one cassette at a time.")


def uninstall(transport: Transport) -> None:
    """Take a transport out again, if it is installed."""
    if current_transport() is transport:
        _installed.pop(_KEY, None)
