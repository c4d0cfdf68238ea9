"""Which notebook host this process runs in; names appear in texts only, no behaviour depends on them."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["has_kernel", "host_name", "shell", "shows_widgets"]


def shell() -> Any:
    """Return IPython's shell, or None; IPython is not loaded for the question."""
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def has_kernel() -> bool:
    """Whether a Jupyter kernel runs here."""
    return getattr(shell(), "kernel", None) is not None


def shows_widgets() -> bool:
    """Whether a widget can be shown here."""
    return has_kernel() or host_name() in ("Solara", "Shiny", "marimo", "Voilà")


def host_name() -> str:
    """Return the host for people, such as "Colab"; "a Jupyter kernel" if its host is not known here."""
    env, modules = os.environ, sys.modules
    if "google.colab" in modules or "COLAB_RELEASE_TAG" in env:
        return "Colab"
    if "KAGGLE_KERNEL_RUN_TYPE" in env:
        return "Kaggle"
    if sys.platform == "emscripten":
        return "JupyterLite"
    if "solara.server" in modules:
        return "Solara"
    if _calls("shiny.session", "get_current_session"):
        return "Shiny"
    if _calls("marimo", "running_in_notebook"):
        return "marimo"
    if env.get("SERVER_SOFTWARE", "").startswith("voila"):
        return "Voilà"
    if "__vsc_ipynb_file__" in (getattr(shell(), "user_ns", None) or {}):
        return "VS Code"
    if has_kernel():
        return "Jupyter" if env.get("JPY_SESSION_NAME") else "a Jupyter kernel"
    return "IPython in a terminal" if shell() is not None else "Python without a notebook"


def _calls(module: str, name: str) -> bool:
    function = getattr(sys.modules.get(module), name, None)
    return bool(function and function())
