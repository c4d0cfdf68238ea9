"""Takes as data: words, comparison, the collection and its folder."""

from __future__ import annotations

import datetime as dt
import errno
import gc
import json
import sys
import weakref

import numpy as np
import pytest

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.errors import ConfigError
from smallest_nb.results.metrics import TTSMetrics
from smallest_nb.results.segment_latency import StreamLatency
from smallest_nb.results.takes import Take, Takes, TakeWord, differences, estimated_words, storage

RATE = 8000


def tone(*seconds: float, noise: float = 0.0, rate: int = RATE) -> Clip:
    """Return sound, silence, sound and so on, of these lengths."""
    rng = np.random.default_rng(1)
    parts = [
        (0.3 * np.sin(np.arange(round(s * rate)) * 0.7) if i % 2 == 0 else np.zeros(round(s * rate)))
        for i, s in enumerate(seconds)
    ]
    samples = np.concatenate(parts)
    return Clip.from_array(samples + noise * rng.standard_normal(len(samples)), rate)


def take(number: int = 1, text: str = "Hello.", *, clip: Clip | None = None, ttfb: float | None = None, **more) -> Take:
    settings = {n: more.pop(n) for n in list(more) if n in (*SmallestTTSSettings.specs(), "extra")}
    metrics = None if ttfb is None else TTSMetrics(len(text), ttfb_s=ttfb, audio_s=1.0, total_s=0.5, complete=True)
    return Take(
        number, text, SmallestTTSSettings.complete(**settings), tone(0.5) if clip is None else clip, metrics, **more
    )


def sized(number: int, size: int, **more) -> Take:
    return take(number, clip=Clip(bytes(size), RATE), **more)


# --- words


def test_no_word_covers_a_pause_and_it_lies_at_the_full_stop():
    words = estimated_words("One two three. Four five six.", tone(1.0, 0.4, 1.0))
    assert [w.text for w in words] == ["One", "two", "three.", "Four", "five", "six."]
    assert words[2].end == pytest.approx(1.0, abs=0.02)
    assert words[3].start == pytest.approx(1.4, abs=0.02)
    assert words[-1].end == pytest.approx(2.4, abs=0.02)
    assert all(w.estimated for w in words)


def test_the_pause_goes_to_the_punctuation_although_the_letters_say_a_word_later():
    # By letters alone the pause at 1.1 s of 2.0 s would come after "cccc"; the comma is one word before.
    words = estimated_words("aaaa bbbb, cccc dddd eeee", tone(1.1, 0.5, 0.9))
    assert words[1].end == pytest.approx(1.1, abs=0.02)
    assert words[2].start == pytest.approx(1.6, abs=0.02)


def test_without_punctuation_a_pause_goes_where_the_letters_put_it():
    words = estimated_words("aaaa bbbb cccc dddd", tone(1.5, 0.5, 0.5))
    assert words[2].end == pytest.approx(1.5, abs=0.02)
    assert words[3].start == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize(("pause", "apart"), [(0.10, False), (0.15, True), (0.30, True)])
def test_short_silences_belong_to_the_words(pause, apart):
    words = estimated_words("aaaa. bbbb.", tone(0.5, pause, 0.5))
    assert (words[1].start - words[0].end > 0.9 * pause) is apart


def test_silence_is_found_relative_to_the_clips_own_noise():
    words = estimated_words("aaaa. bbbb.", tone(0.8, 0.4, 0.8, noise=0.01))
    assert words[0].end == pytest.approx(0.8, abs=0.03)
    assert words[1].start == pytest.approx(1.2, abs=0.03)


def test_silence_at_the_ends_belongs_to_no_word():
    words = estimated_words("hello there", tone(0.0, 0.3, 1.0, 0.4))
    assert words[0].start == pytest.approx(0.3, abs=0.02)
    assert words[-1].end == pytest.approx(1.3, abs=0.02)


def test_words_last_by_their_letters_and_digits_longer():
    a, b, c = estimated_words("ab abcdef 12", tone(1.6))
    assert (b.end - b.start) == pytest.approx(3 * (a.end - a.start), abs=0.01)
    assert (c.end - c.start) == pytest.approx(4 * (a.end - a.start), abs=0.01)


@pytest.mark.parametrize("text", ["", "   ", "… — !", "😀"])
def test_no_letters_no_words(text):
    assert estimated_words(text, tone(1.0)) == ()


def test_an_empty_clip_has_no_words_and_a_silent_one_shares_all_of_itself():
    assert estimated_words("hello", Clip(b"", RATE)) == ()
    assert estimated_words("hello", Clip(bytes(RATE * 2), RATE)) == (TakeWord("hello", 0.0, 1.0, estimated=True),)


def test_chinese_is_cut_by_character_and_pauses_at_its_own_full_stop():
    words = estimated_words("你好。再见。", tone(0.6, 0.3, 0.6))
    assert [w.text for w in words] == ["你", "好。", "再", "见。"]
    assert words[2].start == pytest.approx(0.9, abs=0.02)


def test_a_dash_by_itself_and_a_new_line_are_places_to_pause():
    for text in ("aaaa bbbb — cccc dddd eeee", "aaaa bbbb\ncccc dddd eeee"):
        words = estimated_words(text, tone(1.1, 0.5, 0.9))
        assert len(words) == 5
        assert words[2].start == pytest.approx(1.6, abs=0.02)


def test_times_rise_and_stay_inside_however_many_pauses_and_words():
    clip = tone(*([0.3, 0.2] * 60))
    words = estimated_words("word, " * 300, clip)
    flat = [t for w in words for t in (w.start, w.end)]
    assert len(words) == 300
    assert flat == sorted(flat)
    assert flat[-1] <= clip.duration
    more_pauses = estimated_words("one two", clip)
    assert len(more_pauses) == 2


# --- one take


def test_figures_of_a_take():
    here = take(3, "Hello 😀.", ttfb=0.21, voice="magnus", speed=1.2, clip=tone(2.6))
    assert repr(here) == "Take 3: magnus, speed 1.2 · 2.6 s"
    assert (here.duration, here.ttfb_ms, here.total_s, here.rtf) == (2.6, 210.0, 0.5, 0.5)
    assert here.characters == 8
    assert here.model == "lightning-v3.1"
    assert here.made.tzinfo is dt.UTC
    bare = take()
    assert (bare.ttfb_ms, bare.total_s, bare.rtf, bare.waterfall) == (None, None, None, {})


def test_the_summary_leaves_out_what_the_model_ignores():
    assert take(consistency=0.9, speed=0.8, clip=tone(1.0)).summary() == "sophia, speed 0.8 · 1.0 s"


def test_a_delta_is_completed_and_a_naive_time_is_utc():
    here = Take(1, "x", SmallestTTSSettings(speed=1.5), tone(0.1), made=dt.datetime(2026, 1, 2))  # noqa: DTZ001
    assert here.settings == SmallestTTSSettings.complete(speed=1.5)
    assert here.made == dt.datetime(2026, 1, 2, tzinfo=dt.UTC)


def test_words_are_estimated_if_any_of_them_is():
    assert not take(words=(TakeWord("a", 0, 1),)).words_estimated
    assert take(words=[TakeWord("a", 0, 1), TakeWord("b", 1, 2, estimated=True)]).words_estimated


def test_the_waterfall_leaves_out_what_is_not_known():
    here = take(ttfb=0.2)
    here.metrics.connect_s = 0.05
    here.stream = StreamLatency(sent=10.0, arrived=25.0, rendered=None)
    assert here.waterfall == {"connect": 50.0, "request to first byte": 200.0, "kernel to page": 15.0}
    here.stream.rendered = 20.0
    assert here.waterfall["prebuffer and output"] == 0.0
    here.metrics = None
    assert list(here.waterfall) == ["kernel to page", "prebuffer and output"]


# --- two takes


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"speed": 1.0}, {"speed": 1.2}, ["speed 1.0 → 1.2"]),
        ({}, {"speed": 1.2}, ["speed API default (1.0) → 1.2"]),
        ({}, {"voice": "magnus"}, ["voice sophia → magnus"]),
        ({}, {"word_timestamps": True}, ["word_timestamps off → on"]),
        ({}, {"pronunciation_dicts": "a, b"}, ["pronunciation_dicts API default → a, b"]),
        ({}, {"text": "Good bye."}, ["text differs"]),
        ({"clip": tone(1.0)}, {"clip": tone(0.6)}, ["0.4 s shorter"]),
        ({"clip": tone(1.0)}, {"clip": tone(1.04)}, []),
        ({"clip": tone(1.0)}, {"clip": tone(2.0)}, ["1.0 s longer"]),
        ({"clip": tone(1.0)}, {"clip": tone(1.0, rate=16000)}, ["sample rate 8000 → 16000 Hz"]),
        ({"ttfb": 0.2}, {"ttfb": 0.23}, ["first sound 30 ms later"]),
        ({"ttfb": 0.2}, {"ttfb": 0.1}, ["first sound 100 ms earlier"]),
        ({"ttfb": 0.2}, {"ttfb": 0.202}, []),
        ({"ttfb": 0.2}, {}, []),
        ({}, {"consistency": 0.9}, []),
        ({"extra": {"x": 1}}, {"extra": {"y": "z"}}, ["x 1 → not sent", "y not sent → 'z'"]),
    ],
)
def test_differences_in_words(a, b, expected):
    assert differences(take(**a), take(**b)) == expected


def test_what_only_one_of_two_models_takes_is_marked():
    lines = differences(take(model="lightning-v2", consistency=0.9), take(consistency=0.5))
    assert lines[0] == "model lightning-v2 → lightning-v3.1"
    assert lines[1] == "consistency 0.9 → 0.5 (ignored by lightning-v3.1)"


def test_takes_are_compared_by_number_or_by_themselves():
    takes = Takes()
    a, b = take(1), take(2, speed=1.2, text="Other.")
    takes.add(a)
    takes.add(b)
    assert takes.compare(1, 2) == "Take 2 against take 1: text differs; speed API default (1.0) → 1.2"
    assert takes.compare(a, a) == "Take 1 against take 1: no difference"
    with pytest.raises(ConfigError, match="no take 9; there are 1, 2"):
        takes.compare(1, 9)


# --- the collection


def test_a_sequence_of_takes():
    takes = Takes()
    three = [take(n) for n in (1, 2, 5)]
    for one in three:
        assert takes.add(one) == []
    assert list(takes) == three
    assert takes[0] is three[0]
    assert takes[-1] is three[2]
    assert takes[1:] == (three[1], three[2])
    assert takes[::-1] == tuple(three[::-1])
    assert takes.get(5) is three[2]
    assert three[1] in takes
    assert takes.next_number == 6
    with pytest.raises(IndexError):
        takes[3]
    with pytest.raises(ConfigError, match="no take 3; there are 1, 2, 5"):
        takes.get(3)
    with pytest.raises(ConfigError, match="there are none yet"):
        Takes().get(1)


def test_known_numbers_are_listed_as_ranges():
    takes = Takes()
    for n in (1, 2, 3, 4, 7):
        takes.add(take(n))
    with pytest.raises(ConfigError, match=r"there are 1 to 4, 7\."):
        takes.get(9)


def test_a_number_is_taken_only_once_and_not_used_again_after_a_delete():
    takes = Takes()
    takes.add(take(1))
    with pytest.raises(ConfigError, match="take 1 already; the next free number is 2"):
        takes.add(take(1))
    takes.delete(1)
    assert len(takes) == 0
    assert takes.next_number == 2


def test_the_oldest_without_a_star_go_first():
    takes = Takes(max_bytes=4000)
    for n in range(1, 5):
        takes.add(sized(n, 1000))
    takes.star(1)
    assert [t.number for t in takes.add(sized(5, 1000))] == [2]
    assert [t.number for t in takes.add(sized(6, 2000))] == [3, 4]
    assert [t.number for t in takes] == [1, 5, 6]
    assert takes.dropped == 3


def test_when_only_stars_are_left_the_oldest_of_them_goes_and_the_new_one_stays():
    takes = Takes(max_bytes=3000)
    for n in range(1, 4):
        takes.add(sized(n, 1000, starred=True))
    assert [t.number for t in takes.add(sized(4, 1000))] == [1]
    assert [t.number for t in takes] == [2, 3, 4]


def test_a_take_larger_than_the_bound_removes_no_other():
    takes = Takes(max_bytes=3000)
    takes.add(sized(1, 1000))
    huge = sized(2, 3002)
    assert takes.add(huge) == [huge]
    assert [t.number for t in takes] == [1]
    assert (takes.dropped, takes.next_number) == (1, 3)


def test_many_big_clips_stay_within_the_bound_and_are_let_go():
    takes = Takes(max_bytes=8 * 2**20)
    refs = []
    for n in range(1, 101):
        one = sized(n, 2**20 + 2, starred=n % 10 == 0)
        refs.append(weakref.ref(one))
        takes.add(one)
        assert takes.size <= takes.max_bytes
    del one
    gc.collect()
    assert sum(r() is not None for r in refs) == len(takes) == 7
    assert [t.number for t in takes] == [40, 50, 60, 70, 80, 90, 100]
    assert takes.dropped == 93


@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "1"])
def test_a_bound_that_is_none(bad):
    with pytest.raises(ConfigError, match="max_bytes"):
        Takes(max_bytes=bad)


def test_listeners_are_called_for_changes_only():
    calls = []
    takes = Takes(on_change=lambda: calls.append(1))
    takes.clear()
    assert calls == []
    takes.add(take(1))
    takes.star(1)
    takes.star(1)
    takes.note(1, "good")
    takes.note(1, "good")
    assert len(calls) == 3
    with pytest.raises(ConfigError):
        takes.delete(7)
    with pytest.raises(ConfigError, match="A note must be text"):
        takes.note(1, None)
    assert len(calls) == 3
    takes.delete(1)
    assert len(calls) == 4


def test_a_listener_may_change_the_takes_and_is_called_again_not_from_within():
    depth = [0]
    seen = []

    def changed():
        depth[0] += 1
        assert depth[0] == 1
        seen.append(len(takes))
        if len(takes) < 4:
            takes.add(take(takes.next_number))
        depth[0] -= 1

    takes = Takes(on_change=changed)
    takes.add(take(1))
    assert seen == [1, 2, 3, 4]


def test_a_listener_that_changes_the_takes_each_time_is_stopped(caplog):
    takes = Takes(on_change=lambda: takes.note(1, takes[0].note + "x"))
    takes.add(take(1))
    assert 10 < len(takes[0].note) < 100
    assert "changes the takes each time" in caplog.text
    takes.star(1)  # and it is called again afterwards
    assert len(takes[0].note) > 20


def test_a_listener_that_fails_is_logged_and_breaks_nothing(caplog):
    takes = Takes(on_change=lambda: 1 / 0)
    takes.add(take(1))
    takes.star(1)
    assert takes[0].starred
    assert caplog.text.count("ZeroDivisionError: ") == 2


def test_deleting_while_going_through_them():
    takes = Takes()
    for n in range(1, 6):
        takes.add(take(n))
    for one in takes:
        takes.delete(one.number)
    assert len(takes) == 0


def test_clear_forgets_what_was_dropped_but_not_the_numbers():
    takes = Takes(max_bytes=1000)
    takes.add(sized(1, 1000))
    takes.add(sized(2, 1000))
    takes.clear()
    assert (len(takes), takes.dropped, takes.next_number) == (0, 0, 3)


def test_repr():
    takes = Takes(max_bytes=3 * 2**20)
    assert repr(takes) == "Takes(0 takes, 0.0 MB)"
    takes.add(sized(1, 2**20, starred=True))
    assert repr(takes) == "Takes(1 take, 1 starred, 1.0 MB)"
    takes.add(sized(2, 3 * 2**20))
    assert repr(takes) == "Takes(1 take, 3.0 MB, 1 dropped)"


def test_a_table_with_a_column_for_each_setting():
    pytest.importorskip("pandas")
    takes = Takes()
    assert list(takes.to_dataframe().columns)[:10] == (
        "number made text characters duration_s ttfb_ms total_s rtf starred note".split()
    )
    takes.add(take(1, "Hi", ttfb=0.2, clip=tone(1.0)))
    takes.add(take(2, "Ho", speed=1.5, starred=True, note="n"))
    table = takes.to_dataframe()
    assert list(table.columns)[10:] == list(SmallestTTSSettings.specs())
    assert table["speed"][1] == 1.5
    assert list(table["number"]) == [1, 2]
    assert (table["ttfb_ms"][0], table["rtf"][0], table["duration_s"][0]) == (200.0, 0.5, 1.0)
    assert type(table["language"][0]) is str
    assert str(table["made"].dtype).endswith("UTC]")
    takes.add(take(3, extra={"x": 1}))
    assert takes.to_dataframe()["extra"][2] == {"x": 1}


def test_without_pandas_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigError, match=r"smallest-nb\[data\]"):
        Takes().to_dataframe()


# --- the folder


def full(number: int = 3) -> Take:
    return take(
        number, 'Grüße 😀\n"quoted" <b> שלום', ttfb=0.123456789, clip=tone(0.7, 0.2, 0.3, rate=24000),
        speed=1.2, voice="magnus", pronunciation_dicts=["d1", "d2"], extra={"new": {"a": [1, None]}},
        words=(TakeWord("Grüße", 0.0, 0.4), TakeWord("שלום", 0.5, 0.75, estimated=True)),
        made=dt.datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=dt.timezone(dt.timedelta(hours=5.5))),
        starred=True, note="first line\nsecond 👩‍🚀 \u2028 \x07 \"'\\",
    )  # fmt: skip


FIELDS = "number text settings clip metrics words made starred note uid".split()


def test_a_take_is_saved_and_loaded_with_everything(tmp_path):
    takes = Takes()
    takes.add(full())
    takes.add(take(4))
    folder = takes.save(tmp_path / "übung 😀" / "deep")
    assert sorted(p.name for p in folder.iterdir()) == ["take-003.wav", "take-004.wav", "takes.json"]
    assert "😀" in (folder / "takes.json").read_text(encoding="utf-8")
    again = Takes()
    assert again.load(folder) == 2
    for name in FIELDS:
        assert [getattr(t, name) for t in again] == [getattr(t, name) for t in takes], name
    assert again[0].words_estimated
    assert again[1].metrics is None
    assert Clip.from_wav(folder / "take-003.wav") == takes[0].clip


def test_half_an_emoji_survives_too(tmp_path):
    takes = Takes()
    takes.add(take(1, "cut \ud83d", note="\udc00"))
    again = Takes()
    again.load(takes.save(tmp_path))
    assert (again[0].text, again[0].note) == ("cut \ud83d", "\udc00")


def test_the_stream_is_not_stored(tmp_path):
    takes = Takes()
    takes.add(take(1, stream=StreamLatency(sent=1.0)))
    again = Takes()
    again.load(takes.save(tmp_path))
    assert again[0].stream is None


def test_loading_appends_with_fresh_numbers_where_they_collide(tmp_path):
    saved = Takes()
    for n in (1, 2, 9):
        saved.add(take(n, f"old {n}"))
    saved.save(tmp_path)
    calls = []
    takes = Takes(on_change=lambda: calls.append(1))
    takes.add(take(2, "new 2"))
    assert takes.load(tmp_path) == 3
    assert [(t.number, t.text) for t in takes] == [(2, "new 2"), (1, "old 1"), (10, "old 2"), (9, "old 9")]
    assert takes.next_number == 11
    assert len(calls) == 2
    takes.load(tmp_path)
    assert len({t.number for t in takes}) == len({t.uid for t in takes}) == 7


def test_loading_keeps_to_the_bound_and_says_what_was_dropped(tmp_path):
    saved = Takes()
    for n in range(1, 6):
        saved.add(sized(n, 1000, starred=n == 1))
    saved.add(sized(6, 5000))
    saved.save(tmp_path)
    takes = Takes(max_bytes=2000)
    takes.add(sized(1, 1000))
    assert takes.load(tmp_path) == 2
    assert [t.starred for t in takes] == [True, False]
    assert takes.dropped == 5


def test_saving_again_keeps_what_is_there_and_writes_no_sound_twice(tmp_path):
    takes = Takes()
    takes.add(take(1))
    takes.save(tmp_path)
    before = (tmp_path / "take-001.wav").stat().st_mtime_ns
    takes.note(1, "later")
    takes.add(take(2))
    takes.save(tmp_path)
    assert (tmp_path / "take-001.wav").stat().st_mtime_ns == before
    again = Takes()
    again.load(tmp_path)
    assert [(t.number, t.note) for t in again] == [(1, "later"), (2, "")]


def test_another_sessions_takes_stay_and_those_of_this_one_go_beside_them(tmp_path):
    for text in ("yesterday", "today"):
        takes = Takes()
        takes.add(take(1, text, clip=tone(0.5 if text == "today" else 0.2)))
        takes.save(tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.wav")) == ["take-001-2.wav", "take-001.wav"]
    again = Takes()
    again.load(tmp_path)
    assert [(t.number, t.text, t.duration) for t in again] == [(1, "yesterday", 0.2), (2, "today", 0.5)]


def test_what_was_deleted_leaves_the_folder_and_what_was_dropped_or_cleared_stays(tmp_path):
    takes = Takes(max_bytes=3000)
    for n in (1, 2, 3):
        takes.add(sized(n, 1000))
    takes.save(tmp_path)
    takes.delete(2)
    takes.add(sized(4, 2000))  # 1 has to go
    assert takes.dropped == 1
    takes.save(tmp_path)
    assert sorted(p.name for p in tmp_path.glob("*.wav")) == ["take-001.wav", "take-003.wav", "take-004.wav"]
    takes.clear()
    takes.save(tmp_path)
    again = Takes()
    assert again.load(tmp_path) == 3


def test_what_was_deleted_and_loaded_again_stays_in_the_folder(tmp_path):
    takes = Takes()
    takes.add(take(1))
    takes.save(tmp_path)
    takes.delete(1)
    takes.load(tmp_path)
    takes.clear()
    takes.save(tmp_path)
    assert Takes().load(tmp_path) == 1


def test_other_peoples_files_are_never_written_over(tmp_path):
    (tmp_path / "take-001.wav").write_bytes(b"mine")
    takes = Takes()
    takes.add(take(1))
    takes.save(tmp_path)
    takes.delete(1)
    takes.save(tmp_path)
    assert (tmp_path / "take-001.wav").read_bytes() == b"mine"
    assert not (tmp_path / "take-001-2.wav").exists()


@pytest.mark.parametrize("content", ["{}", "[1]", "not json", '{"format": "else", "takes": []}', ""])
def test_a_foreign_index_is_refused_and_left_as_it_is(tmp_path, content):
    (tmp_path / "takes.json").write_text(content)
    takes = Takes()
    takes.add(take(1))
    for call in (takes.save, takes.load):
        with pytest.raises(ConfigError, match=r"takes\.json"):
            call(tmp_path)
    assert (tmp_path / "takes.json").read_text() == content
    assert [p.name for p in tmp_path.iterdir()] == ["takes.json"]
    assert len(takes) == 1


def test_a_save_that_fails_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    takes = Takes()
    takes.add(take(1))
    takes.save(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    takes.add(take(2))

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(ConfigError, match="No space left"):
        takes.save(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_setting_that_json_cannot_express_is_refused_before_anything_is_written(tmp_path):
    takes = Takes()
    odd = take(7, extra={"x": 1})
    odd.settings.extra["x"] = object()  # it was plain when it was checked
    takes.add(odd)
    with pytest.raises(ConfigError, match="Take 7 cannot be saved as JSON"):
        takes.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="cannot be saved"):
        Takes().save(tmp_path / "file")
    with pytest.raises(ConfigError, match="missing"):
        Takes().load(tmp_path / "nowhere")


def index_with(folder, **changes):
    data = json.loads((folder / "takes.json").read_text(encoding="utf-8"))
    data["takes"][1].update(changes)
    (folder / "takes.json").write_text(json.dumps(data))


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 0}, {"number": "1"}, {"number": True}, {"samples": -1}, {"text": None}, {"note": 3},
        {"made": "soon"},
        {"settings": {"speed": 9}}, {"settings": {"spede": 1}}, {"settings": 3}, {"metrics": {"ttfb_s": "x"}},
        {"metrics": [1]}, {"metrics": {"ttfb_s": 0.1}}, {"words": [["a", 0]]}, {"words": [["a", 0, None]]},
        {"words": [[1, 0, 1]]}, {"file": ""}, {"file": "../take-002.wav"}, {"file": "/etc/passwd"},
        {"file": "sub\\x.wav"},
    ],
)  # fmt: skip
def test_a_broken_index_is_reported_by_its_place_and_nothing_is_half_loaded(tmp_path, changes):
    saved = Takes()
    saved.add(take(1))
    saved.add(take(2))
    saved.save(tmp_path)
    index_with(tmp_path, **changes)
    calls = []
    takes = Takes(on_change=lambda: calls.append(1))
    with pytest.raises(ConfigError, match=r"takes\.json is broken at its take 2"):
        takes.load(tmp_path)
    assert (len(takes), calls, takes.next_number) == (0, [], 1)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p: p.unlink(), "missing"),
        (lambda p: p.write_bytes(b"RIFF"), "broken"),
        (lambda p: p.write_bytes(p.read_bytes()[:-100]), "broken"),
        (lambda p: p.write_bytes(tone(0.1).wav_bytes()), "has 800 samples, not 4000"),
    ],
)
def test_a_broken_sound_is_reported_by_its_name_and_nothing_is_half_loaded(tmp_path, spoil, message):
    saved = Takes()
    saved.add(take(1))
    saved.add(take(2))
    saved.save(tmp_path)
    spoil(tmp_path / "take-002.wav")
    takes = Takes()
    with pytest.raises(ConfigError, match=rf"take-002\.wav.*{message}"):
        takes.load(tmp_path)
    assert len(takes) == 0


def test_a_newer_version_is_refused(tmp_path):
    takes = Takes()
    takes.save(tmp_path)
    data = json.loads((tmp_path / "takes.json").read_text())
    (tmp_path / "takes.json").write_text(json.dumps({**data, "version": 2}))
    with pytest.raises(ConfigError, match="version 2"):
        takes.load(tmp_path)


def test_no_takes_are_saved_and_loaded_too(tmp_path):
    assert Takes().load(Takes().save(str(tmp_path))) == 0


def test_K3_takes_that_cannot_be_saved_leave_no_folder(tmp_path, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("smallest_nb.results.takes.storage._write", full)
    with pytest.raises(ConfigError, match="No space left"):
        storage.write([], tmp_path / "takes")
    assert not (tmp_path / "takes").exists()
    former = tmp_path / "former"
    former.mkdir()
    with pytest.raises(ConfigError, match="No space left"):
        storage.write([], former)
    assert former.is_dir()
