"""What is the same for all items of a run on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Job"]


@dataclass(frozen=True, slots=True)
class Job:
    """Plain values, which every process may see.

    Attributes:
        kind: "speak" or "transcribe".
        base_url: Where the workers connect, with keys of their own.
        out: The folder, or None to have transcripts sent back.
        units: Leases of the semaphore.
        run: Distinguishes this run from others.
        sample_rate: Hz, or None.
        channel: Which channel is transcribed, or None.
        timeout: Seconds for one attempt, or None.
    """

    kind: str
    base_url: str
    out: str | None
    units: int
    run: str
    sample_rate: int | None = None
    channel: int | None = None
    timeout: float | None = None

    @property
    def semaphore(self) -> str:
        """The name of the account's budget on the cluster; runs with the same number of units share it."""
        return f"smallest-nb units of {self.base_url}: {self.units}"
