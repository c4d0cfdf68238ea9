"""`ask_key` in a real terminal, and where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import smallest_nb as snb

CANARY = "sk_canary_ask_do_not_show_0c5b"
ASK = "import smallest_nb as snb\nprint('chosen', snb.ask_key())"


def test_a_terminal_asks_without_showing_what_is_typed():
    import pty

    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the child
        os.execv(sys.executable, [sys.executable, "-c", ASK])
    shown = b""
    try:
        deadline = time.monotonic() + 30
        while b"not shown" not in shown and time.monotonic() < deadline:
            shown += os.read(terminal, 1000)
        os.write(terminal, CANARY.encode() + b"\n")
        while b"Secret(" not in shown and time.monotonic() < deadline:
            shown += os.read(terminal, 1000)
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    assert b"from prompt" in shown
    assert CANARY.encode() not in shown


def test_where_no_one_can_be_asked_it_is_refused_at_once():
    done = subprocess.run(
        [sys.executable, "-c", ASK], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
        start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "AuthError: No key can be typed here" in done.stderr
    refused = []

    def ask():
        try:
            snb.ask_key()
        except snb.AuthError as error:
            refused.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join(5)
    assert "main thread only" in refused[0]
