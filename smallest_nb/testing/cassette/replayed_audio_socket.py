"""A replayed socket to which sound is streamed: answers come once as much was sent as before them when it was recorded.

How the sound is cut into frames does not matter: each answer waits for the byte, and for the text frame, before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smallest_nb.errors import CassetteError
from smallest_nb.testing.cassette.compare import differences, first_other_sample, without_secrets
from smallest_nb.testing.cassette.frames import Kind, Session, pack_frame
from smallest_nb.testing.cassette.replayed_socket import ReplayedSocket
from smallest_nb.testing.cassette.silence import Silence, recorded_silence

__all__ = ["ReplayedAudioSocket"]


class ReplayedAudioSocket(ReplayedSocket):
    """One socket.

    Args:
        session: What it replays.
        scale_delay: See :class:`~smallest_nb.testing.cassette.replayed_socket.ReplayedSocket`.
        any_audio: Whether only the length of the sound has to be the same.
    """

    def __init__(self, session: Session, scale_delay: Callable[[float], float], *, any_audio: bool) -> None:
        super().__init__(scale_delay)
        self._session = session
        self._any_audio = any_audio
        self._steps = _sent_events(session)
        self._texts = [session.events[place].frame for place, _, text in self._steps if text]
        self._next = 0
        self._bytes = 0
        self._sent_texts = 0
        self._sound = _sent_sound(session)
        rate = session.query.get("sample_rate", "")
        self._pcm = session.query.get("encoding", "linear16") == "linear16"
        self._bytes_per_second = 2 * int(rate) if self._pcm and rate.isdigit() and int(rate) else 0
        self._recorded_silence = recorded_silence(session, self._bytes_per_second or 1)
        self._sent_silence = Silence(self._bytes_per_second or 1)
        self._release_answers(session, -1)

    async def send(self, frame: str | bytes, /) -> None:
        """Take a frame and make available what is due by now.

        Raises:
            CassetteError: Other sound, or another text frame, than was recorded.
            ConnectionClosed: The socket has ended.
        """
        self._refuse_when_closed()
        if isinstance(frame, bytes):
            self._take_sound(frame)
        else:
            self._check_text(without_secrets(pack_frame(frame)[0]))
            self._sent_texts += 1
        self._advance()

    def send_now(self, frame: bytes, /) -> bool:
        """Take a frame at once, as the network does: sound must not come after a request that was made after it.

        A frame that is not right is left to `send`, which raises why.
        """
        if not self.is_open:
            return False
        try:
            self._take_sound(frame)
        except CassetteError:
            return False
        self._advance()
        return True

    async def keep_alive(self, frame: str | bytes, /) -> None:
        """Count silence: the client subtracts it from the times of the results."""
        if isinstance(frame, bytes):
            self._sent_silence.insert(len(frame))

    def _adjust_times(self, frame: Any) -> Any:
        if not self._bytes_per_second or not (self._recorded_silence or self._sent_silence):
            return frame
        return self._recorded_silence.moved(frame, self._sent_silence)

    def _advance(self) -> None:
        texts = 0
        for number, (place, until, text) in enumerate(self._steps):
            passed = self._sent_texts > texts  # a text frame that comes after this in the recording
            texts += text
            if number < self._next:
                continue
            enough = self._bytes >= until or (self._any_audio and passed)
            if self._sent_texts < texts or not enough:
                return
            self._next = number + 1
            self._release_answers(self._session, place)

    def _take_sound(self, frame: bytes) -> None:
        self._check_sound(frame)
        self._bytes += len(frame)
        self._sent_silence.sound(len(frame))

    def _check_sound(self, frame: bytes) -> None:
        if self._any_audio:
            return
        expected = self._sound[self._bytes : self._bytes + len(frame)]
        other = first_other_sample(expected, frame) if self._pcm else (None if frame.startswith(expected) else 0)
        if other is not None:
            raise self._error(f"other sound than is sent now, from {self._place(self._bytes + 2 * other)} on")
        if len(frame) > len(expected):
            raise self._error(f"{self._place(len(self._sound))} of sound, and more is sent now")

    def _check_text(self, sent: Any) -> None:
        recorded = self._texts[self._sent_texts] if self._sent_texts < len(self._texts) else None
        if recorded is None:
            raise self._error(f"{len(self._texts)} text frames, and one more is sent now: {sent}")
        found = differences(recorded, sent)
        if found:
            raise self._error(f"another text frame number {self._sent_texts + 1}:\n  " + "\n  ".join(found))
        ends = isinstance(sent, dict) and sent.get("type") == "close_stream"
        if ends and not self._any_audio and self._bytes < len(self._sound):
            whole, now = self._place(len(self._sound)), self._place(self._bytes)
            raise self._error(f"{whole} of sound, and only {now} were sent now")

    def _place(self, at: int) -> str:
        return f"{at / self._bytes_per_second:.3f} s" if self._bytes_per_second else f"byte {at}"

    def _error(self, what: str) -> CassetteError:
        return CassetteError(
            f"The cassette's session {self._session.number} ({self._session.path}) holds {what}. "
            "Give audio='any' if the sound need not be the same."
        )


def _sent_events(session: Session) -> list[tuple[int, int, bool]]:
    """Return the events that were sent: their place, the bytes sent until then, whether it is text."""
    steps, sent = [], 0
    for place, event in enumerate(session.events):
        if event.kind is Kind.SEND:
            sent += event.sound if event.binary else 0
            steps.append((place, sent, not event.binary))
    return steps


def _sent_sound(session: Session) -> bytes:
    """Return the sound that was sent, without the silence that only kept the socket open."""
    pieces, at = [], 0
    for event in session.events:
        if event.kind in (Kind.SEND, Kind.ALIVE):
            if event.kind is Kind.SEND and event.binary:
                pieces.append(session.up[at : at + event.sound])
            at += event.sound
    return b"".join(pieces)
