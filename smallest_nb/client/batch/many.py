"""`speak_many` and `transcribe_many`: blocking calls for a cell, a script or a terminal."""

from __future__ import annotations

import dataclasses
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.client import background_loop
from smallest_nb.client import target as targets
from smallest_nb.client.batch.items import Item
from smallest_nb.client.batch.meter import Meter
from smallest_nb.client.batch.places import is_url, open_folder
from smallest_nb.client.batch.results import BatchResults
from smallest_nb.client.batch.rows import checked_name, items_of_rows, read_rows
from smallest_nb.client.batch.runner import Run, Work
from smallest_nb.client.batch.sounds import checked_formats, items_of_sounds
from smallest_nb.client.batch.speaking import Speaking
from smallest_nb.client.batch.store import Store
from smallest_nb.client.batch.transcribing import Transcribing
from smallest_nb.client.batch.units import MOST_UNITS, UnitLimiter, account_limiter, checked_units
from smallest_nb.client.sound_files import for_captions
from smallest_nb.common.numbers import is_integer
from smallest_nb.common.paths import as_path
from smallest_nb.common.secret import Secret, box_arguments
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError

if TYPE_CHECKING:
    from smallest_nb.client.transport import Transport

__all__ = ["speak_many", "transcribe_many"]

_Engine = Callable[[], tuple[Work, UnitLimiter]]
"""Makes, on the background loop, what does the items and what limits it."""
_TIDY_SECS = 15.0
"""How long an interrupted run may take to write what it has and to close its sockets."""


@shortens
def speak_many(
    rows: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    settings: SmallestTTSSettings | Mapping[str, Any] | None = None,
    name: str = "{id}.wav",
    sample_rate: int | None = None,
    units: int | None = None,
    attempts: int = 3,
    on_error: str = "record",
    progress: bool | None = None,
    timeout: float | None = None,
    client: Any = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    transport: Transport | None = None,
    **more_settings: Any,
) -> BatchResults:
    """Speak many texts, as many at once as the plan allows.

    With `out`, each text is a file there that appears as a whole, and a line in `manifest.jsonl`. A second call does
    what is missing or changed, nothing else. An error that ends a run, an interrupt too, has an attribute `results`.

    Args:
        rows: Texts or mappings, a DataFrame, or the path of a CSV, TSV, JSONL or text file. A row has a `text`, perhaps
            an `id`, and settings such as `voice`; other columns come back in the table.
        out: A folder of this machine, or a URL such as `s3://bucket/prompts` (extra `remote`); None keeps the clips in
            memory, at most 1 GiB of them.
        settings: For all rows that do not say otherwise.
        name: What the files are called: fields of the row and of its settings, and `{id}`, `{number}` and `{slug}`. The
            suffix is the format: wav, flac, mp3 or ogg.
        sample_rate: Hz; None means 24000.
        units: Requests at once that the plan allows; None learns it.
        attempts: How often a text is tried at most, from 1.
        on_error: "record" goes on after a text that failed; "raise" ends the run with its error.
        progress: None shows a bar in a notebook; True on a terminal's stderr too; False none.
        timeout: Seconds for one attempt; None for ten minutes.
        client: A `dask.distributed.Client`, whose workers speak (extra `cluster`).
        api_key: The key; None takes the session's, or SMALLEST_API_KEY, else the simulator.
        base_url: None for SMALLEST_BASE_URL, else `wss://api.smallest.ai`.
        transport: What opens the sockets; None for the network, or the cassette that runs.
        more_settings: Such as `voice="liam"`; they win over `settings`.

    Returns:
        A result for each row, in order.

    Raises:
        ConfigError: A value that cannot work, or a folder to which another run writes.
        AuthError: The key was refused.
        OSError: The disk is full.
        SmallestError: The service cannot be reached, or the first text that failed with `on_error="raise"`.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    more_settings = box_arguments(more_settings)
    whole = SmallestTTSSettings.complete().merged(_delta(SmallestTTSSettings, settings, more_settings))[0]
    if out is not None or name != "{id}.wav":
        checked_name(name)
    items = items_of_rows(read_rows(rows), whole, name=None if out is None else name, sample_rate=sample_rate)
    plan = _Plan(
        "speak", out=out, sample_rate=sample_rate, units=checked_units(units), attempts=_checked_attempts(attempts),
        stops_at_error=_checked_on_error(on_error), progress=progress, timeout=timeout, client=client, api_key=api_key,
        base_url=base_url, transport=transport,
    )  # fmt: skip
    return plan.run(items)


@shortens
def transcribe_many(
    audio: Any,
    *,
    out: str | os.PathLike[str] | None = None,
    formats: str | Iterable[str] = ("json",),
    settings: SmallestSTTSettings | Mapping[str, Any] | None = None,
    channel: int | None = None,
    sample_rate: int | None = None,
    units: int | None = None,
    attempts: int = 3,
    on_error: str = "record",
    progress: bool | None = None,
    timeout: float | None = None,
    client: Any = None,
    api_key: str | Secret | None = None,
    base_url: str | None = None,
    transport: Transport | None = None,
    **more_settings: Any,
) -> BatchResults:
    """Transcribe many sounds, as many at once as the plan allows.

    As for :func:`~smallest_nb.transcribe`, words have their times and sentences stay whole, unless the settings say
    otherwise. With `out`, runs are resumed as :func:`speak_many` does.

    Args:
        audio: A pattern such as `calls/**/*.wav`, a folder, a path or a URL; a list of them; or a list of clips, bytes
            of files and arrays.
        out: A folder, or a URL; None keeps the transcripts in memory, without their sound.
        formats: Of the files in `out`: "json", "srt", "vtt", "textgrid", "rttm", "txt", "csv", "eaf", "ctm", "stm".
        settings: For all sounds.
        channel: Which channel is transcribed, from 0; None mixes all to one.
        sample_rate: Hz of arrays.
        units: As for :func:`speak_many`.
        attempts: As for :func:`speak_many`.
        on_error: As for :func:`speak_many`.
        progress: As for :func:`speak_many`.
        timeout: Seconds for one attempt; None for three times the length and a margin.
        client: A `dask.distributed.Client`, whose workers read the files themselves and transcribe them.
        api_key: As for :func:`speak_many`.
        base_url: As for :func:`speak_many`.
        transport: As for :func:`speak_many`.
        more_settings: Such as `diarize=True`; they win over `settings`.

    Returns:
        A result for each sound, in the order of their paths.

    Raises:
        As :func:`speak_many`.
    """
    api_key, base_url = targets.boxed(api_key, base_url)
    more_settings = box_arguments(more_settings)
    given = _delta(SmallestSTTSettings, settings, more_settings).given_fields()
    whole = SmallestSTTSettings.complete().merged(SmallestSTTSettings.from_mapping(for_captions(given)))[0]
    suffixes = checked_formats(formats, whole) if out is not None else ()
    items = items_of_sounds(audio, whole, formats=suffixes, channel=channel, sample_rate=sample_rate)
    plan = _Plan(
        "transcribe", out=out, sample_rate=sample_rate, channel=channel, units=checked_units(units),
        attempts=_checked_attempts(attempts), stops_at_error=_checked_on_error(on_error), progress=progress,
        timeout=timeout, client=client, api_key=api_key, base_url=base_url, transport=transport,
    )  # fmt: skip
    return plan.run(items)


def _delta(kind: type[Any], settings: Any, more: Mapping[str, Any]) -> Any:
    """Return what is given of the settings of both arguments."""
    if isinstance(settings, Mapping):
        settings = kind.from_mapping(settings)
    elif settings is not None and not isinstance(settings, kind):
        raise ConfigError(f"settings is {type(settings).__name__}; expected {kind.__name__}, or a mapping.")
    given = {} if settings is None else settings.given_fields()
    return kind(**{**given, **more})


def _checked_attempts(attempts: int) -> int:
    if not is_integer(attempts) or not 1 <= attempts <= 100:
        raise ConfigError(f"attempts={attempts!r} cannot be used; expected a whole number from 1 to 100.")
    return attempts


def _checked_on_error(on_error: str) -> bool:
    if on_error not in ("record", "raise"):
        raise ConfigError(f"on_error={on_error!r} is unknown; expected 'record' or 'raise'.")
    return on_error == "raise"


@dataclasses.dataclass(frozen=True, repr=False)
class _Plan:
    """The arguments of a call, to be run and to be run again for some items."""

    kind: str
    out: str | os.PathLike[str] | None
    sample_rate: int | None
    units: int | None
    attempts: int
    stops_at_error: bool
    progress: bool | None
    timeout: float | None
    client: Any
    api_key: Secret | None
    base_url: str | None
    transport: Transport | None
    channel: int | None = None

    def run(self, items: Sequence[Item]) -> BatchResults:
        """Do the items, and return what became of them."""
        engine = self._on_this_machine() if self.client is None else self._on_the_cluster(items)
        store = Store(None if self.out is None else open_folder(self.out))
        runs: list[Run] = []
        ended = threading.Event()

        async def do_all() -> None:
            try:
                work, limiter = engine()
                with Meter(len(items), self.progress) as meter:
                    run = Run(
                        items, work, store, limiter, attempts=self.attempts, stops_at_error=self.stops_at_error,
                        meter=meter,
                    )  # fmt: skip
                    runs.append(run)
                    await run.run()
            finally:
                ended.set()

        try:
            background_loop.call(do_all())
        except BaseException as error:
            ended.wait(_TIDY_SECS)  # an interrupted run still writes what it has
            self._attach(error, runs, items)
            raise
        return self._results(runs[0], items)

    def _on_this_machine(self) -> _Engine:
        target = targets.resolve(self.api_key, self.base_url, self.transport)

        def engine() -> tuple[Work, UnitLimiter]:
            return self._work(target), account_limiter(target, self.units)

        return engine

    def _work(self, target: targets.Target) -> Work:
        if self.kind == "speak":
            return Speaking(
                target, self.sample_rate, timeout=self.timeout, keeps_values=self.out is None, transport=self.transport
            )
        return Transcribing(
            target, channel=self.channel, sample_rate=self.sample_rate, timeout=self.timeout,
            keeps_values=self.out is None, transport=self.transport,
        )  # fmt: skip

    def _on_the_cluster(self, items: Sequence[Item]) -> _Engine:
        from smallest_nb.client.batch import cluster, cluster_job  # noqa: PLC0415 - with it come other packages

        if self.api_key is not None:
            raise ConfigError(
                "A key is not sent to a cluster. Leave api_key out: each worker finds its own (SMALLEST_API_KEY in its "
                "environment, a keyring or a .env file)."
            )
        if self.transport is not None:
            raise ConfigError("A transport belongs to this process; leave it out, or leave client out.")
        if self.kind == "speak" and self.out is None:
            raise ConfigError("On a cluster sound is not sent back: pass out= with a folder that all workers see.")
        if any(item.source is not None for item in items):
            raise ConfigError("Sound in memory is not sent to a cluster: pass paths or URLs that all workers see.")
        base_url = self._address_for_workers()
        out = (
            None if self.out is None else os.fspath(self.out) if is_url(self.out) else str(as_path(self.out).resolve())
        )
        workers = cluster.check_cluster(self.client, base_url, out)
        job = cluster_job.Job(
            self.kind, base_url, out, self.units or MOST_UNITS, secrets.token_hex(6), self.sample_rate, self.channel,
            self.timeout,
        )  # fmt: skip

        def engine() -> tuple[Work, UnitLimiter]:
            limiter = cluster.cluster_limiter(self.units)
            return cluster.ClusterWork(self.client, job, limiter, workers), limiter

        return engine

    def _address_for_workers(self) -> str:
        if self.base_url is not None:
            return self.base_url
        target = targets.resolve()
        if target.simulated:
            raise ConfigError(
                "Here the embedded simulator would answer, which no worker can use: its key stays in this process. Set "
                "SMALLEST_API_KEY here and for the workers, or run `smallest-nb simulate` and pass its base_url=."
            )
        return target.base_url

    def _results(self, run: Run, items: Sequence[Item]) -> BatchResults:
        return BatchResults(run.results(), run.throughput, self._again(items))

    def _again(self, items: Sequence[Item]) -> Callable[[set[str]], BatchResults]:
        return lambda ids: self.run([item for item in items if item.id in ids])

    def _attach(self, error: Any, runs: Sequence[Run], items: Sequence[Item]) -> None:
        if runs:
            error.results = self._results(runs[0], items)
            error.add_note(f"{error.results.summary()}; the results are in its attribute `results`.")
