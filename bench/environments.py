"""Makes and finds the peers' virtual environments: `.bench/<name>/`, one each, because their dependencies collide.

`python -m bench.environments` makes those that are missing or whose requirements changed. The bench itself only looks
for them: a peer without an environment is left out, so that a run needs no network. `tests/oracles` uses them too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
ORACLES = ("pipecat13",)
"""Clients of other times, for `tests/oracles`: they are never measured."""
PEERS = tuple(sorted(p.stem for p in REQUIREMENTS.glob("*.txt") if p.stem not in ORACLES))
OWN = ("floor", "smallest_nb", "nothing")
"""Clients that run in the project's own environment."""
_INSTALL_SECS = 900


def interpreter(client: str) -> Path | None:
    """Return the Python that a client runs in, or None where its environment was not made."""
    if client in OWN:
        return Path(sys.executable)
    peer = client.partition("_")[0]  # pipecat_defaults is pipecat, driven otherwise
    python = _home(peer) / "bin" / "python"
    return python if python.exists() and _is_current(peer) else None


def _home(client: str) -> Path:
    return ROOT / ".bench" / client


def _is_current(client: str) -> bool:
    stamp = _home(client) / "requirements.txt"
    return stamp.exists() and stamp.read_bytes() == (REQUIREMENTS / f"{client}.txt").read_bytes()


def make(client: str) -> None:
    """Make one peer's environment anew.

    Raises:
        subprocess.SubprocessError: uv failed or took too long.
    """
    uv = os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    home, wanted = _home(client), REQUIREMENTS / f"{client}.txt"
    shutil.rmtree(home, ignore_errors=True)
    for command in (
        [uv, "venv", "--quiet", "--python", sys.executable, str(home)],
        # Compiled now: else the first import would be measured with compiling, and a read-only user's every one.
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(home / "bin" / "python"),
         "--requirement", str(wanted)],
    ):  # fmt: skip
        subprocess.run(command, check=True, timeout=_INSTALL_SECS)
    shutil.copyfile(wanted, home / "requirements.txt")  # last: marks the environment as whole


def main() -> None:
    """Make what is missing or out of date."""
    for client in (*PEERS, *ORACLES):
        if interpreter(client) is None:
            print(f"making .bench/{client} ...", flush=True)
            make(client)


if __name__ == "__main__":
    main()
