"""The rules of synthesis: units of an account, long texts, dictionaries, numbers, voices and languages."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json

import jiwer
import numpy as np
import pytest
from simulated import call, hear, opened, pitch, said, samples, speak
from websockets.exceptions import InvalidStatus

from smallest_nb.api.catalog import TTS_MODELS
from smallest_nb.api.language import TTS_LANGUAGES
from smallest_nb.api.voices import VOICES
from smallest_nb.audio.clip import silence
from smallest_nb.simulator.speech.speech_synthesizer import split_tokens
from smallest_nb.simulator.speech.timbre import timbre_of
from smallest_nb.simulator.text.reading import read_aloud

SENTENCE = "The weather will be cold and cloudy this morning."
EVERY_LANGUAGE = sorted({*TTS_LANGUAGES, *TTS_MODELS["lightning-v3.1-pro"].languages})
SPOKEN = {
    "ar": "صباح الخير", "bn": "শুভ সকাল", "de": "Guten Morgen", "el": "Καλημέρα σας", "en": "Good morning",
    "es": "Buenos días", "fi": "Hyvää huomenta", "fr": "Bonjour madame", "gu": "સુપ્રભાત મિત્ર", "he": "בוקר טוב",
    "hi": "सुप्रभात मित्र", "id": "Selamat pagi", "it": "Buongiorno signora", "ja": "おはよう ございます",
    "kn": "ಶುಭ ಮುಂಜಾನೆ", "ko": "좋은 아침", "ml": "സുപ്രഭാതം സുഹൃത്തേ", "mr": "शुभ प्रभात", "ms": "Selamat pagi",
    "nl": "Goede morgen", "no": "God morgen", "or": "ଶୁଭ ସକାଳ", "pa": "ਸ਼ੁਭ ਸਵੇਰ", "pl": "Dzień dobry", "pt": "Bom dia",
    "ru": "Доброе утро", "sv": "God morgon", "ta": "காலை வணக்கம்", "te": "శుభ ఉదయం", "tr": "Günaydın efendim",
    "vi": "Chào buổi sáng", "zh": "早上 好", "auto": "Good morning",
}  # fmt: skip


async def heard(simulator, pcm) -> str:
    quiet = silence(0.4, 16000)
    return "".join(
        c for c in said(await hear(simulator, quiet + pcm + quiet, numerals="none")).lower() if c not in ".,?!"
    )


@pytest.mark.parametrize("language", EVERY_LANGUAGE)
async def test_every_language_is_spoken_with_word_times(simulator, language):
    frames, pcm = await speak(simulator, SPOKEN[language], language=language, voice_id="meher", word_timestamps=True,
                              model="lightning_v3.1_pro")  # fmt: skip
    assert frames[-1]["status"] == "complete"
    assert np.abs(samples(pcm)).max() > 2000
    words = [f["data"] for f in frames if f["status"] == "word_timestamp"]
    assert [w["word"] for w in words] == SPOKEN[language].split()
    assert [w["id"] for w in words] == list(range(len(words)))
    assert 0 <= words[0]["start"] < words[-1]["end"] <= len(pcm) / 32000 + 0.01


async def test_unknown_languages_and_models_are_refused_with_what_is_known(simulator):
    frames, _ = await speak(simulator, "x", language="tlh")
    assert "en, es, fi" in frames[-1]["error"]["message"] or "en, es, fr" in frames[-1]["error"]["message"]
    frames, _ = await speak(simulator, "x", model="lightning_v9")
    assert "lightning_v3.1_pro" in frames[-1]["error"]["message"]
    frames, _ = await speak(simulator, "x", model="lightning_v2")
    assert frames[-1]["error"]["code"] == "MODEL_DEPRECATED"


async def test_what_is_asked_twice_sounds_the_same_whatever_came_between(simulator):
    _, once = await speak(simulator, SENTENCE)
    _, other = await speak(simulator, "Something else came between.", voice_id="sophia", speed=1.3)
    _, again = await speak(simulator, SENTENCE)
    assert once == again != other


def test_every_voice_is_stable_and_no_two_are_alike():
    ids = sorted({v.id for v in VOICES})
    timbres = {voice: timbre_of(voice) for voice in ids}
    assert len(set(timbres.values())) == len(ids)
    assert all(timbre_of(voice) == timbres[voice] for voice in ids)
    assert timbre_of("my-clone") == timbre_of("my-clone") != timbre_of("another-clone")


@pytest.mark.parametrize("number", range(0, len(VOICES), 17))
async def test_voices_have_the_right_gender(simulator, number):
    voice = VOICES[number]
    _, pcm = await speak(simulator, SENTENCE, voice_id=voice.id)
    found = pitch(samples(pcm))
    assert 70 < found < 125 if voice.gender == "male" else 145 < found < 300, (voice, found)


async def test_word_times_lie_where_the_words_sound(simulator):
    """The word times that were sent lie within 30 ms of those that the recogniser finds in the sound alone."""
    text = "the old man went to the river and looked at the water"
    frames, pcm = await speak(simulator, text, voice_id="kartik", word_timestamps=True)
    sent = {w["data"]["word"]: w["data"]["start"] for w in frames if w["status"] == "word_timestamp"}
    found = await hear(simulator, silence(0.5, 16000) + pcm + silence(0.4, 16000), word_timestamps="true",
                       format="false", finalize_on_words="false")  # fmt: skip
    words = [w for f in found if f["is_final"] for w in f.get("words", ())]
    off = [
        abs(w["start"] - 0.5 - sent[w["word"]])
        for w in words
        if w["word"] in sent and text.split().count(w["word"]) == 1
    ]
    assert len(off) >= 5, words
    assert np.median(off) < 0.03


async def test_the_first_chunk_comes_before_the_sentence_is_made(simulator):
    """A text of ten minutes starts at once, is cut at sentences, and comes whole."""
    text = " ".join([SENTENCE] * 120)
    assert len(split_tokens(read_aloud(text, {}))) > 20
    async with opened(simulator) as ws:
        clock = asyncio.get_running_loop().time
        started = clock()
        request = {"text": text, "voice_id": "magnus", "sample_rate": 8000, "complete_backoff_ms": 0}
        await ws.send(json.dumps(request))
        first = None
        size = 0
        async for message in ws:
            frame = json.loads(message)
            first = first or clock() - started
            if frame["status"] != "chunk":
                break
            size += len(base64.b64decode(frame["data"]["audio"]))
        whole = clock() - started
    assert frame["status"] == "complete"
    assert size / 16000 > 240
    assert first < whole / 10


async def test_seams_of_a_long_text_lose_no_word(simulator):
    text = (
        "She walked along the river and looked at the water. He opened the door and turned on the light. "
        "The weather will be cold and cloudy this morning. She walked along the river and looked at the water. "
        "He opened the door and turned on the light. The weather will be cold and cloudy this morning."
    )
    assert len(split_tokens(read_aloud(text, {}))) == 2
    frames, pcm = await speak(simulator, text, voice_id="kartik", word_timestamps=True)
    words = [f["data"] for f in frames if f["status"] == "word_timestamp"]
    assert " ".join(w["word"] for w in words) == text
    assert [w["id"] for w in words] == list(range(len(words)))
    assert all(a["end"] <= b["start"] + 0.001 for a, b in itertools.pairwise(words))
    _, pcm = await speak(simulator, text)
    wanted = "".join(c for c in text.lower() if c.isalpha() or c == " ")
    assert jiwer.wer(wanted, await heard(simulator, pcm)) < 0.35


async def test_a_dictionary_changes_what_is_heard(simulator):
    made = (await call(simulator, "POST", "/waves/v1/pronunciation-dicts",
                       {"items": [{"word": "XYZ", "pronunciation": "morning"}]})).json  # fmt: skip
    text = "The weather will be cold and cloudy this XYZ."
    _, plain = await speak(simulator, text)
    _, spelled = await speak(simulator, text, pronunciation_dicts=[made["id"]])
    assert "morning" in await heard(simulator, spelled)
    assert "morning" not in await heard(simulator, plain)
    frames, _ = await speak(simulator, text, pronunciation_dicts=["nothing"])
    assert "nothing" in frames[-1]["error"]["message"]
    frames, _ = await speak(simulator, text, pronunciation_dicts=[made["id"]], headers={"Authorization": "Bearer sk_y"})
    assert frames[-1]["status"] == "error", "another account's dictionary"


@pytest.mark.parametrize(
    ("text", "fields", "spoken"),
    [
        ("I like SQL, sql and API.", {"d": {"SQL": "sequel", "API": "ay pee"}}, "I like sequel, sql and ay pee."),
        ("Fly to New York now", {"d": {"New York": "noo yawk"}}, "Fly to noo yawk now"),
        ("5 x 3 and 2^10 and 6 ÷ 2", {"math_notation": True}, "5 times 3 and 2 to the power of 10 and 6 divided by 2"),
        ("5-3 and 1/2 and 5 - 3 and 6 / 2", {"math_notation": True},
         "5-3 and 1/2 and 5 minus 3 and 6 divided by 2"),
        ("5x3 boards", {}, "5x3 boards"),
        ("6 x 7", {"math_notation": True, "number_pronunciation_language": "hi"}, "6 गुणा 7"),
    ],
)  # fmt: skip
def test_how_a_text_is_read(text, fields, spoken):
    tokens = read_aloud(text, fields, [fields.get("d", {})])
    assert " ".join(t.spoken for t in tokens if t.spoken) == spoken
    assert " ".join(t.written for t in tokens) == text


async def test_numbers_may_be_read_in_another_language(simulator):
    text = "Gate 25 opens"
    _, english = await speak(simulator, text)
    frames, mixed = await speak(
        simulator, text, number_pronunciation_language="hi", voice_id="meher", word_timestamps=True
    )
    assert [f["data"]["word"] for f in frames if f["status"] == "word_timestamp"] == text.split()
    assert 0.5 < len(mixed) / len(english) < 2
    assert [t.language for t in read_aloud(text, {"language": "en", "number_pronunciation_language": "hi"})] == [
        None,
        "hi",
        None,
    ]


async def test_units_of_an_account(fresh_signals):
    fresh_signals.behaviour.concurrency = 1
    fresh_signals.behaviour.pace = 1.0
    request = {"text": "one two three four five six", "voice_id": "magnus", "sample_rate": 8000,
               "complete_backoff_ms": 0}  # fmt: skip
    async with opened(fresh_signals) as first, opened(fresh_signals) as second:
        await first.send(json.dumps(request))
        assert json.loads(await first.recv())["status"] == "chunk"
        await second.send(json.dumps(request))
        refused = json.loads(await second.recv())
        assert refused["status"] == "error"
        assert "1 concurrency units" in refused["error"]["message"]
        answer = await call(fresh_signals, "POST", "/waves/v1/tts", request)
        assert (answer.status, answer.headers["Retry-After"]) == (429, "1")
        assert (await call(fresh_signals, "POST", "/waves/v1/tts/live", request)).status == 429
        other = await call(fresh_signals, "POST", "/waves/v1/tts", request, headers={"Authorization": "Bearer sk_b"})
        assert other.status == 200
        fresh_signals.behaviour.pace = None
        while json.loads(await first.recv())["status"] == "chunk":
            pass
        await second.send(json.dumps(request))
        assert json.loads(await second.recv())["status"] == "chunk"


async def test_five_sockets_for_a_unit(fresh_signals):
    fresh_signals.behaviour.concurrency = 1
    sockets = [await opened(fresh_signals) for _ in range(5)]
    with pytest.raises(InvalidStatus) as caught:
        await opened(fresh_signals)
    assert caught.value.response.status_code == 429
    for ws in sockets:
        await ws.close()


async def test_the_older_way_of_sending_fragments(signals):
    """`continue` without a context keeps buffering; `flush`, or a request without `continue`, releases it as one."""
    base = {"voice_id": "magnus", "sample_rate": 16000, "complete_backoff_ms": 0}

    async def send(*fragments):
        async with opened(signals) as ws:
            for fragment in fragments:
                await ws.send(json.dumps(base | fragment))
            pcm, done = b"", 0
            while not done:
                frame = json.loads(await asyncio.wait_for(ws.recv(), 5))
                pcm += base64.b64decode(frame["data"]["audio"]) if frame["status"] == "chunk" else b""
                done = frame["status"] == "complete"
        return pcm

    whole = await send({"text": "good morning everybody"})
    assert whole == await send(
        {"text": "good ", "continue": True, "max_buffer_flush_ms": 1000},
        {"text": "morning everybody", "continue": True, "max_buffer_flush_ms": 1000},
        {"text": "", "continue": False, "flush": True},
    )
    assert whole == await send({"text": "good morning ", "continue": True}, {"text": "everybody"})
    assert whole == await send({"text": "good morning everybody", "flush": True})
    assert await send({"text": "", "flush": True}) == b""
    clock = asyncio.get_running_loop().time
    started = clock()
    await send({"text": "good morning", "continue": True, "max_buffer_flush_ms": 300})
    assert 0.25 < clock() - started < 2
