"""Python and the packages, against the lower bounds in the metadata of smallest_nb."""

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import PackageNotFoundError, requires, version

from smallest_nb.notebook.doctor.report import Check

__all__ = ["check_python", "release"]

_BOUND = re.compile(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9.]+)\s*$")
_NAMES = {"ipython": "IPython"}
_SHOWN = ("anywidget", "websockets", "ipython", "traitlets", "numpy")
"""The packages with a line each; of the others only what is wrong is shown. ipywidgets has a line of its own."""


def check_python() -> list[Check]:
    """Check Python and each package that is needed."""
    bounds = _bounds()
    shown = [_package(name, bounds[name]) for name in _SHOWN if name in bounds]
    others = [_package(name, at_least) for name, at_least in bounds.items() if name not in (*_SHOWN, "ipywidgets")]
    wrong = [c for c in others if c.status != "green"]
    rest = [] if wrong else [Check("python.others", "Other packages", "green", f"{len(others)}, none too old")]
    return [_python(), _own(), _ipykernel(), _ipywidgets(bounds.get("ipywidgets", "0")), *shown, *wrong, *rest]


def release(text: str) -> tuple[int, ...]:
    """Return the numbers a version begins with: "7.0.0a1" gives (7, 0, 0)."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(n) for n in found[0].split(".")) if found else ()


def _bounds() -> dict[str, str]:
    matches = (_BOUND.match(line) for line in requires("smallest-nb") or () if ";" not in line)
    return {found[1].lower(): found[2] for found in matches if found}


def _python() -> Check:
    found = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    if sys.platform == "emscripten":
        fix = "A browser cannot open the service's sockets: use a notebook with a kernel outside the browser."
        return Check("python.version", "Python", "red", f"{found}, in the browser", fix)
    return Check("python.version", "Python", "green", found)


def _own() -> Check:
    return Check("python.smallest_nb", "smallest_nb", "green", version("smallest-nb"))


def _package(name: str, at_least: str) -> Check:
    check_id, title = f"python.{name}", _NAMES.get(name, name)
    installed = _installed(name)
    if installed is None:
        return Check(check_id, title, "red", "not installed", f'pip install "{name}>={at_least}"')
    if release(installed) < release(at_least):
        return Check(check_id, title, "red", f"{installed}; {at_least} or newer is needed",
                     f'pip install "{name}>={at_least}", then restart the kernel')  # fmt: skip
    return _restarted(name, title, installed) or Check(check_id, title, "green", installed)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _restarted(name: str, title: str, installed: str) -> Check | None:
    """A package that was upgraded while a kernel runs is still the old one in it."""
    loaded = getattr(sys.modules.get(title), "__version__", None)
    if not isinstance(loaded, str) or release(loaded) == release(installed):
        return None
    return Check(
        f"python.{name}", title, "amber", f"{installed} is installed, {loaded} is loaded", "Restart the kernel."
    )


def _ipykernel() -> Check:
    installed = _installed("ipykernel")
    if installed is None:
        return Check("python.ipykernel", "ipykernel", "unknown", "not installed here",
                     "Notebooks need one in the environment of their kernel: pip install ipykernel")  # fmt: skip
    numbers = release(installed)
    if numbers[:2] == (7, 0):
        return Check("python.ipykernel", "ipykernel", "red",
                     f"{installed} is broken for threads: what they send to the page raises LookupError",
                     'pip install "ipykernel>=7.1", then restart the kernel')  # fmt: skip
    if numbers < (7,):
        fix = "Let a cell end before you press; outside of Colab ipykernel 7.1 or newer may react sooner."
        found = f"{installed} receives messages from the page only between cells"
        return Check("python.ipykernel", "ipykernel", "amber", found, fix)
    return _restarted("ipykernel", "ipykernel", installed) or Check("python.ipykernel", "ipykernel", "green", installed)


def _ipywidgets(at_least: str) -> Check:
    check = _package("ipywidgets", at_least)
    lab = _installed("jupyterlab")
    if check.status == "green" and release(check.found) < (8,) and lab and release(lab) >= (4,):
        return Check(check.id, check.title, "amber", f"{check.found}, which JupyterLab {lab} cannot show",
                     'pip install "ipywidgets>=8", unless another front end is used')  # fmt: skip
    return check
