"""The transcription's session, driven in any order against a model of the service: no audio lost, no word twice."""

from __future__ import annotations

import itertools
import json

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from smallest_nb import ConnectionLost, RateLimitError, ServiceError, SmallestSTTSettings
from smallest_nb.client.actions import Connect, DropSocket, Emit, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.stt_session import STTLimits, STTSession
from tests.support.heard_words import RATE, HearingSocket, spoken

CLOSE_SECS = 5.0
LONGEST_ASKED_SECS = 30.0
MOST_CONNECTIONS, WINDOW_SECS = 8, 10.0
WORD_SECS = (0.2, 0.3, 0.5)
ERRORS = {
    "refused": lambda: ConnectionLost("refused"),
    "busy": lambda: RateLimitError("busy", status=429, retry_after=1.0),
    "ill": lambda: ServiceError("ill", status=503),
}


class Sessions(RuleBasedStateMachine):
    """A program, a service and the network between them; `perform` is what `SmallestSTTService` does."""

    @initialize(
        buffer_secs=st.sampled_from([2.0, 30.0]), resend_secs=st.sampled_from([2.5, 30.0]), seed=st.integers(0, 9)
    )
    def make(self, buffer_secs, resend_secs, seed):
        self.now = 1000.0
        self.limits = STTLimits(CLOSE_SECS, buffer_secs, resend_secs, max_retries=5)
        retry = RetryPolicy(
            5, outage_secs=buffer_secs, stable_secs=30.0, longest_wait=2.0,
            uniform=lambda low, high: low + (high - low) * seed / 9,
        )  # fmt: skip
        self.session = STTSession(
            SmallestSTTSettings.complete(),
            url=lambda s: f"ws://x/?diarize={s.diarize}",
            sample_rate=RATE,
            fewest_bytes_per_second=2 * RATE,
            limits=self.limits,
            retry=retry,
        )
        self.lengths: dict[int, int] = {}
        self.socket: HearingSocket | None = None
        self.attempts: list[float] = []
        self.reported = 0
        self.drops = 0
        self.spare = False
        self.last_final = ""
        self.session.start()
        assert self.session.attempt(self.now) == self.now
        self.attempts.append(self.now)
        self.open()

    def open(self):
        self.socket = HearingSocket(self.lengths)
        self.session.connected(0.1, self.now)
        self.perform()

    def perform(self):
        for action in self.session.actions():
            if isinstance(action, DropSocket):
                self.socket = None
                if self.spare:
                    self.open()
            elif isinstance(action, Emit) and "dropped" in str(action.item):
                self.drops += 1

    @property
    def is_over(self):
        return self.session.failure is not None or self.session.finished

    def deliver(self, frame):
        self.session.receive(frame, self.now)
        self.perform()

    # The program.

    @precondition(lambda self: not self.session.closing and not self.is_over)
    @rule(seconds=st.sampled_from(WORD_SECS), count=st.integers(1, 6), congested=st.booleans())
    def push(self, seconds, count, congested):
        for _ in range(count):
            number = len(self.lengths) + 1
            piece = spoken(number, seconds)
            if self.session.is_clear and not congested:
                self.lengths[number] = len(piece) // 2
                self.socket.hear(piece)
                self.session.pushed_and_sent(piece, self.now)
            elif self.session.has_room(len(piece), self.now, self.now):
                self.lengths[number] = len(piece) // 2
                self.session.push(piece, self.now)
            self.perform()

    @precondition(lambda self: not self.session.closing and not self.is_over)
    @rule()
    def finalize(self):
        self.session.finalize()

    @precondition(lambda self: not self.session.closing and not self.is_over and not self.session.is_changing)
    @rule(spare=st.booleans())
    def change_settings(self, spare):
        self.spare = spare
        self.session.change_settings(SmallestSTTSettings(diarize=not self.session.settings.diarize))
        self.perform()

    @precondition(lambda self: not self.session.closing)
    @rule(really=st.sampled_from([False, False, False, True]))
    def close_early(self, really):
        if really:
            self.close()

    def close(self):
        self.session.close(self.now)
        self.perform()

    @rule(steps=st.integers(1, 12), error=st.sampled_from([None, None, None, *ERRORS]))
    def send(self, steps, error):
        """The sending task has its turn; `error` is what the next attempt to connect meets."""
        for _ in range(steps):
            step = self.session.next_action(self.now)
            self.perform()
            if isinstance(step, WaitUntil):
                return
            if isinstance(step, Connect):
                self.connect(step, error)
                error = None
            elif self.socket is not None:
                self.socket.hear(step.frame)
                self.session.sent(self.now)
                self.perform()

    def connect(self, step: Connect, error=None):
        if self.session.is_open:
            return
        assert step.at - self.now <= LONGEST_ASKED_SECS + 1e-6
        self.now = max(self.now, step.at)
        self.attempts.append(self.now)
        if error is None:
            self.open()
        else:
            self.session.connect_failed(ERRORS[error](), self.now)
            self.perform()

    # The service and the network.

    @precondition(lambda self: self.socket is not None)
    @rule()
    def interim(self):
        self.deliver(self.socket.interim())

    @precondition(lambda self: self.socket is not None)
    @rule(
        timed=st.booleans(),
        hint=st.booleans(),
        late=st.integers(0, 2),
        arrives=st.sampled_from([True, True, True, False]),
    )
    def final(self, timed, hint, late, arrives):
        frame = self.socket.final(timed=timed, hint=hint, late=late)
        if arrives:
            self.last_final = frame
            self.deliver(frame)
        else:
            self.lose("1006")

    @precondition(lambda self: self.socket is not None and '"words": [{' in self.last_final)
    @rule()
    def repeat_final(self):
        """Only with times: a final without them that comes late may be anything."""
        self.deliver(self.last_final)

    @precondition(lambda self: self.socket is not None)
    @rule()
    def keep_alive(self):
        self.socket.hear(self.session.keepalive())

    @precondition(lambda self: self.socket is not None)
    @rule(frame=st.sampled_from(["garbage", '{"type": "pong"}', '{"type": "mood"}']))
    def odd_frame(self, frame):
        self.deliver(frame)

    @precondition(lambda self: self.socket is not None)
    @rule(code=st.sampled_from(["1006", "1000", "1011"]))
    def lose(self, code):
        self.socket = None
        self.last_final = ""
        self.session.connection_lost(ConnectionLost("lost", code=int(code)), self.now)
        self.perform()

    @rule(seconds=st.sampled_from([0.01, 0.4, 3.0, 40.0, 86_400.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.session.tick(self.now)
        self.perform()

    # What holds at any time.

    @invariant()
    def every_word_once(self):
        words = [int(word[1:]) for word in self.session.results.transcript.text.split()]
        assert words == sorted(set(words)), "in order, and none twice"

    @invariant()
    def every_wait_is_bounded(self):
        step = self.session.next_action(self.now)
        if isinstance(step, Connect):
            assert step.at - self.now <= LONGEST_ASKED_SECS + 1e-6
        elif isinstance(step, WaitUntil) and not self.is_over and (self.session.closing or self.session.is_changing):
            heard = sum(self.lengths.values()) / RATE
            assert step.at is not None
            assert step.at - self.now <= CLOSE_SECS + heard

    @invariant()
    def the_reconnect_budget_holds(self):
        for begin in self.attempts:
            assert sum(begin <= at < begin + WINDOW_SECS for at in self.attempts) <= MOST_CONNECTIONS

    def teardown(self):
        """The network and the service are well from now on: close ends, and everything that was pushed is there."""
        if not hasattr(self, "session"):
            return
        if not self.session.closing:
            self.close()
        timed = len(self.lengths) % 2 == 0
        for _ in range(2000):
            if self.is_over:
                break
            self.answer(timed=timed)
            step = self.session.next_action(self.now)
            self.perform()
            if not isinstance(step, WaitUntil):
                self.do(step)
            elif not self.is_over:
                assert step.at is not None
                self.now = max(self.now, step.at)
        assert self.is_over, "close did not end"
        self.every_word_once()
        self.every_time_is_that_of_the_pushed_audio()
        if self.session.failure is None:
            self.nothing_is_lost()

    def do(self, step: Connect | Send):
        if isinstance(step, Connect):
            self.connect(step)
        elif self.socket is not None:
            self.socket.hear(step.frame)
            self.session.sent(self.now)
            self.perform()

    def answer(self, *, timed):
        while self.socket is not None and self.socket.has_answer:
            self.deliver(self.socket.final(timed=timed))
        if self.socket is not None and self.socket.is_closing:
            self.deliver(self.socket.final(timed=timed, is_last=True))

    def every_time_is_that_of_the_pushed_audio(self):
        begins = dict(zip(self.lengths, itertools.accumulate(self.lengths.values(), initial=0), strict=False))
        for word in self.session.results.transcript.words:
            begin, length = begins[int(word.text[1:])] / RATE, self.lengths[int(word.text[1:])] / RATE
            assert begin - 0.01 <= word.start <= begin + length / 2 + 0.01
            assert word.end <= begin + length + 0.01

    def nothing_is_lost(self):
        heard = {int(word[1:]) for word in self.session.results.transcript.text.split()}
        missing = [number for number in self.lengths if number not in heard]
        seconds = sum(self.lengths[number] for number in missing) / RATE
        assert seconds <= self.session.dropped_seconds + self.drops * max(WORD_SECS), missing


TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_model_hears_what_it_was_sent():
    """The model itself can fail: a word that is sent twice on one socket, or not at all, is seen."""
    socket = HearingSocket({1: 1600, 2: 1600})
    socket.hear(spoken(1, 0.2))
    socket.hear(spoken(2, 0.2)[:1000])
    assert json.loads(socket.final(timed=True))["transcript"] == "w1"
    socket.hear(spoken(2, 0.2)[1000:])
    assert json.loads(socket.final(timed=True))["words"] == [{"word": "w2", "start": 0.2, "end": 0.4}]
