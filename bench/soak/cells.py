"""What the soak runs in the kernels. Data only."""

from __future__ import annotations

__all__ = ["LISTEN", "NEW_WORDS", "PLAY", "SPEAK", "STATE"]

LISTEN = """
import json, math, time
import numpy as np, psutil
import smallest_nb as snb
live = snb.LiveTranscriber(
    base_url={url!r}, api_key="sk_soak", language="en", word_timestamps=True, max_audio_seconds={kept}
)
# The test signal is no speech: the browser would take it for noise.
for name in ("echo_cancellation", "noise_suppression", "auto_gain_control"):
    setattr(live.microphone, name, False)
live
"""

# What is new since the last call: words with their times, and how far each lies from its sound in the recording. A
# word begins with the first loud block of its burst; words are 80 ms apart.
NEW_WORDS = """
BLOCK_SECS = 0.005
seen = 0

def onset(sound, rate, at):
    size = round(BLOCK_SECS * rate)
    blocks = sound[: len(sound) // size * size].reshape(-1, size)
    loud = np.flatnonzero(np.sqrt((blocks**2).mean(1)) > 0.03)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-99) > 4)] * BLOCK_SECS
    return float(np.abs(starts - at).min()) if len(starts) else None

def new_words():
    global seen
    found = []
    segments = live.transcript[seen:]
    for segment in segments:
        for word in segment.words:
            away = None
            if word.start - 0.3 > live.transcript.recording.kept_from:
                begin = word.start - 0.3
                clip = live.transcript.recording.clip(begin, word.start + 0.3)
                sound = np.frombuffer(clip.pcm, "<i2").astype(float) / 32768
                away = onset(sound, clip.sample_rate, 0.3)
            found.append([word.text.strip(".").lower(), word.start, word.end, away])
    seen += len(segments)
    return found
"""

STATE = """
def state():
    me = psutil.Process()
    return {{
        "rss_mb": me.memory_info().rss / 1e6, "cpu_s": sum(me.cpu_times()[:2]), "time": time.time(),
        "tasks": len(me.threads()), "files": me.num_fds() if hasattr(me, "num_fds") else 0, {more},
    }}
"""

PLAY = """
import json, time
import psutil
import smallest_nb as snb
tuner = snb.VoiceTuner("Hello.", base_url={url!r}, api_key="sk_soak", auto_play=False)
tuner
"""

SPEAK = "tuner.takes.clear(); future = tuner.submit({text!r}, play=True)"
