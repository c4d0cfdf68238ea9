"""The VoiceTuner: type a sentence, move sliders, hear the voice change, keep the takes, copy the settings as code."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import html
import logging
from typing import Any

import ipywidgets
import traitlets

from smallest_nb import runtime
from smallest_nb.audio import Clip
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.services.tts import AudioChunk, SmallestTTSService
from smallest_nb.settings import SmallestTTSSettings
from smallest_nb.snippets import TARGETS, tts_code
from smallest_nb.widgets._settings_trait import SettingsTrait
from smallest_nb.widgets.controls import close_all
from smallest_nb.widgets.latency import StreamLatency
from smallest_nb.widgets.player import Player, PlayerStream
from smallest_nb.widgets.settings_panel import SettingsPanel
from smallest_nb.widgets.takes import KEPT, Take, TakeTray

__all__ = ["VoiceTuner"]

_log = logging.getLogger(__name__)
_DEBOUNCE_SECS = 0.25
_PANEL = ("model", "voice", "language", "speed", "consistency", "similarity", "enhancement")
DEFAULT_TEXT = "Your table is booked for half past seven."


class VoiceTuner(ipywidgets.VBox):
    """Tunes a voice.

    Args:
        text: The sentence to speak.
        settings: A delta over the documented defaults.
        sample_rate: Hz; None means 24000.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: `wss://api.smallest.ai` unless told otherwise.
        auto_play: Speak again when a setting changes.
        changes: Single settings, such as `speed=1.2`.

    Attributes:
        settings: The complete settings, bound to the sliders both ways; set it, observe it, link it.
        text: The sentence, bound to the text field.
        takes: Every audition, the latest 50.
    """

    settings = SettingsTrait(SmallestTTSSettings)
    text = traitlets.Unicode()
    auto_play = traitlets.Bool(True)

    def __init__(
        self,
        text: str = DEFAULT_TEXT,
        *,
        settings: SmallestTTSSettings | None = None,
        sample_rate: int | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        auto_play: bool = True,
        **changes: Any,
    ) -> None:
        self.takes: list[Take] = []
        self._numbers = 0
        self._task: asyncio.Task[Take] | None = None
        self._wanted: asyncio.TimerHandle | None = None
        snapshot, _ = SmallestTTSSettings.complete().merged(settings or SmallestTTSSettings())
        snapshot, _ = snapshot.merged(SmallestTTSSettings(**changes))
        self._service = SmallestTTSService(
            api_key=api_key,
            base_url=base_url,
            sample_rate=sample_rate,
            settings=SmallestTTSSettings(voice=snapshot.voice),
        )
        self.player = Player(label="Speak")
        if self._service.target.simulated:
            self.player.notice = self._service.target.label
        self.panel = SettingsPanel(snapshot, names=_PANEL)
        self._text_field = ipywidgets.Textarea(
            value=text, rows=2, placeholder="What shall the voice say?", continuous_update=False,
            layout=ipywidgets.Layout(width="auto"),
        )  # fmt: skip
        self._auto = ipywidgets.Checkbox(
            value=auto_play, description="Speak again when a setting changes", indent=False,
            layout=ipywidgets.Layout(width="auto"),
        )  # fmt: skip
        self._tray = TakeTray(self._play_take)
        self._target = ipywidgets.Dropdown(options=TARGETS, layout=ipywidgets.Layout(width="150px"))
        self._code = ipywidgets.HTML()
        code = ipywidgets.VBox([self._target, self._code])
        more = ipywidgets.Accordion([self._tray, code], selected_index=None)
        for index, title in enumerate(("Takes", "Settings as code")):
            more.set_title(index, title)
        super().__init__(
            [self._text_field, self.player, self._auto, self.panel, more],
            settings=snapshot, text=text, auto_play=auto_play,
            layout=ipywidgets.Layout(width="100%", max_width="860px"),
        )  # fmt: skip
        traitlets.link((self, "settings"), (self.panel, "settings"))
        traitlets.link((self, "text"), (self._text_field, "value"))
        traitlets.link((self, "auto_play"), (self._auto, "value"))
        self.observe(self._changed, names="settings")
        self._target.observe(lambda _c: self._show_code(), names="value")
        self.observe(lambda _c: self._show_code(), names="text")
        self.player.on_press(self._pressed)
        self._show_code()

    def audition(self, text: str | None = None, *, timeout: float = 60.0) -> Take:
        """Speak with the current settings, play it where a page is open, and return the take.

        Args:
            text: What to say; None for the text field's.
            timeout: Seconds to wait.

        Raises:
            SmallestError: What went wrong; the widget shows it too.
            TimeoutError: It took longer.
        """
        return runtime.call(self._latest(text), timeout)

    async def audition_async(self, text: str | None = None) -> Take:
        """Await an audition, in a cell or anywhere else."""
        return await runtime.wait(self.submit(text))

    def submit(self, text: str | None = None) -> concurrent.futures.Future[Take]:
        """Start an audition and return its future; it replaces the one under way."""
        return runtime.submit(self._latest(text))

    def stop(self) -> None:
        """Stop what is spoken."""
        runtime.post(self._cancel)
        self.player.stop()

    def code(self, target: str = "pipecat") -> str:
        """Return the settings as code.

        Args:
            target: "pipecat", "smallest_nb" or "websocket".

        Raises:
            ConfigError: Another target.
        """
        return tts_code(
            target,
            self.settings,
            text=self.text,
            sample_rate=self._service.sample_rate,
            base_url=self._service.target.base_url,
        )

    def close(self) -> None:
        """Stop, close the connection and the widgets."""
        if not hasattr(self, "_tray"):  # refused by its own constructor; ipywidgets closes it all the same
            return
        runtime.post(self._cancel)
        with contextlib.suppress(TimeoutError, SmallestError, RuntimeError):
            runtime.call(self._service.close(), 5)
        for child in self.children:
            close_all(child)
        self.layout.close()
        super().close()

    async def _latest(self, text: str | None) -> Take:
        """Latest wins: cancel what is under way, then speak. Runs on the background loop."""
        self._cancel()
        self._task = task = asyncio.ensure_future(self._speak(text if text is not None else self.text, self.settings))
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise

    def _cancel(self) -> None:
        if self._wanted is not None:
            self._wanted.cancel()
            self._wanted = None
        if self._task is not None and not self._task.done():
            self._task.cancel()

    async def _speak(self, text: str, settings: SmallestTTSSettings) -> Take:
        self.player.error = ""
        self.player.status = ""
        self.player.busy = True
        stream: PlayerStream | None = None
        pieces: list[bytes] = []
        try:
            await self._service.update_settings(settings)
            async with contextlib.aclosing(self._service.run_tts(text)) as events:
                async for event in events:
                    if isinstance(event, AudioChunk):
                        stream = stream or self.player.open_stream(event.sample_rate)
                        stream.write(event.pcm)
                        pieces.append(event.pcm)
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self.player.error = str(error) or type(error).__name__
            _log.info("an audition failed: %s", error)
            raise
        finally:
            if stream is not None:
                stream.end()
            if self._task is asyncio.current_task():
                self.player.busy = False
        clip = Clip(b"".join(pieces), self._service.sample_rate)
        return self._keep(text, settings, clip, stream.latency if stream else None)

    def _keep(self, text: str, settings: SmallestTTSSettings, clip: Clip, latency: StreamLatency | None) -> Take:
        self._numbers += 1
        take = Take(self._numbers, text, settings, clip, self._service.metrics[-1], latency)
        self.takes.append(take)
        del self.takes[:-KEPT]
        self._tray.show(self.takes)
        first = f", first audio after {take.metrics.ttfb_s * 1000:.0f} ms" if take.metrics.ttfb_s is not None else ""
        self.player.status = f"Take {take.number}: {clip.duration:.2f} s{first}"
        return take

    def _pressed(self, action: str) -> None:
        if action == "play":
            self._spawn()
        else:
            self._cancel()

    def _changed(self, _change: Any) -> None:
        self._show_code()
        if self.auto_play and self.takes and self.player._channel.pages:  # noqa: SLF001 - our own part
            runtime.post(self._debounce)

    def _debounce(self) -> None:
        if self._wanted is not None:
            self._wanted.cancel()
        self._wanted = asyncio.get_running_loop().call_later(_DEBOUNCE_SECS, self._spawn)

    def _spawn(self) -> None:
        self._wanted = None
        task = asyncio.ensure_future(self._latest(None))
        task.add_done_callback(_told)

    def _play_take(self, take: Take) -> None:
        runtime.post(self._cancel)
        self.player.play(take.clip)
        self.player.status = repr(take)

    def _show_code(self) -> None:
        try:
            told = self.code(self._target.value)
        except ConfigError as error:  # an empty text has no snippet
            told = str(error)
        self._code.value = f"<pre style='white-space:pre-wrap;user-select:all'>{html.escape(told)}</pre>"

    def __repr__(self) -> str:
        return f"VoiceTuner({self.text!r}, {self.settings!r})"


def _told(task: asyncio.Task[Take]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, SmallestError):
        _log.error("an audition failed", exc_info=error)
