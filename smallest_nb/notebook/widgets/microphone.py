"""The Microphone: the browser's, or a clip that plays its part."""

from __future__ import annotations

import concurrent.futures
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import traitlets

from smallest_nb.api.catalog import STT_SAMPLE_RATES
from smallest_nb.audio.clip import Clip
from smallest_nb.client import background_loop
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.comm.messages import Bye, Granted, Hello, Press
from smallest_nb.notebook.comm.part_channel import PartChannel
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._base import SpeechWidget
from smallest_nb.notebook.widgets.clip_source import ClipSource
from smallest_nb.notebook.widgets.kernel_source import KernelSource
from smallest_nb.notebook.widgets.microphone_sources import MicrophoneSources
from smallest_nb.notebook.widgets.page_source import PageSource
from smallest_nb.notebook.widgets.recording_controller import RecordingController
from smallest_nb.notebook.widgets.tab_source import TabSource

__all__ = ["Microphone"]

_log = logging.getLogger(__name__)

_NOT_SHARED = ("comm", "layout", "source_state")
_SET_BY_TAB = ("device", "paused", "echo_cancellation", "noise_suppression", "auto_gain_control")


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
        paused: Set it to let nothing in for a while; the device stays open. The page sets it too.
        controls: Show "Pause" and "Hold to talk" beside the button.
        controller: Knows whether something is recorded, and by which source.
        sources: The ways to a microphone where this page may not have one: a tab of its own on localhost, the kernel's
            own device (extra `microphone`), a file.
    """

    _esm = assets.esm("microphone")
    _css = assets.css("microphone")

    sample_rate = traitlets.Int(16000).tag(sync=True)
    chunk_ms = traitlets.Int(80).tag(sync=True)
    device = traitlets.Unicode("").tag(sync=True)
    virtual = traitlets.Bool(False).tag(sync=True)
    feeding = traitlets.Bool(False).tag(sync=True)
    clip_fraction = traitlets.Float(0.0).tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    controls = traitlets.Bool(False).tag(sync=True)
    echo_cancellation = traitlets.Bool(False).tag(sync=True)
    noise_suppression = traitlets.Bool(False).tag(sync=True)
    auto_gain_control = traitlets.Bool(False).tag(sync=True)
    source_state: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        *,
        sample_rate: int = 16000,
        chunk_ms: int = 80,
        label: str = "Record",
        source: Clip | None = None,
        within: PartChannel | None = None,
        **kwargs: Any,
    ) -> None:
        if sample_rate not in STT_SAMPLE_RATES:
            raise ConfigError(f"sample_rate={sample_rate!r} is not supported; choose one of {STT_SAMPLE_RATES}.")
        if not 60 <= chunk_ms <= 200:
            raise ConfigError(f"chunk_ms={chunk_ms!r} cannot be used; expected 60 to 200 ms.")
        super().__init__(
            sample_rate=sample_rate, chunk_ms=chunk_ms, label=label, virtual=source is not None, within=within, **kwargs
        )
        self.controller = RecordingController()
        size: dict[str, Callable[[], int]] = {
            "sample_rate": lambda: self.sample_rate, "chunk_ms": lambda: self.chunk_ms,
        }  # fmt: skip
        self._page = PageSource(self._channel)
        self._clip = ClipSource(
            source,
            state=lambda: self.controller.state,
            progress=lambda done: self.set_trait("clip_fraction", done),
            **size,
        )
        kernel = KernelSource(paused=lambda: self.paused, **size)
        tab = TabSource(
            self._channel, self._page, state=self._shared_state, change=self._take_from_tab,
            show=lambda url, on: self.sources.show(url=url, connected=on),
        )  # fmt: skip
        for one in (self._page, self._clip, kernel, tab):
            self.controller.follow(one)
        self.controller.on_state(self._state_changed)
        self.sources = MicrophoneSources(
            self._channel, self.controller, page=self._page, tab=tab, kernel=kernel, clip=self._clip,
            show=lambda drawn: setattr(self, "source_state", drawn),
        )  # fmt: skip
        self.observe(lambda change: tab.push(change["name"], change["new"]))
        self._channel.on(Hello, lambda _m, _b: background_loop.post(self.sources.search))
        self._channel.on(Press, lambda m, _b: background_loop.post(self._pressed, m["action"], m["page"]))
        self._channel.on(Bye, lambda _m, _b: background_loop.post(self._page_left, kernel))

    @property
    def state(self) -> str:
        """One of "idle", "starting", "recording", "paused" and "stopping"."""
        return self.controller.state

    @property
    def busy(self) -> bool:
        """Whether something records, or a clip is about to play."""
        return self.state != "idle" or self._clip.busy

    @property
    def device_rate(self) -> int:
        """Hz of the device, 0 while it is closed."""
        return self.controller.report.device_rate

    @property
    def received(self) -> int:
        """Samples received of the current recording."""
        return self.controller.received

    @property
    def dropped(self) -> int:
        """Chunks that were dropped because the kernel was busy for too long."""
        return self.controller.report.dropped

    @property
    def problem(self) -> str | None:
        """Why there was no sound the last time, or None."""
        return self.controller.problem

    @property
    def granted(self) -> Granted | None:
        """What the browser really switched on in the current recording, and the device's name; else None."""
        return self.controller.report.granted

    @property
    def latency_ms(self) -> deque[float]:
        """Of the latest chunks, from capturing the last sample to having it here; empty until the clock is known."""
        return self._page.latency_ms

    def on_audio(self, handler: Callable[[bytes], None]) -> None:
        """Call `handler(pcm16)` on the background loop with each chunk, in order."""
        self.controller.on_pcm(handler)

    def on_state(self, handler: Callable[[str], None]) -> None:
        """Call `handler(state)` on the background loop when the state changes."""
        self.controller.on_state(handler)

    def start(self) -> None:
        """Ask the page that was used last to record, or let the source play; the browser may ask the person first."""
        if self.virtual or self.sources.active != "page":
            background_loop.post(self._start)
        else:
            self._page.start()  # in this thread: some hosts deliver only what a cell itself sends

    def stop(self) -> None:
        """Ask the browser to stop recording, or end the clip that plays its part."""
        self.sources.stop()

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
        playing = self._clip.play(clip, pace)
        self._channel.announce()
        return playing

    async def check_page(self, instead: str) -> None:
        """Refuse to wait for a page of which nothing would come meanwhile.

        Args:
            instead: What to do, a sentence.

        Raises:
            FrontEndError: Nothing would.
        """
        if self.sources.active != "kernel":  # whose device needs no page
            await self._channel.check_reachable(instead)

    async def can_start(self) -> bool:
        """Say whether something can record: a page that shows it, or the kernel's device. Waits 3 s for a page."""
        return self.sources.active == "kernel" or await self._channel.has_page()

    def _start(self) -> None:
        if self.state != "idle" or self._clip.busy:
            _log.debug("a press on Start came when the microphone was %s already", self.state)
        elif self.virtual:
            self._clip.start()
        else:
            self.error = ""
            self.sources.start()

    def _pressed(self, action: str, page: str) -> None:
        if action in ("stop", "halt"):
            self.stop()
        elif action.startswith("by-"):
            self.error = ""
            self.sources.choose(action.removeprefix("by-"), page)
        elif self.virtual or self.sources.active != "page":
            self._start()

    def _page_left(self, kernel: KernelSource) -> None:
        """End what was recorded for a page that has gone; a clip goes on."""
        self._page.end()
        kernel.stop()

    def _state_changed(self, state: str) -> None:
        report = self.controller.report
        self.feeding = self.controller.source is self._clip
        if report.by_kernel and state in ("starting", "idle"):
            self.paused = False
        if report.by_kernel and report.problem:
            self.error = report.problem  # no page knows it

    def _shared_state(self) -> dict[str, Any]:
        names = (name for name in self.keys if not name.startswith("_") and name not in _NOT_SHARED)
        values = {name: getattr(self, name) for name in names} | {"part": self._channel.name}
        return {name: value for name, value in values.items() if isinstance(value, str | bool | int | float)}

    def _take_from_tab(self, state: dict[str, Any]) -> None:
        """Take what the tab has set, of what pages may set."""
        for name, value in state.items():
            if name in _SET_BY_TAB and isinstance(value, type(getattr(self, name))):
                setattr(self, name, value)

    def close(self) -> None:
        """Stop, and close what was opened for it."""
        if hasattr(self, "sources"):
            self._clip.stop()
            self.sources.close()
            background_loop.post_if_running(self._page.end)  # no page may be left that would say that it stopped
        super().close()

    def describe(self) -> str:
        """Return one line."""
        return f"Microphone({self.sample_rate} Hz)"
