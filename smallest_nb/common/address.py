"""Base URLs: what may be one, and whether a host is this machine."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from typing import TypeVar, cast
from urllib.parse import SplitResult, quote, urlsplit

from smallest_nb.errors import ConfigError

__all__ = ["checked_base_url", "is_loopback", "is_loopback_host", "without_credentials"]

_T = TypeVar("_T")
_EXPECTED = "expected ws:// or wss:// and a host"
_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?\.?", re.IGNORECASE)
_BRACKETS = re.compile(r"\[[^\[\]]*\](:[0-9]*)?")
_IN_PATHS = "/%:@!$&'()*+,;=-._~"
"""What a path may hold as it is; everything else is percent-encoded as UTF-8."""
_CREDENTIALS = re.compile(r"(?<=//)[^/]*@|[?#].*", re.DOTALL)


def is_loopback_host(host: str) -> bool:
    """Whether a host is certain to be this machine: `localhost`, or an address that :mod:`ipaddress` calls loopback.

    Short and hexadecimal forms (`127.1`, `0x7f.1`, `2130706433`) and names that only begin or end like one
    (`127.0.0.1.example`, `localhost.example`, `name.localhost`) do not count: they may lead anywhere.

    Args:
        host: As in a URL, with or without the brackets of IPv6.
    """
    name = host.strip("[]").lower().removesuffix(".")
    try:
        name = name.encode("idna").decode("ascii")  # as it is looked up: full-width digits, other full stops
    except UnicodeError:
        return False
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback  # Python 3.13 looks into these itself
    return address.is_loopback


def is_loopback(url: str) -> bool:
    """Whether a URL is certain to lead to this machine; see :func:`is_loopback_host`."""
    try:
        return is_loopback_host(urlsplit(url).hostname or "")
    except ValueError:
        return False


def without_credentials(base_url: _T) -> _T:
    """Return a base URL with `***` for a user name, query or fragment, none of which it may have.

    Called in the first statement of functions that take one, so that no traceback shows a key in it.
    """
    if not isinstance(base_url, str):
        return base_url
    return cast(_T, _CREDENTIALS.sub(lambda m: "***@" if m[0].endswith("@") else f"{m[0][0]}***", base_url))


def checked_base_url(base_url: object) -> str:
    """Return a base URL as it is connected to: host names outside ASCII in their IDNA form, paths percent-encoded.

    Raises:
        ConfigError: It cannot be connected to, or holds a user name, a query, a fragment or invisible characters.
    """
    if not isinstance(base_url, str):
        raise ConfigError(f"base_url={base_url!r} cannot be used; {_EXPECTED} as text.")
    base_url = without_credentials(base_url)
    if (found := next((c for c in base_url if _is_forbidden(c)), None)) is not None:
        raise _refusal(base_url, f"it holds {_name_character(found)}")
    parts, host, port = _split(base_url)
    if parts.scheme not in ("ws", "wss") or not host:
        raise _refusal(base_url)
    if "@" in parts.netloc or "?" in base_url:
        raise ConfigError(
            f"base_url={base_url!r} cannot be used; it must hold no user name and no query, the key goes into api_key."
        )
    if "#" in base_url:
        raise _refusal(base_url, "it holds a fragment (#...)")
    netloc = _checked_host(host, base_url) + ("" if port is None else f":{port}")
    return f"{parts.scheme}://{netloc}{quote(parts.path, safe=_IN_PATHS)}"


def _split(base_url: str) -> tuple[SplitResult, str, int | None]:
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise _refusal(base_url, str(error)) from None
    if port == 0:
        raise _refusal(base_url, "its port is 0; ports go from 1 to 65535")
    return parts, host, port


def _checked_host(host: str, base_url: str) -> str:
    netloc = urlsplit(base_url).netloc
    if "[" in netloc or "]" in netloc or ":" in host:
        if not _BRACKETS.fullmatch(netloc):
            raise _refusal(base_url, f"{netloc!r} is not an IPv6 address in brackets")
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise _refusal(base_url, f"[{host}] is not an IPv6 address") from None
    try:
        name = host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise _refusal(base_url, f"{host!r} is not a host name: {error}") from None
    if not _HOST.fullmatch(name) or ".." in name:
        raise _refusal(base_url, f"{host!r} is not a host name")
    return name


def _is_forbidden(c: str) -> bool:
    return c in '\\"<>^`{|}' or unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zs", "Zl", "Zp")


def _name_character(c: str) -> str:
    if c.isprintable() and not c.isspace():
        return repr(c)
    return {" ": "a space", "\t": "a tab", "\n": "a line feed", "\r": "a carriage return"}.get(
        c, f"the invisible character U+{ord(c):04X}"
    )


def _refusal(base_url: str, why: str = "") -> ConfigError:
    return ConfigError(f"base_url={base_url!r} cannot be used{f' ({why})' if why else ''}; {_EXPECTED}.")
