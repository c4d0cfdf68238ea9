"""How long a composite lives: as long as a program or a cell's output has it, and not for as long as the kernel.

ipywidgets keeps every widget until it is closed, since a page may show it. A tuner whose cell is run again would keep
its model, its takes and its sockets. So ipywidgets' registry and the comms hold ours weakly; what a cell puts
out holds them, until the same cell runs again and no page shows them.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Protocol

import ipywidgets
from ipywidgets.widgets import widget as ipywidgets_module

__all__ = ["Root", "hold_weakly", "keep_shown", "kernel_shell", "release_if_hidden", "weakly"]


class Root(Protocol):
    """A composite."""

    comm: Any
    layout: Any
    model_id: str

    @property
    def is_seen(self) -> bool:
        """Whether a page shows it."""

    def on_hidden(self) -> None:
        """Give back what only a person who sees it needs."""


_OUTPUT_NAME = re.compile(r"_+\d*$")
_message_handler = attrgetter("_handle_msg")
"""What ipywidgets itself registers at a comm; it has no public name for it."""
_shown: dict[str, list[Root]] = {}
"""What each cell put out, by the cell's id; where the host gives none, by its text."""
_leaving: list[Root] = []
"""What no output has any more, but a page still shows."""
_permanent: list[Root] = []
"""Shown where it is not known which cell runs."""
_watched: Any = None


def weakly(method: Callable[..., Any]) -> Callable[..., None]:
    """Return a function that calls a bound method while its object lives, and does not keep it alive."""
    known = weakref.WeakMethod(method)

    def call(*args: Any) -> None:
        alive = known()
        if alive is not None:
            alive(*args)

    return call


def hold_weakly(root: Root) -> None:
    """Have ipywidgets' registry and the comms hold a composite and its layout weakly.

    Only where displays are known: in an IPython kernel, and where there is no front end at all.
    """
    registry = getattr(ipywidgets_module, "_instances", None)
    if registry is None:  # ipywidgets 7
        registry = getattr(ipywidgets.Widget, "widgets", None)
    no_front_end = type(root.comm).__name__ == "DummyComm"
    if not isinstance(registry, dict) or root.comm is None or not (no_front_end or kernel_shell()):
        return
    _watch_cells()
    for model in (root, root.layout):
        name = model.model_id
        if name in registry:
            registry[name] = weakref.proxy(model, _remover(registry, str(name)))
            model.comm.on_msg(weakly(_message_handler(model)))  # as ipywidgets does, but without keeping it alive


def _remover(registry: dict[Any, Any], name: str) -> Callable[[Any], None]:
    return lambda _gone: registry.pop(name, None)


def keep_shown(root: Root) -> None:
    """Keep a composite for the output of the cell that runs now."""
    shell = kernel_shell()
    if shell is None:
        _permanent.append(root)
        return
    held = _shown.setdefault(_cell(shell), [])
    if not any(one is root for one in held):
        held.append(root)


def release_if_hidden(root: Root) -> None:
    """Let go of a composite that neither an output nor a page has any more. To be called when a page has left it."""
    if root.is_seen or any(one is root for held in _shown.values() for one in held):
        return
    _leaving[:] = [one for one in _leaving if one is not root]
    root.on_hidden()


def kernel_shell() -> Any:
    """Return IPython's shell if a kernel runs it, else None."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell if getattr(shell, "kernel", None) is not None else None


def _cell(shell: Any) -> str:
    parent: dict[str, Any] = getattr(shell.kernel, "get_parent", dict)() or {}
    return str(parent.get("metadata", {}).get("cellId") or parent.get("content", {}).get("code", ""))


def _watch_cells() -> None:
    global _watched  # noqa: PLW0603 - the kernel has one shell
    shell = kernel_shell()
    if shell is not None and shell is not _watched:
        _watched = shell
        shell.events.register("pre_run_cell", _run_again)


def _run_again(_info: Any = None) -> None:
    """Let go of what the former run of a cell put out."""
    for root in _shown.pop(_cell(_watched), ()):
        _take_from_outputs(_watched, root)
        _leaving.append(root)
        release_if_hidden(root)


def _take_from_outputs(shell: Any, root: Root) -> None:
    """Take a value out of the history of outputs (`_`, `Out[3]`), as IPython's %xdel does."""
    hidden = getattr(shell, "user_ns_hidden", {})  # IPython's own names, once more
    for space in (shell.user_ns, hidden, getattr(shell.history_manager, "output_hist", {})):
        for name, value in list(space.items()):
            if value is root and (not isinstance(name, str) or _OUTPUT_NAME.match(name)):
                del space[name]
    for name in ("_", "__", "___"):
        if getattr(shell.displayhook, name, None) is root:
            setattr(shell.displayhook, name, None)
    if getattr(getattr(shell, "last_execution_result", None), "result", None) is root:
        shell.last_execution_result = None
