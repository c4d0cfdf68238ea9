"""What every way to a microphone has in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from smallest_nb.notebook.comm.messages import Granted, RecordingState

__all__ = ["MicrophoneSource", "SourceReport"]


@dataclass(frozen=True)
class SourceReport:
    """What a source says of itself.

    Attributes:
        state: What it does.
        problem: Why it gives no sound, or None.
        device_rate: Hz of the device, 0 while it is closed.
        dropped: Chunks that were lost because something was too busy.
        granted: What the browser really switched on, if a browser records.
        by_kernel: The kernel began or ended the recording. A page takes back its own pause; here the kernel must.
    """

    state: RecordingState
    problem: str | None = None
    device_rate: int = 0
    dropped: int = 0
    granted: Granted | None = None
    by_kernel: bool = False


class MicrophoneSource(Protocol):
    """One way to a microphone: a page of the notebook, a tab of its own, the kernel's computer, a clip.

    Attributes:
        on_pcm: Called on the background loop with each chunk of PCM16, in order; the controller sets it.
        on_state: Called on the background loop with each report; the controller sets it.
    """

    on_pcm: Callable[[bytes], None]
    on_state: Callable[[SourceReport], None]

    def start(self) -> None:
        """Begin to record, or to ask for it. On the background loop."""

    def stop(self) -> None:
        """End what it records; its last words may still come before it reports "idle". From any thread."""
