"""A batch on the workers of a Dask cluster.

The runner of this process stays the one that keeps the manifest, counts attempts and orders results. What it sends is
an item as a row or a path; what it gets back are figures and the temporary names of files that the worker wrote. No
sound passes the scheduler, and no key: each worker finds its own, as a program there would.

A worker process has one station for a run (`cluster_station`), with its sockets, for as long as there are items. Who
has which items and how many units is decided here (`cluster_hub`), and what the run has of the account's units is
leased from the scheduler (`cluster_leases`).
"""

from __future__ import annotations

import platform
import secrets
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from smallest_nb.client import target as targets
from smallest_nb.client.batch.cluster_hub import Hub, SchedulerLost
from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.batch.items import Item, Made
from smallest_nb.client.batch.places import open_folder
from smallest_nb.client.batch.services import OnBusy
from smallest_nb.client.batch.units import MOST_UNITS, UnitLimiter
from smallest_nb.errors import ConfigError
from smallest_nb.results.transcript import Transcript

__all__ = ["ClusterWork", "check_cluster", "cluster_limiter"]

_PACKAGES = ("smallest-nb", "distributed", "numpy", "websockets")
"""What has to be the same everywhere: it is on both ends of what is sent, or decides what is made."""
_NO_WORKER_SECS = 60.0
_FIRST_UNITS = 4


def cluster_limiter(units: int | None) -> UnitLimiter:
    """Return how many requests may be under way over all workers: the number given, or one that is learned."""
    return UnitLimiter(MOST_UNITS, _FIRST_UNITS) if units is None else UnitLimiter(units)


def describe_worker(base_url: str, out: str | None, probe: str) -> dict[str, Any]:
    """Return what a worker is, whether it has a key, and whether it sees the folder; never the key."""
    found: dict[str, Any] = {**describe_process(), "problem": ""}
    try:
        targets.resolve(None, base_url)
        if out is not None and probe and not open_folder(out).has(probe):
            found["problem"] = f"does not see the folder {out}: expected a folder that all machines share, or a URL"
    except Exception as error:
        found["problem"] = f"cannot work ({type(error).__name__}: {error})"
    return found


def describe_process() -> dict[str, str]:
    """Return the versions of Python and of the packages that have to be the same everywhere."""
    major, minor, _ = platform.python_version_tuple()
    found = {"python": f"{major}.{minor}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


# In the process that has the client.


def check_cluster(client: Any, base_url: str, out: str | None) -> list[str]:
    """Check, before anything is spent, that every worker can do its part.

    Returns:
        The addresses of the workers.

    Raises:
        ConfigError: This is no client, no worker comes, versions differ, or a worker has no key or no folder.
    """
    if not all(hasattr(client, name) for name in ("submit", "run", "wait_for_workers")):
        raise ConfigError(f"client is {type(client).__name__}; expected a dask.distributed.Client.")
    if getattr(client, "asynchronous", False):
        raise ConfigError("The client is asynchronous, and this call blocks: make one with Client(address).")
    try:
        client.wait_for_workers(1, timeout=_NO_WORKER_SECS)
    except Exception as error:
        raise ConfigError(f"The cluster has no worker ({type(error).__name__}: {error}).") from error
    return _check_workers(client, base_url, out)


def _check_workers(client: Any, base_url: str, out: str | None, addresses: list[str] | None = None) -> list[str]:
    """Check some workers, or all; return their addresses."""
    folder = None if out is None else open_folder(out)
    probe = "" if folder is None else folder.put(f"probe-{secrets.token_hex(4)}", b"")
    try:
        workers: Mapping[str, Any] = client.run(
            describe_worker, base_url, out, probe, workers=addresses, on_error="return"
        )
    finally:
        if folder is not None and probe:
            folder.drop(probe)
    here = describe_process()
    for address, found in workers.items():
        if isinstance(found, BaseException):
            raise ConfigError(
                f"Worker {address} cannot run this package ({type(found).__name__}: {found}). Install smallest-nb "
                f"{here['smallest-nb']} there, with Python {here['python']}."
            )
        other = [f"{name} {found[name]} instead of {here[name]}" for name in here if found[name] != here[name]]
        if other:
            raise ConfigError(f"Worker {address} has {', '.join(other)}; expected the same versions as here.")
        if found["problem"]:
            raise ConfigError(
                f"Worker {address} {found['problem']}. Workers find their own keys: set {targets.ENV_KEY} in their "
                "environment, or a keyring or .env file there."
            )
    return list(workers)


class ClusterWork:
    """Has items done by workers; see :class:`~smallest_nb.client.batch.runner.Work`.

    Made on the event loop of the run.

    Args:
        client: A `dask.distributed.Client`.
        job: What is the same for all items.
        limiter: How many requests may be under way.
        workers: Addresses of the workers, which were checked.
    """

    limits_itself = True

    def __init__(self, client: Any, job: Job, limiter: UnitLimiter, workers: list[str]) -> None:
        def check(addresses: list[str]) -> object:
            return _check_workers(client, job.base_url, job.out, addresses)

        self._hub = Hub(client, job, limiter, workers, check)

    async def prepare(self, item: Item) -> None:
        """Nothing is read here."""

    async def request(self, item: Item, prepared: None, on_busy: OnBusy) -> dict[str, Any]:  # noqa: ARG002 - the protocol
        """Have a worker do it, and wait for what it says; it tells the hub of refusals itself."""
        return await self._hub.do(item)

    async def finish(self, item: Item, prepared: None, answer: dict[str, Any]) -> Made:  # noqa: ARG002 - the protocol
        """Return what the worker made."""
        value = answer["value"]
        return Made(
            None if value is None else Transcript.from_json(value),
            pending=answer["pending"],
            duration=answer["duration"],
            characters=answer["characters"],
            ttfb_s=answer["ttfb_s"],
            fingerprint=answer["fingerprint"],
        )

    def ends_run(self, error: BaseException) -> bool:
        """Whether every other item would end with this error too."""
        return isinstance(error, SchedulerLost)

    async def close(self) -> None:
        """End the run on the workers, and with it what is still under way."""
        await self._hub.close()
