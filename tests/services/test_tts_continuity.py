"""Long and streamed text, retries, and interruptions: nothing missing, nothing twice, nothing late."""

from __future__ import annotations

import asyncio
import itertools
import json

import numpy as np
import pytest
from websockets.asyncio.server import serve

import smallest_nb as snb
from smallest_nb.client.audio_stitcher import AudioStitcher
from tests.support.services import chunk, complete, scripted, tts

THREE = "The first sentence is not long. The second sentence follows the first. The third sentence is the last one."


def noise(seed, samples) -> bytes:
    return np.random.default_rng(seed).integers(-9000, 9000, samples, dtype=np.int16).tobytes()


def sound(text: str) -> bytes:
    """What the scripted servers say for a text: 0.1 s of its own noise for each word."""
    return b"".join(noise(sum(map(ord, word)), 2400) for word in text.split())


class Server:
    """Speaks the protocol with `sound`; `cut` drops the connection after that many bytes, once for each entry."""

    def __init__(self, *, cut=(), ids=True):
        self.frames = []
        self.cuts = list(cut)
        self.sent = 0
        self.ids = ids
        self.sockets = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.completed = asyncio.Event()

    async def __call__(self, ws):
        self.sockets += 1
        async for message in ws:
            frame = json.loads(message)
            self.frames.append(frame)
            if not frame.get("text", "").strip():
                continue
            ids = {"request_id": f"task_{len(self.frames)}"}
            if self.ids:
                ids["external_request_id"] = frame["request_id"]
            pcm = sound(frame["text"])
            for at in range(0, len(pcm), 1801):
                await self.hold.wait()
                if self.cuts and self.sent >= self.cuts[0]:
                    self.cuts.pop(0)
                    ws.transport.abort()
                    return
                piece = pcm[at : at + 1801]
                self.sent += len(piece)
                await ws.send(chunk(piece, **ids))
                await asyncio.sleep(0.002)
            await ws.send(complete(**ids))
            await (await ws.ping())  # its answer comes after all that was sent before was received ...
            await asyncio.sleep(0.05)  # ... and soon after that it was taken
            self.completed.set()

    @property
    def texts(self):
        return [f["text"] for f in self.frames]


@pytest.mark.parametrize("ids", [True, False])
async def test_a_text_of_several_sentences_is_one_continuation_without_a_gap(ids):
    server = Server(ids=ids)
    async with scripted(server) as url, tts(url) as service:
        clip = await service.synthesize(THREE)
    assert clip.pcm == sound(THREE)
    assert [(f["continue"], f["max_buffer_delay_ms"]) for f in server.frames] == [(True, 1), (True, 1), (False, 1)]
    assert len({f["context_id"] for f in server.frames}) == 1
    assert len({f["request_id"] for f in server.frames}) == 3
    assert (service.metrics[0].parts, service.metrics[0].complete) == (3, True)


async def test_a_sentence_waits_at_the_service_while_the_one_before_it_sounds():
    server = Server()
    server.hold.clear()
    async with scripted(server) as url, tts(url) as service:
        speaking = asyncio.create_task(service.synthesize(THREE))
        await asyncio.sleep(0.1)
        assert len(server.frames) == 1
        server.hold.set()
        await speaking
    assert len(server.frames) == 3


async def test_without_continuations_sentences_are_requests_of_their_own():
    server = Server(ids=False)
    async with scripted(server) as url, tts(url, endpoint="legacy") as service:
        assert (await service.synthesize(THREE)).pcm == sound(THREE)
    assert len(server.frames) == 3
    assert not any("context_id" in f for f in server.frames)


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize("cut", [3000, 33_000, 70_000])
async def test_a_break_is_made_good_from_the_first_incomplete_sentence(cut, ids):
    server = Server(cut=[cut], ids=ids)
    async with scripted(server) as url, tts(url) as service:
        clip = await service.synthesize(THREE)
    assert clip.pcm == sound(THREE)
    assert service.metrics[0].retries == 1
    broken = cut * 3 // (len(sound(THREE)))
    sentences = [s.strip() + "." for s in THREE.split(".") if s]
    once = sentences[:broken]
    assert all(server.texts.count(s) == 1 for s in once)
    assert server.texts.count(sentences[broken]) == 2


async def test_breaks_beyond_the_limit_raise_with_what_was_received():
    server = Server(cut=[20_000, 21_000, 22_000])
    async with scripted(server) as url, tts(url, max_retries=2) as service:
        with pytest.raises(snb.IncompleteError, match="broke off") as caught:
            await service.synthesize(THREE)
    got = caught.value.clip.pcm
    assert len(got) >= 20_000
    assert got == sound(THREE)[: len(got)]


async def test_a_service_that_hangs_up_after_each_sentence_is_served_all_the_same():
    texts = []

    async def handler(ws):
        frame = json.loads(await ws.recv())
        texts.append(frame["text"])
        ids = {"external_request_id": frame["request_id"]}
        await ws.send(chunk(sound(frame["text"]), **ids))
        await asyncio.sleep(0.05)
        await ws.send(complete(**ids))
        await ws.close(1000)

    async with scripted(handler) as url, tts(url, max_retries=1) as service:
        assert (await service.synthesize(f"{THREE} {THREE}")).pcm == sound(f"{THREE} {THREE}")
    assert len(texts) == 6


def test_a_splice_goes_on_where_the_speech_broke_off_even_if_the_voice_is_not_quite_the_same():
    rng = np.random.default_rng(1)
    voice = np.convolve(rng.normal(0, 4000, 48_000), np.ones(24) / 5, "same").astype(np.int16)
    heard, shift = 20_000, 700
    later = np.concatenate([np.zeros(shift, np.int16), voice])
    splice = AudioStitcher(voice[:heard].tobytes(), 24000)
    pieces = [splice.push(later[at : at + 999].tobytes()) for at in range(0, len(later), 999)]
    joined = np.concatenate([voice[:heard], np.frombuffer(b"".join([*pieces, splice.flush()]), np.int16)])
    assert np.array_equal(joined, voice)
    assert splice.shift == -shift


def test_a_splice_of_periodic_sound_stays_where_it_is_expected():
    tone = (8000 * np.sin(np.arange(24_000) * 2 * np.pi * 200 / 24_000)).astype(np.int16)
    splice = AudioStitcher(tone[:10_000].tobytes(), 24000)
    assert splice.push(tone.tobytes()) == tone[10_000:].tobytes()


def test_a_splice_with_less_than_was_heard_adds_nothing():
    splice = AudioStitcher(noise(1, 5000), 24000)
    assert splice.push(noise(1, 3000)) == b""
    assert splice.flush() == b""


async def tokens(*pieces, pause=0.0):
    for piece in pieces:
        await asyncio.sleep(pause)
        yield piece


async def test_tokens_are_spoken_sentence_by_sentence():
    server = Server()
    words = [word + " " for word in THREE.split()]
    async with scripted(server) as url, tts(url) as service:
        clip = await service.synthesize(tokens(*words, pause=0.01))
        assert await service.synthesize(iter(words)) == clip
    assert clip.pcm == sound(THREE)
    assert server.texts[:3] == [s.strip() + "." for s in THREE.split(".") if s]
    assert not server.frames[2]["continue"]


async def test_a_writer_who_pauses_after_a_sentence_is_not_waited_for():
    server = Server()
    go_on = asyncio.Event()

    async def writer():
        yield "This is said at once. "
        await go_on.wait()
        yield "This comes a good deal later."

    async with scripted(server) as url, tts(url) as service:
        events = service.run_tts(writer())
        assert (await asyncio.wait_for(anext(events), 2)).start == 0
        go_on.set()
        async for _ in events:
            pass
    assert server.texts == ["This is said at once.", "This comes a good deal later."]


async def test_a_writer_who_ends_with_a_pause_closes_the_continuation():
    server = Server()

    async def writer():
        yield "This is said at once. "
        await asyncio.sleep(0.5)

    async with scripted(server) as url, tts(url) as service:
        assert (await service.synthesize(writer())).pcm == sound("This is said at once.")
    assert [(f["text"], f["continue"]) for f in server.frames] == [("This is said at once.", True), ("", False)]


async def test_what_the_writer_raises_reaches_the_caller():
    async def writer():
        yield "This is said at once. And this"
        raise KeyError("model gone")

    async with scripted(Server()) as url, tts(url) as service:
        with pytest.raises(KeyError, match="model gone"):
            await service.synthesize(writer())
        with pytest.raises(snb.ConfigError, match="gave no text"):
            await service.synthesize(tokens(" ", "..."))
        with pytest.raises(snb.ConfigError, match="got 5"):
            await service.synthesize(tokens("One ", 5))
        assert (await service.synthesize("Still well.")).pcm == sound("Still well.")


async def test_an_interruption_goes_on_with_the_spare_socket():
    server = Server()
    connected = []
    async with scripted(server) as url, tts(url) as service:
        service.event_handler("on_connected")(lambda _s: connected.append(server.sockets))
        events = service.run_tts(THREE)
        await anext(events)
        await asyncio.sleep(0.1)
        assert server.sockets == 2
        server.hold.clear()
        await service.interrupt()
        assert service.connected
        with pytest.raises(StopAsyncIteration):
            await anext(events)
        server.hold.set()
        assert (await service.synthesize("Next one.")).pcm == sound("Next one.")
        assert service.metrics[-1].connect_s is None
    assert connected == [2]


async def test_an_interruption_between_sentences_cancels_the_continuation_on_its_socket():
    server = Server()
    never = asyncio.Event()

    async def writer():
        yield "This is said at once. "
        await never.wait()

    async with scripted(server) as url, tts(url, spare_socket=False) as service:
        listening = asyncio.create_task(service.synthesize(writer()))
        await server.completed.wait()
        await service.interrupt()
        await listening
        assert (await service.synthesize("Next one.")).pcm == sound("Next one.")
    assert server.sockets == 1
    assert server.frames[1]["cancel_request"]


async def test_late_audio_never_plays_in_the_next_utterance():
    async def handler(ws):
        async for message in ws:
            text = json.loads(message)["text"]
            ids = {"request_id": f"task_{text}"}
            await ws.send(chunk(sound(text), **ids))
            await ws.send(complete(**ids))
            await ws.send(chunk(sound("late"), **ids))

    async with scripted(handler) as url, tts(url) as service:
        for text in ("one", "two", "three"):
            assert (await service.synthesize(text)).pcm == sound(text)
        assert service.stray_frames >= 2


async def test_a_busy_service_is_asked_again():
    seen = []

    async def handler(ws):
        async for message in ws:
            seen.append(message)
            if len(seen) == 1:
                await ws.send(json.dumps({"status": "error", "message": "Concurrency limit reached"}))
            else:
                await ws.send(chunk(sound("x")))
                await ws.send(complete())

    async with scripted(handler) as url:
        async with tts(url) as service:
            assert (await service.synthesize("x")).pcm == sound("x")
        seen.clear()
        async with tts(url, max_retries=0) as service:
            with pytest.raises(snb.RateLimitError, match="Concurrency limit"):
                await service.synthesize("x")


async def test_continuations_in_the_simulator(simulator):
    async with tts(simulator, settings=snb.SmallestTTSSettings(voice="liam", word_timestamps=True)) as service:
        words = []
        samples = 0
        async for event in service.run_tts(THREE):
            if isinstance(event, snb.AudioChunk):
                assert event.start == pytest.approx(samples / 24000)
                samples += len(event.samples)
            else:
                words.append(event)
        whole = service.metrics[0]
    assert [w.word for w in words] == THREE.split()
    assert all(a.start < b.start for a, b in itertools.pairwise(words))
    assert words[-1].end <= samples / 24000 + 0.05
    assert (whole.parts, whole.complete) == (3, True)


async def test_a_writer_whose_own_task_was_cancelled_ends_the_speech():
    async def writer():
        yield "This is said at once. And this"
        inner = asyncio.ensure_future(asyncio.sleep(60))
        asyncio.get_running_loop().call_later(0.1, inner.cancel)
        await inner

    async with scripted(Server()) as url, tts(url) as service:
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(10):  # within, because it cancels too
                await service.synthesize(writer())
        assert (await service.synthesize("Still well.")).pcm == sound("Still well.")


async def test_a_writer_that_raises_what_is_no_exception_ends_the_speech():
    async def writer():
        yield "This is said at once. And this"
        pytest.fail("as in a test of the caller's own")  # derived from BaseException, not from Exception

    async with scripted(Server()) as url, tts(url) as service:
        with pytest.raises(pytest.fail.Exception, match="of the caller's own"):
            async with asyncio.timeout(10):
                await service.synthesize(writer())
        assert (await service.synthesize("Still well.")).pcm == sound("Still well.")


async def test_a_model_changed_while_the_socket_is_being_opened_gets_a_socket_of_its_own():
    paths, spoken, reached = [], [], asyncio.Event()

    async def handler(ws):
        async for _ in ws:
            spoken.append(ws.request.path)
            await ws.send(chunk(bytes(4800), request_id="r"))
            await ws.send(complete(request_id="r"))

    async def slow(_connection, request):
        paths.append(request.path)
        reached.set()
        await asyncio.sleep(0.3)

    async with serve(handler, "127.0.0.1", 0, process_request=slow) as listening:
        url = f"ws://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        service = tts(url, endpoint="legacy", spare_socket=False)
        connecting = asyncio.create_task(service.connect())
        await reached.wait()
        await service.update_settings(snb.SmallestTTSSettings(model="lightning-v2"))
        await connecting
        await service.synthesize("Well.")
        await service.close()
    assert "lightning-v2" not in paths[0]
    assert len(spoken) == 1
    assert "lightning-v2" in spoken[0]


async def test_a_text_that_waits_for_its_turn_is_not_begun_while_the_service_is_closing():
    server = Server()
    server.hold.clear()
    release = asyncio.Event()
    async with scripted(server) as url:
        service = tts(url, spare_socket=False)

        @service.event_handler("on_connected")
        async def slow_to_end(_service):
            try:
                await release.wait()
            finally:
                await asyncio.sleep(0.3)

        await service.connect()
        texts = [asyncio.ensure_future(service.synthesize(text)) for text in ("First.", "Second.", "Third.")]
        await asyncio.sleep(0.2)
        await service.close()
        server.hold.set()
        async with asyncio.timeout(5):
            _, *waiting = await asyncio.gather(*texts, return_exceptions=True)
    assert [type(error) for error in waiting] == [snb.ConnectionLost] * 2
    assert [frame["text"] for frame in server.frames] == ["First."]
