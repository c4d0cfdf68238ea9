"""The way to a host: name, port, certificate, each with a limit of its own."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import socket
import ssl
import urllib.request
from time import perf_counter
from urllib.parse import urlsplit

from smallest_nb.common.address import is_loopback
from smallest_nb.notebook.doctor.report import Check, Status

__all__ = ["Reached", "check_network"]

_STEP_SECS = 4.0


class Reached(enum.Enum):
    """Whether the address was reached, so that further checks make sense."""

    YES = "yes"
    NO = "no"
    PROXY = "through a proxy"


async def check_network(base_url: str) -> tuple[list[Check], Reached]:
    """Find the host, open its port, and check its certificate.

    Args:
        base_url: `ws://` or `wss://`, host and port.
    """
    parts = urlsplit(base_url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    port = parts.port or (443 if secure else 80)
    if not is_loopback(base_url) and _has_proxy(host, secure=secure):
        return [_line("green", "through the environment's proxy")], Reached.PROXY
    try:
        address = await _find(host, port)
        found = await _open(address, port, host if secure else None)
    except _StepFailed as failed:
        return [_line("red", failed.found, failed.fix)], Reached.NO
    return [_line("green", found)], Reached.YES


class _StepFailed(Exception):  # noqa: N818 - no error of a program
    def __init__(self, found: str, fix: str) -> None:
        super().__init__(found)
        self.found, self.fix = found, fix


def _line(status: Status, found: str, fix: str = "") -> Check:
    return Check("service.reached", "Reached", status, found, fix)


def _has_proxy(host: str, *, secure: bool) -> bool:
    proxies = urllib.request.getproxies()
    return not urllib.request.proxy_bypass(host) and bool(proxies.get("https" if secure else "http"))


async def _find(host: str, port: int) -> str:
    """DNS."""
    try:
        async with asyncio.timeout(_STEP_SECS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise _StepFailed(f"the name {host} was not looked up within {_STEP_SECS:g} s", "Check the network.") from None
    except (OSError, UnicodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise _StepFailed(f"the name {host} was not found ({why})",
                          "Check the network, and SMALLEST_BASE_URL if you set it.") from None  # fmt: skip
    return str(found[0][4][0])


async def _open(address: str, port: int, tls_name: str | None) -> str:
    """TCP, and TLS for a name."""
    began = perf_counter()
    try:
        async with asyncio.timeout(_STEP_SECS):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        raise _StepFailed(f"{address} port {port} did not answer within {_STEP_SECS:g} s",
                          "A firewall may drop it: allow outgoing connections to this port.") from None  # fmt: skip
    except OSError as error:
        raise _StepFailed(f"{address} port {port} cannot be reached ({type(error).__name__})",
                          "Is the server running, and does a firewall allow it?") from None  # fmt: skip
    connected = f"{address} port {port} in {1000 * (perf_counter() - began):.1f} ms"
    try:
        if tls_name is None:
            return f"{connected}, not encrypted: it stays on this machine"
        began = perf_counter()
        version = await _encrypt(writer, tls_name)
        return f"{connected}, {version} in {1000 * (perf_counter() - began):.0f} ms"
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await writer.wait_closed()


async def _encrypt(writer: asyncio.StreamWriter, name: str) -> str:
    try:
        async with asyncio.timeout(_STEP_SECS):
            await writer.start_tls(ssl.create_default_context(), server_hostname=name)
    except TimeoutError:
        raise _StepFailed(f"{name} did not answer TLS within {_STEP_SECS:g} s",
                          "Is there a server for wss:// at this port?") from None  # fmt: skip
    except ssl.SSLCertVerificationError as error:
        found = f"the certificate of {name} is not trusted ({error.verify_message})"
        raise _StepFailed(found, "If a proxy inspects traffic, put its certificate into SSL_CERT_FILE.") from None
    except (OSError, EOFError) as error:
        raise _StepFailed(f"{name} does not speak TLS ({type(error).__name__})",
                          "Is there a server for wss:// at this port?") from None  # fmt: skip
    return str(writer.get_extra_info("ssl_object").version())
