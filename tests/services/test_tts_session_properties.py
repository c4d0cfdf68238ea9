"""Any order of frames, losses, refusals, withdrawals, interruptions and clock jumps: a session keeps its promises.

A small model of a service answers what it is sent, sentence by sentence, each with its own noise, so that every sample
tells its place. What happens, and when, is for hypothesis to choose.
"""

from __future__ import annotations

import itertools
import json
import random
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import smallest_nb as snb
from smallest_nb.api import tts_wire as wire
from smallest_nb.api.error_shapes import ErrorInfo, error_from_http
from smallest_nb.client.actions import Connect, DropSocket, Finish, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.model_fallback import ModelFallback
from smallest_nb.client.tts_session import GRACE_SECS, TTSSession

RATE = 8000
TIMEOUT = 15.0
LONGEST_WAIT = 45.0
"""30 s, spread by half; a longer `Retry-After` is an error at once."""
MOST_IN_TEN_SECONDS = 7
"""The first connection, three at once after it and three more as the budget comes back."""


@cache
def sound(sentence: str) -> bytes:
    samples = random.Random(sentence).randint(800, 4000)
    return random.Random(sentence).randbytes(2 * samples)


def refusal(status: int, retry_after: str | None = None, code: str = "planned") -> snb.SmallestError:
    body = json.dumps({"error": {"message": "as planned", "code": code}}).encode()
    return error_from_http(status, body, url="ws://model", retry_after=retry_after)


REFUSALS = {
    "lost": lambda: snb.ConnectionLost("It did not answer"),
    "429": lambda: refusal(429),
    "429 after 1 s": lambda: refusal(429, "1"),
    "429 after 20 s": lambda: refusal(429, "20"),
    "429 after 60 s": lambda: refusal(429, "60"),
    "503": lambda: refusal(503),
    "401": lambda: refusal(401),
    "410": lambda: refusal(410, code="MODEL_DEPRECATED"),
}
ERRORS = {
    "service": ErrorInfo("No such voice", code="custom"),
    "busy": ErrorInfo("Concurrency limit reached"),
    "withdrawn": ErrorInfo("gone", code="MODEL_DEPRECATED"),
    "idle": ErrorInfo("Connection timed out after 60 seconds of inactivity"),
}


class Speech(RuleBasedStateMachine):
    """Drives sessions as the service does, one text after the other on shared sockets and one shared budget."""

    @initialize(
        ids=st.sampled_from(["ours", "theirs", "none"]),
        retries=st.sampled_from([5, 3, 1, 0]),
        chosen=st.booleans(),
        buffer=st.sampled_from([10**9, 10**9, 2000]),
        slow_handshakes=st.booleans(),
        seed=st.integers(0, 3),
    )
    def begin(self, *, ids, retries, chosen, buffer, slow_handshakes, seed):
        self.ids = ids
        self.now = 1000.0
        self.retry = RetryPolicy(retries, uniform=random.Random(seed).uniform)
        self.fallback = ModelFallback()
        self.late = LateFrames()
        model = {"model": "lightning-v3.1"} if chosen else {}
        self.settings = snb.SmallestTTSSettings.complete(**model)
        self.buffer = buffer
        self.slow_handshakes = slow_handshakes
        self.refusals = []
        self.number = itertools.count()
        self.is_open = False
        self.asked = []  # requests on the open socket, in order
        self.past = []  # frames that were sent for sentences that are over
        self.keepalives = 0
        self.session = None
        self.start_text(3, False)

    # The driver, as in `SmallestTTSService`.

    def start_text(self, sentences, streamed):
        self.text = [f"{next(self.number)} is the number of this sentence." for _ in range(sentences)]
        self.to_write = self.text[1:] if streamed else []
        self.is_streamed = streamed
        self.got, self.words, self.attempts = bytearray(), [], []
        self.connecting = None
        self.is_interrupted = False
        self.starts_open = self.is_open
        self.was_replaced = bool(self.fallback.message)
        self.retry.begin()
        self.session = TTSSession(
            self.fallback.adapt(self.settings), RATE,
            retry=self.retry, fallback=self.fallback, late=self.late, new_id=lambda: f"our{next(self.number)}",
            audio_timeout=TIMEOUT, is_open=self.is_open, is_streamed=streamed, buffer_bytes=self.buffer,
        )  # fmt: skip
        whole = self.text[: len(self.text) - len(self.to_write)]
        for sentence in whole:
            self.session.add_text(sentence, last=sentence == self.text[-1])
        self.pump()

    def pump(self):
        if self.connecting is not None:
            return
        for _ in range(50):
            action = self.session.next_action(self.now)
            if isinstance(action, Finish):
                return
            if isinstance(action, WaitUntil):
                if action.at is None:
                    assert not self.session.is_outstanding, "a wait without an end, though something is owed"
                else:
                    assert action.at - self.now <= TIMEOUT + GRACE_SECS
                self.deadline = action.at
                return
            if isinstance(action, Connect):
                assert action.at - self.now <= LONGEST_WAIT
                self.connecting = action
                if self.slow_handshakes:
                    return
                self.open()
            else:
                self.perform(action)
        raise AssertionError("the session decides without end")

    def perform(self, action):
        if isinstance(action, Send):
            assert self.is_open
            frame = json.loads(action.frame)
            if not frame.get("cancel_request") and frame["text"].strip():
                request = {"text": frame["text"], "at": 0, "words": 0, "id": f"task{next(self.number)}"}
                self.asked.append({**request, "ours": frame["request_id"], "session": self.session})
            self.session.sent(action.request, self.now)
        elif isinstance(action, DropSocket):
            self.leave_socket()

    def leave_socket(self):
        if self.is_open:
            self.is_open = False
            self.retry.closed(self.now)
        self.asked, self.past, self.keepalives = [], [], 0

    def deliver(self, kind, request=None, *, ids=None, **content):
        """Send a frame to the client, which reads it unless its caller is too slow."""
        named = {}
        if request is not None and self.ids != "none":
            named = {"request_id": request["id"]}
            if self.ids == "ours":
                named["external_id"] = request["ours"]
        frame = kind(**{**named, **(ids or {}), **content})
        self.session.receive(frame, self.now)
        if self.session.is_due:
            self.pump()
        return frame

    def take(self, count):
        for _ in range(count):
            was_full = self.session.is_full
            event = self.session.take_event()
            if event is None:
                return
            if was_full and not self.session.is_full:
                self.session.resumed(self.now)
            if isinstance(event, snb.AudioChunk):
                assert event.start == len(self.got) / 2 / RATE
                self.got += event.pcm
            else:
                self.words.append(event)

    def end_text(self):
        """End a session as the service does, and see that it kept its promise."""
        session = self.session
        assert session.is_finished
        self.take(10**6)
        assert isinstance(session.next_action(self.now), Finish)
        whole = b"".join(map(sound, self.text))
        if session.error is None:
            assert self.is_interrupted or bytes(self.got) == whole, "it ended well without being whole"
        else:
            assert isinstance(session.error, snb.SmallestError), session.error
            if isinstance(session.error, snb.IncompleteError):
                assert session.error.clip.pcm == bytes(self.got)
        assert session.metrics.complete == (session.error is None and not self.is_interrupted)
        for action in session.cancel(self.now):
            self.perform(action)
        self.late.add_ids(session.server_ids)

    # What happens.

    @property
    def is_read(self):
        return self.is_open and not self.session.is_full

    @property
    def speaking(self):
        return next((r for r in self.asked if r["session"] is self.session), None)

    @precondition(lambda self: self.is_read and self.speaking)
    @rule(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=4))
    def audio(self, sizes):
        for size in sizes:
            request = self.speaking
            if request is None or not self.is_read:
                return
            piece = sound(request["text"])[request["at"] : request["at"] + size]
            if piece:
                request["at"] += len(piece)
                self.past.append((wire.AudioFrame, request, {"data": piece}))
                self.deliver(wire.AudioFrame, request, data=piece)

    @precondition(lambda self: self.is_read and self.speaking)
    @rule(size=st.sampled_from([700, 1801, 9000]), skips_complete=st.booleans())
    def rest_of_a_sentence(self, size, skips_complete):
        request = self.speaking
        while request in self.asked and self.is_read and request["at"] < len(sound(request["text"])):
            self.audio([size])
            self.take(1 if self.session.is_full else 0)
        if request in self.asked and self.is_read and request["at"] == len(sound(request["text"])):
            self.complete_sentence(request, skips=skips_complete)

    def complete_sentence(self, request, *, skips):
        """All of it was sent: the service says so, unless it goes on with the next one at once."""
        if skips and self.ids != "none" and len(self.asked) > 1:
            self.asked.remove(request)
            return
        self.asked.remove(request)
        self.past.append((wire.CompleteFrame, request, {}))
        self.deliver(wire.CompleteFrame, request)

    @precondition(lambda self: self.is_read and self.speaking and self.speaking["at"])
    @rule()
    def word(self):
        request = self.speaking
        index, request["words"] = request["words"], request["words"] + 1
        if index < len(request["text"].split()):
            word = request["text"].split()[index]
            self.deliver(wire.WordFrame, request, index=index, word=word, start=0.01 * index, end=0.01 * index + 0.01)

    @precondition(lambda self: self.is_read and self.past and self.ids != "none")
    @rule(which=st.integers(0, 100))
    def late_frame(self, which):
        """A frame of a sentence is repeated after a later one has begun, or after its text is over."""
        kind, request, content = self.past[which % len(self.past)]
        is_over = request["session"] is not self.session
        if self.session.is_finished or not (is_over or (self.speaking and self.speaking["at"])):
            return
        if request is not self.speaking and request not in self.asked:
            before = len(self.session.clip)
            self.deliver(kind, request, **content)
            assert len(self.session.clip) == before

    @precondition(lambda self: self.is_read)
    @rule(kind=st.sampled_from([wire.AudioFrame, wire.CompleteFrame, wire.WordFrame]))
    def stranger(self, kind):
        self.deliver(kind, ids={"external_id": "stranger", "request_id": "stranger"})

    @precondition(lambda self: self.is_read and self.speaking)
    @rule(name=st.sampled_from(["busy", "idle", "service", "withdrawn"]), with_ids=st.booleans())
    def error_frame(self, name, with_ids):
        self.deliver(wire.ErrorFrame, self.speaking if with_ids else None, info=ERRORS[name])

    @precondition(lambda self: self.is_open and not self.session.is_outstanding)
    @rule()
    def keepalive(self):
        self.late.add_keepalive(self.now)
        self.keepalives = min(self.keepalives + 1, 8)

    @precondition(lambda self: self.is_read and self.keepalives and not (self.speaking and self.speaking["at"]))
    @rule(is_error=st.booleans())
    def keepalive_answer(self, is_error):
        self.keepalives -= 1
        if self.session.is_finished:
            return
        if is_error:
            self.deliver(wire.ErrorFrame, info=ErrorInfo("The text is empty"))
        elif self.late_is_expected():
            self.deliver(wire.CompleteFrame)

    def late_is_expected(self):
        """Say whether the session can know that a complete without ids is none of a sentence."""
        return not self.session.is_outstanding

    @precondition(lambda self: self.is_open)
    @rule(code=st.sampled_from([None, 1000, 1011, 1013]))
    def lose(self, code):
        self.leave_socket()
        self.session.connection_lost(snb.ConnectionLost("The connection was lost", code=code))
        self.pump()

    @rule(how=st.lists(st.sampled_from(sorted(REFUSALS)), max_size=3))
    def next_handshakes_fail(self, how):
        self.refusals = how

    @precondition(lambda self: self.connecting is not None)
    @rule()
    def handshake_ends(self):
        self.open()
        self.pump()

    def open(self):
        action, self.connecting = self.connecting, None
        self.now = max(self.now, action.at) + 0.001
        self.attempts.append(self.now)
        if self.refusals:
            self.session.connect_failed(REFUSALS[self.refusals.pop(0)](), self.now)
        else:
            self.is_open = True
            self.retry.opened(self.now)
            self.late.clear()
            self.session.connected(0.001)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.15, 0.3, 1.0, 5.0, 16.0, 100.0]))
    def time_passes(self, seconds):
        """The clock may jump far beyond what was waited for: a suspended process, a blocked loop."""
        self.now += seconds
        self.pump()

    @rule(count=st.sampled_from([1, 5, 1000]))
    def caller_takes(self, count):
        self.take(count)

    @precondition(lambda self: self.to_write and not self.session.is_finished)
    @rule(known_last=st.booleans())
    def write_a_sentence(self, known_last):
        sentence = self.to_write.pop(0)
        self.session.add_text(sentence, last=not self.to_write and known_last)
        if not self.to_write and not known_last:
            self.session.add_text("", last=True)
        self.pump()

    @precondition(lambda self: not self.session.is_finished)
    @rule(congested=st.booleans())
    def interrupt(self, congested):
        self.is_interrupted = True
        self.connecting = None
        for action in self.session.interrupt(self.now, congested=congested):
            self.perform(action)
        assert self.session.take_event() is None, "nothing of it is to be heard"

    @precondition(lambda self: self.session.is_finished)
    @rule(sentences=st.integers(2, 4), streamed=st.booleans())
    def next_text(self, sentences, streamed):
        self.end_text()
        self.start_text(sentences, streamed)

    # What has to hold.

    @invariant()
    def audio_is_whole_so_far(self):
        if self.session is not None:
            whole = b"".join(map(sound, self.text))
            assert whole.startswith(bytes(self.got)), "audio was lost, doubled or out of order"
            assert self.is_interrupted or whole.startswith(self.session.clip.pcm)

    @invariant()
    def words_come_once_and_in_order(self):
        if self.session is not None:
            written = " ".join(self.text).split()
            places = iter(written)
            assert all(any(word.word == w for w in places) for word in self.words), "a word came twice, or too early"

    @invariant()
    def the_service_is_not_flooded(self):
        if self.session is not None:
            free = self.starts_open + (bool(self.fallback.message) and not self.was_replaced)
            for at in self.attempts:
                assert sum(at <= other < at + 10.0 for other in self.attempts) <= MOST_IN_TEN_SECONDS + free

    def teardown(self):
        self.refusals = []
        self.finish_text()

    def finish_text(self):
        """Whatever was, the text ends: with its whole audio if the service is well from now on, else with an error."""
        if self.session is None:
            return
        is_silent = next(self.number) % 2
        for _ in range(2000):
            self.take(100)
            if self.session.is_finished:
                break
            while self.to_write:
                self.write_a_sentence(True)
            if self.connecting is not None:
                self.handshake_ends()
            elif self.is_read and self.speaking and not is_silent:
                self.rest_of_a_sentence(9000, False)
            else:
                self.now = max(self.now, self.deadline or 0.0) + 0.01
                self.pump()
        self.end_text()


TestSpeech = Speech.TestCase
TestSpeech.settings = settings(
    derandomize=True,
    deadline=None,
    max_examples=250,
    stateful_step_count=50,
    suppress_health_check=list(HealthCheck),
)
