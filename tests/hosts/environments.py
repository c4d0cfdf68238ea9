"""Makes and finds the hosts' virtual environments: `.hosts/<host>/`, each with the project in it as it stands here.

`python -m tests.hosts.environments` makes those that are missing or whose requirements changed.
"""

from __future__ import annotations

import contextlib
import fcntl
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # the bench is no part of the package

from bench.venvs import ROOT, Shelf

REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
HOSTS = tuple(sorted(p.stem for p in REQUIREMENTS.glob("*.txt")))
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_SHELF = Shelf(
    ROOT / ".hosts",
    REQUIREMENTS,
    ("--editable", f"{ROOT}[simulator]"),
    "\n".join([*_PROJECT["dependencies"], *_PROJECT["optional-dependencies"]["simulator"]]),
)
_NPM = re.compile(r"^# npm: (.+)$", re.MULTILINE)
_NPM_SECS = 300
_MAKE_SECS = 100.0


def interpreter(host: str) -> Path:
    """Return the Python that a host runs in, waiting for it while the environments are being made.

    Raises:
        LookupError: Its environment was not made, with what to do.
    """
    deadline = time.monotonic() + _MAKE_SECS
    while (python := _SHELF.python(host)) is None and _are_being_made() and time.monotonic() < deadline:
        time.sleep(0.5)
    python = python or _SHELF.python(host)  # made and finished between the two questions
    if python is None:
        raise LookupError(
            f"The environment .hosts/{host} is missing or out of date; make it with `make hosts` or "
            "`python -m tests.hosts.environments` (it needs a package index)."
        )
    return python


@contextlib.contextmanager
def _lock(kind: int) -> Iterator[None]:
    """Lock the folder of the environments; the lock ends with its process.

    Raises:
        BlockingIOError: Another process has it, and the kind is non-blocking.
    """
    (ROOT / ".hosts").mkdir(exist_ok=True)
    with (ROOT / ".hosts" / ".lock").open("w") as held:
        fcntl.flock(held, kind)
        yield


def _are_being_made() -> bool:
    try:
        with _lock(fcntl.LOCK_SH | fcntl.LOCK_NB):
            return False
    except BlockingIOError:
        return True


def _add_npm(host: str) -> None:
    """Put npm packages where Solara keeps what it has fetched from its CDN, so that a test needs no CDN."""
    found = _NPM.search((REQUIREMENTS / f"{host}.txt").read_text())
    for package in found.group(1).split() if found else ():
        target = ROOT / ".hosts" / host / "share" / "solara" / "cdn" / package
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", "--pack-destination", folder, package]
            subprocess.run(command, check=True, timeout=_NPM_SECS, stdout=subprocess.DEVNULL)
            with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
                archive.extractall(folder, filter="data")
            target.parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / "package").rename(target)


def main() -> None:
    """Make what is missing or out of date."""
    with _lock(fcntl.LOCK_EX):
        for host in HOSTS:
            if _SHELF.python(host) is None:
                print(f"making .hosts/{host} ...", flush=True)
                _SHELF.make(host)
                _add_npm(host)
                _SHELF.seal(host)


if __name__ == "__main__":
    main()
