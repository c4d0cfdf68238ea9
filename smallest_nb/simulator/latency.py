"""How long the service lets one wait, as published, so that a demonstration feels like the real thing.

The figures are the vendor's and Pipecat's: time to first byte of speech 200 ms in the region and 500 to 800 ms from a
laptop far away (changelog of 2026-08-03); connection setup 20 to 80 ms, one way 5 to 30 ms in the region and 80 to
200 ms across regions, first partial after about 150 ms, final about 400 ms after the end of speech
(`measuring-latency.mdx`); 99 of 100 finals within 1.59 s (Pipecat's SMALLEST_TTFS_P99).
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from smallest_nb.errors import ConfigError

__all__ = ["LATENCIES", "Delay", "Latency", "latency"]

_random = random.Random()  # noqa: S311 - delays


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from `low` to `high`, evenly spread."""

    low: float
    high: float

    def seconds(self) -> float:
        """Return how long it is this time."""
        return _random.uniform(self.low, self.high)

    async def wait(self) -> None:
        """Wait that long."""
        if self.high > 0:
            await asyncio.sleep(self.seconds())


@dataclass(frozen=True, slots=True)
class Latency:
    """What is added to the simulator's own time.

    Attributes:
        name: Of the preset.
        connect: Before a handshake or a REST call is answered.
        speech: Before the first chunk of a request.
        interim: Before each interim transcript.
        final: Before each final transcript.
    """

    name: str
    connect: Delay
    speech: Delay
    interim: Delay
    final: Delay


_NONE = Delay(0, 0)
LATENCIES = {
    each.name: each
    for each in (
        Latency("none", _NONE, _NONE, _NONE, _NONE),
        Latency("in-region", Delay(0.02, 0.08), Delay(0.18, 0.22), Delay(0.13, 0.17), Delay(0.3, 0.5)),
        Latency("far-laptop", Delay(0.18, 0.48), Delay(0.5, 0.8), Delay(0.3, 0.55), Delay(0.6, 1.59)),
    )
}
"""The presets by name."""


def latency(name: str) -> Latency:
    """Look a preset up.

    Raises:
        ConfigError: No such preset.
    """
    try:
        return LATENCIES[name]
    except KeyError:
        raise ConfigError(f"latency={name!r} is unknown; choose one of {', '.join(LATENCIES)}.") from None
