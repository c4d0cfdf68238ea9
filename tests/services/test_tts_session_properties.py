"""Any order of frames, losses, refusals, withdrawals, interruptions and clock jumps: a session keeps its promises.

A small model of a service answers what it is sent, sentence by sentence, each with its own noise, so that every sample
tells its place. What happens, and when, is for hypothesis to choose.
"""

from __future__ import annotations

import itertools
import json
import random
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

import smallest_nb as snb
from smallest_nb.api.error_shapes import ErrorInfo, error_from_http
from smallest_nb.api.tts_wire import AudioFrame, CompleteFrame, ErrorFrame, WordFrame
from smallest_nb.client.actions import Connect, DropSocket, Finish, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.model_fallback import ModelFallback
from smallest_nb.client.tts_session import GRACE_SECS, OUTAGE_SECS, TTSSession

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


REFUSALS = (
    *[lambda: snb.ConnectionLost("It did not answer")] * 4,
    *[lambda: refusal(503)] * 2,
    lambda: refusal(429),
    lambda: refusal(429, "1"),
    lambda: refusal(429, "20"),
    lambda: refusal(429, "60"),
    lambda: refusal(401),
    lambda: refusal(410, code="MODEL_DEPRECATED"),
)
ERRORS = (
    *[ErrorInfo("Concurrency limit reached")] * 5,
    ErrorInfo("No such voice", code="custom"),
    ErrorInfo("gone", code="MODEL_DEPRECATED"),
    ErrorInfo("Connection timed out after 60 seconds of inactivity"),
)


class Speech:
    """Drives sessions as the service does, one text after the other on shared sockets and one shared budget.

    Args:
        ids: Whether frames carry `ours` and the service's ids, only `theirs`, or `none`.
        retries: The budget.
        is_chosen: Whether the model was chosen, and is not replaced.
        buffer: Bytes kept for a slow caller.
        has_slow_handshakes: Whether something else may happen while a handshake lasts.
        seed: For how the waits are spread.
    """

    def __init__(self, *, ids, retries, is_chosen, buffer, has_slow_handshakes, seed):
        self.ids = ids
        self.now = 1000.0
        self.retry = RetryPolicy(retries, outage_secs=OUTAGE_SECS, uniform=random.Random(seed).uniform)
        self.fallback = ModelFallback()
        self.late = LateFrames()
        model = {"model": "lightning-v3.1"} if is_chosen else {}
        self.settings = snb.SmallestTTSSettings.complete(**model)
        self.buffer = buffer
        self.slow_handshakes = has_slow_handshakes
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

    # What happens; `n` decides about the details.

    @property
    def is_read(self):
        return self.is_open and not self.session.is_full

    @property
    def speaking(self):
        return next((r for r in self.asked if r["session"] is self.session), None)

    def audio(self, n):
        for size in random.Random(n).choices([1, 2, 301, 1000, 3000], k=3):
            request = self.speaking
            if request is None or not self.is_read:
                return
            piece = sound(request["text"])[request["at"] : request["at"] + size]
            if piece:
                request["at"] += len(piece)
                self.past.append((AudioFrame, request, {"data": piece}))
                self.deliver(AudioFrame, request, data=piece)

    def rest_of_a_sentence(self, n):
        request = self.speaking
        while request in self.asked and self.is_read and request["at"] < len(sound(request["text"])):
            self.audio(n)
            self.take(3 if self.session.is_full else 0)
        if request in self.asked and self.is_read and request["at"] == len(sound(request["text"])):
            self.asked.remove(request)
            if n % 3 or self.ids == "none" or not self.asked:  # else the service goes on with the next one at once
                self.past.append((CompleteFrame, request, {}))
                self.deliver(CompleteFrame, request)

    def word(self, n):
        request = self.speaking
        if self.is_read and request is not None and request["at"]:
            index = request["words"] - (n % 3 == 0 and request["words"] > 0)  # one may come twice
            request["words"] = max(request["words"], index + 1)
            words = request["text"].split()
            if index < len(words):
                start = 0.01 * index
                self.deliver(WordFrame, request, index=index, word=words[index], start=start, end=start + 0.01)

    def late_frame(self, n):
        """A frame of a sentence is repeated after a later one has begun, or after its text is over."""
        if not self.is_read or not self.past or self.ids == "none" or self.session.is_finished:
            return
        kind, request, content = self.past[n % len(self.past)]
        is_over = request["session"] is not self.session
        has_later = request not in self.asked and self.speaking is not None and self.speaking["at"] > 1
        if is_over or has_later:
            before = len(self.session.clip)
            self.deliver(kind, request, **content)
            assert len(self.session.clip) == before

    def stranger(self, n):
        kind = (AudioFrame, CompleteFrame, WordFrame)[n % 3]
        if self.is_read:
            self.deliver(kind, ids={"external_id": "stranger", "request_id": "stranger"})

    def error_frame(self, n):
        if self.is_read and self.speaking is not None:
            info = ERRORS[n % len(ERRORS)]
            self.deliver(ErrorFrame, self.speaking if n // 8 % 2 else None, info=info)

    def keepalive(self, _n):
        if self.is_open and not self.session.is_outstanding:
            self.late.add_keepalive(self.now)
            self.keepalives = min(self.keepalives + 1, 8)

    def keepalive_answer(self, n):
        """... comes before any audio, or it could not be distinguished from the frame that ends a sentence."""
        if self.is_read and self.keepalives and not (self.speaking and self.speaking["at"]):
            self.keepalives -= 1
            if self.session.is_finished or n % 2:
                self.deliver(ErrorFrame, info=ErrorInfo("The text is empty"))
            elif not self.session.is_outstanding:
                self.deliver(CompleteFrame)

    def lose(self, n):
        if self.is_open:
            self.leave_socket()
            self.session.connection_lost(snb.ConnectionLost("The connection was lost", code=(None, 1000, 1011)[n % 3]))
            self.pump()

    def next_handshakes_fail(self, n):
        chance = random.Random(n)
        self.refusals = chance.choices(REFUSALS, k=chance.choice([1, 1, 2, 3, 25]))

    def handshake_ends(self, _n):
        if self.connecting is not None:
            self.open()
            self.pump()

    def open(self):
        action, self.connecting = self.connecting, None
        self.now = max(self.now, action.at) + 0.001
        self.attempts.append(self.now)
        if self.refusals:
            self.session.connect_failed(self.refusals.pop(0)(), self.now)
        else:
            self.is_open = True
            self.late.clear()
            self.session.connected(0.001)

    def time_passes(self, n):
        """The clock may jump far beyond what was waited for: a suspended process, a blocked loop."""
        self.now += (0.01, 0.15, 0.3, 1.0, 5.0, 16.0, 100.0)[n % 7]
        self.pump()

    def caller_takes(self, n):
        self.take(n % 9)

    def write_a_sentence(self, n):
        if self.to_write and not self.session.is_finished:
            sentence = self.to_write.pop(0)
            self.session.add_text(sentence, last=not self.to_write and n % 2 == 0)
            if not self.to_write and n % 2:
                self.session.add_text("", last=True)
            self.pump()

    def interrupt(self, n):
        if not self.session.is_finished:
            self.is_interrupted, self.connecting = True, None
            for action in self.session.interrupt(self.now, congested=n % 2 == 0):
                self.perform(action)
            assert self.session.take_event() is None, "nothing of it is to be heard"

    def leave(self, _n):
        """The caller's iteration is left: what was received can still be taken, and nothing follows."""
        if not self.session.is_finished:
            self.is_interrupted, self.connecting = True, None
            for action in self.session.cancel(self.now):
                self.perform(action)

    def next_text(self, n):
        if self.session.is_finished:
            self.end_text()
            self.start_text(2 + n % 3, n % 5 == 0)

    # What has to hold.

    def check(self):
        whole = b"".join(map(sound, self.text))
        assert whole.startswith(bytes(self.got)), "audio was lost, doubled or out of order"
        assert whole.startswith(self.session.clip.pcm)
        places = iter(" ".join(self.text).split())
        assert all(any(word.word == w for w in places) for word in self.words), "a word came twice, or too early"
        free = self.starts_open + (bool(self.fallback.message) and not self.was_replaced)
        for at in self.attempts:
            asked = sum(at <= other < at + 10.0 for other in self.attempts)
            assert asked <= MOST_IN_TEN_SECONDS + free, "the service is flooded"

    def finish(self, *, is_silent):
        """Whatever was, the text ends: whole if the service is well from now on, else with an error, and in time."""
        self.refusals, began = [], self.now
        for number in range(1000):
            self.take(100)
            if self.session.is_finished:
                break
            self.write_a_sentence(number)
            self.handshake_ends(0)
            if self.is_read and self.speaking and not is_silent:
                self.rest_of_a_sentence(1)
            elif not self.session.is_finished and self.connecting is None:
                self.now = max(self.now, self.deadline or 0.0) + 0.01
                self.pump()
        assert self.now - began < 300.0
        self.check()
        self.end_text()


EVENTS = {
    Speech.audio: 12, Speech.rest_of_a_sentence: 10, Speech.word: 4, Speech.late_frame: 8, Speech.stranger: 1,
    Speech.error_frame: 1, Speech.keepalive: 1, Speech.keepalive_answer: 1, Speech.lose: 4,
    Speech.next_handshakes_fail: 2, Speech.handshake_ends: 6, Speech.time_passes: 2, Speech.caller_takes: 4,
    Speech.write_a_sentence: 4, Speech.interrupt: 1, Speech.leave: 1, Speech.next_text: 6,
}  # fmt: skip
"""What may happen, and how often in proportion."""
WEIGHTED = [event for event, weight in EVENTS.items() for _ in range(weight)]


@settings(max_examples=300)
@given(
    options=st.fixed_dictionaries({
        "ids": st.sampled_from(["ours", "theirs", "none"]),
        "retries": st.sampled_from([5, 3, 1, 0]),
        "is_chosen": st.booleans(),
        "buffer": st.sampled_from([10**9, 10**9, 4000]),
        "has_slow_handshakes": st.booleans(),
        "seed": st.integers(0, 3),
    }),
    events=st.lists(st.tuples(st.sampled_from(WEIGHTED), st.integers(0, 999)), min_size=20, max_size=80),
    is_silent=st.booleans(),
)  # fmt: skip
def test_whatever_happens_and_when(options, events, is_silent):
    speech = Speech(**options)
    for event, n in events:
        event(speech, n)
        speech.check()
    speech.finish(is_silent=is_silent)
