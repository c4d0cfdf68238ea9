"""Where a notebook's services connect: the key that was found, or the simulator. Imports link; the simulator lazily.

Order: what `use_service` or `use_simulator` chose, SMALLEST_API_KEY, Colab's secrets, Kaggle's secrets, the simulator.
The choice is shown by every widget and never silent.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from smallest_nb.catalog import DEFAULT_BASE_URL
from smallest_nb.errors import AuthError
from smallest_nb.link.target import ENV_BASE_URL, ENV_KEY, Target, from_environment, set_resolver
from smallest_nb.secret import Secret

if TYPE_CHECKING:
    from smallest_nb.simulator import Simulator

__all__ = ["current_target", "simulator", "use_service", "use_simulator", "using"]

_log = logging.getLogger(__name__)
ENV_RECORD = "SMALLEST_SIMULATOR_RECORD"
SIMULATED_NOTICE = "Simulated voice and recogniser, no API key: set SMALLEST_API_KEY to use the real service."

_lock = threading.RLock()
_chosen: Target | None = None
_simulator: Simulator | None = None


def use_service(api_key: str | None = None, base_url: str | None = None) -> Target:
    """Make every service created from now on use the real one.

    Args:
        api_key: The key; None looks in the environment and in Colab's and Kaggle's secrets.
        base_url: None for the vendor's host.

    Raises:
        AuthError: No key was found.
    """
    global _chosen  # noqa: PLW0603 - the notebook's one choice
    found = Secret(api_key) if api_key else _find_key()
    if found is None:
        raise AuthError(f"No API key: pass api_key=, set {ENV_KEY}, or add it to Colab's or Kaggle's secrets.")
    with _lock:
        _chosen = Target(base_url or os.environ.get(ENV_BASE_URL) or DEFAULT_BASE_URL, found)
        return _chosen


def use_simulator(**options: Any) -> Target:
    """Make every service created from now on use the embedded simulator.

    Args:
        options: For :class:`~smallest_nb.simulator.Simulator`; given ones start it anew.
    """
    global _chosen  # noqa: PLW0603 - the notebook's one choice
    with _lock:
        if options:
            _stop_simulator()
        running = simulator(**options)
        _chosen = _simulated(running)
        return _chosen


@contextmanager
def using(running: Simulator) -> Iterator[Target]:
    """Make services created meanwhile use this simulator."""
    global _chosen  # noqa: PLW0603 - the process's one choice
    with _lock:
        before, _chosen = _chosen, _simulated(running)
    try:
        yield _chosen
    finally:
        with _lock:
            _chosen = before


def simulator(**options: Any) -> Simulator:
    """Return the embedded simulator, starting it when needed; it ends with the process."""
    global _simulator  # noqa: PLW0603 - one per process
    with _lock:
        if _simulator is None:
            from smallest_nb.simulator import Simulator  # noqa: PLC0415 - only when it is needed

            options.setdefault("record", os.environ.get(ENV_RECORD))
            _simulator = Simulator(**options).start()
            atexit.register(_stop_simulator)
        return _simulator


def current_target() -> Target:
    """Return where a service created now would connect."""
    with _lock:
        if _chosen is not None:
            return _chosen
        from_env = from_environment()
        if from_env is not None:
            return from_env
        key = _find_key()
        if key is not None:
            return Target(os.environ.get(ENV_BASE_URL) or DEFAULT_BASE_URL, key)
        return _simulated(simulator())


def _simulated(running: Simulator) -> Target:
    return Target(running.base_url, Secret("sk_simulator", "the simulator"), simulated=True, label=SIMULATED_NOTICE)


def _stop_simulator() -> None:
    global _simulator
    with _lock:
        running, _simulator = _simulator, None
    if running is not None:
        running.stop()


def _find_key() -> Secret | None:
    key = os.environ.get(ENV_KEY)
    if key:
        return Secret(key, f"environment {ENV_KEY}")
    if "google.colab" in sys.modules:
        try:
            from google.colab import userdata  # noqa: PLC0415

            return Secret(userdata.get(ENV_KEY), "Colab's secrets")
        except Exception as error:
            _log.info("no key in Colab's secrets (%s)", type(error).__name__)
    if os.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        try:
            from kaggle_secrets import UserSecretsClient  # noqa: PLC0415

            return Secret(UserSecretsClient().get_secret(ENV_KEY), "Kaggle's secrets")
        except Exception as error:
            _log.info("no key in Kaggle's secrets (%s)", type(error).__name__)
    return None


set_resolver(current_target)
