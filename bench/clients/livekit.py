"""LiveKit's plugin, with its defaults (continuations) and an HTTP session for each of ours: its own has 50 sockets."""

from __future__ import annotations

from typing import Any, ClassVar

import aiohttp
from livekit import rtc
from livekit.agents import DEFAULT_API_CONNECT_OPTIONS, APIConnectOptions
from livekit.agents.stt import SpeechEventType
from livekit.plugins import smallestai

from bench.clients.interface import Heard, Settings, Take

_TEXTS = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT)


def _http(url: str) -> str:
    return f"{url.replace('ws', 'http', 1)}/waves/v1"


class LiveKitVoice:
    """One TTS; each text is a stream.

    Args:
        tts: The plugin's.
        session: Its HTTP session, which is closed with it.
        retry: How often a stream is tried.
        by_word: Push a text word by word, as a language model writes it.
    """

    def __init__(
        self,
        tts: smallestai.TTS,
        session: aiohttp.ClientSession,
        retry: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        *,
        by_word: bool = False,
    ) -> None:
        self.events: list[str] = []
        self._tts = tts
        self._session = session
        self._retry = retry
        self._by_word = by_word
        self._stream: Any = None
        self._interrupted = False
        tts.on("error", lambda error: self.events.append(f"error {error.error!r}"))

    async def connect(self) -> None:
        self._tts.prewarm()

    async def say(self, text: str, take: Take, *, more: bool = False) -> None:
        self._interrupted = False
        stream = self._stream = self._tts.stream(conn_options=self._retry)
        for token in [f"{word} " for word in text.split(" ")] if self._by_word else [text]:
            stream.push_text(token)
        if not more:
            stream.end_input()
        try:
            async for audio in stream:
                waiting = take(audio.frame.data.tobytes())
                if waiting is not None:
                    await waiting
        except Exception:
            if not self._interrupted:
                raise
        finally:
            await stream.aclose()

    async def interrupt(self) -> None:
        self._interrupted = True
        await self._stream.aclose()

    async def update(self, settings: Settings) -> None:
        self._tts.update_options(**settings)

    async def close(self) -> None:
        await self._tts.aclose()
        await self._session.close()


class LiveKitEar:
    """One STT with one stream."""

    def __init__(self, stt: smallestai.STT, session: aiohttp.ClientSession, retry: APIConnectOptions) -> None:
        self.events: list[str] = []
        self._stt = stt
        self._session = session
        stt.on("error", lambda error: self.events.append(f"error {error.error!r}"))
        self._stream = stt.stream(conn_options=retry)

    async def read(self, heard: Heard) -> None:
        async for event in self._stream:
            if event.type in _TEXTS:
                best = event.alternatives[0]
                heard(best.text, event.type is SpeechEventType.FINAL_TRANSCRIPT, best)
            else:
                self.events.append(str(event.type.value))

    def details(self, result: Any) -> dict[str, Any]:
        return {"words": [{"word": str(w), "start": w.start_time, "end": w.end_time} for w in result.words or []]}

    async def push(self, pcm: bytes) -> None:
        self._stream.push_frame(rtc.AudioFrame(pcm, 16000, 1, len(pcm) // 2))

    async def finalize(self) -> None:
        self._stream.flush()

    async def update(self, settings: Settings) -> None:
        self._stt.update_options(**settings)

    async def end(self) -> None:
        self._stream.end_input()

    async def close(self) -> None:
        await self._stream.aclose()
        await self._session.close()


class Client:
    """The plugin's two classes.

    Args:
        by_word: Push texts word by word, as a language model writes them.
        retry: How often a stream is tried, if not as often as by default.
    """

    tts: ClassVar[Settings] = {"model": "lightning_v3.1", "voice_id": "sophia"}
    stt: ClassVar[Settings] = {}
    voice_setting = "voice_id"
    words_setting = ""  # always on

    def __init__(self, *, by_word: bool = False, retry: dict[str, float] | None = None) -> None:
        self._by_word = by_word
        self._retry = APIConnectOptions(**retry) if retry else DEFAULT_API_CONNECT_OPTIONS

    async def voice(self, url: str, key: str, settings: Settings, **_options: Any) -> LiveKitVoice:
        session, live = _session(), f"{url}/waves/v1/tts/live"
        tts = smallestai.TTS(api_key=key, base_url=_http(url), ws_url=live, http_session=session, **settings)
        return LiveKitVoice(tts, session, self._retry, by_word=self._by_word)

    async def ear(self, url: str, key: str, settings: Settings, **_options: Any) -> LiveKitEar:
        session = _session()
        stt = smallestai.STT(api_key=key, base_url=_http(url), http_session=session, **settings)
        return LiveKitEar(stt, session, self._retry)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
