"""Which requests are for this server: the Host, Origin and Sec-Fetch-Site headers of handshakes and calls.

Any web page that a person visits can open sockets to localhost and post to it. A browser names the page in `Origin`
(and in `Sec-Fetch-Site` if it sends no Origin), and a page that had its own name point here (DNS rebinding) is
betrayed by `Host`. Programs send neither, or the server's own address.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Collection, Iterable

__all__ = ["Admission", "describe_exposure", "is_wildcard"]

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_CONTAINERS = frozenset({"host.docker.internal", "host.containers.internal"})
"""Names of this machine inside a container."""
_OWN_SITES = frozenset({"same-origin", "none"})
_MAX_SHOWN = 100


class Admission:
    """Refuses what a web page of another origin sends, and what was sent to another name.

    Args:
        host: The address that the server listens on.
        hosts: Further names under which it may be addressed.
        origins: Web origins that may use it, such as `http://localhost:5173`; `*` for all of them.
    """

    def __init__(self, host: str, hosts: Collection[str] = (), origins: Collection[str] = ()) -> None:
        self._wildcard = is_wildcard(host)
        self._hosts = {host.lower(), *(name.lower() for name in hosts)}
        if self._wildcard:
            self._hosts.add(socket.gethostname().lower())
        self._origins = {origin.rstrip("/").lower() for origin in origins}

    def refuse(self, headers: Iterable[tuple[str, str]]) -> str | None:
        """Return why a request is refused, or None.

        Args:
            headers: Names and values, in any case; a name may stand more than once.
        """
        found: dict[str, list[str]] = {"host": [], "origin": [], "sec-fetch-site": []}
        for name, value in headers:
            if name.lower() in found:
                found[name.lower()].append(value.strip().lower())
        hosts, origins, sites = found.values()
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            shown = _shown(hosts[0]) if len(hosts) == 1 else f"{len(hosts)} Host headers"
            return (
                f"The Host header must name this simulator, got {shown}. "
                "A name of your own is allowed by --allow-host NAME or Simulator(allowed_hosts=[...])."
            )
        if "*" in self._origins or (origins and set(origins) <= self._origins):
            return None
        own = {f"http://{hosts[0]}", f"https://{hosts[0]}"}
        foreign = [o for o in origins if o not in own] or [s for s in sites if s not in _OWN_SITES]
        if foreign:
            return (
                f"Web pages may not use this simulator, and this request is of one ({_shown(foreign[0])}). "
                "A page of your own is allowed by --allow-origin URL or Simulator(allowed_origins=[...])."
            )
        return None

    def _is_ours(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match.group(1).strip("[]").removesuffix(".")
        if name in self._hosts or name in _CONTAINERS:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            # A page comes from a name of the public DNS, which has a dot; containers and machines of a LAN have none.
            return bool(name) and ("." not in name or name.endswith(".localhost"))
        return address.is_loopback or self._wildcard


def is_wildcard(host: str) -> bool:
    """Return whether an address stands for every interface of the machine."""
    try:
        return host == "" or ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def describe_exposure(host: str, port: int, *, any_key: bool, recording: bool) -> str | None:
    """Return what listening on an address opens, in words; None if only this machine reaches it."""
    try:
        loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if loopback:
        return None
    reach = "every network interface of this machine" if is_wildcard(host) else f"{host}, which is no loopback address"
    who = "with any key that begins with sk_" if any_key else "with the key that you gave"
    kept = ", and what they send is written to the --record folder" if recording else ""
    return (
        f"Listening on {reach}: everyone who reaches port {port} can have it speak and transcribe {who}, "
        f"unencrypted{kept}. --host 127.0.0.1 keeps it to this machine."
    )


def _shown(value: str) -> str:
    return repr(value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + "...")
