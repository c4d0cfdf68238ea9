"""Where a notebook's services connect: a key that was found, or the simulator.

Order: what `use_service`, `ask_key` or `use_simulator` chose; a key that `keys` finds; the simulator. Every widget
shows the choice; `current_target().key.source` names the source of the key.
"""

from __future__ import annotations

import atexit
import os
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from smallest_nb.client import background_loop
from smallest_nb.client.target import ENV_KEY, Target, default_base_url, set_resolver
from smallest_nb.common.address import without_credentials
from smallest_nb.common.secret import Secret
from smallest_nb.errors import AuthError
from smallest_nb.notebook.key_prompt import prompt_for_key
from smallest_nb.notebook.keys import SearchedSource, find_key, save_key, search_sources

if TYPE_CHECKING:
    from smallest_nb.simulator import Simulator

__all__ = [
    "ask_key",
    "current_target",
    "find_target",
    "reset",
    "simulator",
    "use_service",
    "use_simulator",
    "use_target",
    "using",
]

ENV_RECORD = "SMALLEST_SIMULATOR_RECORD"
SIMULATED_NOTICE = "Simulator: no API key."

_lock = threading.RLock()
"""Held while a simulator is started or replaced; a choice is one assignment and needs no lock."""
_chosen: Target | None = None
_simulator: Simulator | None = None


def use_service(api_key: str | Secret | None = None, base_url: str | None = None) -> Target:
    """Make every service created from now on use the real one.

    Args:
        api_key: The key; None searches the sources of `smallest_nb.notebook.keys`.
        base_url: None for the vendor's host.

    Raises:
        AuthError: No key was found.
        ConfigError: A key or a base URL that cannot be used.
    """
    api_key, base_url = Secret.of(api_key or None), without_credentials(base_url)
    found = api_key if api_key is not None else find_key()
    if found is None:
        raise AuthError(
            f"No API key: call ask_key(), set {ENV_KEY}, or put it into Colab's or Kaggle's secrets, keyring or .env."
        )
    return _choose(found.check(), base_url)


def ask_key(*, save: bool = False) -> Target:
    """Ask for the key in the page or terminal, without showing it, and use the real service from now on.

    Args:
        save: Put it into the keyring too, for all of this person's notebooks; else it ends with the process.

    Raises:
        AuthError: There is neither a page nor a terminal here, or no answer came.
        ConfigError: What was typed cannot be a key; or it cannot be saved, but is used.
    """
    key = prompt_for_key()
    chosen = _choose(key)
    if save:
        save_key(key)
    return chosen


def _choose(key: Secret, base_url: str | None = None) -> Target:
    target = Target(base_url or default_base_url(), key)
    use_target(target)
    return target


def use_target(target: Target | None) -> None:
    """Make every service created from now on use this target; None looks for a key again."""
    global _chosen  # noqa: PLW0603 - the notebook's one choice
    _chosen = target  # without the lock: an interrupt can take the place of releasing it


def reset() -> None:
    """Forget what was chosen and stop the embedded simulator, as in a process that has just started."""
    global _simulator
    _forget_lock()  # an interrupt may have left it held
    use_target(None)
    former, _simulator = _simulator, None
    if former is not None:
        former.stop()


def use_simulator(**options: Any) -> Target:
    """Make every service created from now on use the embedded simulator.

    Args:
        options: For :class:`~smallest_nb.simulator.Simulator`; if any are given, another one replaces the running one.
            Unless `key` is one of them, it accepts only the key that this process generated, the returned target's;
            `key=None` accepts any.
    """
    with _lock:
        if options or _simulator is None:
            _replace_simulator(options, choose=True)
        else:
            use_target(_simulated(_simulator))
        return current_target()


@contextmanager
def using(running: Simulator) -> Iterator[Target]:
    """Make services that are created in the block use this simulator."""
    before, target = _chosen, _simulated(running)
    try:
        use_target(target)
        yield target
    finally:
        use_target(before)


def simulator(**options: Any) -> Simulator:
    """Return the embedded simulator, started if necessary; it ends with the process."""
    if _simulator is not None:
        return _simulator
    with _lock:
        return _simulator or _replace_simulator(options, choose=False)


def _replace_simulator(options: dict[str, Any], *, choose: bool) -> Simulator:
    """Start a simulator in place of the one that runs, if one does. The caller holds the lock.

    An interrupt or a failure at any point leaves the former one running and chosen.
    """
    global _chosen, _simulator
    from smallest_nb.simulator import Simulator  # noqa: PLC0415 - only when it is needed

    options.setdefault("record", os.environ.get(ENV_RECORD))
    # Random: other users of the machine who guessed it could use up this notebook's connections.
    options.setdefault("key", f"sk_simulator_{secrets.token_urlsafe(24)}")
    fresh = Simulator(**options)
    former, former_choice = _simulator, _chosen
    try:
        if former is not None and former.port == fresh.port:
            former.stop()  # the new one needs its port
        with background_loop.explain_refused_threads():
            fresh.start()
        target = _simulated(fresh)
        _simulator, _chosen = fresh, target if choose else _chosen
    except BaseException:
        _simulator, _chosen = former, former_choice
        fresh.stop()
        if former is not None:
            former.start()  # it still runs unless it was stopped above
        raise
    if former is not None:
        former.stop()
    return fresh


def current_target() -> Target:
    """Return where a service created now would connect."""
    return find_target()[0]


def find_target() -> tuple[Target, list[SearchedSource]]:
    """As `current_target`, and the sources that were searched for a key; none if the target was chosen before."""
    chosen = _chosen
    if chosen is not None:
        return chosen, []
    searched = search_sources()
    key = searched[-1].key
    if key is not None:
        return Target(default_base_url(), key), searched
    return _simulated(simulator()), searched


def _simulated(running: Simulator) -> Target:
    key = running.key or Secret("sk_simulator", "the simulator")
    return Target(running.base_url, key, simulated=True, label=SIMULATED_NOTICE)


def _key_for_another_address() -> Secret | None:
    chosen = _chosen
    return chosen.key if chosen is not None and not chosen.simulated else find_key()


def _stop_simulators() -> None:
    """End every simulator with the process, after the services: `atexit` runs what was registered last first."""
    server = sys.modules.get("smallest_nb.simulator.server")
    stop_all = getattr(server, "stop_all", None)  # missing while a daemon thread is still importing it
    if stop_all is not None:
        stop_all()


def _forget_lock() -> None:
    """Replace the lock in a forked process, which may lack its holder; the parent's simulator still answers."""
    global _lock  # noqa: PLW0603
    _lock = threading.RLock()


atexit.register(_stop_simulators)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_lock)
set_resolver(current_target, _key_for_another_address)
