"""Stops a process as a closed lid does. Standard library only."""

from __future__ import annotations

import os
import signal
import subprocess


def suspend_this_process(secs: float) -> None:
    """Stop this process (SIGSTOP) and have it go on after some seconds (SIGCONT)."""
    waker = subprocess.Popen(["sh", "-c", f"sleep {secs}; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)
    waker.wait()
