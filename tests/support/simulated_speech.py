"""A row of the fault table against the session alone: the misbehaving server, the network and the clock are simulated.

The server does what `bench` has a real one do, in simulated time: nothing is waited for, and so every wait that the
session asks for can be as long as it is.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any

from bench.faults import frames as fault_frames
from bench.faults import judge as fault_judge
from bench.faults import plan as fault_plan
from bench.faults import row as fault_row
from bench.faults import sound as fault_sound
from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.tts_wire import UnknownFrame, parse_tts_frame
from smallest_nb.client.actions import Connect, DropSocket, Finish, Notify, OpenSpare, Send, WaitUntil
from smallest_nb.client.backoff import RetryPolicy
from smallest_nb.client.late_frames import LateFrames
from smallest_nb.client.model_fallback import ModelFallback
from smallest_nb.client.sentences import split_text
from smallest_nb.client.tts_events import AudioChunk
from smallest_nb.client.tts_session import OUTAGE_SECS, TTSSession
from smallest_nb.errors import ConnectionLost, SmallestError

TRIP_SECS = 0.0002
RATE = 24000
TIMERS, SOCKETS = 0, 1
"""A loop that was blocked runs what is due in this order."""


class Clock:
    """Runs functions at their time, which passes at once.

    Attributes:
        now: Seconds.
        blocked_until: Until then the client does nothing, whatever is due.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.blocked_until = 0.0
        self._due: list[tuple[float, int, int, Callable[[], None], bool]] = []
        self._count = itertools.count()

    def at(self, time: float, do: Callable[[], None], *, client: bool = True, order: int = SOCKETS) -> None:
        heappush(self._due, (max(time, self.now), order, next(self._count), do, client))

    def after(self, seconds: float, do: Callable[[], None], **how: Any) -> None:
        self.at(self.now + seconds, do, **how)

    def run(self, until: Callable[[], bool], limit: float) -> bool:
        """Let time pass; return whether it came to what was waited for, within so many seconds."""
        end = self.now + limit
        while not until():
            if not self._due or self._due[0][0] > end:
                return False
            time, order, count, do, client = heappop(self._due)
            if client and time < self.blocked_until:
                heappush(self._due, (self.blocked_until, order, count, do, client))
                continue
            self.now = time
            do()
        return True


class Gone(Exception):  # noqa: N818 - no error: it was planned
    """The connection was ended as planned."""


class Link:
    """One connection, seen from the server.

    Args:
        server: What all connections share.

    Attributes:
        on_frame: Called with each frame, at its time.
        on_lost: Called once, if the server or the network ends it.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clock = server.clock
        self.record = {"used": False, "faulted": False, "runs": []}
        server.ledger["connections"].append(self.record)
        self.on_frame: Callable[[str | bytes], None] = lambda _frame: None
        self.on_lost: Callable[[ConnectionLost], None] = lambda _lost: None
        self.is_open = True
        self.mute = False
        self.read_delay = 0.0
        self.old_ids: dict[str, str] = {}
        self._reads_at = self.clock.now
        self._contexts: dict[str, str] = {}
        self._waiting: list[tuple[str, dict[str, Any]]] = []
        self._chunks = self._requests = 0
        self._speaking = False

    def start(self) -> None:
        """Begin to serve, once the handshake is over."""
        self._run(self._accept())

    def _run(self, steps: Iterator[float]) -> None:
        """Do the steps of the server; each says how long it takes."""
        if not self.is_open:
            return
        try:
            seconds = next(steps)
        except (StopIteration, Gone):
            return
        self._reads_at = max(self._reads_at, self.clock.now)
        self.clock.after(seconds, lambda: self._run(steps), client=False)

    def _accept(self) -> Iterator[float]:
        self._reads_at = float("inf")
        yield from self.at("accepted", self.server.accepted)
        self.server.accepted += 1
        self._reads_at = self.clock.now
        yield 0.0
        self._begin_next()

    def drop(self) -> None:
        """The client has left."""
        self.is_open = False

    def lose(self, **how: Any) -> None:
        """End it as the client sees it: after everything that was sent before."""
        if self.is_open:
            self.is_open = False
            lost = ConnectionLost("The connection was lost", **how)
            self.clock.after(TRIP_SECS, lambda: self.on_lost(lost))

    def send(self, frame: str | bytes) -> None:
        if not self.mute and self.is_open:
            self.clock.after(TRIP_SECS, lambda: self.on_frame(frame))

    def receive(self, frame: str | bytes) -> None:
        """Take a frame of the client, at the speed that was planned."""
        at = max(self.clock.now + TRIP_SECS, 0.0 if self._reads_at == float("inf") else self._reads_at)
        self._reads_at = at + self.read_delay
        self.clock.at(self._reads_at, lambda: self._take(json.loads(frame)), client=False)

    def _take(self, request: dict[str, Any]) -> None:
        text, context = request.get("text", ""), request.get("context_id")
        if context is None:
            self._release(text, request)
        elif request.get("cancel_request"):
            self._contexts.pop(context, None)
        else:
            text = self._contexts.pop(context, "") + text
            if text.rstrip().endswith((".", "?", "!", "…")) or not request.get("continue"):
                self._release(text, request)
            elif text:
                self._contexts[context] = text

    def _release(self, text: str, request: dict[str, Any]) -> None:
        if text.strip() and self.is_open:
            self.record["used"] = True
            self._waiting.append((text, request))
            self._begin_next()

    def _begin_next(self) -> None:
        if self._waiting and not self._speaking and self._reads_at != float("inf"):
            self._speaking = True
            self._run(self._speak(*self._waiting.pop(0)))

    def _speak(self, text: str, request: dict[str, Any]) -> Iterator[float]:
        ledger, plan = self.server.ledger, self.server.plan
        ids = {"request_id": f"task_{next(self.server.ids)}"}
        if plan.echo and "request_id" in request:
            ids["external_request_id"] = request["request_id"]
        sent: list[tuple[float, int]] = []
        ledger["requests"].append({"text": text, "sent": sent})
        if (yield from self.at("request", self._requests, ids)) == "no_audio":
            ledger["is_over"] = True
        else:
            pcm = fault_sound.sound(text)
            for at in range(0, len(pcm), plan.piece):
                yield from self.at("audio", self._chunks, ids)
                piece = pcm[at : at + plan.piece]
                self._chunks += 1
                audio = {"audio": base64.b64encode(piece).decode()}
                self.send(json.dumps({"status": "chunk", "data": audio, **ids}))
                if not self.mute and not ledger["is_over"]:
                    sent.append((self.clock.now, at + len(piece)))
                yield plan.gap_s
        yield from self.at("unfinished", self._chunks, ids)
        self.send(json.dumps({"status": "complete", **ids}))
        self.old_ids = ids
        yield from self.at("complete", self._chunks, ids)
        self._requests += 1
        self._speaking = False
        self._begin_next()

    def at(self, phase: str, count: int, ids: dict[str, str] | None = None) -> Iterator[float]:
        """Do what is planned for here and now; return what was done last."""
        done, fault = "", None
        while (fault := self.server.script.take(phase, count, but=fault)) is not None:
            self.record["faulted"] = True
            self.server.note_fault()
            done = fault.do
            yield from self._do(fault, ids or {})
        return done

    def _do(self, fault: fault_plan.Fault, ids: dict[str, str]) -> Iterator[float]:
        if fault.do in ("reset", "fin", "half", "raw"):  # what is left of it cannot be read, by the rules of WebSockets
            self.lose()
        elif fault.do == "close":
            self.lose(code=fault.code, reason="as planned")
        elif fault.do == "outage":
            self.server.begin_outage(fault.secs)
        elif fault.do in ("stall", "suspend", "halves"):
            yield fault.secs
        elif fault.do == "silent":
            self.mute = True
        elif fault.do == "slow":
            self.read_delay = fault.secs
        self._send_planned(fault, ids)
        if not self.is_open:
            raise Gone

    def _send_planned(self, fault: fault_plan.Fault, ids: dict[str, str]) -> None:
        if fault.do == "halves":
            self.send(fault_frames.FRAMES["an unknown status"](ids))
        elif fault.do == "send_late":
            self.send(fault_frames.FRAMES[fault.frame](self.old_ids))
        elif fault.do == "send":
            frame = fault_frames.FRAMES[fault.frame](ids)
            if len(frame) > fault_frames.CLIENT_LIMIT:
                self.lose(code=1009)
            self.send(frame)
            if fault.frame in fault_frames.ENDS:
                self.server.ledger["is_over"] = True


class Server:
    """Behaves as planned on all its connections."""

    def __init__(self, clock: Clock, row: fault_row.Row) -> None:
        self.clock = clock
        self.plan = row.plan
        self.place = row.place
        self.script = fault_plan.Script(list(row.plan.faults))
        self.accepted = self.handshakes = 0
        self.ids = itertools.count()
        self.links: list[Link] = []
        self.ledger: dict[str, Any] = {
            "connections": [], "requests": [], "finals": [], "handshakes": [], "fault_at": None, "is_over": False,
        }  # fmt: skip
        self._away_until = 0.0

    def note_fault(self) -> None:
        if self.ledger["fault_at"] is None:
            self.ledger["fault_at"] = self.clock.now

    def begin_outage(self, secs: float) -> None:
        self._away_until = self.clock.now + secs
        for link in self.links:
            link.lose()

    def greet(self, open_timeout: float) -> tuple[float, Link | SmallestError]:
        """Answer a handshake; return the seconds that takes, and the connection or the refusal."""
        if self.place == "nowhere":
            return 0.01, ConnectionLost("It cannot be reached (the host name was not found: Name or service not known)")
        if self.place == "refused" or self.clock.now < self._away_until:
            return 0.001, ConnectionLost("It cannot be reached (the connection was refused; is the server running?)")
        self.ledger["handshakes"].append(self.clock.now)
        fault = self.script.take("handshake", self.handshakes)
        self.handshakes += 1
        link = Link(self)
        if fault is None:
            self.links.append(link)
            return 2 * TRIP_SECS, link
        link.record["faulted"] = True
        self.note_fault()
        if fault.do == "hang":
            return open_timeout, ConnectionLost(f"It did not answer within {open_timeout:g} s")
        if fault.do == "reset":
            return TRIP_SECS, ConnectionLost("It cannot be reached (ConnectionResetError)")
        body = json.dumps({"error": {"message": "as planned", "code": "planned"}}).encode()
        retry_after = f"{fault.secs:g}" if fault.secs else None
        return TRIP_SECS, error_from_http(fault.code, body, url="ws://simulated", retry_after=retry_after)


class Client:
    """Does what sessions decide, as the service does, on one socket and a spare one."""

    def __init__(self, clock: Clock, server: Server, row: fault_row.Row) -> None:
        self.clock = clock
        self.server = server
        self.row = row
        options = dict(row.options)
        self.audio_timeout = options.pop("audio_timeout", 15.0)
        self.open_timeout = options.pop("open_timeout", 10.0)
        self.wants_spare = options.pop("spare_socket", True)
        self.retry = RetryPolicy(
            options.pop("max_retries", 3), outage_secs=OUTAGE_SECS, uniform=random.Random(1).uniform
        )
        assert not options
        self.fallback = ModelFallback()
        self.late = LateFrames()
        self.settings = SmallestTTSSettings.complete()
        self.link: Link | None = None
        self.spare: Link | None = None
        self.stray = 0
        self.notified: list[SmallestError] = []
        self.session: TTSSession | None = None
        self._busy = False
        self._timer = 0
        self._ids = itertools.count()

    def say(self, text: str) -> dict[str, Any]:
        """Speak a text; return what its caller saw."""
        self.retry.begin()
        session = self.session = TTSSession(
            self.fallback.adapt(self.settings), RATE,
            retry=self.retry, fallback=self.fallback, late=self.late, new_id=lambda: f"id{next(self._ids)}",
            audio_timeout=self.audio_timeout, is_open=self.link is not None, spare=self.wants_spare,
        )  # fmt: skip
        *sentences, last = split_text(text)
        for sentence in sentences:
            session.add_text(sentence, last=False)
        session.add_text(last, last=True)
        pieces: list[bytes] = []
        taking = {"over": False, "at": 0.0}

        def take() -> None:
            event = session.take_event()
            if isinstance(event, AudioChunk):
                assert event.start == sum(map(len, pieces)) / 2 / RATE
                pieces.append(event.pcm)
                if len(pieces) == self.row.trouble_at:
                    self.clock.blocked_until = self.clock.now + self.row.block_s + self.row.suspend_s
                self.clock.after(self.row.slow_s, take)
            elif event is None and session.is_finished:
                taking.update(over=True, at=self.clock.now)
            else:
                self.clock.after(0.0005, take)

        self._busy = False
        self.pump()
        take()
        hung = not self.clock.run(lambda: taking["over"], self.row.limit)
        for action in session.cancel(self.clock.now):
            self._do(action)
        self.late.add_ids(session.server_ids)
        self.session = None
        assert hung or isinstance(session.next_action(self.clock.now), Finish)
        return {**_seen(text, b"".join(pieces), session.error, taking["at"]), "hung": hung}

    def pump(self) -> None:
        """Do what the session decides until it waits for something."""
        session = self.session
        while session is not None and not self._busy:
            action = session.next_action(self.clock.now)
            if isinstance(action, Finish):
                return
            if isinstance(action, WaitUntil):
                self._timer += 1
                if action.at is not None:
                    self.clock.at(action.at, lambda number=self._timer: self._tick(number), order=TIMERS)
                return
            self._do(action)

    def _tick(self, number: int) -> None:
        if number == self._timer:
            self.pump()

    def _do(self, action: object) -> None:
        if isinstance(action, Send):
            if self.link is None:
                self.session.connection_lost(ConnectionLost("The connection is not open."))
            elif self.link.is_open:  # else the reader learns it in a moment
                self.link.receive(action.frame)
                self.session.sent(action.request, self.clock.now)
        elif isinstance(action, Connect):
            self._busy = True
            self.clock.at(action.at, self._open, order=TIMERS)
        elif isinstance(action, DropSocket):
            self._drop()
            if action.replace:
                self._take_spare() or self._reopen()
        elif isinstance(action, OpenSpare):
            self._open_spare()
        elif isinstance(action, Notify):
            self.notified.append(action.error)

    def _open(self) -> None:
        began, session = self.clock.now, self.session
        if self._take_spare():
            self._end_opening(session, lambda: session.connected(0.0))
            return
        seconds, outcome = self.server.greet(self.open_timeout)

        def end() -> None:
            if isinstance(outcome, SmallestError):
                session.connect_failed(outcome, self.clock.now)
            else:
                self._adopt(outcome)
                outcome.start()
                session.connected(self.clock.now - began)

        self.clock.after(seconds, lambda: self._end_opening(session, end))

    def _end_opening(self, session: TTSSession, end: Callable[[], None]) -> None:
        self._busy = False
        if session is self.session:
            end()
            self.pump()

    def _adopt(self, link: Link) -> None:
        self.link = link
        self.late.clear()
        link.on_frame = lambda frame: self._on_frame(link, frame)
        link.on_lost = lambda lost: self._on_lost(link, lost)

    def _drop(self) -> None:
        if self.link is not None:
            self.link.drop()
            self.link = None

    def _take_spare(self) -> bool:
        spare, self.spare = self.spare, None
        if spare is None or not spare.is_open:
            return False
        self._adopt(spare)
        return True

    def _open_spare(self) -> None:
        if self.spare is not None and self.spare.is_open:
            return
        seconds, outcome = self.server.greet(self.open_timeout)
        if isinstance(outcome, Link):
            self.clock.after(seconds, lambda: self._keep(outcome))

    def _keep(self, link: Link) -> None:
        link.start()
        self.spare = link

    def _reopen(self) -> None:
        seconds, outcome = self.server.greet(self.open_timeout)
        if isinstance(outcome, Link):
            outcome.start()
            self.clock.after(seconds, lambda: self.link is None and outcome.is_open and self._adopt(outcome))

    def _on_frame(self, link: Link, data: str | bytes) -> None:
        if link is not self.link:
            return
        frame = parse_tts_frame(data)
        if isinstance(frame, UnknownFrame) or self.session is None or not self.session.receive(frame, self.clock.now):
            self.stray += 1
        elif self.session.is_due:
            self.pump()

    def _on_lost(self, link: Link, lost: ConnectionLost) -> None:
        if link is self.link:
            self.link = None
            if self.session is not None:
                self.session.connection_lost(lost)
                self.pump()


def run_row(row: fault_row.Row) -> fault_judge.Result:
    """Run a row about speech, and judge it as the bench does."""
    clock = Clock()
    server = Server(clock, row)
    client = Client(clock, server, row)
    start, said = clock.now, []
    for number, text in enumerate(row.texts):
        if number:
            clock.run(lambda: False, row.pause_s)
            clock.now += row.pause_s
        said.append(client.say(text))
    seen = {
        "start": start, "end": clock.now, "hung": any(one["hung"] for one in said), "said": said, "leaks": 0,
        "counts": {"odd": client.stray},
    }  # fmt: skip
    return fault_judge.judge(row, "session", seen, server.ledger)


def _seen(text: str, got: bytes, error: BaseException | None, at: float) -> dict[str, Any]:
    """Return what a caller saw of a text, as `bench` notes it."""
    wanted = fault_sound.sound(text)
    prefix = _common(got, wanted)
    rest = min(len(got), len(wanted)) - prefix
    clip = getattr(error, "clip", None)
    return {
        "text": text,
        "got": len(got),
        "prefix": prefix,
        "suffix": _common(got[len(got) - rest :][::-1], wanted[len(wanted) - rest :][::-1]),
        "clip_differs": clip is not None and clip.pcm != got,
        "failure": None if error is None else {"type": type(error).__name__, "says": str(error)[:400], "at": at},
    }


def _common(one: bytes, other: bytes) -> int:
    """Return the length of what two begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
