"""Runs the unit, wire, link and service tests on each supported Python that this machine has.

Each version gets an environment of its own, `.versions/<version>`, from `uv.lock`. Nothing is downloaded but packages:
a Python that is not installed is listed as missing. Exit code 1 if a version fails, or if none was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the bench is no part of the package

from bench.venvs import find_python, find_uv  # noqa: E402

TESTS = ("tests/unit", "tests/wire", "tests/link", "tests/services")
INSTALL_SECS = 600
WORKERS = 2 * (os.cpu_count() or 1)  # half of the time a test waits
VERSION_CODE = "import sys; print('.'.join(map(str, sys.version_info[:2])))"


def supported_versions() -> list[str]:
    """Return the versions that the project's classifiers name, such as `["3.11", "3.12"]`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    python = [c for c in project["classifiers"] if c.startswith("Programming Language :: Python :: ")]
    return [c.rpartition(" ")[2] for c in python if "." in c]


def installed_python(version: str) -> str | None:
    """Return the path of an interpreter of exactly that version, or None if there is none."""
    python = find_python(version)
    found = subprocess.run([python, "-c", VERSION_CODE], capture_output=True, text=True, check=False, timeout=30)
    return python if found.stdout.strip() == version else None


def run_version(version: str, python: str, arguments: list[str]) -> bool:
    """Run the tests on one Python; return whether they passed."""
    home = ROOT / ".versions" / version
    env = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(home)}
    env.pop("VIRTUAL_ENV", None)
    sync = [find_uv(), "sync", "--frozen", "--all-extras", "--compile-bytecode", "--quiet", "--python", python]
    subprocess.run(sync, cwd=ROOT, env=env, check=True, timeout=INSTALL_SECS)
    print(f"Python {version}: {python}", flush=True)
    pytest = [str(home / "bin" / "python"), "-m", "pytest", "-q", "-n", str(WORKERS), "--no-loadscope-reorder"]
    return subprocess.run([*pytest, *TESTS, *arguments], cwd=ROOT, env=env, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Run every version that is there and say which."""
    pythons = {version: installed_python(version) for version in supported_versions()}
    outcome = {
        version: "not installed" if python is None else run_version(version, python, arguments)
        for version, python in pythons.items()
    }
    for version, passed in outcome.items():
        print(f"Python {version}: {passed if isinstance(passed, str) else 'passed' if passed else 'FAILED'}")
    ran = [passed for passed in outcome.values() if isinstance(passed, bool)]
    return 0 if ran and all(ran) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
