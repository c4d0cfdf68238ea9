"""The fault table against our services: a whole result or an error, in time; nothing lost, no leaks.

Rows that suspend, block or mostly wait run in processes of their own beside the others (`bench.faults` does the same
for every client, and the long rows too).
"""

from __future__ import annotations

import asyncio
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.child import Child
from bench.clients.ours import Client
from bench.faults.drive import drive
from bench.faults.judge import Result, judge
from bench.faults.pair import OURS, Pair
from bench.faults.plan import Fault
from bench.faults.row import MID_AUDIO, TEXT, Row, plan
from bench.faults.sound import sound
from bench.faults.table import ROWS
from tests.support.fault_check import check

SPEECH_OVER_SOCKETS = {
    "no fault", "http 410", "http 401", "http 429 once, Retry-After: 1", "handshake hangs once",
    "tcp reset in the handshake", "accepted and closed at once, three times", "no such host", "connection refused",
    "tcp reset, before the first audio", "fin without close frame, mid-audio", "close 1013, before complete",
    "tcp reset mid-audio, always, and a slow caller", "tcp reset three times, odd pieces",
    "close 1000 after each complete, in one text", "idle timeout between two texts",
    "silent mid-audio", "stall of 1 s mid-audio", "reads slowly", "stops reading for 1 s",
    "garbage JSON, mid-audio", "a binary frame, mid-audio", "a frame just below 16 MiB, mid-audio",
    "a frame above 16 MiB, mid-audio", "text that is not UTF-8", "reserved bits", "a masked frame",
    "half a frame, then tcp reset", "a frame in two halves", "an error, mid-audio", "busy, once",
    "complete without audio, one sentence of three", "complete twice, ids not echoed",
    "chunk of the sentence before comes late, ids not echoed", "error of an earlier text comes late",
}  # fmt: skip
"""One row of each kind; all of them run against the session alone, in `test_tts_session_faults`."""
MANY = pytest.mark.slow(reason="one of its kind runs over sockets, and all run in simulated time")


def kind_of(row: Row) -> tuple[object, ...]:
    """What is done to a transcription, and when; rows of the same kind differ in numbers, codes and frames."""
    return (row.place, row.expect.split()[0], *((fault.at, fault.do) for fault in row.plan.faults))


# Every row of transcription runs in simulated time (`test_stt_fault_rows`); over sockets, one of each kind.
FIRST_OF_A_KIND = {kind_of(row): row for row in reversed(ROWS) if row.side == "stt" and not row.apart and not row.long}
HERE = [
    pytest.param(
        row,
        marks=[]
        if (row.fault in SPEECH_OVER_SOCKETS if row.side == "tts" else row is FIRST_OF_A_KIND[kind_of(row)])
        else [MANY],
    )
    for row in ROWS
    if not row.apart and not row.long
]
APART = [row for row in ROWS if row.apart and not row.long]
SIDE_BY_SIDE = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Child(Path(sys.executable), "bench.faults.server", tmp_path_factory.mktemp("faults") / "server.log") as child:
        yield child


@pytest.fixture(scope="module", autouse=True)
def apart(request):
    """Start the rows that are wanted and run apart; they are nearly done when their turn comes."""
    wanted = {item.callspec.params["row"] for item in request.session.items if item.name.startswith("test_apart")}

    def run(row: Row) -> Result:
        pair = Pair(OURS, Path(sys.executable), f"-{APART.index(row)}")
        try:
            return pair.run(row)
        finally:
            pair.close()

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {row: pool.submit(run, row) for row in APART if row in wanted}


async def run_here(row: Row, server: Child, make=Client) -> Result:
    url = server.call({"do": "plan", "plan": row.plan.to_json()}, 10)["url"]
    seen = await drive(make, row, url)
    return judge(row, OURS, seen, server.call({"do": "report"}, 10))


@pytest.mark.filterwarnings("ignore:.*the default model, is no longer served")
@pytest.mark.parametrize("row", HERE, ids=str)
async def test_here(row, server):
    check(row, await run_here(row, server), simulated_time=False)


@pytest.mark.parametrize("row", APART, ids=str)
def test_apart(row, apart):
    check(row, apart[row].result(60), simulated_time=False)


def test_the_rows_over_sockets_are_in_the_table():
    assert {row.fault for row in ROWS if row.side == "tts"} >= SPEECH_OVER_SOCKETS


async def test_the_judge_reports_a_chunk_that_was_never_sent(server):
    row = Row("a chunk is swallowed", "tts", "", plan(Fault("audio", "swallow", after=MID_AUDIO)))
    result = await run_here(row, server)
    assert (result.outcome, result.bytes_lost, result.text_lost) == ("wrong audio", 2400, 1)


async def test_the_server_hears_a_word_once_that_a_pause_divides(server):
    row = Row("a pause in the middle of a word", "stt", "", plan(), pause_at=25, pause_s=0.5)
    assert (await run_here(row, server)).outcome == "whole"


async def test_the_judge_reports_a_word_that_was_never_heard(server):
    row = Row("a word is misheard", "stt", "", plan(Fault("interim", "mishear", after=2)))
    result = await run_here(row, server)
    assert (result.outcome, result.text_lost) == ("silent loss", 1)


async def test_the_judge_reports_audio_that_was_never_pushed(server):
    class Sloppy(Client):
        async def ear(self, *arguments, **options):
            ear = await super().ear(*arguments, **options)
            push, count = ear.push, iter(range(1000))

            async def push_most(pcm):
                if next(count) not in (7, 30):
                    await push(pcm)

            ear.push = push_most
            return ear

    result = await run_here(Row("two chunks are not pushed", "stt", ""), server, Sloppy)
    assert (result.outcome, result.bytes_lost) == ("whole", 1280)


async def test_the_judge_reports_audio_that_comes_twice_and_a_clip_that_lacks_some(server):
    class Stutter(Client):
        async def voice(self, *arguments, **options):
            voice = await super().voice(*arguments, **options)
            say = voice.say

            async def say_it_twice(text, take, **more):
                await take(sound(TEXT)[:4800])
                await say(text, take, **more)

            voice.say = say_it_twice
            return voice

    result = await run_here(Row("the first word twice", "tts", ""), server, Stutter)
    assert (result.outcome, result.bytes_lost) == ("wrong audio", 4800)
    silent = Row(
        "and no end", "tts", "", plan(Fault("audio", "silent", after=MID_AUDIO)), options={"audio_timeout": 0.2}
    )
    result = await run_here(silent, server, Stutter)
    assert result.outcome == "raised IncompleteError"
    assert result.bytes_lost > 0


async def test_the_judge_counts_leaked_tasks_and_sockets(server):
    left = []

    class Messy(Client):
        async def voice(self, *arguments, **options):
            left.append(asyncio.create_task(asyncio.sleep(60)))
            left.append(socket.socket())
            return await super().voice(*arguments, **options)

    result = await run_here(Row("a task and a socket", "tts", ""), server, Messy)
    left[0].cancel()
    left[1].close()
    assert (result.outcome, result.leaks) == ("whole", 2)


async def test_the_judge_does_not_wait_without_end(server):
    class Stuck(Client):
        async def voice(self, *arguments, **options):
            await asyncio.Event().wait()

    result = await run_here(Row("stuck", "tts", "", limit=0.2), server, Stuck)
    assert result.outcome == "hung"
