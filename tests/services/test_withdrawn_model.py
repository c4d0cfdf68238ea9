"""The service withdraws a model: a default that was not chosen goes on with the replacement, a chosen one says how."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import dataclasses
import json
import pickle
import warnings

import pytest

import smallest_nb as snb
from smallest_nb.api.catalog import TTS_MODELS, canonical_model, unknown_model_warning
from smallest_nb.api.error_shapes import error_from_http
from smallest_nb.api.voices import voices_of
from smallest_nb.client.rest import list_voices
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.services import KEY, chunk, complete, scripted, tts

DEFAULT, PRO = "lightning-v3.1", "lightning-v3.1-pro"
TEXT = "Your table is booked. It is for half past seven, and there are four of you. We look forward to it."
TOKENS = [f"{word} " for word in TEXT.split()]


@pytest.fixture(scope="module")
def withdrawn():
    """A simulator whose default model is withdrawn, spelled as on the wire."""
    with Simulator(behaviour=Behaviour(engine="signal", retired=frozenset({"lightning_v3.1"}))) as running:
        yield running


def speak(simulator, **settings) -> snb.Clip:
    return snb.speak(TEXT, api_key=KEY, base_url=simulator.base_url, **settings)


def test_L3_speak_goes_on_with_the_replacement(withdrawn):
    with pytest.warns(
        UserWarning, match="lightning-v3.1, the default model, is no longer served; speaking with"
    ) as caught:
        assert speak(withdrawn).duration > 2
    assert len(caught) == 1
    assert "lightning-v3.1-pro and the voice 'meher' (it has no voice 'sophia')" in str(caught[0].message)


@pytest.mark.parametrize("shape", ["object", "message", "text"])
@pytest.mark.parametrize("text", [TEXT, "Hello.", TOKENS], ids=["sentences", "one", "tokens"])
async def test_L3_a_service_goes_on_and_warns_once(withdrawn, shape, text):
    with Simulator(behaviour=Behaviour(engine="signal", retired={DEFAULT}, error_shape=shape)) as running:
        async with tts(running) as service:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                clips = [await service.synthesize(text if isinstance(text, str) else iter(text)) for _ in range(2)]
    assert [str(w.message) for w in caught] == [service.model_fallback.message]
    assert clips[0].duration == pytest.approx(clips[1].duration)
    assert (service.settings.model, service.settings.voice) == (PRO, "meher")
    assert not service.settings.model_chosen
    assert [m.complete for m in service.metrics] == [True, True]


async def test_L3_the_text_is_spoken_once_and_whole(withdrawn):
    with pytest.warns(UserWarning, match="no longer served"):
        async with tts(withdrawn) as service:
            clip = await service.synthesize(TEXT)
    settings = snb.SmallestTTSSettings(model=PRO, voice="meher")
    async with tts(withdrawn, settings=settings) as service:
        assert clip.duration == pytest.approx((await service.synthesize(TEXT)).duration)


async def test_L3_the_older_endpoint_answers_410_and_is_left(withdrawn):
    service = tts(withdrawn, endpoint="legacy")
    with pytest.warns(UserWarning, match="no longer served"):
        await service.connect()  # here it is the handshake that is refused
    assert (await service.synthesize(TEXT)).duration > 2
    assert service.settings.model == PRO
    await service.close()


@pytest.mark.parametrize(
    ("given", "voice"),
    [
        ({}, "meher"),
        ({"voice": "magnus"}, "meher"),
        ({"voice": "rhea"}, "rhea"),
        ({"voice": "a-clone-of-mine"}, "meher"),
        ({"voice": "jeevan", "language": "ta"}, "malar"),
        ({"language": "hi"}, "meher"),
        ({"language": "auto"}, "meher"),
        ({"language": "he"}, "meher"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_L3_the_voice_is_one_that_the_replacement_has(withdrawn, given, voice):
    async with tts(withdrawn, settings=snb.SmallestTTSSettings(**given)) as service:
        await service.synthesize("Hello.")
    assert (service.settings.model, service.settings.voice) == (PRO, voice)


@pytest.mark.filterwarnings("ignore::UserWarning")
async def test_L3_changes_of_other_settings_keep_the_replacement(withdrawn):
    async with tts(withdrawn) as service:
        await service.synthesize("Hello.")
        assert await service.update_settings(snb.SmallestTTSSettings(speed=1.5)) == {"speed": None}
        former = await service.update_settings(snb.SmallestTTSSettings.complete(speed=2.0))
        assert former == {"speed": 1.5}, "a snapshot whose model was not chosen is no way back"
        assert service.settings.model == PRO
        assert (await service.synthesize("Hello.")).duration > 0.1
        await service.update_settings(snb.SmallestTTSSettings(model=DEFAULT))
        with pytest.raises(snb.ModelRetiredError):
            await service.synthesize("Hello.")


@pytest.mark.filterwarnings("ignore:.*no longer served")
async def test_L3_a_voice_of_the_withdrawn_model_that_is_named_later(withdrawn):
    async with tts(withdrawn) as service:
        await service.synthesize("Hello.")
        with pytest.warns(UserWarning, match="lightning-v3.1-pro has no voice 'magnus'; speaking with 'meher'"):
            await service.update_settings(snb.SmallestTTSSettings(voice="magnus"))
        await service.synthesize("Hello.")
        assert service.settings.voice == "meher"
        await service.update_settings(snb.SmallestTTSSettings(voice="a-clone-of-mine"))
        assert service.settings.voice == "a-clone-of-mine", "what no list names is the caller's to know"


CHOSEN = {
    "named": snb.SmallestTTSSettings(model=DEFAULT),
    "enum": snb.SmallestTTSSettings(model=snb.SmallestTTSModel.LIGHTNING_V3_1),
    "wire": snb.SmallestTTSSettings.from_mapping({"model": "lightning_v3.1"}),
    "complete": snb.SmallestTTSSettings.complete(model=DEFAULT),
    "moved back": snb.SmallestTTSSettings.complete(model=PRO).merged(snb.SmallestTTSSettings(model=DEFAULT))[0],
    "named over the default": snb.SmallestTTSSettings.complete().merged(snb.SmallestTTSSettings(model=DEFAULT))[0],
    "extra": snb.SmallestTTSSettings(extra={"model": "lightning_v3.1"}),
}
CHOSEN |= {
    "pickled": pickle.loads(pickle.dumps(CHOSEN["named over the default"])),
    "replaced": dataclasses.replace(CHOSEN["complete"], speed=1.5),
    "merged": CHOSEN["complete"].merged(snb.SmallestTTSSettings(speed=1.5))[0],
}
NOT_CHOSEN = {
    "nothing": snb.SmallestTTSSettings(),
    "a delta": snb.SmallestTTSSettings(speed=1.5),
    "complete": snb.SmallestTTSSettings.complete(),
    "merged": snb.SmallestTTSSettings.complete().merged(snb.SmallestTTSSettings(speed=1.5))[0],
    "merged from a snapshot": snb.SmallestTTSSettings.complete(model=PRO).merged(snb.SmallestTTSSettings.complete())[0],
    "pickled": pickle.loads(pickle.dumps(snb.SmallestTTSSettings.complete())),
    "copied": copy.deepcopy(snb.SmallestTTSSettings.complete()),
    "replaced": dataclasses.replace(snb.SmallestTTSSettings.complete(), speed=1.5),
    "given back": snb.SmallestTTSSettings(**snb.SmallestTTSSettings.complete().given_fields()),
}


@pytest.mark.parametrize("name", CHOSEN)
async def test_L3_a_chosen_model_raises_with_the_way_out(withdrawn, name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with tts(withdrawn, settings=CHOSEN[name]) as service:
            with pytest.raises(snb.ModelRetiredError, match="lightning-v3.1 is no longer served") as caught:
                await service.synthesize(TEXT)
    assert caught.value.replacement == PRO
    assert "Use model='lightning-v3.1-pro' with a voice of its own, such as voice='meher'" in str(caught.value)


@pytest.mark.parametrize("name", NOT_CHOSEN)
async def test_L3_a_default_that_was_not_chosen_never_breaks(withdrawn, name):
    async with tts(withdrawn, settings=NOT_CHOSEN[name]) as service:
        with pytest.warns(UserWarning, match="no longer served"):
            assert (await service.synthesize("Hello.")).duration > 0.1


async def test_L3_a_handshake_at_the_shared_address_that_is_refused_is_the_same(fresh_simulator):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        body = b'{"status":"error","error_code":"MODEL_DEPRECATED","message":"gone","recommended_endpoint":"/x"}'
        head = f"HTTP/1.1 410 Gone\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        service = tts(url, settings=CHOSEN["named"])
        with pytest.raises(snb.ModelRetiredError, match=r"lightning-v3.1 is no longer served .*gone") as caught:
            await service.connect()
        assert caught.value.replacement == PRO
        await service.close()
        service = tts(url)
        with (
            pytest.warns(UserWarning, match="no longer served"),
            pytest.raises(snb.ModelRetiredError, match="lightning-v3.1-pro is no longer served"),
        ):
            await service.connect()  # the replacement is refused as well: it ends
        await service.close()


async def test_L3_a_refusal_after_a_keepalive_is_not_lost():
    """An error without our request id may answer the keepalive; one about the model is the request's all the same."""
    asked = []

    async def serve(ws):
        async for message in ws:
            frame = json.loads(message)
            asked.append(frame)
            if frame["model"] == "lightning_v3.1":
                await ws.send(json.dumps({"status": "error", "error": {"message": "gone", "code": "MODEL_DEPRECATED"}}))
            elif frame["text"].strip():
                await ws.send(chunk(bytes(4800)))
                await ws.send(complete())

    async with scripted(serve) as url, tts(url, keepalive_secs=0.05, audio_timeout=30) as service:
        async with asyncio.timeout(10):
            while not asked:
                await asyncio.sleep(0.01)
        with pytest.warns(UserWarning, match="no longer served"):
            assert (await service.synthesize("Hello.")).duration == pytest.approx(0.1)


async def test_L3_transcription_does_not_care(withdrawn):
    clip = snb.Clip(bytes(16000), 16000)
    async with snb.SmallestSTTService(api_key=KEY, base_url=withdrawn.base_url) as service:
        await service.send(clip.pcm)


@pytest.mark.parametrize("spelling", ["lightning-v3.1", "lightning_v3.1", "Lightning-V3.1", " LIGHTNING_V3_1 "])
async def test_L3_the_simulator_withdraws_in_any_spelling(spelling):
    from smallest_nb.simulator.faults import parse_faults

    assert parse_faults([f"retired={spelling}"])["retired"] == {DEFAULT}
    behaviour = Behaviour(engine="signal")
    with Simulator(behaviour=behaviour) as running:
        running.behaviour.retired = {spelling}
        async with tts(running, settings=CHOSEN["named"]) as service:
            with pytest.raises(snb.ModelRetiredError):
                await service.synthesize("Hello.")


async def test_L3_the_list_of_voices_follows_the_default(withdrawn):
    given = {"api_key": KEY, "base_url": withdrawn.base_url}
    with pytest.warns(UserWarning, match="these are the voices of lightning-v3.1-pro"):
        assert await list_voices(refresh=True, **given) == voices_of(PRO)
    assert await list_voices(DEFAULT, **given) == voices_of(DEFAULT), "a model that was named: its card"
    assert await list_voices("lightning-v4", **given) == ()


async def test_L3_a_model_that_the_catalogue_does_not_know_is_sent_with_a_warning():
    asked = []

    async def serve(ws):
        async for message in ws:
            asked.append(json.loads(message))
            await ws.send(chunk(bytes(4800)))
            await ws.send(complete())

    settings = snb.SmallestTTSSettings(model="lightning-v4", voice="brannock", word_timestamps=False)
    async with scripted(serve) as url:
        with pytest.warns(UserWarning, match="'lightning-v4' is not known to this version of smallest_nb; it is sent"):
            service = tts(url, settings=settings)
        async with service:
            await service.synthesize("Hello.")
    assert asked[0]["model"] == "lightning_v4"
    assert asked[0]["complete_backoff_ms"] == 250, "what today's models take is sent"
    with pytest.warns(UserWarning, match="Did you mean 'lightning-v3.1-pro'"):
        tts("ws://127.0.0.1:9", settings=snb.SmallestTTSSettings(model="lightning-v3.1-prp"))


def test_L3_ends_are_data_with_their_source():
    assert next(iter(TTS_MODELS)) == DEFAULT
    assert list(TTS_MODELS)[-1] == "lightning-v2", "what is gone stands last"
    assert [str(m) for m in snb.SmallestTTSModel] == list(TTS_MODELS)
    for info in TTS_MODELS.values():
        if info.withdrawal is not None:
            assert info.withdrawal.source
            replacement = TTS_MODELS[info.replacement]
            assert replacement.withdrawal is None, "what replaces it stays"
    assert TTS_MODELS["lightning-v2"].retired == "2026-05-19"
    assert TTS_MODELS[DEFAULT].withdrawal.date == "2026-11-30"
    assert TTS_MODELS[DEFAULT].retired is None, "the vendor has not said so itself"


@pytest.mark.parametrize(
    "spelling", ["lightning-v3.1-pro", "lightning_v3.1_pro", "LIGHTNING_V3_1_PRO", "Lightning v3.1 Pro"]
)
def test_L3_one_model_in_any_spelling(spelling):
    assert canonical_model(spelling) == PRO
    assert snb.SmallestTTSSettings(model=spelling).model == PRO


def test_L3_an_error_body_with_the_code_is_enough():
    body = json.dumps({"error_code": "MODEL_DEPRECATED", "message": "no more"}).encode()
    error = error_from_http(400, body, url="wss://api.smallest.ai/waves/v1/lightning-v2/get_speech/stream")
    assert isinstance(error, snb.ModelRetiredError)
    assert error.replacement == PRO


def test_L3_a_withdrawn_model_is_never_suggested_for_one_that_is_not_known():
    retired = [info.id for info in TTS_MODELS.values() if info.retired]
    assert retired
    for name in ("lightning-v4", "lightning-v2.1", "lightning-2", "lightning-large2"):
        text = unknown_model_warning(name, TTS_MODELS)
        assert not [gone for gone in retired if repr(gone) in text]
    assert "'lightning-v3.1'" in unknown_model_warning("lightning-v3.11", TTS_MODELS)


@pytest.mark.parametrize("call", [lambda **k: snb.speak("Hi", **k), snb.SmallestTTSSettings, snb.VoiceTuner])
def test_L3_the_warning_of_a_model_that_is_not_known_points_at_the_program(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if call is snb.SmallestTTSSettings:
            snb.SmallestTTSService(settings=call(model="lightning-v4"), api_key="sk_x", base_url="ws://127.0.0.1:9")
        else:
            with contextlib.suppress(snb.SmallestError):
                call(model="lightning-v4", api_key="sk_x", base_url="ws://127.0.0.1:9")
    ours = [warning for warning in caught if "'lightning-v4'" in str(warning.message)]
    assert {warning.filename for warning in ours} <= {__file__}
    assert ours or call is snb.VoiceTuner  # which shows it in the page
