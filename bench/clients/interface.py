"""How the benches and the oracles drive each client. Standard library only: it runs in every client's environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, Protocol

Settings = dict[str, Any]
"""A client's settings by its own names."""
Take = Callable[[bytes], Awaitable[None] | None]
"""Takes audio; what it returns is awaited, so that a caller can be slow."""
Heard = Callable[[str, bool, Any], None]
"""Takes a result: its text, whether it is final, and the client's own object."""

_MODULES = {"smallest_nb": "ours", "pipecat13": "pipecat"}


class ReportedError(Exception):
    """An error that a client reports as a message or an event: its session may go on."""


class Voice(Protocol):
    """One session of speech synthesis.

    Attributes:
        events: What the client reported besides audio.
    """

    events: list[str]

    async def connect(self) -> None:
        """Open the connection before the first text, if the client can."""

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:
        """Speak, and hand over PCM as it comes until the client ends the text or was interrupted.

        Args:
            text: What to speak.
            take: Takes each piece of audio.
            more: The end of the text is not known yet, as when a language model writes it.
        """

    async def interrupt(self) -> None:
        """Stop the speech, as the client's user would."""

    async def update(self, settings: Settings) -> None:
        """Change settings."""

    async def close(self) -> None:
        """End the session."""


class Ear(Protocol):
    """One session of transcription.

    Attributes:
        events: What the client reported besides results.
    """

    events: list[str]

    async def read(self, heard: Heard) -> None:
        """Hand over results until the session ends; raises the failure that ended it.

        After a `ReportedError` it can be called again.
        """

    def details(self, result: Any) -> dict[str, Any]:
        """Return what the client's own object holds besides the text."""

    async def push(self, pcm: bytes) -> None:
        """Send audio."""

    async def finalize(self) -> None:
        """Request the final of what was said so far, if the client can."""

    async def update(self, settings: Settings) -> None:
        """Change settings; `read` runs meanwhile."""

    async def end(self) -> None:
        """Say that nothing follows: `read` ends after the last words."""

    async def close(self) -> None:
        """Close the session in whatever state it is."""


class Adapter(Protocol):
    """One client library.

    Attributes:
        tts: The settings for `lightning_v3.1` at 24 kHz in English, as far as they are not the library's defaults.
        stt: The settings for English at 16 kHz, as far as they are not the library's defaults.
        voice_setting: The library's name for the voice.
        words_setting: The library's name for word times, or "" if it always or never requests them.
    """

    tts: Settings
    stt: Settings
    voice_setting: str
    words_setting: str

    async def voice(self, url: str, key: str, settings: Settings, **options: Any) -> Voice:
        """Open a session of synthesis.

        Args:
            url: `ws://host:port` without a path.
            key: The API key.
            settings: In place of `tts`.
            options: For the constructor of this package's service; every other client ignores them.
        """

    async def ear(self, url: str, key: str, settings: Settings, **options: Any) -> Ear:
        """Open a session of transcription; the arguments are those of `voice`."""


def load_adapter(client: str) -> Callable[..., Adapter]:
    """Return the class that drives a client, from the module that has the client's name."""
    return import_module(f"bench.clients.{_MODULES.get(client, client)}").Client
