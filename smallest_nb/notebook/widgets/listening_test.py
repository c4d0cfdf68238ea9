"""The ListeningTest: which voice is preferred, found out blind."""

from __future__ import annotations

import datetime as dt
import json
import logging
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import traitlets

from smallest_nb.client import background_loop
from smallest_nb.common.markup import text_html
from smallest_nb.common.paths import as_path
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.messages import Act
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets.composite_widget import CompositeWidget
from smallest_nb.notebook.widgets.listening_evidence import measure
from smallest_nb.results.listening import ListeningResults, Study
from smallest_nb.results.listening.bars import axis_of, bars_of
from smallest_nb.results.listening.chart import draw
from smallest_nb.results.listening.plan import Kind
from smallest_nb.results.listening.report import write_report
from smallest_nb.results.listening.session import Session
from smallest_nb.results.listening.summary import describe_plan, summarize

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ListeningTest"]

_log = logging.getLogger(__name__)


class ListeningTest(CompositeWidget):
    """A blind listening test of takes, clips or sound files, in the page.

    Sounds are trimmed and brought to one loudness (ITU-R BS.1770); order and sides are drawn from a seed. The page
    knows no name of a voice before every listener is through. A listener answers only what was heard to its end.

    Args:
        takes: What is compared: takes (`tuner.takes`, or some of them), the grid of a sweep, clips or sound files in a
            sequence, or a mapping of names to one of them, or to a list of them. Takes are named by what differs in
            their settings.
        kind: "ab", which of two is preferred; "abx", which of two the third one is; "mos", ratings from 1 to 5 (ITU-T
            P.800); "mushra", ratings from 0 to 100 against a reference (ITU-R BS.1534), with a hidden reference and an
            anchor among them.
        listeners: The names of those who listen in this notebook, one after the other.
        seed: Of everything random; None draws one, which is kept.
        trials: How many answers each listener gives, 1 to 120. None asks everything once, and for "ab" and "abx" 16
            times or more. Fewer than everything is a random part, in which each system comes up equally often.
        training: How many trials come before, for practice.
        checks: How many attention checks are among the trials: a sound beside the same one in noise. Who fails half of
            them does not count. None for 2; MUSHRA has its hidden reference for that.
        reference: Of "mushra": the name of one of the systems, a recording, or a mapping of texts to recordings.
        allow_different_texts: Compare what says different things.

    Attributes:
        study: The test without its page: stimuli, design, answers.

    Raises:
        ConfigError: Fewer than two systems, silence, more than 120 trials, a text that only one system says, names that
            cannot be used, or a package of the extra `eval` is missing.
    """

    _esm = assets.esm("listening")
    _css = assets.css("listening")

    trial = traitlets.Dict().tag(sync=True)
    outcome = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        takes: Any,
        kind: Kind = "ab",
        *,
        listeners: Sequence[str] = ("listener",),
        seed: int | None = None,
        trials: int | None = None,
        training: int = 2,
        checks: int | None = None,
        reference: Any = None,
        allow_different_texts: bool = False,
    ) -> None:
        if isinstance(listeners, str):
            raise ConfigError(f"listeners={listeners!r} must be a list of names, such as [{listeners!r}].")
        if isinstance(takes, Study):
            self.study = takes
        else:
            self.study = Study.make(
                takes, kind, listeners=listeners, seed=seed, trials=trials, training=training, checks=checks,
                reference=reference, allow_different_texts=allow_different_texts,
            )  # fmt: skip
        if not self.study.listeners:
            raise ConfigError("listeners is empty; expected at least one name.")
        self._queue = list(self.study.listeners)
        self._now = self._following() or self.study.session(self._queue[-1])
        self._begin()
        super().__init__({}, self._draw)
        self._channel.on(Act, lambda m, _b: background_loop.post(self._acted, m["page"], m["action"], m["text"]))
        self._show()
        self._open()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ListeningTest:
        """Return a saved test with the answers so far; it goes on where it was.

        Raises:
            ConfigError: No such file, or not a saved test.
        """
        study = Study.load(as_path(path))
        if not study.listeners:
            study.session("listener")
        return cls(study)

    @property
    def seed(self) -> int:
        """What order, sides and checks were drawn from."""
        return self.study.design.seed

    @property
    def done(self) -> bool:
        """Whether every listener of this notebook is through."""
        return all(self.study.session(name).done for name in self._queue)

    @property
    def results(self) -> ListeningResults:
        """The answers so far, those by a link included; `to_dataframe()` gives a table."""
        return self.study.results

    def summary(self) -> str:
        """Say in words what was found, how sure that is, and what to do."""
        return summarize(self.results)

    def plan(self) -> str:
        """Say before the test how many answers there will be, and what they can find."""
        return describe_plan(self.study.design, len(self.study.listeners))

    def plot(self, axis: Any = None) -> Any:
        """Draw the figures with their intervals, and return the matplotlib axes.

        Args:
            axis: Where to draw; None makes a figure.

        Raises:
            ConfigError: matplotlib is missing.
        """
        return draw(self.results, axis)

    def evidence(self, *, transcribe: bool = False, **settings: Any) -> pd.DataFrame:
        """Return what can be measured of each stimulus without a listener, and how it goes with the ratings.

        Duration, words per second, loudness as it was given, median and range of the pitch, time to first byte. The
        table's `attrs["correlations"]` has Spearman's correlation of each figure with the listeners' figures, once
        there are five systems.

        Args:
            transcribe: Whether to have each stimulus transcribed by the service, and count the words that are wrong.
            settings: For the transcription, as for :func:`smallest_nb.transcribe`.

        Raises:
            ConfigError: pandas, or jiwer for the words, is missing.
            SmallestError: The service did not transcribe.
        """
        return measure(self.study, transcribe=transcribe, **settings)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the test with its sounds and answers; from now on each answer is on the disk before the next trial.

        Returns:
            The path. The answers are beside it, in a file that ends with `.answers.jsonl`.

        Raises:
            ConfigError: It cannot be written, or answers to another test are there.
        """
        target = as_path(path)
        self.study.save(target)
        return target

    def report(self, path: str | os.PathLike[str], *, transcribe: bool = False) -> Path:
        """Write what was found as one HTML file with the sounds inside, to be read without a kernel.

        Args:
            path: Such as "choice.html".
            transcribe: As for :meth:`evidence`.

        Raises:
            ConfigError: It cannot be written.
        """
        target = as_path(path)
        write_report(self.study, target, measure(self.study, transcribe=transcribe))
        return target

    def _following(self) -> Session | None:
        sessions = [self.study.session(name) for name in self._queue]
        return next((session for session in sessions if not session.done), None)

    def _acted(self, page: str, action: str, text: str) -> None:
        self.error = ""
        try:
            if action == "begin":
                self._now.begin()
            elif action == "next":
                self._now = self._following() or self._now
            elif action == "sound":
                self._send_sound(page, json.loads(text))
            elif action == "answer":
                self._now.answer(json.loads(text), dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
        except ConfigError as error:
            self.error = str(error)
        except (ValueError, TypeError, KeyError, IndexError):
            _log.warning("what a page said of %r cannot be used", action)
        if action != "sound":
            self._show()

    def _send_sound(self, page: str, asked: dict[str, Any]) -> None:
        trial = self._now.current
        if trial is None or trial.number != asked["trial"] or asked["place"] not in range(len(trial.places)):
            return  # of a trial that another page has answered
        clip = self.study.sounds(trial)[asked["place"]]
        slot = f"{trial.number}:{asked['place']}"
        message = {"type": "compare", "slot": slot, "label": "", "sample_rate": clip.sample_rate}
        self._channel.post(message, clip.pcm, to=page)  # type: ignore[arg-type]

    def _show(self) -> None:
        following = self._following() if self._now.done else None
        self.trial = {**self._now.state(), "next": following.listener if following else ""}
        if self._now.done and following is None:
            self.outcome = outcome_of(self.results)
        self.saved_html.refresh()

    def describe(self) -> str:
        """Return one line; it names no voice."""
        design = self.study.design
        through = sum(self.study.session(name).done for name in self._queue)
        return (
            f"ListeningTest({design.kind}, {len(design.names)} systems, {design.count} trials, {through} of "
            f"{len(self._queue)} listeners through)"
        )

    def _draw(self) -> str:
        if not self.done:
            return f"<p>{text_html(self.describe())}</p><p>{text_html(self.plan())}</p>"
        return "".join(f"<p>{text_html(line)}</p>" for line in self.summary().splitlines())


def outcome_of(results: ListeningResults) -> dict[str, Any]:
    """Return what a page shows at the end."""
    axis = axis_of(results)

    def place(value: float) -> float | None:
        return None if math.isnan(value) else (value - axis.low) / (axis.high - axis.low)

    unit = "" if axis.chance is None else " %"
    digits = 1 if results.design.kind == "mos" else 0
    bars = [
        {
            "name": bar.name, "text": f"{bar.value:.{digits}f}{unit}",
            "at": place(bar.value), "low": place(bar.low), "high": place(bar.high),
        }
        for bar in bars_of(results)
    ]  # fmt: skip
    return {"lines": summarize(results).splitlines(), "bars": bars, "chance": None if axis.chance is None else 0.5}
