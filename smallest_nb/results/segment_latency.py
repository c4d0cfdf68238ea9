"""Where the milliseconds went: from the request to the loudspeaker, and from the microphone to the page.

All times are on the kernel's monotonic clock; the page's are moved onto it by ping, with the uncertainty kept.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SegmentLatency", "StreamLatency"]


@dataclass
class StreamLatency:
    """One stream on its way to the loudspeaker; None if not known (yet).

    Attributes:
        sent: When its first sound left the kernel, ms.
        arrived: When that reached the page, ms.
        rendered: When its first sample left the speaker as the browser estimates, ms.
        prebuffer_ms: Sound that was gathered before it started.
        clock_error_ms: How far off the page's times may be.
    """

    sent: float | None = None
    arrived: float | None = None
    rendered: float | None = None
    prebuffer_ms: int | None = None
    clock_error_ms: float | None = None


@dataclass(frozen=True, slots=True)
class SegmentLatency:
    """One final segment on its way from the microphone to the page, ms; None if not known.

    Attributes:
        capture_to_kernel: From capturing the last sample of a chunk to having it in the kernel (the latest chunk).
        kernel_to_final: From pushing the end of speech to having its final.
        kernel_to_page: Half of the page's fastest round trip.
    """

    capture_to_kernel: float | None
    kernel_to_final: float | None
    kernel_to_page: float | None
