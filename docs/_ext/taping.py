"""Makes the tapes of the live boxes, in processes that run while the pages are read; once, until their sources change.

They are kept in `docs/_tapes`, which is not in git, in a folder named by what they are made of.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from smallest_nb.notebook.widgets import assets

__all__ = ["NAMES", "Taping"]

NAMES = ("audition", "call")
_HERE = Path(__file__).resolve().parent
_ROOT = _HERE.parents[1]
_KEPT = _ROOT / "docs" / "_tapes"
_MOST_SECS = 90


class Taping:
    """The tapes of one build.

    Attributes:
        folder: Where they are, after `finish`.
        processes: Those that play a recording now, by its name.
    """

    def __init__(self) -> None:
        self.folder = _KEPT / _made_of()
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._draft: Path | None = None

    def start(self) -> None:
        """Begin to make what is not there."""
        if self.folder.is_dir():
            return
        _KEPT.mkdir(exist_ok=True)
        self._draft = Path(tempfile.mkdtemp(dir=_KEPT, prefix="draft-"))
        env = {name: value for name, value in os.environ.items() if name != "SMALLEST_API_KEY"}
        for name in NAMES:
            command = [sys.executable, str(_HERE / "tape_programs.py"), name, str(self._draft)]
            self.processes[name] = subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)  # noqa: S603

    def finish(self) -> None:
        """Wait for them and put them where they are kept; of builds that run at once the first one's stay.

        Raises:
            RuntimeError: A recording could not be played, with what its process said.
            subprocess.TimeoutExpired: It took longer than 90 s.
        """
        for name, process in self.processes.items():
            _, output = process.communicate(timeout=_MOST_SECS)
            if process.returncode:
                raise RuntimeError(f"The recording {name!r} could not be played:\n{output}")
        if self._draft is not None:
            for old in (p for p in _KEPT.iterdir() if not p.name.startswith("draft-") and p != self.folder):
                shutil.rmtree(old, ignore_errors=True)
            try:
                self._draft.rename(self.folder)
            except OSError:
                if not self.folder.is_dir():  # else another build was faster
                    raise
        self.end()

    def end(self) -> None:
        """End what still runs, and leave nothing half made."""
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.processes.clear()
        if self._draft is not None:
            shutil.rmtree(self._draft, ignore_errors=True)
            self._draft = None


def _made_of() -> str:
    """Return a name for all that the tapes depend on: recordings, programs, the package and its front end."""
    sources = [_HERE / name for name in ("tapes.py", "tape_programs.py", "stopped_clock.py")]
    sources += [
        _ROOT / "scripts" / "record_cassettes.py",
        assets.STATIC / "manifest.json",
        *(_ROOT / "tests" / "cassettes").iterdir(),
    ]
    sources += (_ROOT / "smallest_nb").rglob("*.py")
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path.relative_to(_ROOT)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
