"""Many texts against a simulator: files, formats, the manifest, second runs, errors and refusals."""

from __future__ import annotations

import json
import logging
import os
import pickle

import pytest

import smallest_nb as snb
from smallest_nb.client.network import NETWORK
from smallest_nb.client.transport import HTTPResponse
from tests.support.services import KEY
from tests.support.sessions import counted_sessions

TEXTS = [f"This is sentence number {n}." for n in range(12)]


def lines_of(folder):
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]


def names_in(folder):
    return sorted(p.name for p in folder.rglob("*") if p.is_file())


def test_every_text_is_a_file_and_a_line(ask, tmp_path):
    done = snb.speak_many(TEXTS, out=tmp_path, units=4, voice="liam", **ask)
    assert [r.ok for r in done] == [True] * 12
    assert names_in(tmp_path) == sorted(
        [f"{n:04d}.wav" for n in range(1, 13)] + ["manifest.jsonl", ".smallest-nb-batch.lock"]
    )
    for result, line in zip(done, sorted(lines_of(tmp_path), key=lambda each: each["id"]), strict=True):
        clip = snb.Clip.from_wav(result.outputs[0])
        assert (line["id"], line["input"], line["error"]) == (result.id, result.input, "")
        assert clip.duration == pytest.approx(result.duration) == line["duration"]
        assert result.characters == len(result.input) == line["characters"]
    # What was spoken in parallel was not mixed up: the tones say what was to be said.
    assert snb.transcribe(done[7].clip, punctuate=False, capitalize=False, **ask).text == "this is sentence number 7"
    assert done.throughput.units <= 4
    frame = done.to_dataframe()
    assert list(frame["id"]) == [r.id for r in done]
    assert frame["ok"].all()


def test_a_second_run_does_what_is_missing_or_changed_and_nothing_else(signals, ask, tmp_path):
    rows = [{"id": f"r{n}", "text": text} for n, text in enumerate(TEXTS)]
    snb.speak_many(rows, out=tmp_path, **ask)
    times = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.wav")}
    (tmp_path / "r3.wav").unlink()
    rows[5]["text"] = "Another sentence."
    rows[6]["speed"] = 1.5
    rows.append({"id": "new", "text": "One more."})
    with counted_sessions(signals) as counted:
        again = snb.speak_many(rows, out=tmp_path, **ask)
    assert counted.total("requests") == 4
    assert [r.id for r in again if not r.is_earlier] == ["r3", "r5", "r6", "new"]
    assert all(r.ok for r in again)
    unchanged = {name: at for name, at in times.items() if name not in ("r3.wav", "r5.wav", "r6.wav")}
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in unchanged} == unchanged
    with counted_sessions(signals) as counted:
        snb.speak_many(rows, out=tmp_path, **ask)
    assert counted.total("requests") == 0


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_formats(ask, tmp_path, suffix):
    pytest.importorskip("soundfile")
    done = snb.speak_many(TEXTS[:2], out=tmp_path, name="{voice}/{slug}." + suffix, sample_rate=16000, **ask)
    assert done[0].outputs == (f"{tmp_path}/sophia/this-is-sentence-number-0.{suffix}",)
    assert done[0].clip.duration == pytest.approx(done[0].duration, abs=0.15)
    assert done[0].clip.sample_rate == 16000


def test_without_a_folder_the_clips_are_in_memory(ask):
    done = snb.speak_many(TEXTS[:3], settings={"voice": "liam"}, **ask)
    assert all(isinstance(r.clip, snb.Clip) and r.outputs == () for r in done)
    assert done["0002"].input == TEXTS[1]
    assert len(done[:2]) == 2
    assert pickle.loads(pickle.dumps(done))[0].clip == done[0].clip


@pytest.mark.filterwarnings("ignore:.*does not list language")
def test_an_item_that_fails_is_recorded_and_the_rest_goes_on(signals, ask, tmp_path):
    rows = [{"id": "good", "text": "Hello."}, {"id": "bad", "text": "Hello.", "language": "tlh"}]
    done = snb.speak_many(rows, out=tmp_path, **ask)
    assert [r.ok for r in done] == [True, False]
    assert "ServiceError" in done["bad"].error
    assert done["bad"].attempts == 1  # another attempt would not help
    assert names_in(tmp_path).count("bad.wav") == 0
    assert [line["error"] for line in lines_of(tmp_path) if line["id"] == "bad"] == [done["bad"].error]
    assert [r.id for r in done.failed] == ["bad"]
    with counted_sessions(signals) as counted:
        again = done.failed.retry()
    assert (len(again), again[0].ok, len(counted.sessions)) == (1, False, 1)
    with pytest.raises(snb.ServiceError) as raised:
        snb.speak_many(rows, out=tmp_path, on_error="raise", **ask)
    assert raised.value.results["good"].ok


def test_failed_items_are_done_by_retry_when_the_reason_is_gone(signals, ask, tmp_path):
    signals.behaviour.silent = True
    done = snb.speak_many(TEXTS[:2], out=tmp_path, attempts=1, timeout=1.0, **ask)
    assert [r.ok for r in done] == [False, False]
    assert "TimeoutError" in done[0].error
    signals.behaviour.silent = False
    again = done.failed.retry()
    assert [r.ok for r in again] == [True, True]
    assert all(r.is_earlier for r in snb.speak_many(TEXTS[:2], out=tmp_path, **ask))


def test_a_refused_key_ends_the_run_at_once(signals, tmp_path):
    signals.behaviour.reject = 401
    with counted_sessions(signals) as counted, pytest.raises(snb.AuthError) as raised:
        snb.speak_many(TEXTS, out=tmp_path, units=2, api_key=KEY, base_url=signals.base_url)
    assert len(counted.sessions) <= 4
    assert not any(r.ok for r in raised.value.results)
    assert KEY not in "".join(raised.value.__notes__)


def test_more_requests_than_the_plan_has_are_refused_learned_and_lose_nothing(signals, ask, tmp_path):
    signals.behaviour.concurrency = 3
    signals.behaviour.first_audio_secs = 0.02
    with counted_sessions(signals) as counted:
        done = snb.speak_many(TEXTS * 3, out=tmp_path, units=9, name="{number}.wav", **ask)
    assert all(r.ok and r.attempts == 1 for r in done)
    assert done.throughput.refusals > 0
    assert counted.total("characters") >= sum(map(len, TEXTS * 3))


class Refusing:
    """Refuses every second handshake with 429 and `Retry-After`, so many times."""

    def __init__(self, times):
        self.left = times
        self.calls = 0

    async def connect(self, url, key, *, timeout):
        self.calls += 1
        if self.left and self.calls % 2:
            self.left -= 1
            return HTTPResponse(429, b'{"error": "busy"}', "0")
        return await NETWORK.connect(url, key, timeout=timeout)


def test_a_storm_of_429_at_the_handshake_loses_nothing(ask, tmp_path):
    transport = Refusing(5)
    done = snb.speak_many(TEXTS, out=tmp_path, units=6, transport=transport, **ask)
    assert all(r.ok and r.attempts == 1 for r in done)
    assert done.throughput.refusals == 5 - transport.left > 0


def test_lost_connections_cost_nothing(signals, ask, tmp_path):
    signals.behaviour.truncate_after = 2000
    done = snb.speak_many(TEXTS, out=tmp_path, units=3, **ask)
    assert all(r.ok for r in done)


def test_two_runs_on_one_folder_refuse_each_other(ask, tmp_path):
    from smallest_nb.client.batch.places import open_folder

    lock = open_folder(tmp_path).lock()
    lock.acquire()
    try:
        with pytest.raises(snb.ConfigError, match=f"Another run writes to .*process {os.getpid()}"):
            snb.speak_many(TEXTS[:1], out=tmp_path, **ask)
    finally:
        lock.release()
    assert snb.speak_many(TEXTS[:1], out=tmp_path, **ask)[0].ok


def test_a_folder_with_another_manifest_is_refused_before_anything_is_spent(signals, ask, tmp_path):
    (tmp_path / "manifest.jsonl").write_text("hello\n", encoding="utf-8")
    with counted_sessions(signals) as counted, pytest.raises(snb.ConfigError, match="Line 1 of the manifest"):
        snb.speak_many(TEXTS, out=tmp_path, **ask)
    assert counted.sessions == []
    assert (tmp_path / "manifest.jsonl").read_text("utf-8") == "hello\n"


def test_a_torn_last_line_costs_its_item_only(signals, ask, tmp_path):
    snb.speak_many(TEXTS[:3], out=tmp_path, units=1, **ask)
    whole = (tmp_path / "manifest.jsonl").read_bytes()
    (tmp_path / "manifest.jsonl").write_bytes(whole[:-10])
    with counted_sessions(signals) as counted:
        done = snb.speak_many(TEXTS[:3], out=tmp_path, **ask)
    assert counted.total("requests") == 1
    assert [r.ok for r in done] == [True] * 3
    assert len(lines_of(tmp_path)) == 3


def test_a_file_whose_line_was_written_gets_its_name_in_the_next_run(signals, ask, tmp_path):
    snb.speak_many(TEXTS[:1], out=tmp_path, **ask)
    (line,) = lines_of(tmp_path)
    sound = (tmp_path / "0001.wav").read_bytes()
    (tmp_path / line["pending"]["0001.wav"]).write_bytes(sound)  # as a run leaves it that is killed before the rename
    (tmp_path / "0001.wav").unlink()
    (tmp_path / ".smallest-nb-batch-0123456789abcdef.tmp").write_bytes(b"half a fi")
    with counted_sessions(signals) as counted:
        assert snb.speak_many(TEXTS[:1], out=tmp_path, **ask)[0].is_earlier
    assert counted.total("requests") == 0
    assert (tmp_path / "0001.wav").read_bytes() == sound
    assert not list(tmp_path.glob("*.tmp")) + list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "units="),
        ({"attempts": 0}, "attempts="),
        ({"on_error": "ignore"}, "on_error="),
        ({"name": "{id}.aac"}, "name="),
        ({"settings": 3}, "settings is int"),
        ({"speeed": 1}, "speed"),
    ],
)
def test_arguments_that_cannot_work(tmp_path, arguments, message):
    with pytest.raises(snb.ConfigError, match=message):
        snb.speak_many(["Hello."], out=tmp_path, api_key=KEY, base_url="ws://127.0.0.1:9", **arguments)


@pytest.mark.filterwarnings("ignore:.*does not list language")
def test_the_key_is_nowhere(ask, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    rows = [{"id": "a", "text": "Hello."}, {"id": "b", "text": "Hello.", "language": "tlh"}]
    done = snb.speak_many(rows, out=tmp_path, **ask)
    everything = [*(p.read_bytes().decode("latin-1") for p in tmp_path.iterdir()), repr(done), done._repr_html_()]
    everything += [caplog.text, done.to_dataframe().to_csv(), pickle.dumps(done).decode("latin-1")]
    assert not [text for text in everything if KEY in text]
