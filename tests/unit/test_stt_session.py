"""The transcription's session decides and does nothing; and single decisions that the model does not make."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

import smallest_nb as snb
from smallest_nb.client import stt_session
from smallest_nb.client.actions import Connect, DropSocket, Finish, OpenSpare, Send, WaitUntil
from smallest_nb.client.stt_session import STTLimits, STTSession

CLIENT = Path(stt_session.__file__).parent
DOES = {"asyncio", "threading", "time", "websockets", "logging", "socket", "concurrent"}
SECOND = 32_000


def imports_of(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_the_session_and_its_parts_do_nothing():
    waiting, seen = [CLIENT / "stt_session.py"], set()
    while waiting:
        path = waiting.pop()
        seen.add(path.stem)
        imported = imports_of(path)
        assert not {name.partition(".")[0] for name in imported} & DOES, path
        parts = (
            CLIENT / f"{name.rpartition('.')[2]}.py" for name in imported if name.startswith("smallest_nb.client.")
        )
        waiting += [part for part in parts if part.stem not in seen]
    assert {"stt_results", "send_queue", "unacknowledged_audio", "audio_clock", "backoff", "text_alignment"} <= seen


def session(**limits) -> STTSession:
    made = STTSession(
        snb.SmallestSTTSettings.complete(), url=lambda s: f"ws://x/{s.diarize}", limits=STTLimits(**limits)
    )
    made.start()
    made.connected(0.1, 100.0)
    made.actions()
    return made


def final(text="", **more) -> str:
    return json.dumps({"type": "transcription", "transcript": text, "is_final": True, **more})


def send_all(made: STTSession, now: float) -> list[bytes | str]:
    sent = []
    while isinstance(step := made.next_action(now), Send):
        sent.append(step.frame)
        made.sent(now)
    return sent


def test_during_silence_after_a_loss_no_connection_is_made():
    made = session()
    made.pushed_and_sent(bytes(SECOND), 100.0)
    made.receive(final("one", words=[{"word": "one", "start": 0.0, "end": 1.0}]), 101.0)
    made.connection_lost(snb.ConnectionLost("gone"), 102.0)
    assert made.next_action(102.0) == WaitUntil(None)
    made.push(bytes(SECOND), 500.0)
    assert isinstance(made.next_action(500.0), Connect)


def test_a_change_of_settings_finalizes_first_and_sends_nothing_in_between():
    made = session()
    made.pushed_and_sent(bytes(SECOND), 100.0)
    assert made.change_settings(snb.SmallestSTTSettings(diarize=True)) == {"diarize": False}
    assert made.actions() == [OpenSpare("ws://x/True")]
    made.push(b"\x01\x00", 100.1)
    assert not made.is_clear
    assert send_all(made, 100.1) == ['{"type":"finalize"}']
    assert not made.settings.diarize
    made.receive(final("one", from_finalize=True), 100.3)
    assert DropSocket() in made.actions()
    assert made.settings.diarize
    made.connected(0.0, 100.3)
    assert send_all(made, 100.3) == [b"\x01\x00"], "nothing of what was final is sent again"


@pytest.mark.parametrize("lost", [False, True])
def test_a_change_without_a_final_sends_its_audio_again(lost):
    made = session(close_timeout=2.0)
    made.pushed_and_sent(bytes(SECOND), 100.0)
    made.change_settings(snb.SmallestSTTSettings(diarize=True))
    send_all(made, 100.0)
    assert made.next_action(100.0) == WaitUntil(102.0)
    if lost:
        made.connection_lost(snb.ConnectionLost("gone"), 101.0)
    else:
        made.tick(102.0)
    assert DropSocket() in made.actions()
    made.connected(0.1, 102.0)
    assert send_all(made, 102.0) == [bytes(SECOND), '{"type":"finalize"}']


def test_settings_that_no_stream_can_have_change_nothing():
    def url(settings):
        if settings.diarize:
            raise snb.ConfigError("not so")
        return ""

    made = STTSession(snb.SmallestSTTSettings.complete(), url=url)
    with pytest.raises(snb.ConfigError, match="not so"):
        made.change_settings(snb.SmallestSTTSettings(diarize=True))
    assert not made.settings.diarize


def test_a_failed_first_connection_ends_nothing():
    made = STTSession(snb.SmallestSTTSettings.complete(), url=lambda _: "")
    made.push(bytes(SECOND), 100.0)
    made.start()
    refused = snb.AuthError("no")
    assert made.connect_failed(refused, made.attempt(100.0)) is refused
    made.start()
    made.connected(0.1, 101.0)
    assert send_all(made, 101.0) == [bytes(SECOND)]


def test_the_last_words_are_given_up_in_bounded_time_even_while_connecting():
    made = session(close_timeout=2.0)
    made.pushed_and_sent(bytes(SECOND), 100.0)
    made.connection_lost(snb.ConnectionLost("gone"), 100.5)
    made.close(101.0)
    assert isinstance(made.next_action(101.0), Connect)
    assert made.deadline == 103.0
    made.tick(103.0)
    assert isinstance(made.failure, snb.ConnectionLost)
    assert any(isinstance(action, Finish) for action in made.actions())


def test_two_finalizes_are_answered_one_after_the_other():
    """The first answer says nothing about the audio between them."""
    made = session()
    for value in (1, 2):
        made.pushed_and_sent(bytes([value, 0]) * 1600, 100.0)
        made.finalize()
        send_all(made, 100.0)
    made.receive(final("one"), 100.1)
    made.connection_lost(snb.ConnectionLost("gone"), 100.2)
    made.connected(0.1, 100.3)
    assert send_all(made, 100.3) == [b"\x02\x00" * 1600, '{"type":"finalize"}']


def test_a_final_that_comes_twice_after_its_first_words_were_cut_counts_once():
    made = session()
    made.pushed_and_sent(bytes(2 * SECOND), 100.0)
    made.receive(final("the cat sat down"), 100.1)
    made.connection_lost(snb.ConnectionLost("gone"), 100.2)
    made.connected(0.1, 100.3)
    send_all(made, 100.3)
    for _ in range(2):
        made.receive(final("Down on the mat."), 100.5)
    assert made.results.transcript.text == "the cat sat down on the mat."


def test_the_last_final_ends_a_stream_even_while_a_change_of_settings_waits_for_one():
    made = session()
    made.pushed_and_sent(bytes(SECOND), 100.0)
    made.close(100.1)
    assert send_all(made, 100.1) == ['{"type":"close_stream"}']
    made.change_settings(snb.SmallestSTTSettings(diarize=True))
    assert send_all(made, 100.2) == ['{"type":"finalize"}']
    made.actions()
    made.receive(final("one", is_last=True), 100.3)
    assert made.actions()[-1] == Finish(None)
    assert DropSocket() not in made.actions()
    assert made.finished
    assert made.is_open, "no other socket is wanted"
    assert not made.is_changing
    assert made.settings.diarize
