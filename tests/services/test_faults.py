"""The fault table against our services: whole or told, in time, nothing lost, nothing left behind.

Rows that suspend, block or mostly wait run in processes of their own beside the others (`bench.faults` does the same
for every client, and the long rows too).
"""

from __future__ import annotations

import asyncio
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.child import Child
from bench.clients.ours import Client
from bench.faults.drive import drive
from bench.faults.judge import Result, judge
from bench.faults.pair import MOST_CONNECTIONS, OURS, Pair
from bench.faults.plan import Fault
from bench.faults.row import MID_AUDIO, TEXT, Row, plan
from bench.faults.sound import sound
from bench.faults.table import ROWS

HERE = [row for row in ROWS if not row.apart and not row.long]
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


def check(row: Row, result: Result) -> None:
    assert result.outcome == row.expect, result
    assert row.at_least <= result.seconds <= row.within, result
    assert (result.bytes_lost, result.text_lost, result.leaks) == (0, 0, 0), result
    assert row.requests in (None, result.requests), result
    assert not row.counted or result.odd, result
    assert not result.outcome.startswith("whole") or result.dropped == 0, result
    assert re.search(row.says, result.says), result
    assert row.reconnects in (None, result.reconnects), result
    assert result.connections <= MOST_CONNECTIONS, result


@pytest.mark.filterwarnings("ignore:.*the default model, is no longer served")
@pytest.mark.parametrize("row", HERE, ids=str)
async def test_here(row, server):
    check(row, await run_here(row, server))


@pytest.mark.parametrize("row", APART, ids=str)
def test_apart(row, apart):
    check(row, apart[row].result(60))


async def test_the_judge_misses_a_chunk_that_was_never_sent(server):
    row = Row("a chunk is swallowed", "tts", "", plan(Fault("audio", "swallow", after=MID_AUDIO)))
    result = await run_here(row, server)
    assert (result.outcome, result.bytes_lost, result.text_lost) == ("wrong audio", 2400, 1)


async def test_the_judge_misses_a_word_that_was_never_heard(server):
    row = Row("a word is misheard", "stt", "", plan(Fault("interim", "mishear", after=2)))
    result = await run_here(row, server)
    assert (result.outcome, result.text_lost) == ("silent loss", 1)


async def test_the_judge_misses_audio_that_was_never_pushed(server):
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


async def test_the_judge_sees_audio_that_comes_twice_and_a_clip_that_lacks_some(server):
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


async def test_the_judge_finds_what_is_left_behind(server):
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


async def test_the_judge_does_not_wait_for_ever(server):
    class Stuck(Client):
        async def voice(self, *arguments, **options):
            await asyncio.Event().wait()

    result = await run_here(Row("stuck", "tts", "", limit=0.2), server, Stuck)
    assert result.outcome == "hung"
