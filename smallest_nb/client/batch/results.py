"""What became of each item of a batch, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.files import read_sound
from smallest_nb.client.batch.places import read_file
from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.results.table import make_table
from smallest_nb.results.transcript import Transcript

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BatchResult", "BatchResults", "Throughput"]

_MOST_ROWS = 50
_TEXT_CHARS = 80
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg")


@dataclass(slots=True, eq=False)
class BatchResult:
    """What became of one item.

    Attributes:
        id: Its name.
        ok: Whether it is finished.
        error: Why not, in words, with the kind of error before it; "" if it is finished.
        input: The text, or the path of the sound.
        outputs: The paths of its files.
        duration: Seconds of sound.
        characters: Characters of the text that was spoken.
        attempts: How often it was tried; refusals for lack of capacity do not count.
        ttfb_s: Seconds to the first sound, or None.
        seconds: Seconds that its last attempt took, or None if it was done by an earlier run.
        is_earlier: Whether an earlier run did it.
        columns: Further columns of its row.
        exception: The error itself, if this process had it.
    """

    id: str
    ok: bool = False
    error: str = ""
    input: str = ""
    outputs: tuple[str, ...] = ()
    duration: float | None = None
    characters: int = 0
    attempts: int = 0
    ttfb_s: float | None = None
    seconds: float | None = None
    is_earlier: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    exception: BaseException | None = None
    value: Any = None

    @property
    def clip(self) -> Clip:
        """The sound that was spoken, from memory or from its file.

        Raises:
            ConfigError: There is none.
        """
        if isinstance(self.value, Clip):
            return self.value
        return read_sound(read_file(self._output(_SOUNDS, "sound")))

    @property
    def transcript(self) -> Transcript:
        """The transcript, from memory or from its JSON file.

        Raises:
            ConfigError: There is none.
        """
        if isinstance(self.value, Transcript):
            return self.value
        return Transcript.from_json(read_file(self._output((".json",), "transcript")).decode("utf-8"))

    def _output(self, suffixes: tuple[str, ...], what: str) -> str:
        found = next((path for path in self.outputs if path.lower().endswith(suffixes)), None)
        if not self.ok or found is None:
            why = self.error or f"it has no file with {' or '.join(suffixes)}"
            raise ConfigError(f"There is no {what} of {self.id!r}: {why}.")
        return found

    def __repr__(self) -> str:
        how = "done before" if self.is_earlier else "ok" if self.ok else self.error
        return f"BatchResult({self.id!r}, {how})"


@dataclass(frozen=True, slots=True)
class Throughput:
    """How fast a run was.

    Attributes:
        seconds: Of the whole run.
        audio_s: Seconds of sound that it made or transcribed.
        characters: Characters that it had spoken.
        requests: Attempts.
        refusals: How often the service refused for lack of capacity.
        units: The most requests that were under way at once.
    """

    seconds: float = 0.0
    audio_s: float = 0.0
    characters: int = 0
    requests: int = 0
    refusals: int = 0
    units: int = 0


class BatchResults(Sequence[BatchResult]):
    """The results of a batch, in the order of its input.

    Args:
        results: One for each item.
        throughput: How fast the run was.
        retry: Does the items with these ids again.
    """

    def __init__(
        self,
        results: Sequence[BatchResult],
        throughput: Throughput | None = None,
        retry: Callable[[set[str]], BatchResults] | None = None,
    ) -> None:
        self._results = list(results)
        self.throughput = throughput or Throughput()
        self._retry = retry

    @property
    def failed(self) -> BatchResults:
        """Those that are not finished; `failed.retry()` does them again."""
        return BatchResults([r for r in self._results if not r.ok], self.throughput, self._retry)

    @property
    def ok(self) -> BatchResults:
        """Those that are finished."""
        return BatchResults([r for r in self._results if r.ok], self.throughput, self._retry)

    def retry(self) -> BatchResults:
        """Do these items again with the arguments of the call, and return their results; finished ones are kept.

        Raises:
            ConfigError: They were loaded from elsewhere.
        """
        if self._retry is None:
            raise ConfigError("These results cannot be retried: the call that made them is not known any more.")
        return self._retry({r.id for r in self._results})

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_retry": None}  # the call holds a key and sockets

    def to_dataframe(self) -> pd.DataFrame:
        """Return one row per item, with the further columns of the input.

        Raises:
            ConfigError: pandas is missing.
        """
        more = list(dict.fromkeys(name for r in self._results for name in r.columns))
        figures = "id ok error input outputs duration_s characters attempts ttfb_ms seconds earlier".split()
        more = [name for name in more if name not in figures]
        rows = [
            [
                r.id, r.ok, r.error, r.input, ", ".join(r.outputs), r.duration, r.characters, r.attempts,
                None if r.ttfb_s is None else r.ttfb_s * 1000, r.seconds, r.is_earlier,
                *(r.columns.get(name) for name in more),
            ]
            for r in self._results
        ]  # fmt: skip
        return make_table(rows, [*figures, *more])

    @overload
    def __getitem__(self, index: int | str) -> BatchResult: ...
    @overload
    def __getitem__(self, index: slice) -> BatchResults: ...
    def __getitem__(self, index: int | str | slice) -> BatchResult | BatchResults:
        if isinstance(index, slice):
            return BatchResults(self._results[index], self.throughput, self._retry)
        if isinstance(index, str):
            for result in self._results:
                if result.id == index:
                    return result
            raise KeyError(index)
        return self._results[index]

    def __len__(self) -> int:
        return len(self._results)

    def __iter__(self) -> Iterator[BatchResult]:
        return iter(self._results)

    def summary(self) -> str:
        """Return in one line what was done, and how fast."""
        done = [r for r in self._results if r.ok]
        earlier = sum(r.is_earlier for r in done)
        failed = len(self._results) - len(done)
        speed = self.throughput
        parts = [f"{len(done)} of {len(self._results)} done"]
        parts += [f"{earlier} of them before" if earlier else "", f"{failed} not done" if failed else ""]
        if speed.requests and speed.seconds:
            parts.append(f"{speed.audio_s:.0f} s of sound in {speed.seconds:.1f} s")
            parts.append(f"{speed.audio_s / speed.seconds:.1f} times real time")
        parts += [f"{speed.characters:,} characters" if speed.characters else ""]
        parts += [f"at most {speed.units} at once" if speed.units else ""]
        parts += [f"{speed.refusals} refusals" if speed.refusals else ""]
        return ", ".join(filter(None, parts))

    def __repr__(self) -> str:
        return f"BatchResults({self.summary()})"

    def _repr_html_(self) -> str:
        shown = sorted(self._results, key=lambda r: r.ok)[:_MOST_ROWS]
        more = len(self._results) - len(shown)
        caption = text_html(self.summary() + (f"; {more} more are not shown" if more > 0 else ""))
        head = "".join(f'<th scope="col">{name}</th>' for name in ("Item", "Result", "Sound", "Attempts", "Input"))
        rows = "".join(
            f'<tr><th scope="row">{text_html(r.id)}</th>'
            f'<td style="overflow-wrap:anywhere">{text_html(_how(r))}</td>'
            f"<td>{'' if r.duration is None else f'{r.duration:.1f} s'}</td><td>{r.attempts or ''}</td>"
            f'<td dir="auto" style="overflow-wrap:anywhere">{text_html(_shortened(r.input))}</td></tr>'
            for r in shown
        )
        return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _how(result: BatchResult) -> str:
    if not result.ok:
        return result.error or "not done"
    names = ", ".join(Path(path).name for path in result.outputs) or "in memory"
    return f"{names} (before)" if result.is_earlier else names


def _shortened(text: str) -> str:
    return text if len(text) <= _TEXT_CHARS else f"{text[:_TEXT_CHARS]}…"
