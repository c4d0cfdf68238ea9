"""What can be compared, what is refused, and how sounds are prepared."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest

from smallest_nb import Clip, Takes
from smallest_nb.audio.clip import silence
from smallest_nb.audio.loudness import at_one_loudness, float_samples, loudness_lufs
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.evidence import figures_of
from smallest_nb.results.listening.preparation import anchor, degraded, of_one_length, trimmed
from smallest_nb.results.listening.stimulus import collect
from smallest_nb.results.takes.grid import Grid, GridCell
from tests.support.listening_sounds import RATE, take_of, voice_like


def lufs(clip):
    return pyloudnorm.Meter(clip.sample_rate).integrated_loudness(clip.samples / 32768)


def test_loudness_of_a_known_tone():
    """BS.1770: a tone of 997 Hz at 0 dBFS in one channel has -3.01 LUFS."""
    tone = np.sin(2 * np.pi * 997 * np.arange(48000 * 3) / 48000)
    assert loudness_lufs(Clip.from_array(tone / 10, 48000)) == pytest.approx(-23.01, abs=0.05)
    assert loudness_lufs(Clip(silence(1, 48000), 48000)) == -np.inf


def test_all_are_equally_loud_and_none_is_clipped():
    quiet, loud = voice_like(1, level=0.02), voice_like(2, level=0.9, rate=44100)
    peaky = Clip.from_array(np.where(np.arange(RATE) % 6000 == 0, 0.9, 0.01), RATE)  # would clip at -23 LUFS
    clips, target = at_one_loudness([quiet, loud, peaky])
    assert [lufs(clip) for clip in clips] == pytest.approx([target] * 3, abs=0.1)
    assert max(np.abs(float_samples(clip)).max() for clip in clips) <= 10 ** (-1 / 20) + 1e-4
    assert at_one_loudness([quiet, loud])[1] == -23
    with pytest.raises(ConfigError, match="Clip 2 is silent"):
        at_one_loudness([quiet, Clip(silence(1, RATE), RATE)])


def test_nothing_of_time_or_length_tells_them_apart():
    late, early = voice_like(1).padded(0.7, 0.2), voice_like(2, seconds=2.0).padded(0.0, 1.5)
    first, second = of_one_length([trimmed(late), trimmed(early)])
    assert len(first) == len(second)
    onsets = [
        int(np.flatnonzero(np.abs(c.samples) > 0.02 * np.abs(c.samples).max())[0]) / RATE for c in (first, second)
    ]
    assert onsets == pytest.approx([0.1, 0.1], abs=0.02)
    assert trimmed(Clip(silence(1, RATE), RATE)).duration == 1


def test_the_anchor_is_that_of_bs1534():
    """Within 0.1 dB up to 3.5 kHz, 25 dB down at 4 kHz, 50 dB at 4.5 kHz, and in time with the reference."""
    noise = Clip.from_array(np.random.default_rng(1).normal(0, 0.1, RATE * 4), RATE)
    ratio = np.abs(np.fft.rfft(float_samples(anchor(noise)))) / np.abs(np.fft.rfft(float_samples(noise)))
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)

    def band(low, high):
        return 20 * np.log10(np.median(ratio[(hertz >= low) & (hertz <= high)]))

    assert abs(band(300, 3400)) < 0.1
    assert band(4000, 4050) < -25
    assert band(4500, 11000) < -50
    both = np.correlate(float_samples(anchor(noise)), float_samples(noise)[500:-500], "valid")
    assert np.argmax(both) == 500
    with pytest.raises(ConfigError, match="16000 Hz"):
        anchor(voice_like(1, rate=8000))


def test_the_degraded_one_is_the_sound_with_noise_as_loud():
    clip = voice_like(3)
    noisy = float_samples(degraded(clip))
    part = np.dot(noisy, float_samples(clip)) / np.dot(float_samples(clip), float_samples(clip))
    rest = noisy - part * float_samples(clip)
    assert 10 * np.log10(np.sum((part * float_samples(clip)) ** 2) / np.sum(rest**2)) == pytest.approx(0, abs=0.5)
    assert degraded(clip) == degraded(clip)


def test_takes_clips_files_and_mappings(tmp_path):
    takes = Takes()
    for number, voice in enumerate(("sophia", "magnus", "sophia"), 1):
        takes.add(take_of(number, voice, speed=1.5 if number == 3 else 1.0))
    assert [s.system for s in collect(takes)] == ["sophia, speed 1.0", "magnus, speed 1.0", "sophia, speed 1.5"]
    assert [s.system for s in collect([take_of(1, "sophia"), take_of(2, "magnus")])] == ["sophia", "magnus"]
    same = collect([take_of(4, "sophia"), take_of(9, "sophia")])
    assert [s.system for s in same] == ["sophia, take 4", "sophia, take 9"]
    assert [s.system for s in collect([voice_like(1), voice_like(2)])] == ["clip 1", "clip 2"]
    files = [voice_like(n).to_wav(tmp_path / f"{name}.wav") for n, name in enumerate(("old", "new"))]
    assert [s.system for s in collect(files)] == ["old", "new"]
    grid = {v: [take_of(n, v, text) for n, text in enumerate(("One.", "Two."), 1)] for v in ("olivia", "lucas")}
    assert [(s.system, s.text) for s in collect(grid)] == [
        ("olivia", "One."), ("olivia", "Two."), ("lucas", "One."), ("lucas", "Two."),
    ]  # fmt: skip


def test_the_grid_of_a_sweep():
    cells = [GridCell({"voice": v}, take_of(n, v)) for n, v in enumerate(("sophia", "magnus"), 1)]
    assert [s.system for s in collect(Grid({"voice": ["sophia", "magnus"]}, cells))] == ["sophia", "magnus"]
    failed = GridCell({"voice": "olivia"}, None, "ServiceError: no such voice")
    with pytest.raises(ConfigError, match="olivia was not spoken .*no such voice.* pass `takes`"):
        collect(Grid({"voice": ["sophia", "magnus", "olivia"]}, [*cells, failed]))


def test_sounds_in_lists_are_compared_in_their_order():
    """Without texts, the first of each list say the same, and so on."""
    first, second = [voice_like(1), voice_like(2)], [voice_like(3), voice_like(4)]
    made = collect({"old": first, "new": second})
    assert [(s.system, s.text) for s in made] == [("old", "#1"), ("old", "#2"), ("new", "#1"), ("new", "#2")]
    assert np.isnan(figures_of(made[0])["words_per_s"])
    with pytest.raises(ConfigError, match="Only 'old' says '#2'"):
        collect({"old": first, "new": second[:1]})


def test_all_have_one_rate_and_the_loudness_that_they_were_given_is_kept():
    made = collect({"a": voice_like(1, rate=16000, level=0.05), "b": voice_like(2, rate=24000, level=0.8)})
    assert {s.prepared.sample_rate for s in made} == {24000}
    assert lufs(made[0].prepared) == pytest.approx(lufs(made[1].prepared), abs=0.1)
    assert made[1].lufs - made[0].lufs > 15


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "only one system"),
        ([voice_like(1)], "only one system here, 'clip 1'"),
        (voice_like(1), "got Clip"),
        ("one.wav", "got str"),
        (7, "got int"),
        ([voice_like(1), 7], "clip 2: expected a Take, a Clip or the path"),
        ([voice_like(1), Clip(silence(2, RATE), RATE)], "'clip 2' is silent"),
        ({"a": voice_like(1), "hum": voice_like(2, level=0.00015)}, "'hum' is silent"),
        ([voice_like(1), voice_like(2, seconds=0.2)], "0.20 s long"),
        ([voice_like(1), Clip(bytes(2 * 8000 * 61), 8000)], "61.00 s long"),
        ([take_of(1, "sophia", "One."), take_of(2, "magnus", "Two.")], "Only 'sophia' says 'One.'"),
        ([voice_like(1, 0.4)] * 501, "501 stimuli are too many"),
    ],
)
def test_what_cannot_be_compared(given, says):
    with pytest.raises(ConfigError, match=says):
        collect(given)


def test_different_texts_can_be_allowed():
    made = collect([take_of(1, "sophia", "One."), take_of(2, "magnus", "Two.")], allow_different_texts=True)
    assert [(s.system, s.text) for s in made] == [("sophia", ""), ("magnus", "")]
