"""What is hidden of finals, and what is not."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from smallest_nb.simulator.text import entities
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.redaction import Redactor
from smallest_nb.simulator.text.wording import Wording

CARD = "four" + " one" * 15
FORMS = {
    "written": Wording(),
    "itn": Wording(itn=True),
    "digits": Wording(numerals="true"),
    "heard": Wording(numerals="false", punctuate=False, capitalize=False),
}


def heard(text):
    return [RecognisedWord(w, i * 0.3, i * 0.3 + 0.25, 0.5 + 0.01 * i, 0, 0.9) for i, w in enumerate(text.split())]


def redact(words, *, pii=True, pci=True, language="en"):
    return Redactor(pii=pii, pci=pci, language=language).redact(words)


def text(words):
    return " ".join(w.text for w in words)


HIDDEN = [
    ("my name is john smith", ["FIRSTNAME", "LASTNAME"], "john smith"),
    ("hello my name is mary jane", ["FIRSTNAME", "FIRSTNAME"], "mary jane"),
    ("this is zorblat speaking", ["FIRSTNAME"], "zorblat"),
    ("please call me ishmael", ["FIRSTNAME"], "ishmael"),
    ("i am priya and i am happy", ["FIRSTNAME"], "priya"),
    ("i'm john", ["FIRSTNAME"], "john"),
    ("mister anderson is here", ["LASTNAME"], "anderson"),
    ("doctor patel is in", ["LASTNAME"], "patel"),
    ("my name is will", ["FIRSTNAME"], "will"),
    ("my last name is o'brien", ["LASTNAME"], "o'brien"),
    ("that was rahul's idea", ["FIRSTNAME"], "rahul"),
    ("zorblat came and my name is zorblat", ["FIRSTNAME", "FIRSTNAME"], "zorblat"),
    ("call me at nine one zero five five five twelve thirty four", ["PHONENUMBER"], "nine zero twelve 910 555 1234"),
    (
        "reach me on five five five one two three four or five five five nine nine nine nine",
        ["PHONENUMBER"] * 2,
        "five 555",
    ),
    ("five five five one two three four is my phone number", ["PHONENUMBER"], "five 5551234"),
    ("it is two one two seven three six five zero zero zero", ["PHONENUMBER"], "seven 212"),
    ("plus nine one nine eight seven six five four three two one zero", ["PHONENUMBER"], "plus nine 91"),
    ("i live at one two three main street", ["BUILDINGNUMBER", "ADDRESS"], "123 main street three"),
    ("forty two wallaby way", ["BUILDINGNUMBER", "ADDRESS"], "forty 42 wallaby"),
    ("apartment twelve please", ["BUILDINGNUMBER"], "twelve 12"),
    (f"i paid with {CARD}", ["ACCOUNTNUMBER"], "four one 4111 41"),
    ("my card number is four two four two one one one one", ["ACCOUNTNUMBER"], "four 42 1111"),
    (f"the card is {CARD} one two two seven", ["ACCOUNTNUMBER"], "four one 41 27"),
    ("my c v v is one two three", ["CREDITCARDCVV"], "one 123"),
    ("the security code is four five six seven", ["CREDITCARDCVV"], "four 4567"),
    ("my cvv for the card ending in four two four two is one two three", ["CREDITCARDCVV"] * 2, "one 123"),
    ("the zip code is nine four one zero seven", ["ZIPCODE"], "nine 94107"),
    ("my pin code is five six zero zero three eight", ["ZIPCODE"], "five 560038"),
    ("my account number is one two three four five six seven eight", ["ACCOUNTNUMBER"], "one 123"),
    ("it expires twelve slash twenty seven", ["TIME"], "twelve 12 27 slash"),
    ("the expiry date is december twenty twenty seven", ["TIME"], "december 2027"),
    ("expiry oh one twenty seven", ["TIME"], "oh one 01 27"),
]
SHOWN = [
    "call me back tomorrow",
    "call me when you are ready",
    "the doctor said no",
    "i miss you",
    "will you mark it in may",
    "i hope it is a rich grant",
    "may i be frank",
    "this is great",
    "this is my house speaking frankly",
    "i am happy to help",
    "the total is five hundred dollars",
    "order number one two three four five six seven eight",
    "my number is five",
    "we walked two blocks down the street",
    "ten miles down the road",
    "it expires in thirty days",
    "the train leaves in twenty minutes",
    "i was born in nineteen eighty four",
    "wait a second",
    "my name is",
    "the account is closed",
    "four" + " one" * 14 + " two",
    "the code is on the back of the card",
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("said", "kinds", "secrets"), HIDDEN)
def test_hides(said, kinds, secrets, form):
    written = FORMS[form].write_final(heard(said))
    words, placeholders = redact(written)
    assert [re.sub(r"[\[\]_\d]", "", p) for p in placeholders] == kinds
    assert re.findall(r"\[\w+\]", text(words)) == placeholders
    seen = {w.text.strip(".,?").lower() for w in words}
    # "for the card ending in 4242" and "one of": only what was the secret must be gone.
    assert not seen & set(secrets.split())
    again, none = redact(words)
    assert again == words
    assert none == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("said", SHOWN)
def test_shows(said, form):
    written = FORMS[form].write_final(heard(said))
    assert redact(written) == (written, [])


@pytest.mark.parametrize(("said", "kinds", "_secrets"), HIDDEN)
def test_only_what_was_asked_for(said, kinds, _secrets):
    pci = {"ACCOUNTNUMBER", "CREDITCARDCVV", "ZIPCODE", "TIME"}
    written = Wording().write_final(heard(said))
    assert redact(written, pii=False, pci=False) == (written, [])
    _, personal = redact(written, pci=False)
    _, card = redact(written, pii=False)
    assert len(personal) == sum(k not in pci for k in kinds)
    assert len(card) == sum(k in pci for k in kinds)


@pytest.mark.parametrize("said", [s for s, *_ in HIDDEN] + SHOWN)
def test_times_run_on(said):
    words, _ = redact(heard(said))
    assert all(w.start < w.end for w in words)
    assert all(a.end <= b.start for a, b in pairwise(words))
    before = heard(said)
    assert (words[0].start, words[-1].end) == (before[0].start, before[-1].end)
    kept = [w for w in words if "[" not in w.text]
    assert all(w in before for w in kept)


def test_an_entity_is_one_word():
    before = heard("call me at five five five one two three four")
    words, placeholders = redact(before)
    assert placeholders == ["[PHONENUMBER_1]"]
    assert [w.text for w in words] == ["call", "me", "at", "[PHONENUMBER_1]"]
    assert (words[-1].start, words[-1].end) == (before[3].start, before[-1].end)
    assert words[-1].confidence == pytest.approx(max(w.confidence for w in before[3:]))
    assert words[-1].speaker == 0


def test_marks_stay():
    words, _ = redact(
        [RecognisedWord(t, i, i + 1, 1.0) for i, t in enumerate("Is it John's, or Mary? Hi, Priya.".split())]
    )
    assert text(words) == "Is it [FIRSTNAME_1]'s, or [FIRSTNAME_2]? Hi, [FIRSTNAME_3]."


def test_email():
    words, placeholders = redact(Wording(itn=True).write_final(heard("send it to john at gmail dot com")))
    assert text(words) == "Send it to [EMAIL_1]."
    assert placeholders == ["[EMAIL_1]"]


def test_one_count_for_the_session_and_names_keep_theirs():
    redactor = Redactor(pii=True, pci=True, language="en")
    shown = [
        redactor.redact(heard(said))
        for said in (
            "my name is zorblat",
            "john and zorblat",
            "i will call john",
            "my cvv is one two three",
            "the cvv is one two four",
        )
    ]
    assert [p for _, p in shown] == [
        ["[FIRSTNAME_1]"],
        ["[FIRSTNAME_2]", "[FIRSTNAME_1]"],
        ["[FIRSTNAME_2]"],
        ["[CREDITCARDCVV_1]"],
        ["[CREDITCARDCVV_2]"],
    ]


def test_a_common_word_that_was_a_name_is_a_word_again():
    words, _ = redact(heard("my name is will and i will go"))
    assert text(words) == "my name is [FIRSTNAME_1] and i will go"


def test_a_question_in_one_final_is_the_cue_in_the_next():
    redactor = Redactor(pii=True, pci=True, language="en")
    shown = [
        text(redactor.redact(heard(said))[0])
        for said in ("what is your card number?", "four one one one", "one one one one", "thanks for the five stars")
    ]
    assert shown[1:] == ["[ACCOUNTNUMBER_1]", "[ACCOUNTNUMBER_2]", "thanks for the five stars"]


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("मेरा नाम राहुल शर्मा है", "मेरा नाम [FIRSTNAME_1] [LASTNAME_1] है"),
        ("मेरा फोन नंबर नौ आठ सात छह पांच चार तीन दो एक शून्य है", "मेरा फोन नंबर [PHONENUMBER_1] है"),
        ("मेरा फोन नंबर ९८७६५४३२१० है।", "मेरा फोन नंबर [PHONENUMBER_1] है।"),
        ("पिन कोड पांच छह शून्य शून्य तीन आठ", "पिन कोड [ZIPCODE_1]"),
        ("मैं घर जा रहा हूँ", "मैं घर जा रहा हूँ"),
    ],
)
def test_hindi(said, shown):
    assert text(redact(heard(said), language="hi")[0]) == shown


def test_other_languages_are_left_alone():
    assert redact(heard("my name is john"), language="fr") == (heard("my name is john"), [])
    assert text(redact(heard("my name is john"), language="en-IN")[0]) == "my name is [FIRSTNAME_1]"


def test_without_phonenumbers_cues_still_work(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(entities.importlib, "import_module", missing)
    assert redact(heard("call me at two one two seven three six five zero zero zero"))[1] == ["[PHONENUMBER_1]"]
    assert redact(heard("it is two one two seven three six five zero zero zero"))[1] == []


def test_no_final_is_no_trouble():
    assert redact([]) == ([], [])


@pytest.mark.parametrize(
    ("digits", "valid"),
    [("4111111111111111", True), ("378282246310005", True), ("4111111111111112", False), ("0", False)],
)
def test_luhn(digits, valid):
    assert entities.is_card(digits) is valid
