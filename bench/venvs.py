"""Virtual environments side by side, one for each file of requirements. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ROOT", "Shelf", "find_uv"]

ROOT = Path(__file__).resolve().parent.parent
_INSTALL_SECS = 900
_FIND_SECS = 60
_WANTED = re.compile(r"^# python: (\S+)$", re.MULTILINE)


def find_uv() -> str:
    """Return uv's path: the caller's, the machine's, else our own."""
    return os.environ.get("UV") or shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")


def find_python(version: str) -> str:
    """Return the interpreter of a version where the machine has one, pyenv's too, else the one that runs this."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    folders = [str(folder) for folder in sorted(pyenv.glob("versions/*/bin"))]
    path = os.pathsep.join([*folders, os.environ.get("PATH", "")])
    command = [find_uv(), "python", "find", "--no-python-downloads", version]
    found = subprocess.run(
        command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False, timeout=_FIND_SECS
    )
    return found.stdout.strip() if found.returncode == 0 else sys.executable


@dataclass(frozen=True)
class Shelf:
    """Environments `<home>/<name>/`, each made from `<requirements>/<name>.txt`.

    A line `# python: 3.13` there asks for that version; the running one takes its place where there is none.

    Attributes:
        home: Folder of the environments.
        requirements: Folder of the requirement files.
        also: Further arguments for `uv pip install`, such as the project itself.
        versions_of_also: What `also` depends on; an environment that was made with something else is out of date.
    """

    home: Path
    requirements: Path
    also: tuple[str, ...] = ()
    versions_of_also: str = ""

    def python(self, name: str) -> Path | None:
        """Return an environment's interpreter, or None where it was not made or its requirements changed."""
        python = self._python(name)
        return python if python.exists() and self._is_current(name) else None

    def make(self, name: str) -> None:
        """Make an environment from nothing.

        Raises:
            subprocess.SubprocessError: uv failed or took too long.
        """
        uv, home = find_uv(), self.home / name
        wanted = self.requirements / f"{name}.txt"
        shutil.rmtree(home, ignore_errors=True)
        asked = _WANTED.search(wanted.read_text(encoding="utf-8"))
        python = find_python(asked.group(1)) if asked else sys.executable
        for command in (
            [uv, "venv", "--quiet", "--python", python, str(home)],
            # Compiled now: else the first import would be measured with compiling, and a read-only user's every one.
            [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(self._python(name)),
             "--requirement", str(wanted), *self.also],
        ):  # fmt: skip
            subprocess.run(command, check=True, timeout=_INSTALL_SECS)

    def seal(self, name: str) -> None:
        """Mark an environment as whole; the last step of making it."""
        self._stamp(name).write_text(self._wanted(name), encoding="utf-8")

    def _python(self, name: str) -> Path:
        return self.home / name / "bin" / "python"

    def _stamp(self, name: str) -> Path:
        return self.home / name / "requirements.txt"

    def _is_current(self, name: str) -> bool:
        stamp = self._stamp(name)
        return stamp.exists() and stamp.read_text(encoding="utf-8") == self._wanted(name)

    def _wanted(self, name: str) -> str:
        return (self.requirements / f"{name}.txt").read_text(encoding="utf-8") + self.versions_of_also
