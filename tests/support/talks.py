"""Conversations with the simulator: a person whose words are test tones, and whose microphone may hear the voice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

import smallest_nb as snb
from smallest_nb.audio.vad import EnergyVad
from smallest_nb.client.conversation.converse import conversation_stt, conversation_tts
from smallest_nb.client.conversation.loop import ConversationLoop
from smallest_nb.client.conversation.options import ConversationOptions
from tests.support.services import KEY

RATE = 16000
LIMIT_SECS = 60.0


async def tones(simulator, text: str, voice: str = "sophia", rate: int = RATE) -> snb.Clip:
    """Return a text as the simulator says it."""
    settings = snb.SmallestTTSSettings(voice=voice)
    async with snb.SmallestTTSService(
        api_key=KEY, base_url=simulator.base_url, sample_rate=rate, settings=settings
    ) as tts:
        return await tts.synthesize(text)


class EchoingMicrophone:
    """A source that hears the sink too, as a microphone beside a loudspeaker does.

    Args:
        source: The person.
        sink: An array sink with the same clock.
        decibels: Level of the echo.
        delay: Seconds by which it is late.
    """

    def __init__(self, source: snb.ClipSource, sink: snb.ArraySink, decibels: float, delay: float = 0.06) -> None:
        self.sample_rate = source.sample_rate
        self.clock = source.clock
        self._source, self._sink = source, sink
        self._factor, self._delay = 10 ** (decibels / 20), delay
        self._answer = self._taken = 0
        self._line = np.zeros(round(delay * source.sample_rate))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._source:
            person = np.frombuffer(piece, "<i2").astype(float)
            played = np.frombuffer(self._played(len(person)), "<i2").astype(float)
            self._line = np.concatenate([self._line, played])
            echo, self._line = self._line[: len(person)], self._line[len(person) :]
            yield np.clip(person + self._factor * echo, -32768, 32767).astype("<i2").tobytes()

    def _played(self, samples: int) -> bytes:
        """Return what the sink has played since the last call."""
        sink = self._sink
        if sink._answer != self._answer:
            self._answer, self._taken = sink._answer, 0
        whole = snb.Clip(bytes(sink._pcm), sink._rate).resample(self.sample_rate) if sink._pcm else None
        if whole is None:
            return bytes(2 * samples)
        until = min(round(sink.position * self.sample_rate), self._taken + 4 * samples)
        piece = whole.pcm[2 * self._taken : 2 * until][: 2 * samples]
        self._taken += len(piece) // 2
        return piece + bytes(2 * samples - len(piece))


class Talk:
    """A conversation that goes on.

    Attributes:
        person: What is said into it.
        sink: What was heard of the voice.
        loop: The conversation.
        states: What it did, in order.
    """

    def __init__(self, loop: ConversationLoop, person: snb.ClipSource, sink: snb.ArraySink) -> None:
        self.loop, self.person, self.sink = loop, person, sink
        self.states: list[str] = []
        self._changed = asyncio.Condition()
        for name in ("on_state", "on_turn", "on_interim", "on_reply_error", "on_reply_text"):
            loop.event_handler(name)(self._notify)
        loop.event_handler("on_state")(lambda _loop, state: self.states.append(state))

    async def _notify(self, *_: object) -> None:
        async with self._changed:
            self._changed.notify_all()

    @property
    def record(self) -> snb.ConversationRecord:
        return self.loop.record

    async def until(self, condition) -> None:
        """Wait for a state's name, a number of turns, or a condition that is looked at when something happens."""
        if isinstance(condition, str):
            wanted: object = lambda: self.loop.state == condition  # noqa: E731
        elif isinstance(condition, int):
            wanted = lambda: len(self.record.turns) >= condition  # noqa: E731
        else:
            wanted = condition
        try:
            async with asyncio.timeout(LIMIT_SECS), self._changed:
                await self._changed.wait_for(wanted)
        except TimeoutError:
            raise AssertionError(f"never: {condition}; {self.loop.state}, {self.record.turns}") from None

    async def heard(self, seconds: float) -> None:
        """Wait until so much of the answer that sounds has been played."""
        await self.until("speaking")
        async with asyncio.timeout(LIMIT_SECS):
            while self.sink.position < seconds:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def talking(simulator, reply, *, speed: float = 3.0, echo_db: float | None = None, services=None, **options):
    """Run a conversation beside the test; it is over at the end of the block."""
    own = {name: options.pop(name) for name in ("on_error", "record", "keep_audio_secs") if name in options}
    chosen = ConversationOptions(**options)
    clock = snb.ConversationClock(speed, is_simulated=True)
    sink = snb.ArraySink(clock)
    person = snb.ClipSource(clock=clock, sample_rate=RATE, silence_secs=None)
    source = person if echo_db is None else EchoingMicrophone(person, sink, echo_db)
    arguments = {"api_key": KEY, "base_url": simulator.base_url, **(services or {})}
    stt, tts = conversation_stt(chosen, **arguments), conversation_tts(**arguments)
    try:
        loop = ConversationLoop(source, reply, sink, stt=stt, tts=tts, options=chosen, vad_detector=EnergyVad(), **own)
        talk = Talk(loop, person, sink)
        running = asyncio.create_task(loop.run())
        try:
            yield talk
            person.end()
            async with asyncio.timeout(LIMIT_SECS):
                await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    finally:
        await stt.close()
        await tts.close()
