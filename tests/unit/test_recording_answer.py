"""The answer to a whole recording: words go to the utterance of their speaker and time."""

from __future__ import annotations

import itertools
from time import process_time

import pytest
import srt

from smallest_nb.client.recording_answer import parse_recording


def word(text, start, end, speaker=None):
    data = {"word": text, "start": start, "end": end, "confidence": 0.9}
    return data if speaker is None else {**data, "speaker": speaker}


def said(text, start, end, speaker):
    return {"text": text, "start": start, "end": end, "speaker": speaker}


def answer(utterances, words):
    return parse_recording(
        {
            "status": "success",
            "transcription": " ".join(u["text"] for u in utterances),
            "words": words,
            "utterances": utterances,
        }
    )


def shares(transcript):
    return [(s.speaker, [w.text for w in s.words], {w.speaker for w in s.words}) for s in transcript]


A = said("so I said to him no", 0, 2, 0)
B = said("okay", 1.0, 1.3, 1)
A_WORDS = [("so", 0.0), ("I", 0.3), ("said", 0.6), ("to", 1.0), ("him", 1.35), ("no", 1.7)]


@pytest.mark.parametrize("speakers", [True, False], ids=["words have speakers", "words have none"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_R2_words_of_overlapping_utterances_go_to_their_own(speakers, order):
    words = [word(t, s, s + 0.25, 0 if speakers else None) for t, s in A_WORDS]
    words.insert(4, word("okay", 1.0, 1.3, 1 if speakers else None))
    utterances = [[A, B][i] for i in order]
    transcript = answer(utterances, words)
    expected = [(0, [t for t, _ in A_WORDS], {0}), (1, ["okay"], {1})]
    assert shares(transcript) == [expected[i] for i in order]
    captions = [c.content for c in srt.parse(transcript.to_srt())]
    assert "".join(captions).count("okay") == 1
    assert "Speaker 2: okay" in captions
    turns = [(line.split()[3], line.split()[4], line.split()[7]) for line in transcript.to_rttm().splitlines()]
    assert turns == [("0.000", "1.950", "Speaker_1"), ("1.000", "0.300", "Speaker_2")]


def test_R2_the_same_word_of_two_speakers_at_once():
    utterances = [said("yes yes", 0, 2, 0), said("yes", 0.5, 1.5, 1)]
    words = [word("yes", 0.1, 0.4, 0), word("yes", 0.6, 1.4, 1), word("yes", 1.6, 1.9, 0)]
    assert shares(answer(utterances, words)) == [(0, ["yes", "yes"], {0}), (1, ["yes"], {1})]


def test_R2_three_at_once_and_words_at_the_edges():
    utterances = [said("a b c", 0, 3, 0), said("d", 1, 1.2, 1), said("e", 1.1, 1.4, "speaker_2"), said("f", 5, 6, 0)]
    words = [
        word("a", -0.02, 0.5, 0),
        word("d", 0.98, 1.21, 1),
        word("b", 1.0, 1.5, 0),
        word("e", 1.15, 1.45, "speaker_2"),
        word("c", 2.5, 3.04, 0),
        word("f", 4.7, 5.2, 0),
    ]
    found = [[w.text for w in s.words] for s in answer(utterances, words)]
    assert found == [["a", "b", "c"], ["d"], ["e"], ["f"]]


def test_R2_a_word_whose_speaker_has_no_utterance_then_keeps_its_time():
    transcript = answer(
        [said("one two", 0, 2, 0), said("three", 3, 4, 0)], [word("one", 0, 1, 1), word("two", 1, 2, 0)]
    )
    assert [[w.text for w in s.words] for s in transcript] == [["one", "two"], []]
    assert transcript[0].words[0].speaker == 1


def test_words_of_a_long_recording_are_shared_out_in_time():
    count = 4000
    utterances = [said("one two", i, i + 1, i % 3) for i in range(count)] + [said("hm", 0, count, 3)]
    words = [word(t, i + d, i + d + 0.2, i % 3) for i in range(count) for t, d in (("one", 0.1), ("two", 0.5))]
    began = process_time()
    transcript = answer(utterances, words)
    assert process_time() - began < 20
    assert all([w.text for w in s.words] == ["one", "two"] for s in transcript[:count])
