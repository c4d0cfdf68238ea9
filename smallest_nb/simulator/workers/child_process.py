"""Answers one request of an engine's worker in a forked child. Standard library only; beside the workers, not imported.

An engine goes on from one text to the next (espeak-ng's flutter and dictionaries, the noise of Piper's models). Only a
state in which nothing was ever spoken gives the same sound for the same request; and a text on which an engine crashes
ends that child alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Callable
from typing import BinaryIO

import framing  # type: ignore[import-not-found]  # beside this file

__all__ = ["ReportedError", "answer_in_child"]

_PDEATHSIG = 1
_REPORTED = 3


class ReportedError(Exception):
    """The child has written the error itself."""


def answer_in_child(
    answer: Callable[[], None], out: BinaryIO, engine: str, describe: Callable[[BaseException], str] = str
) -> None:
    """Call `answer` in a child process, or here if the system cannot fork.

    Args:
        answer: Writes the messages of one request.
        out: Where an error is written.
        engine: Its name in messages.
        describe: The text of an error.

    Raises:
        ReportedError: The child has written an error.
        RuntimeError: The child died.
    """
    if not hasattr(os, "fork"):
        answer()
        return
    parent = os.getpid()
    child = os.fork()
    if not child:
        try:
            _end_with(parent)
            answer()
            os._exit(0)
        except Exception as error:
            framing.write(out, framing.pack(b"X", describe(error).encode()))
            os._exit(_REPORTED)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == _REPORTED:
        raise ReportedError
    if code:
        raise RuntimeError(f"{engine} failed on this text (code {code})")


def _end_with(parent: int) -> None:
    """Let this process be killed when its parent is."""
    with contextlib.suppress(AttributeError, OSError):  # Linux only; elsewhere it ends with what it has to say
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
