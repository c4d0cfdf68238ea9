"""What a session of speech decides, one decision at a time."""

from __future__ import annotations

import itertools
import json

import pytest

import smallest_nb as snb
from smallest_nb.api.error_shapes import ErrorInfo
from smallest_nb.api.tts_wire import AudioFrame, CompleteFrame, ErrorFrame
from smallest_nb.client.actions import Connect, DropSocket, Finish, Notify, OpenSpare, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.model_fallback import ModelFallback
from smallest_nb.client.tts_session import GRACE_SECS, TTSSession

LOST = snb.ConnectionLost("The connection was lost", code=1011)
TEXTS = ("The first sentence is here.", "And this is the second one.")


@pytest.fixture
def make():
    """Returns a session that has been asked for its first action: with an open socket, its first request is sent."""

    def build(*texts, last=True, **options):
        number = itertools.count()
        options = {"is_open": True, "audio_timeout": 10.0, "retry": RetryPolicy(1), **options}
        session = TTSSession(
            snb.SmallestTTSSettings.complete(), 24000, fallback=ModelFallback(), late=LateFrames(),
            new_id=lambda: f"id{next(number)}", **options,
        )  # fmt: skip
        for text in texts:
            session.add_text(text, last=last and text == texts[-1])
        return session

    return build


def send(session, now=0.0):
    """Do what is due up to the next request; return our id of it."""
    action = session.next_action(now)
    assert isinstance(action, Send)
    session.sent(action.request, now)
    return json.loads(action.frame)["request_id"]


def answer(session, ours, now=0.0, size=480):
    assert session.receive(AudioFrame("task", ours, data=bytes(size)), now)
    return session.receive(CompleteFrame("task", ours), now)


def test_one_sentence_waits_at_the_service_while_another_one_sounds(make):
    session = make(*TEXTS, spare=True)
    first = send(session)
    assert session.next_action(0.0) == WaitUntil(10.0)
    assert session.receive(AudioFrame(None, first, data=bytes(480)), 1.0)
    assert session.is_due
    assert session.next_action(1.0) == OpenSpare()
    second = send(session, 1.0)
    assert session.next_action(1.0) == WaitUntil(11.0)
    assert answer(session, second, 2.0), "which ends the first one too"
    assert session.is_finished
    assert session.error is None
    assert session.next_action(2.0) == Finish()
    assert (session.metrics.complete, session.metrics.parts, session.metrics.ttfb_s) == (True, 2, 1.0)


def test_an_interruption_while_a_request_is_being_sent_drops_the_socket(make):
    session = make(TEXTS[0])
    assert isinstance(session.next_action(0.0), Send)
    assert session.interrupt(0.0, congested=False) == [DropSocket(replace=True)]


@pytest.mark.parametrize(("congested", "expected"), [(False, Send), (True, DropSocket)])
def test_an_interruption_between_sentences_cancels_what_the_service_holds(make, congested, expected):
    session = make(TEXTS[0], last=False, is_streamed=True)
    answer(session, send(session))
    assert session.next_action(0.0) == WaitUntil(None), "the writer may take all the time that it wants"
    (action,) = session.interrupt(0.0, congested=congested)
    assert isinstance(action, expected)
    assert isinstance(action, DropSocket) or json.loads(action.frame)["cancel_request"]
    assert session.take_event() is None


def test_an_error_that_refuses_nothing_of_this_text_is_not_its_error(make):
    """A service that waits for the writer says that it is idle, and hangs up: the next sentence goes on."""
    session = make(TEXTS[0], last=False, is_streamed=True)
    answer(session, send(session))
    assert not session.receive(ErrorFrame(info=ErrorInfo("Connection timed out")), 60.0)
    session.connection_lost(LOST)
    assert session.next_action(60.0) == WaitUntil(None)
    session.add_text(TEXTS[1], last=True)
    assert session.next_action(61.0) == Connect(61.0)
    session.connected(0.1)
    answer(session, send(session, 61.0))
    assert session.error is None
    assert session.metrics.retries == 0


def test_an_error_before_anything_was_sent_on_a_fresh_socket_is_the_texts(make):
    session = make(TEXTS[0], is_open=False)
    assert session.next_action(0.0) == Connect(0.0)
    session.connected(0.1)
    assert session.receive(ErrorFrame(info=ErrorInfo("No access", code="model_access_denied")), 0.2)
    assert session.next_action(0.2) == Finish()
    assert "No access" in str(session.error)


def test_the_first_cause_counts_if_the_service_hangs_up_after_it(make):
    session = make(TEXTS[0])
    ours = send(session)
    session.receive(ErrorFrame("task", ours, info=ErrorInfo("No such voice", code="custom")), 0.1)
    session.connection_lost(LOST)
    assert session.next_action(0.1) == Notify(LOST)
    assert session.next_action(0.1) == Finish()
    assert "No such voice" in str(session.error)


def test_a_socket_that_was_idle_may_be_lost_without_counting(make):
    session = make(TEXTS[0], retry=RetryPolicy(0))
    send(session)
    session.connection_lost(LOST)
    assert session.next_action(0.1) == Notify(LOST)
    assert session.next_action(0.1) == Connect(0.1)
    session.connected(0.1)
    send(session, 0.2)
    session.connection_lost(LOST)
    assert session.next_action(0.3) == Notify(LOST)
    assert session.next_action(0.3) == Finish(), "but only once"
    assert isinstance(session.error, snb.IncompleteError)
    assert session.error.__cause__ is LOST


def test_a_socket_that_was_opened_elsewhere_is_idle_only_once(make):
    session = make(TEXTS[0], retry=RetryPolicy(0))
    send(session)
    session.connection_lost(LOST)
    assert [session.next_action(0.1) for _ in range(2)] == [Notify(LOST), Connect(0.1)]
    session.connected(None)
    send(session, 0.2)
    session.connection_lost(LOST)
    assert [session.next_action(0.3) for _ in range(2)] == [Notify(LOST), Finish()]


def test_the_services_ids_may_begin_again_on_another_socket(make):
    """... as `task_1`: they belong to other sentences then."""
    session = make(*TEXTS, is_open=False)
    assert session.next_action(0.0) == Connect(0.0)
    session.connected(0.1)
    send(session)
    first, second = bytes([1, 0]) * 2400, bytes([2, 0]) * 240
    session.receive(AudioFrame("task_1", data=first), 0.0)
    session.receive(CompleteFrame("task_1"), 0.0)
    send(session)
    session.connection_lost(LOST)
    assert [session.next_action(0.1) for _ in range(2)] == [Notify(LOST), Connect(0.1)]
    session.connected(0.1)
    send(session, 0.2)
    assert session.receive(AudioFrame("task_1", data=second), 0.3)
    assert session.receive(CompleteFrame("task_1"), 0.4)
    assert session.error is None
    assert session.metrics.complete
    assert session.clip.pcm == first + second


def test_while_the_caller_is_slow_the_service_is_not_late(make):
    session = make(TEXTS[0], buffer_bytes=400)
    ours = send(session)
    session.receive(AudioFrame("task", ours, data=bytes(480)), 0.0)
    assert session.is_full
    assert session.next_action(100.0) == WaitUntil(110.0)
    assert session.take_event() is not None
    session.resumed(105.0)
    assert session.next_action(112.0) == WaitUntil(115.0)


def test_a_blocked_loop_reads_its_sockets_before_the_service_counts_as_silent(make):
    session = make(TEXTS[0])
    ours = send(session)
    assert session.next_action(50.0) == WaitUntil(50.0 + GRACE_SECS)
    session.receive(AudioFrame("task", ours, data=bytes(480)), 50.1)
    assert session.next_action(50.0 + GRACE_SECS) == WaitUntil(60.1)
    assert session.next_action(70.0) == WaitUntil(70.0 + GRACE_SECS)
    assert session.next_action(70.0 + GRACE_SECS) == Finish()
    assert len(session.error.clip) == 240


def test_a_continuation_whose_socket_is_gone_needs_no_end(make):
    """All of it was spoken: no connection is made for saying so."""
    session = make(TEXTS[0], last=False, is_streamed=True)
    answer(session, send(session))
    session.next_action(0.0)
    session.add_text("", last=True)
    session.connection_lost(LOST)
    assert session.next_action(1.0) == Finish()
    assert session.metrics.complete


def test_only_opening_a_socket_ends_with_it(make):
    session = make(is_open=False, needs_socket=True)
    session.add_text("", last=True)
    assert session.next_action(0.0) == Connect(0.0)
    session.connect_failed(snb.RateLimitError("slow down", retry_after=4.0), 1.0)
    assert session.next_action(1.0) == Connect(5.0)
    session.connected(0.1)
    assert session.next_action(5.0) == Finish()
    assert session.error is None
