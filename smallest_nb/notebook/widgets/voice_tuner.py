"""The VoiceTuner: type a sentence, move sliders, hear the voice change, keep the takes, copy the settings as code."""

from __future__ import annotations

import concurrent.futures
import logging
import os
import textwrap
from collections.abc import Callable, Coroutine
from typing import Any

import ipywidgets
import traitlets

from smallest_nb.api.catalog import DEFAULT_BASE_URL
from smallest_nb.api.code_export import TARGET_NAMES, tts_code
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.settings_import import read_settings
from smallest_nb.client import background_loop
from smallest_nb.client.cleanup import start_task
from smallest_nb.client.target import Target
from smallest_nb.client.tts import SmallestTTSService
from smallest_nb.common.address import without_credentials
from smallest_nb.common.markup import text_html
from smallest_nb.common.secret import Secret, box_arguments, without_keys
from smallest_nb.common.tracebacks import shortens
from smallest_nb.errors import ConfigError, SmallestError
from smallest_nb.notebook import session
from smallest_nb.notebook.comm.messages import Act, KeyEntered
from smallest_nb.notebook.widgets import assets
from smallest_nb.notebook.widgets._setting_value_trait import SettingValueTrait, follow_settings, setting_values
from smallest_nb.notebook.widgets._settings_trait import SettingsTrait
from smallest_nb.notebook.widgets.audition_runner import ANSWER_SECS, AuditionRunner
from smallest_nb.notebook.widgets.audition_scheduler import AuditionScheduler
from smallest_nb.notebook.widgets.cells import current_cell
from smallest_nb.notebook.widgets.code_view import CodeView
from smallest_nb.notebook.widgets.composite_widget import CompositeWidget
from smallest_nb.notebook.widgets.key_entry import KeyEntry, typed_key
from smallest_nb.notebook.widgets.lifetime import weakly
from smallest_nb.notebook.widgets.model_notice import ModelNotice
from smallest_nb.notebook.widgets.player import Player
from smallest_nb.notebook.widgets.settings_panel import SettingsPanel
from smallest_nb.notebook.widgets.snapshot import Snapshot
from smallest_nb.notebook.widgets.take_actions import TakeActions
from smallest_nb.notebook.widgets.take_list import TakeList
from smallest_nb.notebook.widgets.task_log import log_failure
from smallest_nb.notebook.widgets.usage_meter import UsageMeter
from smallest_nb.notebook.widgets.voice_finder import VoiceFinder
from smallest_nb.results.takes import Take, Takes, take_html

__all__ = ["VoiceTuner"]

_log = logging.getLogger(__name__)
_PANEL = ("model", "voice", "language", "speed", "consistency", "similarity", "enhancement")
_MORE = (
    "word_timestamps",
    "number_pronunciation_language",
    "math_notation",
    "pronunciation_dicts",
    "complete_backoff_ms",
)
_UNUSED_SECS = 300.0
"""Then its sockets are closed, whatever the page says: one that crashed sends no `bye`."""
_TRAITS = ("speed", "consistency", "similarity", "enhancement", "voice", "language", "model")
_MOST_PREVIEW_CHARACTERS = 160
DEFAULT_TEXT = "Your table is booked for half past seven."


class VoiceTuner(CompositeWidget):
    """Tunes a voice.

    Args:
        text: The sentence to speak.
        settings: A delta over the documented defaults.
        sample_rate: Hz; None means 24000.
        api_key: The key; None takes what the session or SMALLEST_API_KEY gives, else the simulator.
        base_url: The address of the service; None for the session's, SMALLEST_BASE_URL or `wss://api.smallest.ai`.
        auto_play: Speak again when a setting changes, and play what `audition` speaks.
        warn_characters: A longer text is spoken at a second press on Speak only.
        max_bytes: Sound that the takes keep; the oldest without a star go first.
        changes: Single settings, such as `speed=1.2`.

    Attributes:
        settings: The complete settings, bound to the sliders both ways; set it, observe it, link it.
        speed: That setting alone, to be linked to a control of your own; so are `consistency`, `similarity`,
            `enhancement`, `voice`, `language` and `model`. It has the API's default while the setting is None.
        text: The sentence, bound to the text field.
        auto_play: As given; bound to a box in the page.
        takes: Every audition that is kept.
        service: The service that speaks.
        usage: What was spent.
    """

    _esm = assets.esm("tuner")
    _css = assets.css("tuner")

    settings = SettingsTrait(SmallestTTSSettings)
    text = traitlets.Unicode().tag(sync=True)
    auto_play = traitlets.Bool(True).tag(sync=True)
    speed = SettingValueTrait(SmallestTTSSettings)
    consistency = SettingValueTrait(SmallestTTSSettings)
    similarity = SettingValueTrait(SmallestTTSSettings)
    enhancement = SettingValueTrait(SmallestTTSSettings)
    voice = SettingValueTrait(SmallestTTSSettings)
    language = SettingValueTrait(SmallestTTSSettings)
    model = SettingValueTrait(SmallestTTSSettings)
    used: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    confirm = traitlets.Int(0).tag(sync=True)
    offer: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    said = traitlets.Unicode("").tag(sync=True)
    key_state = traitlets.Enum(["", "missing", "refused"], "").tag(sync=True)
    key_problem = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        text: str = DEFAULT_TEXT,
        *,
        settings: SmallestTTSSettings | None = None,
        sample_rate: int | None = None,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        auto_play: bool = True,
        warn_characters: int = 1000,
        max_bytes: int = 256 * 2**20,
        **changes: Any,
    ) -> None:
        api_key, base_url = Secret.of(api_key), without_credentials(base_url)
        changes = box_arguments(changes)
        self._generation = 0
        self._quiet = False
        self._cell: int | None = None
        self._on_take: list[Callable[[Take], None]] = []
        snapshot, _ = SmallestTTSSettings.complete().merged(settings or SmallestTTSSettings())
        snapshot, _ = snapshot.merged(SmallestTTSSettings(**changes))
        self.service = SmallestTTSService(
            api_key=api_key,
            base_url=base_url,
            sample_rate=sample_rate,
            settings=SmallestTTSSettings(voice=snapshot.voice),
            suspend_secs=_UNUSED_SECS,
            audio_timeout=ANSWER_SECS,
        )
        self._is_of_session = api_key is None and base_url is None
        channel = self._begin()
        self.takes = Takes(max_bytes=max_bytes, on_change=weakly(self._show_takes))
        self.player = Player(label="Speak", within=channel.part("player"))
        self.usage = UsageMeter(weakly(self._show_usage))
        self._scheduler = AuditionScheduler(self._spawn, weakly(self._show_confirm), warn_characters)
        self._notice = ModelNotice(weakly(self._show_offer), self._use_model)
        self._key = KeyEntry(lambda: self.service.target, self._use_target, self._show_key)
        self._runner = AuditionRunner(
            self.service, self.player, self.takes, self.usage, self._keep,
            on_replaced=self._adopt, on_refused=self._notice.offer, on_key_refused=self._key.refuse,
            on_said=weakly(self._show_said),
        )  # fmt: skip
        self._take_actions = TakeActions(self.takes, self._runner, self.compare, self.load_settings)
        self.panel = SettingsPanel(snapshot, names=_PANEL, more=_MORE, within=channel.part("settings"))
        self._finder = VoiceFinder(
            lambda: self.service.target, lambda: self.settings, self._voice_action, channel.part("voices")
        )
        self.voices = self._finder.picker
        self._take_list = TakeList(self._take_actions.perform, within=channel.part("takes"))
        self._take_actions.shown = self._take_list
        self._code = CodeView(list(TARGET_NAMES.items()), self.code, within=channel.part("code"))
        parts = {
            "player": self.player, "settings": self.panel, "voices": self.voices, "takes": self._take_list,
            "code": self._code,
        }  # fmt: skip
        super().__init__(
            parts, self._draw, settings=snapshot, text=text, auto_play=auto_play,
            layout=ipywidgets.Layout(width="100%", max_width="980px"), **setting_values(snapshot, _TRAITS),
        )  # fmt: skip
        traitlets.link((self, "settings"), (self.panel, "settings"))
        follow_settings(self, _TRAITS)
        self.observe(self._changed, names="settings")
        self.observe(lambda _c: self._on_text(), names="text")
        self._channel.on(Act, lambda m, _b: self._acted(m["action"], m["text"]))
        # Boxed at once: what goes on from here holds no key that could be drawn or logged.
        self._channel.on(KeyEntered, lambda _m, data: self._key.enter(typed_key(data)))
        self.player.on_press(self._pressed)
        self.player.on_finished(self._remeasure)
        self._finder.show()
        self._key.describe()
        self._refresh_outputs()
        self._open()

    @shortens
    def audition(
        self, text: str | None = None, *, fresh: bool = False, play: bool | None = None, timeout: float = 60.0
    ) -> Take:
        """Speak with the current settings, play it if a page is open, and return the take.

        The takes of one cell, such as a sweep over voices, are played one after the other; a later cell's take ends
        what sounds.

        Args:
            text: What to say; None for the text field's.
            fresh: Ask the service even if there is a take of the same text and settings.
            play: Whether to play it; None plays it unless `auto_play` is off.
            timeout: Seconds to wait.

        Raises:
            SmallestError: What went wrong; the widget shows it too.
            TimeoutError: It took longer.
        """
        self._check_process()
        return background_loop.call(self._programmed(text, fresh=fresh, play=play), timeout)

    @shortens
    async def audition_async(self, text: str | None = None, *, fresh: bool = False, play: bool | None = None) -> Take:
        """Await an audition, in a cell or anywhere else."""
        return await background_loop.wait(self.submit(text, fresh=fresh, play=play))

    def submit(
        self, text: str | None = None, *, fresh: bool = False, play: bool | None = None
    ) -> concurrent.futures.Future[Take]:
        """Start an audition and return its future; it replaces the one under way, whose future then raises so."""
        self._check_process()
        self.player.announce()
        return background_loop.submit(self._programmed(text, fresh=fresh, play=play))

    def _programmed(self, text: str | None, *, fresh: bool, play: bool | None) -> Coroutine[Any, Any, Take]:
        """Return an audition that code asks for, not a press."""
        cell, self._cell = self._cell, current_cell()
        queued = cell is not None and cell == self._cell and self.player.sounds
        plays = self.auto_play if play is None else play
        return self._latest(text, self._generation, fresh=fresh, play=plays, queued=queued)

    def stop(self) -> None:
        """Stop what is spoken, and what was asked for until now."""
        self._generation += 1
        background_loop.post_if_running(self._cancel)
        self.player.stop()

    def on_take(self, handler: Callable[[Take], None]) -> None:
        """Call `handler(take)` on the background loop with each new take."""
        self._on_take.append(handler)

    @shortens
    def compare(self, first: int, second: int) -> str:
        """Put two takes side by side in the page and return how they differ, in words.

        Args:
            first: Number of a take.
            second: Number of the other.

        Raises:
            ConfigError: No such take, or one of more than 60 s.
        """
        a, b = self.takes.get(first), self.takes.get(second)
        difference = self.takes.compare(a, b)
        self.player.compare((f"Take {a.number}", a.clip), (f"Take {b.number}", b.clip), difference)
        self._take_list.pair = [a.number, b.number]
        return difference

    @shortens
    def load_settings(self, source: Any) -> SmallestTTSSettings:
        """Take settings from elsewhere over the documented defaults, and return them.

        Args:
            source: A mapping, JSON, a snippet, a Pipecat settings object, a take, or settings of ours.

        Raises:
            ConfigError: What of it was not understood.
        """
        source = without_keys(source)
        delta = source.settings if isinstance(source, Take) else read_settings(source)
        snapshot, _ = SmallestTTSSettings.complete().merged(delta)
        self.settings = snapshot
        return snapshot

    def code(self, target: str = "pipecat", *, base_url: str | None = None) -> str:
        """Return the settings as code.

        Args:
            target: One of `code_export.TARGETS`.
            base_url: The address in the code; None for the real service (the simulator's address ends with this
                kernel), or for the address that the tuner was given.

        Raises:
            ConfigError: Another target.
        """
        reached = self.service.target
        known = DEFAULT_BASE_URL if reached.simulated else reached.base_url
        used = str(self.settings.model) in self._runner.models_used
        rate = self.service.sample_rate
        return tts_code(target, self.settings, text=self.text, sample_rate=rate, base_url=base_url or known, heard=used)

    def snapshot(self, number: int | None = None, *, max_kb: int = 0) -> Snapshot:
        """Return a picture of a take that stays in the notebook without a kernel.

        Args:
            number: The take; None for the latest.
            max_kb: Kilobytes of sound to keep with it, so that it can be heard; 0 keeps none.

        Raises:
            ConfigError: No such take.
        """
        take = self.takes[-1] if number is None and len(self.takes) else self.takes.get(number or 0)
        if isinstance(max_kb, bool) or not isinstance(max_kb, int | float) or not max_kb >= 0:
            raise ConfigError(f"max_kb={max_kb!r} cannot be used; expected kilobytes from 0.")
        return Snapshot(take, int(max_kb))

    def close(self) -> None:
        """Stop, close the connection and the widgets."""
        if (
            not hasattr(self, "parts") or self._process != os.getpid()
        ):  # refused by its constructor, or from before a fork
            return
        self._generation += 1  # what was submitted and has not begun yet does not begin
        background_loop.post_if_running(self._cancel)
        self._end(self.service.close(), 5)
        super().close()

    @shortens
    async def _latest(self, text: str | None, generation: int, **how: bool) -> Take:
        if generation != self._generation:
            raise SmallestError("The audition was cancelled by stop() or close() before it began.")
        self._scheduler.cancel()
        said = text if text is not None else self.text
        take = await self._runner.run(said, self.settings, **how)
        self._take_list.current = take.number
        return take

    def _cancel(self) -> None:
        self._scheduler.cancel()
        self._runner.cancel()

    def _keep(self, take: Take) -> None:
        self.takes.add(take, renumber=True)
        self.player.waterfall = take.waterfall
        self.player.status = f"Take {take.number}"
        if self.key_state == "refused":
            self._key.describe()
        for handler in self._on_take:
            try:
                handler(take)
            except Exception:
                _log.exception("a handler of on_take failed")

    def on_hidden(self) -> None:
        """Close the sockets until the next audition: another widget may need the plan's few."""
        background_loop.submit_if_running(self.service.suspend())

    def _remeasure(self) -> None:
        """The page has reported when the sound came out."""
        take = self._runner.current
        if take is not None:
            self.player.waterfall = take.waterfall

    def _show_takes(self) -> None:
        self._take_list.show(self.takes)
        gone = self.takes.dropped
        self.saved_html.refresh()
        self._take_list.remark = f"{gone} older takes were removed to save memory; starred takes stay." if gone else ""

    def _acted(self, action: str, text: str) -> None:
        """Do what a person did outside of the parts. Runs on the thread that delivers the message.

        The text comes as a message, too: traits and messages of a page have no order among each other.
        """
        if action == "text":
            self.text = text
        elif action == "again":
            self.player.announce()
            background_loop.post(lambda: self._scheduler.speak_now(self.text, fresh=True))
        elif action == "use-model":
            self._notice.accept()
        elif action == "paste":
            self._paste(text)

    def _paste(self, source: str) -> None:
        """Take settings that a person pasted in the page."""
        try:
            self.load_settings(source)
        except SmallestError as error:
            self._code.error = str(error)
        else:
            self._code.error = ""

    def _voice_action(self, action: str, voice: str) -> None:
        """Do what a person did with a voice. Runs on the background loop."""
        if action == "choose":
            self.panel.choose("voice", voice)
        elif action == "preview":
            delta = SmallestTTSSettings(voice=voice)
            settings, _ = self.settings.merged(delta)
            self._start(self._preview(settings))

    async def _preview(self, settings: SmallestTTSSettings) -> None:
        self._scheduler.cancel()
        sample = textwrap.wrap(self.text, _MOST_PREVIEW_CHARACTERS) or [DEFAULT_TEXT]
        await self._runner.preview(sample[0], settings)

    def _show_said(self, text: str) -> None:
        self.said = text or self.text

    def _show_key(self, notice: str, state: str, problem: str) -> None:
        self.notice, self.key_state, self.key_problem = notice, state, problem

    def _use_target(self, target: Target) -> None:
        """Speak there from now on, as do the widgets that are made later, unless this one has an address of its own."""
        if self._is_of_session:
            session.use_target(target)
        background_loop.post(lambda: self._start(self._change_target(target)))

    async def _change_target(self, target: Target) -> None:
        self._cancel()
        await self.service.use_target(target)
        self._runner.forget_service()
        self.player.error = ""
        self.player.status = f"The API key from {target.key.source} is used from now on."
        self._refresh_outputs()

    def _pressed(self, action: str) -> None:
        if action == "play":
            known = self._runner.find_take(self.text, self.settings) is not None
            self._scheduler.speak_now(self.text, free=known)
        else:
            self._cancel()

    def _show_usage(self, figures: dict[str, Any]) -> None:
        self.used = figures

    def _show_confirm(self, characters: int) -> None:
        self.confirm = characters

    def _show_offer(self, offer: dict[str, str]) -> None:
        self.offer = offer

    def _on_text(self) -> None:
        background_loop.post_if_running(self._scheduler.forget_warning)
        if not self.player.busy:
            self.player.error = ""  # of another text
        self._refresh_outputs()

    def _adopt(self, former: SmallestTTSSettings, spoken: SmallestTTSSettings) -> None:
        """Show the settings that speak in place of a withdrawn default."""
        self._set_quietly(spoken)
        self._notice.show_replaced(former, spoken)

    def _use_model(self, delta: SmallestTTSSettings) -> None:
        """Choose the replacement that was offered, and speak."""
        self._set_quietly(delta)
        self.player.error = ""
        self.player.announce()
        background_loop.post(lambda: self._scheduler.speak_now(self.text))

    def _set_quietly(self, settings: SmallestTTSSettings) -> None:
        self._quiet = True
        try:
            self.settings = settings
        finally:
            self._quiet = False

    def _changed(self, change: Any) -> None:
        self._code.error = ""  # of what was pasted before
        self._refresh_outputs()
        self._finder.show()
        if self._quiet:
            return
        refused = self._notice.offered is not None
        if change["old"].model != change["new"].model:
            self._notice.clear()
            self.player.error = "" if refused else self.player.error
        spoke = len(self.takes) or refused
        if self.auto_play and spoke and self.player.shown:
            self.player.announce()
            background_loop.post(lambda: self._scheduler.speak_soon(self.text))

    def _spawn(self, fresh: bool) -> None:
        self._start(self._latest(None, self._generation, fresh=fresh))

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run what a person asked for; the page shows how it ends."""
        start_task(work).add_done_callback(log_failure(_log, "an audition failed", expected=SmallestError))

    def _refresh_outputs(self) -> None:
        self._code.refresh()
        self.saved_html.refresh()

    def _draw(self) -> str:
        """What the notebook shows of it without a kernel."""
        if not len(self.takes):
            return f"<p dir='auto'>{text_html(self.text)}</p><p><small>{text_html(repr(self.settings))}</small></p>"
        drawn = take_html(self.takes[-1])
        if len(self.takes) > 1:
            rest = self.takes._repr_html_()
            drawn += f"<details><summary>{len(self.takes)} takes</summary>{rest}</details>"
        return drawn

    def __repr__(self) -> str:
        if not hasattr(self, "parts"):
            return "VoiceTuner(refused)"
        return f"VoiceTuner({self.text!r}, {self.settings!r})"
