"""Files that end early: never more than the truth, no error but ConfigError, and what is missing is reported."""

from __future__ import annotations

import io
import logging

import numpy as np
import pytest

from smallest_nb.audio.files import read_sound
from smallest_nb.errors import ConfigError

soundfile = pytest.importorskip("soundfile")

RATE = 16000
LOG = "smallest_nb.audio.files"
FORMATS = sorted(set(soundfile.available_formats()) - {"RAW", "SD2"})
LOSSY = ("VORBIS", "OPUS", "MPEG_LAYER_III", "ALAC_16", "ALAC_20", "ALAC_24", "ALAC_32")  # padded, or in large blocks
STATE_NO_LENGTH = ("PAF", "PVF", "IRCAM", "XI")
UNSTABLE = ("DWVW_12", "DWVW_16", "DWVW_24")  # libsndfile itself does not read them back


def sounds(format_):
    rng = np.random.default_rng(7)
    for subtype in soundfile.available_subtypes(format_):
        if subtype in UNSTABLE or subtype.startswith(("NMS", "MPEG_LAYER_I_", "G72")):
            continue
        for channels in (1, 2):
            frames = 20_000 if subtype in LOSSY or format_ == "FLAC" else 700
            samples = 0.3 * np.cos(np.arange(frames) / 9)[:, np.newaxis] + 0.02 * rng.standard_normal(
                (frames, channels)
            )
            out = io.BytesIO()
            try:
                soundfile.write(out, samples, RATE, format=format_, subtype=subtype)
                soundfile.read(io.BytesIO(out.getvalue()))
            except RuntimeError:  # soundfile cannot write these together
                continue
            yield f"{format_} {subtype} {channels}", out.getvalue()


@pytest.mark.parametrize("format_", FORMATS)
def test_S5_a_file_that_is_cut_anywhere_gives_its_beginning_and_says_what_is_missing(format_, caplog):
    caplog.set_level(logging.WARNING, LOG)
    rng = np.random.default_rng(11)
    for what, data in sounds(format_):
        whole = read_sound(data).samples
        subtype = what.split()[1]
        places = {1, 4, 12, 20, 43, 44, 45, 60, 100, 130, len(data) - 1, len(data) - 2, len(data) // 2}
        places |= set(rng.integers(1, len(data), 5 if format_ == "CAF" else 12).tolist())
        assert not caplog.records, what
        for place in sorted(p for p in places if 0 < p < len(data)):
            try:
                got = read_sound(data[:place]).samples
            except ConfigError:
                got = whole[:0]
            assert len(got) <= len(whole), (what, place)
            if subtype not in LOSSY:
                assert np.array_equal(got, whole[: len(got)]), (what, place)
            said = [record.getMessage() for record in caplog.records]
            caplog.clear()
            if len(got) and len(whole) - len(got) >= (RATE // 10 if subtype in LOSSY else 1):
                assert format_ in STATE_NO_LENGTH or (len(said) == 1 and "is cut short" in said[0]), (what, place, said)
            elif len(got) == len(whole) and subtype not in LOSSY:
                assert said == [], (what, place)


def test_S5_a_file_that_is_cut_says_how_much_is_missing(caplog):
    samples = np.random.default_rng(3).standard_normal(3 * RATE) * 0.1
    for format_, subtype in (("WAV", "PCM_24"), ("AIFF", "PCM_16"), ("CAF", "PCM_16"), ("WAV", "IMA_ADPCM"),
                             ("NIST", "PCM_16"), ("MP3", None), ("FLAC", None)):  # fmt: skip
        out = io.BytesIO()
        soundfile.write(out, samples, RATE, format=format_, subtype=subtype)
        data = out.getvalue()
        clip = read_sound(data[: len(data) * 2 // 3])
        assert 1.5 < clip.duration < 2.1
        (record,) = caplog.records
        missing = float(record.getMessage().split("cut short: ")[1].split(" s")[0])
        assert missing == pytest.approx(3 - clip.duration, abs=0.06), (format_, record.getMessage())
        caplog.clear()
