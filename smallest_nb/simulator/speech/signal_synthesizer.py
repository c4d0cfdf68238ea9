"""Sends words as the test signal instead of speech."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from smallest_nb.audio.clip import BYTES_PER_SAMPLE, as_pcm16, silence
from smallest_nb.simulator.speech.signal_code import GAP_SECS, SYMBOL_SECS, burst_of, voice_number
from smallest_nb.simulator.speech.spoken_line import SpokenWord
from smallest_nb.simulator.speech.synthesizer import Delivery
from smallest_nb.simulator.text.reading import Spoken

__all__ = ["SignalSynthesizer"]

_LEAD_SECS = 0.1
_FASTEST = 2.0


class SignalSynthesizer:
    """Makes the signal in the server's own process; a word takes about 0.1 ms."""

    async def speak(
        self, tokens: Sequence[Spoken], sample_rate: int, delivery: Delivery
    ) -> AsyncGenerator[bytes | SpokenWord, None]:
        """Yield PCM16 at `sample_rate`, and each word after its sound."""
        speed = min(_FASTEST, delivery.speed)
        voice = voice_number(delivery.voice)
        lead = silence(_LEAD_SECS, sample_rate)
        made = len(lead)
        yield lead
        for index, token in enumerate(tokens):
            sound = as_pcm16(burst_of(token.spoken, voice, SYMBOL_SECS / speed, sample_rate))
            gap = silence(GAP_SECS / speed, sample_rate)
            start = made / BYTES_PER_SAMPLE / sample_rate
            made += len(sound)
            end = made / BYTES_PER_SAMPLE / sample_rate
            made += len(gap)
            yield sound + gap
            yield SpokenWord(index, token.written, round(start, 3), round(end, 3))
            await asyncio.sleep(0)  # other sessions' turn
        yield lead
