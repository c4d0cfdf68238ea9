"""Makes and finds the peers' virtual environments: `.bench/<name>/`, one each, because their dependencies collide.

`python -m bench.environments` makes those that are missing or whose requirements changed. The bench itself only looks
for them: a peer without an environment is left out, so that a run needs no network. `tests/oracles` uses them too.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.venvs import ROOT, Shelf

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
ORACLES = ("pipecat13", "piper")
"""For tests: a client of other times, and the engine of Piper voices. They are never measured."""
PAGES = ("gradio",)
"""For `bench.press` alone, which makes it when it is asked for."""
PEERS = tuple(sorted(p.stem for p in REQUIREMENTS.glob("*.txt") if p.stem not in (*ORACLES, *PAGES)))
OWN = ("floor", "smallest_nb", "nothing")
"""Clients that run in the project's own environment."""
_SHELF = Shelf(ROOT / ".bench", REQUIREMENTS)


def interpreter(client: str) -> Path | None:
    """Return the Python that a client runs in, or None where its environment was not made."""
    if client in OWN:
        return Path(sys.executable)
    return _SHELF.python(client.partition("_")[0])  # pipecat_defaults is pipecat, driven otherwise


def page_peer(name: str) -> Path:
    """Return the Python of an environment that is made when it is missing."""
    if _SHELF.python(name) is None:
        _SHELF.make(name)
        _SHELF.seal(name)
    return _SHELF.python(name) or Path(sys.executable)


def main() -> None:
    """Make what is missing or out of date."""
    for client in (*PEERS, *ORACLES):
        if interpreter(client) is None:
            print(f"making .bench/{client} ...", flush=True)
            _SHELF.make(client)
            _SHELF.seal(client)


if __name__ == "__main__":
    main()
