"""Pipecat with the observers that its worker brings by default, as the first measurement of the peers had it.

Not among the clients that are measured unless asked for: ask with `--clients floor,pipecat,pipecat_defaults`.
"""

from __future__ import annotations

from functools import partial

from bench.clients.harness import run
from bench.clients.pipecat import Pipecat, quiet

if __name__ == "__main__":
    quiet()
    run(partial(Pipecat, observers=True))
