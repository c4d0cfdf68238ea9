"""Every function of the package that takes text of any length, and the characters it is tried on."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable

import numpy as np

from smallest_nb import Clip
from smallest_nb.api import code_export, settings_import, stt_wire, tts_wire
from smallest_nb.api import error_shapes as wire_errors
from smallest_nb.api.catalog import tts_model
from smallest_nb.api.language import service_code
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.client import sentences
from smallest_nb.client.recording_answer import parse_recording
from smallest_nb.client.text_alignment import TextAlignment
from smallest_nb.common import terminal
from smallest_nb.common.markup import text_html
from smallest_nb.common.text import one_line
from smallest_nb.errors import SmallestError
from smallest_nb.results.takes import estimated_words
from smallest_nb.results.transcript import (
    Segment,
    Transcript,
    Word,
    evaluate,
    folding,
    loading,
    names,
    word_spans,
)
from smallest_nb.simulator import continuation, faults
from smallest_nb.simulator.admission import Admission
from smallest_nb.simulator.hearing import keywords, signal_recogniser
from smallest_nb.simulator.hearing.stt_options import BadQuery, STTOptions
from smallest_nb.simulator.speech import speech_synthesizer, spoken_line
from smallest_nb.simulator.speech.dictionaries import BadDictionary, Dictionaries
from smallest_nb.simulator.speech_request import Refused, read_request
from smallest_nb.simulator.text import reading
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.redaction import Redactor
from smallest_nb.simulator.text.wording import Wording
from smallest_nb.testing.cassette import compare, frames, scrub, store

CHARACTERS = {
    "digits": "7",
    "letters": "a",
    "blanks": " ",
    "line feeds": "\n",
    "full stops": ".",
    "sentence ends": "?!",
    "commas": ",",
    "dashes": "-",
    "quotes": '"',
    "apostrophes": "'",
    "brackets": "([{<",
    "backslashes": "\\",
    "slashes": "/",
    "equals signs": "a=",
    "markup": "<&>",
    "Chinese": "\u8a9e",
    "combining marks": "\u0327\u0301",
    "vowel signs": "\u0915\u093e",
    "emoji": "\U0001f600",
    "control characters": "\x00",
    "halves of characters": "\ud800",
    "words": "word ",
    "sentences": "A word. Another? ",
    "words and stops": "a. ",
    "decimals": "1.5 ",
    "operators": "3 + 4 ",
    "placeholders": "[PHONENUMBER_1] ",
}
SPOKEN = {
    "digits": "one two five ",
    "one digit": "one ",
    "tens": "twenty thirty ",
    "teens": "nineteen ",
    "nought": "oh ",
    "doubled": "double five ",
    "decimals": "point five ",
    "points": "point ",
    "and": "five and ",
    "or": "five or six ",
    "times": "half past seven pm ",
    "signs": "minus five ",
    "mixed numbers": "twenty first two thirds five dollars and fifty cents march third two hundred may ",
    "streets": "at forty two wallaby way what is ",
    "letters": "a b c ",
    "addresses": "john dot smith at example dot com ",
    "unfinished addresses": "john dot at ",
    "joints": "dot ",
    "at": "at ",
    "cues": "my card number is ",
    "cued digits": "card one two three ",
    "names": "my name is john smith ",
    "titles": "doctor ",
    "expiry": "expires december ",
    "words": "well this is so ",
    "French": "vingt et un virgule cinq ",
    "French digits": "cinq zéro ",
    "Hindi": "एक दो ",
    "written digits": "555 ",
    "placeholders": "[PHONENUMBER_1] ",
}

_SETTINGS = SmallestTTSSettings.complete()
_LINES = 60


def heard(text: str) -> list[RecognisedWord]:
    return [RecognisedWord(w, i * 0.3, i * 0.3 + 0.25, 0.9, 0) for i, w in enumerate(text.split())]


def timed(text: str) -> tuple[Word, ...]:
    return tuple(Word(w, i * 0.3, i * 0.3 + 0.25, 0.9, 0) for i, w in enumerate(text.split()))


def segment(text: str, start: float = 0.0) -> Segment:
    return Segment(text, start=start, end=start + 5.0, words=timed(text), speaker=0).shifted(start)


def one(text: str) -> Transcript:
    return Transcript([segment(text)])


def many(text: str) -> Transcript:
    pieces = [text[at : at + _LINES] for at in range(0, len(text), _LINES)]
    return Transcript([segment(piece, n * 10.0) for n, piece in enumerate(pieces)])


def _exports(make: Callable[[str], Transcript]) -> dict[str, Callable[[str], object]]:
    def export(name: str, text: str) -> object:
        return getattr(make(text), name)()

    known = ("to_srt", "to_vtt", "to_textgrid", "to_rttm", "to_text", "to_json", "_repr_html_", "to_dataframe")
    return {f"{name}, {make.__name__} segment(s)": functools.partial(export, name) for name in known}


def _aggregated(text: str) -> None:
    aggregator = sentences.SentenceAggregator()
    for at in range(0, len(text), 4):
        aggregator.push(text[at : at + 4])
    aggregator.flush()


def _contexts(text: str) -> None:
    released: list[dict] = []
    contexts = continuation.Contexts(released.append)
    contexts.push({"context_id": "a", "text": text, "continue": False})


def _dictionary(text: str) -> None:
    entries = {f"{word}{n}": "x" for n, word in enumerate((text.split() or ["a"])[:1] * 1000)} | {text[:5]: "x y"}
    reading.read_aloud(" ".join(f"{w} {w}{n}" for n, w in enumerate(text.split())), {}, [entries])


def _messages(text: str) -> None:
    said = {"text": " ".join(f"{w}{n}" for n, w in enumerate(text.split()))}
    answered = {"status": "error", "message": text[::-1]}
    events = [frames.Event(frames.Kind.SEND, 0.0, 0.0, said), frames.Event(frames.Kind.RECV, 0.0, 0.0, answered)]
    scrub.scrub_cassette(store.Cassette([frames.Session(1, "/", {}, events=events)]), "text")


SOUND = Clip.from_array(np.random.default_rng(3).integers(-9000, 9000, 24000).astype(np.int16), 24000)


def _merged(text: str) -> object:
    # What a speech engine reports goes through it; an engine of an hour's text would take an hour.
    merger = spoken_line._WordMerger(reading.read_aloud(text, {}), 22050, 0, 0)
    return merger.end(5)


def _without_edges(text: str) -> str:
    return signal_recogniser._EDGES.sub("", text)


def _places_of_others(text: str) -> None:
    words = text.split()
    word_spans.find_word_spans(text, [*words[: len(words) // 2], "other", *words[len(words) // 2 :]])


def _search(text: str) -> None:
    Transcript([segment(text)]).search(text[:50] or "x")


FUNCTIONS: dict[str, Callable[[str], object]] = {
    **_exports(one),
    **_exports(many),
    "split_text": sentences.split_text,
    "SentenceAggregator": _aggregated,
    "is_speakable": sentences.is_speakable,
    "read_settings": settings_import.read_settings,
    "read_settings, curl": lambda t: settings_import.read_settings(f"curl --data {t} https://x/y"),
    "read_settings, JSON": lambda t: settings_import.read_settings(json.dumps({"voice": "sophia", "text": t})),
    "read_settings, code": lambda t: settings_import.read_settings(f"TTS(voice={t!r}, extra={{'a': {t}}})"),
    **{
        f"tts_code, {target}": lambda t, target=target: code_export.tts_code(target, _SETTINGS, text=t)
        for target in code_export.TARGETS
    },
    "printable": terminal.printable,
    "showable": terminal.showable,
    "service_code": service_code,
    "tts_model": tts_model,
    "hide_text": scrub.hide_text,
    "cassette messages": _messages,
    "cassette likeness": lambda t: compare.likeness({"text": t}, {"text": t[1:]}),
    "cassette differences": lambda t: compare.differences({"text": t}, {"text": t[1:]}),
    "cassette frames": lambda t: frames.pack_frame(json.dumps({"text": t})),
    "error from JSON": lambda t: wire_errors.error_from_http(500, json.dumps({"error": t}).encode(), url="ws://x"),
    "error from text": lambda t: wire_errors.error_from_http(500, t.encode(errors="replace"), url="ws://x"),
    "error from a list": lambda t: wire_errors.normalize_error({"errors": [{"path": [t], "message": t}]}),
    "Retry-After": wire_errors.retry_after_seconds,
    "STT frame": lambda t: stt_wire.parse_stt_frame(
        json.dumps({"type": "transcription", "transcript": t, "words": []})
    ),
    "STT frame of junk": stt_wire.parse_stt_frame,
    "TTS frame of junk": tts_wire.parse_tts_frame,
    "TTS request": lambda t: json.dumps(tts_wire.tts_request(_SETTINGS, t, sample_rate=24000)),
    "STT address": lambda t: stt_wire.stt_url(
        "ws://x", SmallestSTTSettings.complete(keywords={t: 2.0}), sample_rate=16000
    ),
    "recording": lambda t: parse_recording({"transcription": t}),
    "folded words": folding.fold_word,
    "folded text": lambda t: folding.fold_text(t, ignore_case=True),
    "seam": lambda t: TextAlignment(t.split()).repeated(t, is_final=True),
    "checked_name": names.checked_name,
    "distinct names": lambda t: names.make_unique(dict(enumerate(t.split())), "-"),
    "one line": one_line,
    "word spans": lambda t: word_spans.find_word_spans(t, t.split()),
    "places, other words": _places_of_others,
    "text at words": lambda t: word_spans.split_at_words(t, t.split()),
    "search": _search,
    "search, every character": lambda t: one(t).search(t[:1] or "x"),
    "normalized": evaluate.normalize_text,
    "compare": lambda t: one(t).compare(f"other {t}")._repr_html_(),
    "wer": lambda t: one(t).wer(t, normalize=False),
    "text as HTML": text_html,
    "take's words": lambda t: estimated_words(t, SOUND),
    "read_aloud": lambda t: reading.group_by_language(reading.read_aloud(t, {"math_notation": True, "language": "en"})),
    "read_aloud, dictionary": _dictionary,
    "segments": lambda t: speech_synthesizer.split_tokens(reading.read_aloud(t, {})),
    "spoken line": _merged,
    "contexts": _contexts,
    "keywords": keywords.parse_keywords,
    "keywords, phonemes": keywords.convert_to_arpabet,
    "dictionary's body": lambda t: Dictionaries().create("k", {"items": [{"word": t}, {"pronunciation": t}]}),
    "faults": lambda t: faults.parse_faults([t]),
    "query": lambda t: STTOptions.read({"model": "pulse", "language": t, "keywords": t}, legacy=False),
    "speech request": lambda t: read_request(json.dumps({"text": t, "voice_id": t}), None, faults.Behaviour()),
    "speech request of junk": lambda t: read_request(t, None, faults.Behaviour()),
    **{f"reading {name} of junk": read for name, read in loading.FORMATS.items()},
    "reading a cue": lambda t: loading.FORMATS["srt"](f"1\n00:00:01,000 --> 00:00:02,000\n{t}\n"),
    "reading a WebVTT cue": lambda t: loading.FORMATS["vtt"](f"WEBVTT\n\n00:01.000 --> 00:02.000\n<v {t}>{t}\n"),
    "reading JSON": lambda t: loading.FORMATS["json"](json.dumps({"segments": [{"start": 0, "end": 1, "text": t}]})),
    "signal word": _without_edges,
    "headers": lambda t: Admission("127.0.0.1").refuse([("Host", t), ("Origin", t)]),
}


def _wording(text: str, **options: object) -> None:
    wording = Wording(**options)
    written = wording.write_final(heard(text))
    wording.split_utterances(written)


def _redacted(text: str, **options: object) -> None:
    words = Wording(**options).write_final(heard(text)) if options else heard(text)
    language = "hi" if "एक" in text else "en"
    Redactor(pii=True, pci=True, language=language).redact(words)


SPOKEN_FUNCTIONS: dict[str, Callable[[str], object]] = {
    "wording": _wording,
    "wording, normalised": functools.partial(_wording, itn=True),
    "wording, French": functools.partial(_wording, language="fr", numerals="true"),
    "redaction": _redacted,
    "redaction, written": functools.partial(_redacted, itn=True),
}


def call(function: Callable[[str], object], text: str) -> None:
    """Refusals in words are as good as an answer."""
    with contextlib.suppress(SmallestError, Refused, BadDictionary, BadQuery, UnicodeError, ValueError):
        function(text)
