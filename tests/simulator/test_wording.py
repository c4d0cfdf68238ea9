"""How transcripts are written: numbers, capitals, punctuation."""

from __future__ import annotations

from itertools import pairwise

import pytest

from smallest_nb.simulator.text import foreign_numerals
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.wording import Wording


def heard(text, *, pauses=(), speakers=None):
    """Words of 0.25 s, 0.05 s apart; a second of silence before each of the words numbered in `pauses`."""
    words, at = [], 0.0
    for i, word in enumerate(text.split()):
        at += 1.0 if i in pauses else 0.05
        words.append(RecognisedWord(word, at, at + 0.25, 0.5 + 0.01 * i, speakers[i] if speakers else None))
        at += 0.25
    return words


def write(text, *, pauses=(), **wording):
    return " ".join(w.text for w in Wording(**wording).write_final(heard(text, pauses=pauses)))


ITN = [
    # The vendor's own tables (inverse-text-normalization.mdx).
    ("the total is twenty five dollars", "The total is $25."),
    ("call me at nine one zero five five five twelve thirty four", "Call me at 910-555-1234."),
    ("it costs three point five percent", "It costs 3.5%."),
    ("send it to john at gmail dot com", "Send it to john@gmail.com."),
    ("i live at one two three main street", "I live at 123 Main Street."),
    ("one hundred twenty three", "123."),
    ("nine one zero five five five one two three four", "910-555-1234."),
    ("three thirty p m", "3:30 PM."),
    ("three point one four", "3.14."),
    ("five kilograms", "5 kg."),
    ("a b c", "ABC."),
    ("five five five one two three", "555123."),
    # Ours.
    ("the meeting is on january fifteenth twenty twenty six", "The meeting is on January 15th, 2026."),
    ("march third twenty twenty six", "March 3rd, 2026."),
    ("five dollars and fifty cents", "$5.50."),
    ("ten pounds and five euros", "£10 and €5."),
    ("nine hundred rupees", "₹900."),
    ("one dollar", "$1."),
    ("ten pounds of sugar", "10 pounds of sugar."),
    ("the twenty first", "The 21st."),
    ("the twenty first of may", "The 21st of May."),
    ("the third of march", "The 3rd of March."),
    ("seven thirty pm", "7:30 PM."),
    ("half past seven", "7:30."),
    ("quarter to one", "12:45."),
    ("we start at seven thirty", "We start at 7:30."),
    ("double five triple zero one two", "5500012."),
    ("plus nine one nine eight seven six five four three two one zero", "+919876543210."),
    ("john dot smith five five at example dot co dot uk", "john.smith55@example.co.uk."),
    ("look at example dot com", "Look at example.com."),
    ("two point five million", "2.5 million."),
    ("on march ten", "On March 10."),
]
EVERY = [
    ("twenty five", "25."),
    ("five five five one two three four", "5551234."),
    ("five oh five", "505."),
    ("two thousand and five", "2005."),
    ("nineteen eighty four", "1984."),
    ("nineteen oh five", "1905."),
    ("a hundred people", "100 people."),
    ("between one hundred and two hundred people", "Between 100 and 200 people."),
    ("three cats and two dogs", "3 cats and 2 dogs."),
    ("page one", "Page 1."),
    ("oh five people came", "Oh 5 people came."),
    ("i have five oh no", "I have 5 oh no."),
    ("two lakh fifty thousand", "250000."),
    ("the twenty first", "The twenty first."),
]
AUTO = [
    ("the train leaves in twenty minutes", "The train leaves in 20 minutes."),
    ("three cats and two dogs", "Three cats and two dogs."),
    ("nine one one", "911."),
    ("five six", "Five six."),
    ("twelve point five", "12.5."),
    ("at three thirty", "At three thirty."),
]
UNTOUCHED = [
    "one of us",
    "wait a second",
    "for you to be",
    "no one knows the one",
    "we march at dawn",
    "this may take a while",
    "a few hundreds of them",
    "at that point we left",
    "second to none",
    "first of all thank you",
    "i may second that",
    "oh well too bad",
    "a double room",
]
QUESTIONS = [
    ("may i come in", "May I come in?"),
    ("what is your name", "What is your name?"),
    ("so how are you", "So how are you?"),
    ("can you help me", "Can you help me?"),
    ("do you know", "Do you know?"),
    ("is john there", "Is John there?"),
    ("when is the train", "When is the train?"),
    ("when i came home it was late", "When I came home it was late."),
    ("have a nice day", "Have a nice day."),
    ("do your homework", "Do your homework."),
    ("how to cook rice", "How to cook rice."),
    ("which is why we left", "Which is why we left."),
]


@pytest.mark.parametrize(("said", "written"), ITN)
def test_itn(said, written):
    assert write(said, itn=True, numerals="false") == written


@pytest.mark.parametrize(("said", "written"), EVERY)
def test_every_number_in_digits(said, written):
    assert write(said, numerals="true") == written


@pytest.mark.parametrize(("said", "written"), AUTO)
def test_numbers_by_default(said, written):
    assert write(said) == written


@pytest.mark.parametrize("wording", [{"itn": True}, {"numerals": "true"}, {"numerals": "auto"}, {"numerals": "false"}])
@pytest.mark.parametrize("said", UNTOUCHED)
def test_words_that_are_no_numbers_stay(said, wording):
    assert write(said, punctuate=False, capitalize=False, **wording) == said


@pytest.mark.parametrize("said", [s for s, _ in ITN + EVERY + AUTO])
def test_numbers_stay_words_without_numerals(said):
    assert write(said, numerals="false", punctuate=False, capitalize=False) == said


@pytest.mark.parametrize(("said", "written"), QUESTIONS)
def test_ends(said, written):
    assert write(said) == written


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("i'm sure i've seen it", "I'm sure I've seen it."),
        ("we met on monday in july", "We met on Monday in July."),
        ("in may we march", "In May we march."),
        ("she asked priya and john's mother", "She asked Priya and John's mother."),
        ("it will hope to grant it", "It will hope to grant it."),
    ],
)
def test_capitals(said, written):
    assert write(said) == written


def test_capitals_and_punctuation_are_asked_for_apart():
    said = "is john's at three point five percent on march third twenty twenty six"
    assert write(said, itn=True, punctuate=False) == "Is John's at 3.5% on March 3rd 2026"
    assert write(said, itn=True, capitalize=False) == "is john's at 3.5% on march 3rd, 2026?".replace("?", ".")
    assert write("seven thirty pm", itn=True, punctuate=False, capitalize=False) == "7:30 pm"
    assert write("hello, there. really?", punctuate=False) == "Hello there Really"


def test_a_merged_word_spans_what_was_said():
    words = heard("the meeting is on march third twenty twenty six")
    written = Wording(itn=True).write_final(words)
    assert [w.text for w in written][-3:] == ["March", "3rd,", "2026."]
    assert (written[-1].start, written[-1].end) == (words[6].start, words[8].end)
    assert written[-1].confidence == pytest.approx(max(w.confidence for w in words[6:]))


def test_speakers_are_never_merged():
    written = Wording().write_final(heard("twenty five", speakers=[0, 1]))
    assert [(w.text.lower().strip("."), w.speaker) for w in written] == [("20", 0), ("five", 1)]


def test_a_pause_ends_a_sentence_and_a_number():
    assert write("it was nineteen ninety people were happy", pauses={4}) == "It was 1990. People were happy."
    assert write("i was there in nineteen ninety five people came", pauses={6}).startswith("I was there in 1990")
    assert write("well i think so", pauses={1}) == "Well I think so."
    assert write("my number is five five five one two three four", pauses={6}) == "My number is 5551234."


def test_utterances_are_the_sentences():
    words = heard("hello my friend how are you today", pauses={3})
    for punctuate in (True, False):
        wording = Wording(punctuate=punctuate)
        cut = wording.split_utterances(wording.write_final(words))
        assert [len(s) for s in cut] == [3, 4]
    assert [" ".join(w.text for w in s) for s in Wording().split_utterances(Wording().write_final(words))] == [
        "Hello my friend.",
        "How are you today?",
    ]
    assert len(Wording().split_utterances(Wording().write_final(heard("hello there")))) == 1
    assert Wording().write_final([]) == []
    assert Wording().split_utterances([]) == []


@pytest.mark.parametrize(
    ("language", "said", "written"),
    [
        ("fr", "j'ai vingt cinq ans", "J'ai 25 ans."),
        ("fr", "un chat", "Un chat."),
        ("es", "tengo treinta y cinco amigos", "Tengo 35 amigos."),
        ("de", "fünf fünf fünf eins zwei", "55512."),
        ("hi", "मेरा नाम राहुल है", "मेरा नाम राहुल है।"),
        ("en-IN", "twenty five", "25."),
        ("multi", "twenty five john", "Twenty five john."),
    ],
)
def test_other_languages(language, said, written):
    assert write(said, language=language) == written


def test_without_text2num_numbers_stay_words(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(foreign_numerals.importlib, "import_module", missing)
    assert write("j'ai vingt cinq ans", language="fr") == "J'ai vingt cinq ans."


def test_interim_text_has_capitals_only():
    assert Wording(itn=True).write_interim("i'm here with john at twenty five") == "I'm here with John at twenty five"
    assert Wording(capitalize=False).write_interim("I am") == "i am"
    assert Wording().write_interim("") == ""


@pytest.mark.parametrize("said", [s for s, _ in ITN + EVERY + AUTO + QUESTIONS] + UNTOUCHED)
def test_times_run_on_and_no_word_is_lost(said):
    words = heard(said)
    for wording in (Wording(), Wording(itn=True), Wording(numerals="true", punctuate=False)):
        written = wording.write_final(words)
        assert (written[0].start, written[-1].end) == (words[0].start, words[-1].end)
        assert all(w.start < w.end for w in written)
        assert all(a.end <= b.start for a, b in pairwise(written))
        spans = [sum(w.start <= h.start and h.end <= w.end for h in words) for w in written]
        assert sum(spans) == len(words)
        assert min(spans) >= 1


def test_marks_that_were_heard_end_sentences():
    words = [RecognisedWord(t, i, i + 0.9, 1.0) for i, t in enumerate("no. it was, said John, here. was it".split())]
    assert " ".join(w.text for w in Wording().write_final(words)) == "No. It was, said John, here. Was it?"
