"""Numbers as a person writes them: lists, decades, decimals, fractions, amounts; and what is no number."""

from __future__ import annotations

import pytest

from smallest_nb.simulator.text.numerals import read_number
from smallest_nb.simulator.text.recognised_word import RecognisedWord
from smallest_nb.simulator.text.wording import Wording


def write(text, **wording):
    words = [RecognisedWord(w, i * 0.3, i * 0.3 + 0.25, 0.9) for i, w in enumerate(text.split())]
    return " ".join(w.text for w in Wording(**wording).write_final(words))


# As heard, with `itn_normalize`, with `numerals=true`, and by default.
NUMBERS = [
    ("seven eight or nine people", "7, 8 or 9 people.", "7, 8 or 9 people.", "Seven, eight or nine people."),
    ("six seven eight and nine", "6, 7, 8 and 9.", "6, 7, 8 and 9.", "Six, seven, eight and nine."),
    ("eight nine or ten", "8, 9 or 10.", "8, 9 or 10.", "8, 9 or 10."),
    ("twenty thirty or forty", "20, 30 or 40.", "20, 30 or 40.", "20, 30 or 40."),
    ("from one to ten", "From 1 to 10.", "From 1 to 10.", "From 1 to 10."),
    ("nine or ten people", "9 or 10 people.", "9 or 10 people.", "9 or 10 people."),
    ("two three days", "2-3 days.", "2-3 days.", "Two three days."),
    ("ten fifteen minutes", "10-15 minutes.", "10-15 minutes.", "10-15 minutes."),
    ("the nineteen eighties", "The 1980s.", "The 1980s.", "The 1980s."),
    ("in the early twenty twenties", "In the early 2020s.", "In the early 2020s.", "In the early 2020s."),
    ("the eighteen hundreds", "The 1800s.", "The 1800s.", "The 1800s."),
    ("the two thousands", "The 2000s.", "The 2000s.", "The 2000s."),
    ("point five percent", "0.5%.", "0.5 percent.", "0.5 percent."),
    ("zero point oh five percent", "0.05%.", "0.05 percent.", "0.05 percent."),
    ("nought point two five", "0.25.", "0.25.", "0.25."),
    ("three point one four", "3.14.", "3.14.", "3.14."),
    ("it is minus twenty degrees", "It is -20 degrees.", "It is -20 degrees.", "It is -20 degrees."),
    ("minus five degrees", "-5 degrees.", "-5 degrees.", "Minus five degrees."),
    ("negative three point two", "-3.2.", "-3.2.", "-3.2."),
    ("minus point five percent", "-0.5%.", "-0.5 percent.", "-0.5 percent."),
    ("two thirds of them", "2/3 of them.", "2/3 of them.", "Two thirds of them."),
    ("three quarters of an hour", "3/4 of an hour.", "3/4 of an hour.", "Three quarters of an hour."),
    ("two and a half hours", "2.5 hours.", "2.5 hours.", "Two and a half hours."),
    ("five and a half percent", "5.5%.", "5.5 percent.", "Five and a half percent."),
    ("one and a half million dollars", "$1.5 million.", "1.5 million dollars.", "One and a half million dollars."),
    ("five point five million dollars", "$5.5 million.", "5.5 million dollars.", "5.5 million dollars."),
    ("two million people", "2 million people.", "2 million people.", "2 million people."),
    ("it's twelve thirty", "It's 12:30.", "It's 12 30.", "It's 12 30."),
    ("call nine one one or zero", "Call 911 or 0.", "Call 911 or 0.", "Call 911 or zero."),
    ("three or four hundred people", *["300 or 400 people."] * 3),
    ("two to three thousand", *["2000 to 3000."] * 3),
    ("nine to five hundred", *["9 to 500."] * 3),
    ("page two to three hundred", *["Page 2 to 300."] * 3),
    ("a quarter past seven", "7:15.", "A quarter past 7.", "A quarter past seven."),
    ("a quarter of it", *["A quarter of it."] * 3),
    ("double five oh seven", "5507.", "5507.", "5507."),
    ("nineteen eighty or nineteen ninety", "1980 or 1990.", "1980 or 1990.", "1980 or 1990."),
]
WORDS = [
    "at that point five people left",
    "this is the point two of them made",
    "the eighties were loud",
    "he is in his eighties",
    "a million thanks",
    "the third quarter",
    "a minus and a plus",
    "one third party",
    "half of it",
    "a quarter of them",
    "points and tens and thirds",
]


@pytest.mark.parametrize(("said", "itn", "every", "auto"), NUMBERS)
def test_R7_numbers_as_a_person_writes_them(said, itn, every, auto):
    assert (write(said, itn=True), write(said, numerals="true"), write(said)) == (itn, every, auto)
    assert write(said, numerals="false", punctuate=False, capitalize=False) == said


@pytest.mark.parametrize("said", WORDS)
def test_R7_what_is_no_number_stays(said):
    assert write(said, punctuate=False, capitalize=False) == said
    assert not any(c.isdigit() for c in write(said.replace("five", "some").replace("two", "some"), itn=True))


def test_R7_no_commas_where_punctuation_is_off():
    assert write("seven eight or nine", itn=True, punctuate=False) == "7 8 or 9"


@pytest.mark.parametrize("text", ["point", "minus", "minus minus", "a", "and", "nineteen", "double", "oh", "one half"])
@pytest.mark.parametrize("at", [0, 1, 2, 9])
def test_no_place_and_no_word_is_an_error(text, at):
    read_number(text.split(), at, everything=True)
    write(text, itn=True)


# Language, as heard, with `numerals=true`, by default.
FOREIGN = [
    ("fr", "un virgule cinq million d'euros", "1,5 million d'euros.", "1,5 million d'euros."),
    ("es", "uno coma cinco mil millones", *["1,5 mil millones."] * 2),
    ("fr", "deux virgule cinq mille", *["2,5 mille."] * 2),
    ("de", "zwei komma f\u00fcnf tausend", *["2,5 tausend."] * 2),
    ("es", "uno coma cinco millones de euros", "1,5 millones de euros.", "1,5 millones de euros."),
    ("it", "uno virgola cinque milioni", "1,5 milioni.", "1,5 milioni."),
    ("pt", "um v\u00edrgula cinco milh\u00f5es", "1,5 milh\u00f5es.", "1,5 milh\u00f5es."),
    ("de", "eins komma f\u00fcnf millionen euro", "1,5 millionen euro.", "1,5 millionen euro."),
    ("nl", "een komma vijf miljoen", "1,5 miljoen.", "1,5 miljoen."),
    ("da", "en komma fem millioner", "1,5 millioner.", "1,5 millioner."),
    ("fr", "cinq cinq cinq z\u00e9ro un deux", "555012.", "555012."),
    ("es", "cinco cinco cinco cero uno dos", "555012.", "555012."),
    ("it", "cinque cinque cinque zero uno due", "555012.", "555012."),
    ("pt", "cinco cinco cinco zero um dois", "555012.", "555012."),
    ("de", "f\u00fcnf f\u00fcnf f\u00fcnf null eins zwei", "555012.", "555012."),
    ("nl", "vijf vijf vijf nul een twee", "555012.", "555012."),
    ("da", "fem fem fem nul en to", "555012.", "555012."),
    ("fr", "z\u00e9ro virgule z\u00e9ro cinq pour cent", "0,05 pour cent.", "0,05 pour cent."),
    ("fr", "trois virgule un quatre un six", "3,1416.", "3,1416."),
    ("es", "tres punto uno cuatro", "3.14.", "3.14."),
    ("fr", "vingt et un virgule vingt cinq", "21,25.", "21,25."),
    ("fr", "sept huit ou neuf personnes", "7, 8 ou 9 personnes.", "Sept, huit ou neuf personnes."),
    ("de", "acht neun oder zehn leute", "8, 9 oder 10 leute.", "8, 9 oder 10 leute."),
    ("fr", "z\u00e9ro six douze trente quatre", "06 12 34.", "06 12 34."),
    ("fr", "cinq quatre vingt deux", "5 82.", "Cinq 82."),
    ("fr", "deux millions de gens", "2 millions de gens.", "Deux millions de gens."),
    ("fr", "des millions de gens", "Des millions de gens.", "Des millions de gens."),
    ("es", "el veinte por ciento", "El 20 por ciento.", "El 20 por ciento."),
    ("fr", "mille neuf cent quatre vingt quatre", "1984.", "1984."),
    ("fr", "un chat", "Un chat.", "Un chat."),
    ("it", "buongiorno a tutti", "Buongiorno a tutti.", "Buongiorno a tutti."),
]


@pytest.mark.parametrize(("language", "said", "every", "auto"), FOREIGN)
def test_R10_numbers_of_other_languages(language, said, every, auto):
    assert (write(said, language=language, numerals="true"), write(said, language=language)) == (every, auto)
