"""Pictures of takes without a browser: SVG and HTML, sizes, escapes."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.segment_latency import StreamLatency
from smallest_nb.results.takes import Take, Takes, TakeWord, take_html, waveform_svg

EVIL = "<script>alert(1)</script> \" onload='x' & </svg> שלום"
SVG = "{http://www.w3.org/2000/svg}"


def noise(seconds: float, rate: int = 24000, level: float = 0.5) -> Clip:
    rng = np.random.default_rng(2)
    return Clip.from_array(level * rng.uniform(-1, 1, round(seconds * rate)), rate)


def take(text: str = "Hello.", clip: Clip | None = None, **more) -> Take:
    settings = {n: more.pop(n) for n in list(more) if n in (*SmallestTTSSettings.specs(), "extra")}
    return Take(1, text, SmallestTTSSettings.complete(**settings), noise(0.5) if clip is None else clip, **more)


class Page(HTMLParser):
    """Collects tags, and checks that they close in order."""

    VOID = ("br", "hr", "img", "path")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "".join(self.texts)

    def of(self, tag):
        return [a for t, a in self.tags if t == tag]


def points(svg: str) -> list[tuple[float, float]]:
    """Follow the outline's path."""
    d = ET.fromstring(svg).find(f"{SVG}path").get("d")
    start, steps = re.fullmatch(r"M([^l]*)l([^z]*)z", d).groups()
    x, y = map(float, start.split())
    numbers = [float(n) for n in re.findall(r"-?(?:\d+\.?\d*|\.\d+)", steps)]
    found = [(x, y)]
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        x, y = x + dx, y + dy
        found.append((x, y))
    return found


@pytest.mark.parametrize("seconds", [0.0, 1 / 24000, 0.001, 0.5, 60.0, 600.0])
@pytest.mark.parametrize("worded", [False, True])
def test_a_picture_is_small_and_well_formed_however_long_the_clip(seconds, worded):
    clip = noise(min(seconds, 60.0), rate=24000 if seconds < 100 else 2400)
    words = [TakeWord('<&">é😀语' * 3, i * seconds / 900, (i + 1) * seconds / 900) for i in range(900 * worded)]
    for size in ({}, {"width": 4000, "height": 400}, {"width": 120, "height": 24}, {"width": 8, "height": 8}):
        svg = waveform_svg(clip, words=words, **size)
        assert len(svg.encode()) <= 6 * 1024
        root = ET.fromstring(svg)
        assert root.get("role") == "img"
        assert "currentColor" in svg


def test_the_outline_follows_the_sound():
    samples = np.zeros(24000)
    samples[12000:18000] = 0.5
    samples[18000:] = -0.25
    found = points(waveform_svg(Clip.from_array(samples, 24000)))
    assert min(x for x, _ in found) == 0
    assert max(x for x, _ in found) == 560
    top = dict(found[:240])
    bottom = dict(found[240:])
    near = lambda line, x: line[min(line, key=lambda k: abs(k - x))]  # noqa: E731
    assert near(top, 100) == pytest.approx(36, abs=1)
    assert near(top, 350) == pytest.approx(0, abs=1)
    assert near(bottom, 500) == pytest.approx(36 + 18, abs=1.5)
    assert all(-0.01 <= y <= 72.01 for _, y in found)


def test_silence_is_a_line_and_noise_is_not_blown_up():
    silent = [y for _, y in points(waveform_svg(Clip(bytes(9600), 24000)))]
    assert 1 <= max(silent) - min(silent) <= 2
    faint = [y for _, y in points(waveform_svg(noise(1.0, level=0.002)))]
    assert max(faint) - min(faint) < 8
    quiet = [y for _, y in points(waveform_svg(noise(1.0, level=0.06)))]
    assert max(quiet) - min(quiet) > 65


def test_a_full_scale_clip_stays_inside():
    clip = Clip(np.array([-32768, 32767] * 5000, "<i2").tobytes(), 24000)
    for height in (72, 24):
        assert all(-0.5 <= y <= height + 0.5 for _, y in points(waveform_svg(clip, height=height)))


def test_what_a_picture_says_aloud():
    words = [TakeWord("a", 0.0, 0.5), TakeWord("b", 0.5, 1.0)]
    label = ET.fromstring(waveform_svg(noise(1.0), words=words)).get("aria-label")
    assert label == "Waveform, 1.0 s, peak \N{MINUS SIGN}6 dB, 2 words"
    assert ET.fromstring(waveform_svg(Clip(b"", 8000))).get("aria-label") == "Waveform, 0.0 s, silent"
    assert "1 word" in waveform_svg(noise(1.0), words=words[:1])


def test_words_are_marked_where_they_begin_and_named_where_there_is_room():
    words = [TakeWord("One", 0.0, 0.5), TakeWord("<two>", 0.5, 0.6), TakeWord("שלום", 0.6, 1.0)]
    root = ET.fromstring(waveform_svg(noise(1.0), words=words))
    marks = root.findall(f"{SVG}path")[1].get("d")
    assert re.findall(r"M(\d+) 0v58", marks) == ["0", "280", "336"]
    named = {t.text: int(t.get("x")) for t in root.iter(f"{SVG}text")}
    assert named == {"One": 140, "<two>": 308, "שלום": 448}


def test_a_label_at_the_edge_is_moved_inwards():
    words = [TakeWord("elephants", 0.0, 0.02), TakeWord("elephants", 0.98, 1.0)]
    xs = [int(t.get("x")) for t in ET.fromstring(waveform_svg(noise(1.0), words=words)).iter(f"{SVG}text")]
    assert len(xs) == 2
    assert xs[0] > 20
    assert xs[1] < 540


def test_labels_do_not_overlap():
    words = [TakeWord("elephantine", i / 40, (i + 1) / 40) for i in range(40)]
    xs = [int(t.get("x")) for t in ET.fromstring(waveform_svg(noise(1.0), words=words)).iter(f"{SVG}text")]
    assert len(xs) > 4
    assert min(b - a for a, b in pairwise(xs)) > 60


def test_estimated_times_are_dashed():
    assert "dasharray" in waveform_svg(noise(1.0), words=[TakeWord("a", 0.0, 0.5, estimated=True)])
    assert "dasharray" not in waveform_svg(noise(1.0), words=[TakeWord("a", 0.0, 0.5)])


def test_times_that_are_none_or_outside_do_no_harm():
    words = [TakeWord("nan", float("nan"), 1.0), TakeWord("late", 7.0, 9.0), TakeWord("early", -3.0, -1.0)]
    root = ET.fromstring(waveform_svg(noise(1.0), words=words))
    assert "2 words" in root.get("aria-label")
    xs = [int(x) for x in re.findall(r"M(-?\d+)", root.findall(f"{SVG}path")[1].get("d"))]
    assert xs == [0, 560]
    assert list(root.iter(f"{SVG}text")) == []


@pytest.mark.parametrize("bad", [0, 7, 4001, 1.5, True, "560", None])
@pytest.mark.parametrize("name", ["width", "height"])
def test_a_size_that_is_none(name, bad):
    with pytest.raises(ConfigError, match=name):
        waveform_svg(noise(0.1), **{name: bad})


def test_a_card_has_text_settings_figures_and_note():
    here = take(
        "Two\nlines", noise(1.0), voice="magnus", speed=1.2, consistency=0.9, extra={"new": 1}, starred=True,
        note="warm",
        metrics=TTSMetrics(9, connect_s=0.03, ttfb_s=0.21, audio_s=1.0, total_s=0.4),
        words=(TakeWord("Two", 0.0, 0.5, estimated=True),),
    )  # fmt: skip
    page = Page(take_html(here))
    for shown in (
        "Take 1", "★", "voice magnus", "speed 1.2", "consistency 0.9 (ignored)", "new 1", "Two\nlines", "1.0 s",
        "first audio 210 ms", "complete after 0.40 s", "real-time factor 0.40", "9 characters", "24000 Hz", "warm",
        "word times estimated", "connect 30 ms → request to first byte 210 ms",
    ):  # fmt: skip
        assert shown in page.text, shown
    assert "language" not in page.text  # a default
    assert len(page.of("svg")) == 1
    assert page.of("audio") == []


def test_a_card_of_a_take_without_metrics():
    page = Page(take_html(take()))
    assert "first audio" not in page.text
    assert "★" not in page.text


def test_whatever_is_written_is_escaped_everywhere():
    here = take(EVIL, voice=EVIL, note=EVIL, extra={EVIL: EVIL}, words=(TakeWord("<img src=x>", 0.1, 0.4),))
    takes = Takes()
    takes.add(here)
    for html in (take_html(here, audio_kb=4), here._repr_html_(), takes._repr_html_()):
        page = Page(html)
        assert {t for t, _ in page.tags} <= set(
            "div b span bdi svg path g text audio small br table thead tbody tr th td".split()
        )
        assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
        assert EVIL in page.text


def test_control_characters_and_half_emoji_do_not_reach_the_page():
    html = take_html(take("a\x00b\x1b[0m \ud83d c", note="\x85"))
    html.encode()
    assert "ab[0m ? c" in html
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", html)


def test_text_runs_its_own_way_and_settings_are_isolated():
    page = Page(take_html(take("שלום עולם", voice="קול", note="טוב")))
    assert [d.get("dir") for d in page.of("div")].count("auto") == 2
    assert len(page.of("bdi")) >= 1
    takes = Takes()
    takes.add(take("مرحبا"))
    assert "auto" in [d.get("dir") for d in Page(takes._repr_html_()).of("td")]


def test_a_card_needs_nothing_else_and_takes_the_pages_colour():
    html = take_html(take(), audio_kb=50)
    assert not re.search(r"<script|<style|<link|url\(|https?://(?!www\.w3\.org/2000/svg)", html)
    assert not re.search(r"#[0-9a-f]{3,6}\b|background", html)


def test_a_long_text_does_not_make_a_long_card():
    assert len(take_html(take("word " * 100_000))) < 12_000


def embedded(html: str) -> tuple[Clip, int]:
    uri = Page(html).of("audio")[0]["src"]
    kind, data = uri.split(",")
    assert kind == "data:audio/wav;base64"
    return Clip.from_wav(base64.b64decode(data, validate=True)), len(uri)


@pytest.mark.parametrize(
    ("seconds", "rate", "audio_kb", "sent_rate", "sent"),
    [
        (1.0, 24000, 100, 16000, 1.0),
        (1.0, 24000, 30, 8000, 1.0),
        (10.0, 24000, 30, 8000, 1.43),
        (60.0, 44100, 100, 8000, 4.79),
        (1.0, 8000, 100, 8000, 1.0),
        (4.0, 8000, 30, 8000, 1.43),
        (4.0, 4000, 30, 4000, 2.87),
        (1.0, 24000, 1, 8000, 0.04),
    ],
)
def test_sound_is_made_to_fit(seconds, rate, audio_kb, sent_rate, sent):
    html = take_html(take(clip=noise(seconds, rate)), audio_kb=audio_kb)
    clip, size = embedded(html)
    assert size <= audio_kb * 1024
    assert clip.sample_rate == sent_rate
    assert clip.duration == pytest.approx(sent, abs=0.01)
    assert ("Only the first" in html) is (sent < seconds)
    if sent < seconds:
        assert f"{seconds:.1f} s are embedded" in html
        assert size > audio_kb * 1024 - 8
        assert clip.samples[-1] == 0  # faded out


def test_a_cut_is_the_beginning_of_the_sound():
    tones = np.concatenate([np.sin(np.arange(24000) * 0.05), np.zeros(24000 * 9)]) * 0.5
    clip, _ = embedded(take_html(take(clip=Clip.from_array(tones, 24000)), audio_kb=30))
    assert np.abs(clip.samples[:7800].astype(float)).mean() > 5000
    assert np.abs(clip.samples[8200:].astype(float)).max() < 500


@pytest.mark.parametrize("audio_kb", [0, -5])
def test_no_sound_unless_asked(audio_kb):
    assert "<audio" not in take_html(take(), audio_kb=audio_kb)


def test_an_empty_clip_has_no_player():
    html = take_html(take(clip=Clip(b"", 24000)), audio_kb=10)
    assert "<audio" not in html
    assert "No sound to play" in html
    assert "<audio" not in take(clip=Clip(b"", 24000))._repr_html_()


def test_the_html_of_a_take_holds_no_sound_that_was_not_requested():
    assert "<audio" not in take(clip=noise(1.0))._repr_html_()


def test_the_html_of_many_takes_is_a_bounded_table():
    takes = Takes()
    assert takes._repr_html_() == "<p>No takes yet.</p>"
    for n in range(1, 201):
        takes.add(Take(n, "word " * 1000, SmallestTTSSettings.complete(), noise(0.05), starred=n == 200, note="n"))
    html = takes._repr_html_()
    page = Page(html)
    assert len(page.of("svg")) == 50
    assert "and 150 older" in page.text
    assert "200 ★" in page.text
    assert len(html) < 120_000


def test_a_stream_measured_by_the_page_is_in_the_card():
    here = take(stream=StreamLatency(sent=1.0, arrived=13.0, rendered=100.0))
    assert "kernel to page 12 ms → prebuffer and output 87 ms" in Page(take_html(here)).text


def test_UX25_words_stay_apart_where_the_picture_is_dropped():
    """A notebook that is not trusted is shown without SVG's tags, and with the text that stood in them."""
    clip = Clip(bytes(2 * 24000 * 4), 24000)
    words = tuple(TakeWord(text, at, at + 0.5) for at, text in enumerate(("Your", "table", "is")))
    assert re.sub(r"<[^>]*>", "", waveform_svg(clip, words=words)).split()[-3:] == ["Your", "table", "is"]
