"""The Microphone: the browser's, or a clip that plays its part."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any

import traitlets

from smallest_nb.api.catalog import STT_SAMPLE_RATES
from smallest_nb.audio.clip import BYTES_PER_SAMPLE, Clip
from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.microphone_sources import Ladder

__all__ = ["Microphone"]

_log = logging.getLogger(__name__)

SILENT_PAGE_SECS = 120.0
"""A recording without a chunk for so long is over; a busy kernel is no reason, since it hears the chunks first."""

_START_SECS = 5.0
"""A page that comes later does not begin to record by itself."""

_LATE_SECS = 0.3
"""A chunk that another overtook comes within milliseconds; one that the page dropped never does."""
_MAX_EARLY = 16

AudioHandler = Callable[[bytes], None]
StateHandler = Callable[[str], None]


class Microphone(SpeechWidget):
    """PCM16 mono out of any device, resampled in the browser.

    Args:
        sample_rate: Hz of what comes out: 8000, 16000, 22050, 24000, 44100 or 48000.
        chunk_ms: Length of a chunk, 60 to 200 ms; shorter ones cost the notebook server more than they gain.
        label: What the button says.
        source: A clip that plays the microphone's part when the button is pressed, in real time; None for the device.
        kwargs: `device` (part of the device's name, empty for the browser's default), and `echo_cancellation`,
            `noise_suppression`, `auto_gain_control`: the browser's own processing. It is made for people's ears and off
            here: with it Chromium's microphone cost the simulator's recogniser 38 % of the words, without it 16 % (four
            sentences, three times each). Turn the first on when a speaker plays aloud.

    Attributes:
        state: "idle", "starting", "recording", "paused" or "stopping".
        paused: Set it to let nothing in for a while; the device stays open. The page sets it too.
        controls: Show "Pause" and "Hold to talk" beside the button.
        device_rate: Hz of the device, 0 while it is closed.
        received: Samples received of the current recording.
        dropped: Chunks that the browser had to drop because the kernel was busy for too long.
        problem: Why the browser gave no sound the last time, or None.
        granted: What the browser really switched on in the current recording, and the device's name; else None.
        ways: The ways to a microphone where this page may not have one: a tab of its own on localhost, the kernel's own
            device (extra `microphone`), a file.
        latency_ms: Of the latest chunks, from capturing the last sample to having it here; empty until the page's
            clock is known.
    """

    _esm = assets.esm("microphone")
    _css = assets.css("microphone")

    sample_rate = traitlets.Int(16000).tag(sync=True)
    chunk_ms = traitlets.Int(80).tag(sync=True)
    device = traitlets.Unicode("").tag(sync=True)
    virtual = traitlets.Bool(False).tag(sync=True)
    feeding = traitlets.Bool(False).tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    controls = traitlets.Bool(False).tag(sync=True)
    echo_cancellation = traitlets.Bool(False).tag(sync=True)
    noise_suppression = traitlets.Bool(False).tag(sync=True)
    auto_gain_control = traitlets.Bool(False).tag(sync=True)
    ladder: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        sample_rate: int = 16000,
        chunk_ms: int = 80,
        label: str = "Record",
        source: Clip | None = None,
        **kwargs: Any,
    ) -> None:
        if sample_rate not in STT_SAMPLE_RATES:
            raise ConfigError(f"sample_rate={sample_rate!r} is not taken; choose one of {STT_SAMPLE_RATES}.")
        if not 60 <= chunk_ms <= 200:
            raise ConfigError(f"chunk_ms={chunk_ms!r} cannot be used; expected 60 to 200 ms.")
        super().__init__(sample_rate=sample_rate, chunk_ms=chunk_ms, label=label, virtual=source is not None, **kwargs)
        self._source = source
        self._on_audio: list[AudioHandler] = []
        self._on_state: list[StateHandler] = []
        self._next = 0
        self._early: dict[int, tuple[dict[str, Any], bytes]] = {}
        self._late: asyncio.TimerHandle | None = None
        self._feeding: concurrent.futures.Future[None] | None = None
        self._feeds = threading.Lock()
        self._recorder: str | None = None
        self._watch: asyncio.TimerHandle | None = None
        self.state = "idle"
        self.device_rate = 0
        self.received = 0
        self.dropped = 0
        self.granted: dict[str, Any] | None = None
        self.problem: str | None = None
        self.latency_ms: deque[float] = deque(maxlen=1000)
        self.ways = Ladder(self, self._hear)
        self._channel.on("hello", lambda _m, _b: background_loop.post(self.ways.look))
        self._channel.on("press", lambda m, _b: background_loop.post(self._pressed, m["action"], m["page"]))
        self._channel.on("mic-state", lambda m, _b: background_loop.post(self._state, m))
        self._channel.on("owner", lambda _m, _b: background_loop.post(self._other_owner))
        self._channel.on("bye", lambda _m, _b: background_loop.post(self._page_left))
        self._channel.on("mic-chunk", lambda m, b: background_loop.post(self._chunk, m, b))

    def on_audio(self, handler: AudioHandler) -> None:
        """Call `handler(pcm16)` on the background loop with each chunk, in order."""
        self._on_audio.append(handler)

    def on_state(self, handler: StateHandler) -> None:
        """Call `handler(state)` on the background loop when the state changes."""
        self._on_state.append(handler)

    def start(self) -> None:
        """Ask the page that was used last to record, or let the source play; the browser may ask the person first."""
        if self._source is not None or self.ways.via != "page":
            background_loop.post(self._pressed, "start")
        else:
            self._channel.command("mic-start", keep_secs=_START_SECS)

    def stop(self) -> None:
        """Ask the browser to stop recording, or end the clip that plays its part."""
        feeding = self._feeding
        if feeding is not None:
            feeding.cancel()
        background_loop.post_if_running(self.ways.stop)
        self._channel.forget_commands("mic-start")
        self._channel.post("mic-stop")

    def feed(self, clip: Clip, *, pace: float = 1.0) -> concurrent.futures.Future[None]:
        """Let a clip play the microphone's part: same chunks, same handlers.

        Args:
            clip: What is heard; resampled to the microphone's rate.
            pace: Multiple of real time.

        Returns:
            A future that is done when the last chunk was handed over.

        Raises:
            ConfigError: A recording or another clip is running, or `pace` is not positive.
        """
        if pace <= 0:
            raise ConfigError(f"pace={pace!r} cannot be used; expected a positive multiple of real time.")
        heard = clip.resample(self.sample_rate)
        with self._feeds:  # the state says so only once the background loop has begun
            if self._fed:
                raise ConfigError("The microphone plays a clip already; stop it before feeding another one.")
            self._refuse_second()
            self._channel.soon()
            self._feeding = background_loop.submit(self._feed(heard, pace))
            return self._feeding

    def _refuse_second(self) -> None:
        if self.state != "idle":
            raise ConfigError(f"The microphone is {self.state}; stop it before feeding a clip.")

    @property
    def _fed(self) -> bool:
        """Whether a clip plays the microphone's part, or is about to."""
        return self._feeding is not None and not self._feeding.done()

    def _pressed(self, action: str, page: str | None = None) -> None:
        if action in ("stop", "halt"):
            self.stop()
        elif action.startswith("by-"):
            self.ways.choose(action.removeprefix("by-"), page)
        elif self.state != "idle" or self._fed:
            _log.debug("a press on Start came when the microphone was %s already", self.state)
        elif self._source is not None:
            self.feed(self._source)
        else:
            self.ways.start()

    async def _feed(self, clip: Clip, pace: float) -> None:
        self._refuse_second()  # a recording may have begun meanwhile
        size = self.sample_rate * self.chunk_ms // 1000 * BYTES_PER_SAMPLE
        self.feeding = True
        self._enter("recording")
        started = monotonic()
        try:
            for at in range(0, len(clip.pcm), size):
                self._hear(clip.pcm[at : at + size])
                due = started + (at + size) / BYTES_PER_SAMPLE / self.sample_rate / pace
                await asyncio.sleep(max(0.0, due - monotonic()))
            self._feeding = None  # who is told that this is over may feed the next one
        finally:
            self.feeding = False
            self._enter("idle")

    def _state(self, message: dict[str, Any]) -> None:
        if message["page"] != self._channel.owner:
            return  # another tab; the one that was pressed counts
        self.device_rate = message["rate"]
        self.dropped = message["dropped"]
        self.granted = message["granted"]
        self.problem = message["error"]
        again = message["state"] == "recording" and self.state not in ("starting", "paused")
        if message["state"] == "starting" or again:
            self._next = self.received = 0
            self._early.clear()
            self.latency_ms.clear()
        if message["state"] == "idle":
            self._skip()
        self._recorder = message["page"]
        self._enter(message["state"])

    def _page_left(self) -> None:
        if not self._fed:
            self._over()

    def _other_owner(self) -> None:
        """End a recording whose page does not own the microphone any more: nothing else of it will be listened to."""
        if self._recorder not in (None, self._channel.owner):
            self._skip()
            self._over()

    def _over(self) -> None:
        """End a recording from here; a page that ends its own says so, and takes its pause back."""
        self.paused = False
        self._enter("idle")

    def _enter(self, state: str) -> None:
        if state == "idle":
            self._recorder = None
        if state == self.state:
            return
        self.state = state
        self._watch_over()
        for handler in self._on_state:
            handler(state)

    def _watch_over(self) -> None:
        """End a recording whose page is gone without a word (a crash, a closed laptop)."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        fed = self.ways.active or self._fed
        if self.state not in ("idle", "paused") and not fed:
            self._watch = asyncio.get_running_loop().call_later(SILENT_PAGE_SECS, self._over)

    def _chunk(self, message: dict[str, Any], data: bytes) -> None:
        number = message["n"]
        if number < self._next or message["page"] != self._channel.owner or len(data) % BYTES_PER_SAMPLE:
            return  # sent twice by a host, from another page, or cut
        self._early[number] = (message, data)  # a kernel with subshells hears from the page on two threads
        while (one := self._early.pop(self._next, None)) is not None:
            self._next += 1
            self._take(*one)
        if len(self._early) > _MAX_EARLY:
            self._skip()
        elif self._early and self._late is None:
            self._late = asyncio.get_running_loop().call_later(_LATE_SECS, self._skip)

    def _skip(self) -> None:
        """Go on without what is missing: the page had to drop it."""
        if self._late is not None:
            self._late.cancel()
            self._late = None
        for number in sorted(self._early):
            self._next = number + 1
            self._take(*self._early.pop(number), jumped=True)

    def _take(self, message: dict[str, Any], data: bytes, *, jumped: bool = False) -> None:
        self._watch_over()
        number = message["n"]
        if message["t"] is not None:
            self.latency_ms.append(monotonic() * 1000 - message["t"])
        self._hear(data)
        if number % 5 == 0 or jumped or message["last"]:
            self._channel.post("mic-ack", n=number, to=message["page"])

    def _hear(self, pcm: bytes) -> None:
        self.received += len(pcm) // BYTES_PER_SAMPLE
        for handler in self._on_audio:
            try:
                handler(pcm)
            except Exception:
                _log.exception("a microphone handler failed")

    def close(self) -> None:
        """Stop, and close what was opened for it."""
        if hasattr(self, "ways"):
            self.ways.close()
        super().close()

    def describe(self) -> str:
        """Return one line."""
        return f"Microphone({self.sample_rate} Hz)"
