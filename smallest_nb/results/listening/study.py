"""A listening test without a page: its stimuli, its design, its listeners and their answers."""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smallest_nb.audio.clip import Clip
from smallest_nb.audio.loudness import at_one_loudness, loudness_lufs
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening import storage
from smallest_nb.results.listening.answer import Answer
from smallest_nb.results.listening.plan import CHECKED, Design, Kind, Place, Trial, draw_trials
from smallest_nb.results.listening.preparation import anchor, degraded, of_one_length
from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.session import Session, as_listener
from smallest_nb.results.listening.stimulus import REFERENCE, Stimulus, collect, systems_of

__all__ = ["MAX_LISTENERS", "Study"]

MAX_LISTENERS = 500
_KEPT_TRIALS = 4


class Study:
    """What a listening test is, in a notebook, in a file and behind a link; safe to use from several threads.

    Args:
        stimuli: What is compared.
        design: How.
        listeners: Those who are expected, in order; others may come by a link.
        uid: Tells the test from every other one.

    Attributes:
        stimuli: As given.
        design: As given.
        listeners: The names.
        uid: As given.
        path: The file that it was saved to or loaded from, or None; answers are appended beside it.

    Raises:
        ConfigError: Names that are no names, the same one twice, or too many.
    """

    def __init__(
        self, stimuli: Sequence[Stimulus], design: Design, *, listeners: Sequence[str] = (), uid: str | None = None
    ) -> None:
        self.stimuli = list(stimuli)
        self.design = design
        self.listeners = [as_listener(name) for name in listeners]
        self.uid = uid or uuid.uuid4().hex
        self.path: Path | None = None
        self._read: tuple[int, int] | None = None
        self._lock = threading.RLock()  # of the answers, the sessions and the cache: pages answer on any thread
        self._answers: list[Answer] = []
        self._sessions: dict[str, Session] = {}
        self._cache: dict[tuple[Place, ...], list[Clip]] = {}
        self._by_place = {(s.system, s.text): s.prepared for s in self.stimuli}
        self._target = loudness_lufs(self.stimuli[0].prepared)
        if len(set(self.listeners)) < len(self.listeners):
            raise ConfigError(f"listeners={self.listeners!r}: two have the same name, so their answers would be mixed.")
        if len(self.listeners) > MAX_LISTENERS:
            raise ConfigError(f"{len(self.listeners)} listeners are too many; expected at most {MAX_LISTENERS}.")

    @classmethod
    def make(
        cls, takes: Any, kind: Kind = "ab", *, listeners: Sequence[str] = (), seed: int | None = None,
        trials: int | None = None, training: int = 2, checks: int | None = None, reference: Any = None,
        allow_different_texts: bool = False,
    ) -> Study:  # fmt: skip
        """Make a test of takes, clips or files; see `ListeningTest` for the arguments.

        Raises:
            ConfigError: What cannot be compared, or a design that cannot be used.
        """
        named = isinstance(reference, str) and not Path(reference).is_file()
        sound = None if named else reference
        if sound is not None and kind != "mushra":
            raise ConfigError(f"kind={kind!r} has no reference; leave out reference=.")
        stimuli = collect(takes, allow_different_texts=allow_different_texts, reference=sound)
        design = Design(
            kind, systems_of(stimuli), secrets.randbelow(2**32) if seed is None else seed, trials, training,
            (2 if kind in CHECKED else 0) if checks is None else checks,
            REFERENCE if sound is not None else reference,
        )  # fmt: skip
        return cls(stimuli, design, listeners=listeners)

    @property
    def answers(self) -> list[Answer]:
        """All answers, in the order in which they came; with a file, those of other processes too."""
        self._read_answers()
        with self._lock:
            return list(self._answers)

    @property
    def results(self) -> ListeningResults:
        """What is known so far."""
        return ListeningResults(self.design, self.answers)

    def session(self, listener: Any) -> Session:
        """Return a listener's session; a name that has not been heard of is a new listener.

        Raises:
            ConfigError: No name, or too many listeners.
        """
        name = as_listener(listener)
        self._read_answers()
        with self._lock:
            session = self._sessions.get(name)
            if session is None:
                if len(self._sessions) >= MAX_LISTENERS:
                    raise ConfigError(f"This test has had {MAX_LISTENERS} listeners; it takes no more.")
                answered = [a.trial.number for a in self._answers if a.listener == name]
                trials = draw_trials(self.design, name)
                session = self._sessions[name] = Session(self.design, name, trials, answered, self._keep)
                if name not in self.listeners:
                    self.listeners.append(name)
            return session

    def sounds(self, trial: Trial) -> list[Clip]:
        """Return what is heard at each place of a trial: of one rate, length and loudness."""
        key = (Place(trial.text), *trial.places)
        with self._lock:
            known = self._cache.get(key)
            if known is None:
                raw = [self._variant(place, trial.text) for place in trial.places]
                known = of_one_length(at_one_loudness(raw, self._target)[0])
                self._cache[key] = known
                while len(self._cache) > _KEPT_TRIALS:
                    del self._cache[next(iter(self._cache))]
            return known

    def save(self, path: Path) -> None:
        """Write the test and its answers; from now on each answer is appended at once.

        Raises:
            ConfigError: It cannot be written, or the file holds another test.
        """
        with self._lock:
            storage.write(
                path, self.uid, design=self.design, listeners=self.listeners, stimuli=self.stimuli, answers=self.answers
            )
            self.path, self._read = path, None

    @classmethod
    def load(cls, path: Path) -> Study:
        """Read a saved test with the answers so far.

        Raises:
            ConfigError: No such file, or not one of ours.
        """
        stimuli, design, listeners, uid = storage.read(path)
        study = cls(stimuli, design, listeners=listeners, uid=uid)
        study.path = path
        return study

    def _variant(self, place: Place, text: str) -> Clip:
        clip = self._by_place[place.system, text]
        if place.variant == "anchor":
            return anchor(clip)
        return degraded(clip) if place.variant == "degraded" else clip

    def _keep(self, answer: Answer) -> None:
        with self._lock:
            if self.path is not None:
                storage.append(self.path, self.uid, answer)
            self._answers.append(answer)

    def _read_answers(self) -> None:
        """Take over what other processes have appended, such as the server behind a link."""
        with self._lock:
            if self.path is None or (now := storage.signature(self.path)) == self._read:
                return
            self._read = now
            known = {(a.listener, a.trial.number) for a in self._answers}
            for answer in storage.read_answers(self.path, self.uid):
                if (answer.listener, answer.trial.number) not in known:
                    known.add((answer.listener, answer.trial.number))
                    self._answers.append(answer)
