"""Peers that refuse, hang and repeat keys, and what every kind of traceback shows of an error."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import traceback
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha1
from pathlib import Path
from types import TracebackType

import IPython
from _pytest._code import ExceptionInfo
from IPython.core.ultratb import VerboseTB

from smallest_nb.common.key_spellings import KeySpellings

HERE = Path(__file__).resolve().parent
HOLD_THE_KEY = (HERE, HERE.parent / "keys")
CANARY = "sk_canary/do+not_leak_91c2"
_HIDE = KeySpellings(CANARY)


def key():
    """The canary; a call, so that the tests' own lines do not show it."""
    return CANARY


def argument(url):
    """What a call is given."""
    return {"api_key": key(), "base_url": url}


def shows_key(text):
    """Whether a text holds the canary, or the first half of it, in any spelling."""
    return _HIDE.hide(text) != text


def drawings(error):
    """What three tools that show variables draw of an error, by tool; the tests' own frames hold the key and go."""
    _drop_frames_of_tests(error)
    return {
        "traceback": "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()),
        "IPython": VerboseTB(**NO_COLOURS).text(type(error), error, error.__traceback__),
        "pytest -l": str(ExceptionInfo.from_exception(error).getrepr(showlocals=True, truncate_locals=False)),
        "attributes": f"{error} {error!r} {vars(error)!r}",
    }


NO_COLOURS = {"theme_name": "nocolor"} if IPython.version_info >= (9,) else {"color_scheme": "NoColor"}


def _drop_frames_of_tests(error, seen=frozenset()):
    if error is None or id(error) in seen:
        return
    frames, kept = error.__traceback__, []
    while frames is not None:
        if Path(frames.tb_frame.f_code.co_filename).parent not in HOLD_THE_KEY:
            kept.append(frames)
        frames = frames.tb_next
    chain = None
    for one in reversed(kept):
        chain = TracebackType(chain, one.tb_frame, one.tb_lasti, one.tb_lineno)
    error.__traceback__ = chain
    for other in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
        _drop_frames_of_tests(other, seen | {id(error)})


def assert_hidden(error, *, ours=True):
    """No tool shows the canary.

    Args:
        error: What was raised.
        ours: Whether a frame of the package must be drawn, so that there was something to show.
    """
    drawn = drawings(error)
    if ours:
        assert "smallest_nb" in drawn["traceback"]
        assert "smallest_nb" in drawn["IPython"]
    for tool, text in drawn.items():
        assert not shows_key(text), f"{tool} shows the key:\n" + "\n".join(
            line for line in text.splitlines() if shows_key(line)
        )


class Peer:
    """A server on 127.0.0.1, a thread for each connection.

    Args:
        serve: Called with each socket and the head of its request; the socket is closed after the peer.
    """

    def __init__(self, serve: Callable[[socket.socket, bytes], None]) -> None:
        self._serve = serve
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._ended = False
        self.asked = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._ended = True
        for held in (self._listening, *self._held):
            with contextlib.suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)
            held.close()

    def _accept(self):
        while not self._ended:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self._held.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                head += more
            if b"\r\n\r\n" not in head:  # a client that left
                return
            assert b"Authorization: Bearer " + CANARY.encode() in head  # else there would be nothing to hide
            self.asked.set()
            self._serve(connection, head)


def silent(_connection, _head):
    """Answer nothing."""


def hang_up(connection, _head):
    """Close at once."""
    connection.shutdown(socket.SHUT_RDWR)


def garbage(connection, _head):
    """Answer what is no HTTP, and repeat the request."""
    connection.sendall(b"NONSENSE " + _head)
    connection.shutdown(socket.SHUT_RDWR)


def answering(status, body="", **headers):
    """Refuse with a status; the key stands in the body as given."""

    def answer(connection, _head):
        data = body.encode()
        lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(data)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        connection.shutdown(socket.SHUT_WR)

    return answer


def websocket(*frames, close=None):
    """Accept, send text frames at once, and close with a reason, or stay open."""

    def talk(connection, head):
        asked = head.decode().partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        accept = b64encode(sha1(f"{asked}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        for frame in frames:
            connection.sendall(_frame(0x81, frame.encode()))
        if close is not None:
            connection.sendall(_frame(0x88, (1008).to_bytes(2, "big") + close.encode()))
        while connection.recv(65536):
            pass

    return talk


def _frame(first, payload):
    size = bytes([len(payload)]) if len(payload) < 126 else bytes([126]) + len(payload).to_bytes(2, "big")
    return bytes([first]) + size + payload


def spellings():
    """The canary as services, proxies and logs write it, by name."""
    from urllib.parse import quote

    escaped = "".join(f"\\u{ord(c):04X}" for c in CANARY)
    percent = "".join(f"%{ord(c):02x}" for c in CANARY)
    return {
        "plain": CANARY,
        "capitals": CANARY.upper(),
        "solidus": CANARY.replace("/", "\\/"),
        "escapes": escaped,
        "some escapes": CANARY.replace("_", "\\u005f").replace("k", "\\u006B"),
        "JSON in JSON": json.dumps(escaped)[1:-1],
        "JSON in JSON in JSON": json.dumps(json.dumps(escaped)[1:-1])[1:-1],
        "hexadecimal escapes": "".join(f"\\x{ord(c):02x}" for c in CANARY),
        "percent": percent,
        "percent where needed": quote(CANARY, safe=""),
        "percent twice": quote(percent),
        "entities": "".join(f"&#{ord(c)};" for c in CANARY),
        "hexadecimal entities": "".join(f"&#x{ord(c):X};" for c in CANARY),
        "hexadecimal digits": CANARY.encode().hex(),
        "base64": b64encode(CANARY.encode()).decode(),
        "base64 of the header": b64encode(f"Bearer {CANARY}".encode()).decode(),
        "base64 one further": b64encode(f" Bearer {CANARY}".encode()).decode().rstrip("="),
        "base64 for URLs": b64encode(f"  Bearer {CANARY}".encode(), altchars=b"-_").decode(),
        "cut": CANARY[: len(CANARY) * 2 // 3],
    }
