"""What a person does with the takes of a tuner: hear, star, note, compare, delete and bring back, use again, save."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from smallest_nb.audio.encoder import check_encoder, encode_clip
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets.audition_runner import AuditionRunner
from smallest_nb.notebook.widgets.take_list import SoundFile, TakeList
from smallest_nb.results.takes import Take, Takes

__all__ = ["TakeActions"]

_MOST_DELETED = 8
_MIMES = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg", "ogg": "audio/ogg"}


class TakeActions:
    """Does what the list of takes asks for. Runs on the background loop.

    Args:
        takes: The takes.
        runner: Plays them.
        compare: Puts two takes side by side.
        use: Takes over the settings of a take.

    Attributes:
        shown: The list in the page; set once it is made.
    """

    shown: TakeList

    def __init__(
        self,
        takes: Takes,
        runner: AuditionRunner,
        compare: Callable[[int, int], object],
        use: Callable[[Take], object],
    ) -> None:
        self._takes = takes
        self._runner = runner
        self._compare = compare
        self._use = use
        self._deleted: deque[Take] = deque(maxlen=_MOST_DELETED)

    def perform(self, action: str, number: int, text: str) -> Callable[[], SoundFile] | None:
        """Do what a person did.

        Args:
            action: "play", "star", "note", "compare", "use", "save", "delete", or "undo" the last "delete".
            number: The take's number.
            text: "on" or nothing for a star, a note, the other take's number, or a file's format.

        Returns:
            For "save", what makes the file; that takes a while and may be called on another thread.

        Raises:
            ConfigError: It is not possible, and why.
        """
        self.shown.remark = ""
        if action == "undo":
            self._undo()
            return None
        take = self._takes.get(number)
        if action == "play":
            self._runner.play(take)
            self.shown.current = number
        elif action == "star":
            self._takes.star(number, text == "on")
        elif action == "note":
            self._takes.note(number, text)
        elif action == "delete":
            self._delete(take)
        elif action == "compare":
            self._compare(number, int(text))
        elif action == "use":
            self._use(take)
        elif action == "save":
            return _file_of(take, text)
        return None

    def _delete(self, take: Take) -> None:
        self._takes.delete(take.number)
        self._deleted.append(take)
        while sum(len(t.clip.pcm) for t in self._deleted) > self._takes.max_bytes:
            self._deleted.popleft()
        if take.number in self.shown.pair:
            self.shown.pair = []
        self._say_deleted()

    def _undo(self) -> None:
        if self._deleted:
            self._takes.restore(self._deleted.pop())
        self._say_deleted()

    def _say_deleted(self) -> None:
        self.shown.undo = f"Take {self._deleted[-1].number} was deleted." if self._deleted else ""


def _file_of(take: Take, sound_format: str) -> Callable[[], SoundFile]:
    """Return what makes a file of a take, after checking that it can be made.

    Raises:
        ConfigError: No such format, or what writes it is missing.
    """
    check_encoder(sound_format)
    if not len(take.clip) and sound_format != "wav":
        raise ConfigError(f"Take {take.number} has no sound, so there is no {sound_format} of it.")
    voice = "".join(c if c.isalnum() or c in "-_" else "-" for c in str(take.settings.voice))
    name = f"take-{take.number}-{voice}.{sound_format}"
    return lambda: SoundFile(name, _MIMES[sound_format], encode_clip(take.clip, sound_format))
