"""Sound as data: clips, PCM16, sound files, voice activity."""

from __future__ import annotations

from smallest_nb.audio.clip import Clip, StreamResampler, as_pcm16, pcm16_to_array, silence

__all__ = ["Clip", "StreamResampler", "as_pcm16", "pcm16_to_array", "silence"]
