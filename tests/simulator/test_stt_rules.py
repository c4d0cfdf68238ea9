"""The rules of transcription, over the wire: what ends a segment, how it is written, what is refused."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from simulated import CLOSE, FINALIZE, finals, hear, opened, said, speak, stt_path
from websockets.exceptions import ConnectionClosed, InvalidStatus

from smallest_nb.audio.clip import silence
from smallest_nb.simulator.speech.encodings import encode_g711

TWELVE = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima"


async def sound(simulator, text, **fields) -> bytes:
    return (await speak(simulator, text, **fields))[1]


async def test_ten_words_end_a_segment_by_default(signals):
    pcm = await sound(signals, TWELVE)
    assert [len(f["transcript"].split()) for f in finals(await hear(signals, pcm))] == [10, 2]
    assert len(finals(await hear(signals, pcm, finalize_on_words="false"))) == 1
    assert [len(f["transcript"].split()) for f in finals(await hear(signals, pcm, max_words=5))] == [5, 5, 2]


async def test_silence_ends_a_segment_after_eou_timeout_ms(signals):
    one = await sound(signals, "first part")
    pcm = one + silence(0.5, 16000) + one
    assert len(finals(await hear(signals, pcm, eou_timeout_ms=300))) == 2
    assert len(finals(await hear(signals, pcm, eou_timeout_ms=2000))) == 1
    assert len(finals(await hear(signals, pcm, eou_timeout_ms=300, endpointing="false"))) == 1
    assert len(finals(await hear(signals, pcm, endpointing_timeout=300))) == 2


async def test_finalize_and_close(signals):
    pcm = await sound(signals, "first part")
    frames = await hear(signals, pcm, then=(FINALIZE, FINALIZE, CLOSE))
    ended = [f for f in frames if f["is_final"]]
    assert [(f["transcript"], f["is_last"], f.get("from_finalize", False)) for f in ended] == [
        ("First part.", False, True),
        ("", False, True),
        ("", True, False),
    ]
    for close in ('{"type":"end"}', '{"flag":"END"}'):
        assert (await hear(signals, pcm, then=(close,)))[-1]["is_last"]


async def test_voice_activity_is_reported_on_request(signals):
    pcm = silence(0.4, 16000) + await sound(signals, "hello there") + silence(1.3, 16000)
    frames = await hear(signals, pcm, vad_events="true")
    marks = [f for f in frames if f["type"].startswith("speech_")]
    assert [m["type"] for m in marks] == ["speech_started", "speech_ended"]
    assert all(set(m) == {"type", "session_id", "timestamp"} for m in marks)
    assert marks[0]["timestamp"] == pytest.approx(0.5, abs=0.03)
    assert marks[1]["timestamp"] == pytest.approx(len(pcm) / 32000 - 1.3 - 0.18, abs=0.05)
    assert not [f for f in await hear(signals, pcm) if f["type"].startswith("speech_")]
    assert [f for f in await hear(signals, pcm, vad="true") if f["type"] == "speech_started"]
    assert not [f for f in await hear(signals, pcm, vad="true", vad_events="false") if f["type"] == "speech_started"]


async def test_speech_is_reported_by_the_recogniser_too(simulator):
    pcm = silence(0.5, 16000) + await sound(simulator, "The weather will be cold.") + silence(1.3, 16000)
    marks = [f for f in await hear(simulator, pcm, vad_events="true") if f["type"].startswith("speech_")]
    assert [m["type"] for m in marks] == ["speech_started", "speech_ended"]
    assert marks[0]["timestamp"] == pytest.approx(0.55, abs=0.2)
    assert marks[1]["timestamp"] == pytest.approx(len(pcm) / 32000 - 1.4, abs=0.35)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({}, "I paid twenty five dollars on monday."),
        ({"numerals": "true"}, "I paid 25 dollars on Monday."),
        ({"numerals": "always"}, "I paid 25 dollars on Monday."),
        ({"numerals": "none"}, "I paid twenty five dollars on Monday."),
        ({"itn_normalize": "true"}, "I paid $25 on Monday."),
        ({"punctuate": "false"}, "I paid 25 dollars on Monday"),
        ({"capitalize": "false"}, "i paid 25 dollars on monday."),
        ({"format": "false", "itn_normalize": "true"}, "i paid 25 dollars on monday"),
    ],
)
async def test_how_a_final_is_written(signals, query, text):
    pcm = await sound(signals, "i paid twenty five dollars on monday")
    frames = await hear(signals, pcm, word_timestamps="true", **query)
    expected = text if query else "I paid 25 dollars on Monday."
    assert said(frames) == expected
    assert " ".join(w["word"] for w in finals(frames)[0]["words"]) == expected
    interims = [f["transcript"] for f in frames if not f["is_final"]]
    assert not [t for t in interims if "$" in t or "25" in t], "interims are not normalised"


async def test_redaction_in_english_and_hindi_only(signals):
    spoken = (
        "my name is sarah miller and my card number is four one one one one one one one one one one one one one one one"
    )
    pcm = await sound(signals, spoken)
    asked = {"redact_pii": "true", "redact_pci": "true", "finalize_on_words": "false", "word_timestamps": "true"}
    frames = await hear(signals, pcm, **asked)
    (final,) = finals(frames)
    assert "[FIRSTNAME_1] [LASTNAME_1]" in final["transcript"]
    assert "[ACCOUNTNUMBER_1]" in final["transcript"]
    assert final["redacted_entities"] == ["[FIRSTNAME_1]", "[LASTNAME_1]", "[ACCOUNTNUMBER_1]"]
    # An interim may stop in the middle of a number; the name, once it stands, is never shown.
    shown = json.dumps([f for f in frames if len(f["transcript"].split()) > 4])
    assert "sarah" not in shown.lower()
    without_ids = [{name: value for name, value in frame.items() if name != "session_id"} for frame in frames]
    assert "4111" not in json.dumps(without_ids)  # an id is random digits
    hindi = await sound(signals, "मेरा नाम सीता है", language="hi")
    assert "सीता" not in said(await hear(signals, hindi, language="hi", redact_pii="true"))
    assert "सीता" in said(await hear(signals, hindi, language="hi"))
    german = await sound(signals, "my name is sarah", language="de")
    assert "sarah" in said(await hear(signals, german, language="de", redact_pii="true")).lower()


async def test_sentences_and_the_whole_transcript(signals):
    one, two = await sound(signals, "this is the first"), await sound(signals, "this is the second")
    pcm = one + silence(0.4, 16000) + two
    frames = await hear(signals, pcm, sentence_timestamps="true", full_transcript="true", eou_timeout_ms=3000)
    (final,) = finals(frames)
    assert [u["text"] for u in final["utterances"]] == ["This is the first.", "This is the second."]
    assert final["utterances"][0]["end"] < final["utterances"][1]["start"]
    assert final["full_transcript"] == "This is the first. This is the second."
    interim = [f for f in frames if not f["is_final"]]
    assert interim
    assert all("full_transcript" in f and "words" not in f for f in interim)


@pytest.mark.parametrize("encoding", ["linear16", "linear32", "mulaw", "alaw"])
async def test_encodings(signals, encoding):
    pcm = await sound(signals, "hello there", sample_rate=8000)
    data = {"linear16": pcm, "linear32": (np.frombuffer(pcm, "<i2").astype("<i4") << 16).tobytes()}.get(encoding)
    data = encode_g711(pcm, encoding) if data is None else data
    width = {"linear16": 2, "linear32": 4}.get(encoding, 1)
    assert said(await hear(signals, data, rate=8000, width=width, encoding=encoding)) == "Hello there."


def test_g711_is_that_of_the_standard():
    soundfile = pytest.importorskip("soundfile")
    import io

    ramp = np.arange(-32768, 32768, 7).astype("<i2")
    for encoding, subtype in (("mulaw", "ULAW"), ("alaw", "ALAW")):
        out = io.BytesIO()
        soundfile.write(out, ramp, 8000, format="RAW", subtype=subtype)
        oracle = np.frombuffer(out.getvalue(), np.uint8)
        from smallest_nb.simulator.speech.encodings import decode_samples

        ours = np.frombuffer(decode_samples(oracle.tobytes(), encoding), "<i2")
        theirs, _ = soundfile.read(
            io.BytesIO(oracle.tobytes()), dtype="int16", format="RAW", subtype=subtype, samplerate=8000, channels=1
        )
        assert (ours == theirs).all()
        back = np.frombuffer(decode_samples(encode_g711(ramp.tobytes(), encoding), encoding), "<i2").astype(int)
        assert (np.abs(back - ramp) <= np.abs(ours.astype(int) - ramp)).all(), "ours is the nearest value"


def test_A6_g711_of_silence_is_plus_zero():
    soundfile = pytest.importorskip("soundfile")
    import io

    for encoding, subtype, zero in (("mulaw", "ULAW", 0xFF), ("alaw", "ALAW", 0xD5)):
        assert encode_g711(bytes(320), encoding) == bytes([zero]) * 160
        out = io.BytesIO()
        soundfile.write(out, np.zeros(2, np.int16), 8000, format="RAW", subtype=subtype)
        assert encode_g711(np.zeros(2, np.int16).tobytes(), encoding) == out.getvalue()
    # A value in the middle between two codes takes the larger, whatever its sign, as libsndfile's.
    out = io.BytesIO()
    middles = np.array([16, 32, 48, -16, -32, -48], "<i2")
    soundfile.write(out, middles, 8000, format="RAW", subtype="ALAW")
    assert encode_g711(middles.tobytes(), "alaw") == out.getvalue()


async def test_odd_pieces_are_put_together(signals):
    pcm = await sound(signals, "hello there")
    frames = []
    async with opened(signals, stt_path()) as ws:
        for at in range(0, len(pcm), 333):
            await ws.send(pcm[at : at + 333])
        await ws.send(CLOSE)
        async for message in ws:
            frames.append(json.loads(message))
    assert said(frames) == "Hello there."


async def test_two_voices_get_two_numbers(signals):
    pcm = b"".join([
        await sound(signals, "good morning", voice_id="magnus"),
        await sound(signals, "how are you", voice_id="sophia"),
        await sound(signals, "very well", voice_id="magnus"),
    ])  # fmt: skip
    frames = await hear(signals, pcm, diarize="true", sentence_timestamps="true")
    words = [w for f in finals(frames) for w in f["words"]]
    assert [w["speaker"] for w in words] == [0, 0, 1, 1, 1, 0, 0]
    assert all(0 < w["speaker_confidence"] <= 1 for w in words)
    assert [u["speaker"] for f in finals(frames) for u in f["utterances"]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("language", "region", "code"),
    [("zh", "in", True), ("ja", "in", True), ("ta", "in", False), ("ta", "us", True), ("ja", "us", False)],
)
async def test_regions(fresh_signals, language, region, code):
    fresh_signals.behaviour.region = region
    frames = await hear(fresh_signals, b"", language=language)
    assert (frames[0].get("error_code") == "LANGUAGE_NOT_ENABLED_IN_REGION") is code
    assert ("error_code" in frames[0]) is code


async def test_speech_in_another_language_is_refused(simulator):
    frames = await hear(simulator, b"", language="de")
    assert (frames[0]["type"], frames[0]["status"]) == ("error", "error")
    assert "English only" in frames[0]["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("model=pulse&encoding=opus", "not 'opus'"),
        ("model=pulse&sample_rate=12345", "sample_rate"),
        ("model=pulse&diarize=yes", "diarize must be"),
        ("model=pulse&numerals=maybe", "numerals"),
        ("model=pulse&max_words=-3", "max_words"),
    ],
)
async def test_bad_queries_are_refused_before_the_upgrade(signals, query, message):
    with pytest.raises(InvalidStatus) as caught:
        await opened(signals, f"/waves/v1/stt/live?language=en&{query}")
    assert caught.value.response.status_code == 400
    assert message in caught.value.response.body.decode()


async def test_too_many_sessions_close_with_1008(fresh_signals):
    fresh_signals.behaviour.stt_sessions = 2
    async with opened(fresh_signals, stt_path()) as one, opened(fresh_signals, stt_path()) as two:
        third = await opened(fresh_signals, stt_path())
        with pytest.raises(ConnectionClosed):
            await third.recv()
        assert third.close_code == 1008
        other = {"Authorization": "Bearer sk_another_account"}
        async with opened(fresh_signals, stt_path(), other) as fourth:
            await fourth.send('{"type":"keepalive"}')
            assert json.loads(await fourth.recv())["type"] == "pong"
        await one.close()
        await asyncio.sleep(0.1)  # the server notices
        async with opened(fresh_signals, stt_path()) as fifth:
            await fifth.send('{"type":"keepalive"}')
            assert json.loads(await fifth.recv())["type"] == "pong"
        assert two.close_code is None
