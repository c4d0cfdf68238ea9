"""Pipecat with the observers that its worker brings by default, as the first measurement of the clients had it.

Not among the clients that are measured by default: `--clients floor,pipecat,pipecat_defaults` includes it.
"""

from __future__ import annotations

from bench.clients import pipecat


class Client(pipecat.Client):
    """Both services in a pipeline as it is by default."""

    def __init__(self) -> None:
        super().__init__(observers=True)
