"""Rows become items: texts, mappings, tables, files; their settings, names and hashes."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.audio.clip import Clip
from smallest_nb.client.batch.rows import checked_name, items_of_rows, read_rows
from smallest_nb.client.batch.sounds import checked_formats, items_of_sounds
from smallest_nb.errors import ConfigError

WHOLE = SmallestTTSSettings.complete(voice="liam")
HEARD = SmallestSTTSettings.complete()


def items(rows, name="{id}.wav", settings=WHOLE):
    return items_of_rows(read_rows(rows), settings, name=name, sample_rate=None)


def test_texts_are_numbered():
    found = items(["One.", "Two."])
    assert [(i.id, i.input, i.outputs) for i in found] == [
        ("0001", "One.", ("0001.wav",)),
        ("0002", "Two.", ("0002.wav",)),
    ]
    assert found[0].settings == WHOLE


def test_columns_are_settings_names_and_further_columns():
    rows = [{"id": "hello", "text": "Hello.", "voice": "sophia", "speed": 1.2, "scene": 3}, {"text": "Bye."}]
    first, second = items(rows, "{voice}/{id}.flac")
    assert first.outputs == ("sophia/hello.flac",)
    assert (first.settings.voice, first.settings.speed, first.columns["scene"]) == ("sophia", 1.2, 3)
    assert second.outputs == ("liam/0002.flac",)


@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        ("csv", "\ufeffid,text,speed,word_timestamps\na,Hello.,1.5,yes\nb,Bye.,,\n"),
        ("tsv", "id\ttext\tspeed\tword_timestamps\na\tHello.\t1.5\ttrue\nb\tBye.\t\t\n"),
        (
            "jsonl",
            '{"id": "a", "text": "Hello.", "speed": 1.5, "word_timestamps": true}\n\n{"id": "b", "text": "Bye."}\n',
        ),
    ],
)
def test_files_of_rows(tmp_path, suffix, content):
    path = tmp_path / f"rows.{suffix}"
    path.write_text(content, encoding="utf-8")
    first, second = items(path)
    assert (first.id, first.settings.speed, first.settings.word_timestamps) == ("a", 1.5, True)
    assert (second.id, second.settings.speed) == ("b", None)


def test_a_data_frame_whose_empty_cells_are_not_given():
    frame = pd.DataFrame({"text": ["Hello.", "Bye."], "voice": ["sophia", None], "speed": [1.5, float("nan")]})
    first, second = items(frame)
    assert (first.settings.voice, first.settings.speed) == ("sophia", 1.5)
    assert (second.settings.voice, second.settings.speed) == ("liam", None)
    typed = frame.astype({"voice": "string"}).assign(speed=frame["speed"].astype("Float64"))
    assert items(typed)[1].settings.voice == "liam"


def test_a_text_file_has_a_text_a_line(tmp_path):
    (tmp_path / "lines.txt").write_text("Hello.\n\n Bye. \n", encoding="utf-8")
    assert [i.input for i in items(tmp_path / "lines.txt")] == ["Hello.", "Bye."]


def test_the_hash_changes_with_what_the_sound_depends_on_and_with_nothing_else():
    base = items(["Hello."])[0].hash
    assert items([{"text": "Hello.", "id": "x", "scene": 1}])[0].hash == base
    assert items([{"text": "Hello.", "voice": "liam"}])[0].hash == base
    others = [
        items(["Hello!"]),
        items([{"text": "Hello.", "speed": 1.1}]),
        items_of_rows(read_rows(["Hello."]), WHOLE, name=None, sample_rate=8000),
    ]
    hashes = {one[0].hash for one in others} | {base}
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([""], "Row 1 has nothing to speak"),
        (["Hello.", 3], "Row 2 is int"),
        ([{"words": "Hello."}], "Row 1 has nothing to speak"),
        ([{"text": "Hello.", "voise": "liam"}], "did you mean 'voice'"),
        (["Hello.", {"text": "Hello.", "speed": 9}], "Row 2: speed=9"),
        ([{"text": "Hello.", "speed": "fast"}], "Row 1: speed='fast'"),
        ([{"text": "A.", "id": "x"}, {"text": "B.", "id": "X"}], "Two rows have the id"),
        ({"text": "Hello."}, "One row was given"),
        ("Hello.", "is no file of rows"),
        (7, "int is no rows"),
    ],
)
def test_rows_that_cannot_be_used(rows, message):
    with pytest.raises(ConfigError, match=message):
        items(rows)


def test_a_broken_file_of_rows_names_its_line(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"text": "Hello."}\n{"text": \n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"rows\.jsonl, line 2"):
        items(tmp_path / "rows.jsonl")
    (tmp_path / "rows.csv").write_bytes(b"text\n\xe4\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        items(tmp_path / "rows.csv")


@pytest.mark.parametrize("name", ["../{id}.wav", "/tmp/{id}.wav", "a/../../{id}.wav", ".{id}.wav", "a//{id}.wav"])
def test_names_stay_below_the_folder(name):
    with pytest.raises(ConfigError, match="expected a name below the folder"):
        items(["Hello."], name)


def test_ids_cannot_leave_the_folder_and_fields_are_known():
    (item,) = items([{"text": "Hello.", "id": "a/b: c?"}])
    assert item.outputs == ("a_b_ c_.wav",)
    with pytest.raises(ConfigError, match="below the folder"):
        items([{"text": "Hello.", "id": "../../etc/passwd"}])
    with pytest.raises(ConfigError, match="cannot be filled"):
        items(["Hello."], "{nothing}.wav")
    with pytest.raises(ConfigError, match="Two rows have the name"):
        items(["Hello.", "Bye."], "same.wav")


def test_formats_of_sound():
    assert [checked_name(f"x.{s}") for s in ("wav", "flac", "mp3")] == ["wav", "flac", "mp3"]
    for name in ("x", "x.aac", ".wav.", 3):
        with pytest.raises(ConfigError, match="name="):
            checked_name(name)


def test_sounds_keep_their_folders_in_their_names(tmp_path):
    for name in ("a/one.wav", "b/one.wav", "b/two.wav", "b/two.mp3"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF")
    found = items_of_sounds(f"{tmp_path}/**/*.*", HEARD, formats=("srt", "json"), channel=None, sample_rate=None)
    assert [i.id for i in found] == ["a/one", "b/one", "b/two-mp3", "b/two-wav"]
    assert found[0].outputs == ("a/one.srt", "a/one.json")
    (tmp_path / "b" / "notes.txt").write_text("no sound", encoding="utf-8")
    in_folder = items_of_sounds(tmp_path, HEARD, formats=(), channel=None, sample_rate=None)
    assert [i.id for i in in_folder] == [i.id for i in found]
    one = items_of_sounds(tmp_path / "a" / "one.wav", HEARD, formats=("json",), channel=0, sample_rate=None)
    assert [(i.id, i.outputs) for i in one] == [("one", ("one.json",))]
    assert one[0].hash != found[0].hash


def test_clips_are_numbered_and_kept_apart_by_their_sound():
    clips = [Clip(bytes(320), 16000), Clip(bytes(640), 16000), Clip(bytes(320), 8000)]
    found = items_of_sounds(clips, HEARD, formats=(), channel=None, sample_rate=None)
    assert [i.id for i in found] == ["0001", "0002", "0003"]
    assert len({i.hash for i in found}) == 3


def test_nothing_to_transcribe(tmp_path):
    for audio in ([], tmp_path / "none.wav", f"{tmp_path}/*.wav"):
        with pytest.raises(ConfigError, match="nothing to transcribe|names no sound file"):
            items_of_sounds(audio, HEARD, formats=(), channel=None, sample_rate=None)


def test_formats_of_transcripts():
    assert checked_formats(["SRT", ".vtt", "TextGrid", "srt"], HEARD) == ("srt", "vtt", "TextGrid")
    assert checked_formats("json", HEARD) == ("json",)
    for wrong, message in ((["doc"], "doc"), ([], "empty"), (["rttm"], "diarize=True")):
        with pytest.raises(ConfigError, match=message):
            checked_formats(wrong, HEARD)


def test_rows_hold_no_key():
    (row,) = read_rows([{"text": "Hello.", "api_key": "sk_test_canary_7f3a"}])
    assert "canary" not in json.dumps(row, default=str)
