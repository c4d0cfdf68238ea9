"""The voices of the model cards, as data.

Source: the vendor's model cards `lightning-v-3-1.mdx` and `lightning-v-3-1-pro.mdx`, its integration pages for
sophia, ella and arjun, its examples repository for lightning-v2. The live list is longer (217 voices for v3.1).
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["VOICES", "WORD_TIMESTAMP_VOICES", "Voice", "no_word_times", "voices_of"]


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of one model.

    Attributes:
        id: What goes into `voice`.
        model: The model whose pool it is in.
        gender: "female" or "male".
        accent: An accent in words, such as "American".
        languages: Codes of the languages it was trained on.
    """

    id: str
    model: str
    gender: str
    accent: str
    languages: tuple[str, ...]


_V2, _V31, _PRO = "lightning-v2", "lightning-v3.1", "lightning-v3.1-pro"

# model | gender | accent | languages | ids
_TABLE = f"""
{_V2} | female | American | en | emily andrea
{_V2} | male | American | en | ryan
{_V2} | female | Indian | en hi | pragya mithali
{_V2} | male | Indian | en hi | raman arman chirag raj
{_V31} | female | American | en | sophia lauren hannah vanessa brooke olivia rachel nicole elizabeth ilsa christine quinn mia avery ella
{_V31} | male | American | en | jordan robert johnny lucas magnus ronald blofeld zorin felix malcolm daniel
{_V31} | male | Canadian | en | william
{_V31} | female | Canadian | en | erica
{_V31} | female | Australian | en | chloe
{_V31} | male | British | en | liam
{_V31} | female | Indian | en hi | sunidhi chinmayi aanya siya anuja avni ishani yuvika advika sana sameera srishti sakshi maya maithili
{_V31} | male | Indian | en hi | wasim rehan parth atharv vivaan devansh aarush neel mihir kartik arjun
{_V31} | female | Spanish | es | daniella alba nerea
{_V31} | female | Mexican | es | camilla
{_V31} | male | Spanish | es | marcos david miguel
{_V31} | male | Tamil | ta | jeevan
{_V31} | female | Tamil | ta | rajeshwari
{_V31} | male | Malayalam | ml | vaisakh
{_V31} | female | Malayalam | ml | shibi
{_V31} | male | Telugu | te | srihari
{_V31} | female | Telugu | te | padmaja
{_V31} | female | Marathi | mr | rupali
{_V31} | male | Marathi | mr | nilesh
{_V31} | female | Gujarati | gu | niharika
{_V31} | male | Gujarati | gu | dhruvit
{_V31} | female | Kannada | kn | deepashri
{_V31} | male | Kannada | kn | pranav
{_PRO} | female | Indian | en hi | meher rhea zariya kareena mishka inaaya saira aarini
{_PRO} | male | Indian | en hi | aviraj vyom zoravar reyansh ahan
{_PRO} | female | British | en | sophie ellie cressida ottilie elowen seraphina
{_PRO} | male | British | en | sam henry benedict cormac rupert finley
{_PRO} | female | American | en | kaitlyn savannah amelia zoe ruby leah jenna kate molly sara fiona
{_PRO} | male | American | en | blake austin jack leo luke owen
{_PRO} | female | Marathi | mr | mrunal manasi ketaki tejaswini
{_PRO} | male | Marathi | mr | mandar tushar
{_PRO} | female | Tamil | ta | malar nila tamilselvi
{_PRO} | male | Tamil | ta | mathan dinesh prabhu ezhil kavin tamizh barath sakthi murugan
{_PRO} | female | Malayalam | ml | parvathy lakshmi
{_PRO} | male | Malayalam | ml | vishnu sreenath unni aravindan
{_PRO} | female | Telugu | te | sravani swathi
{_PRO} | male | Telugu | te | naveen charan sasank bhaskar gopal manohar
{_PRO} | female | Kannada | kn | spoorthi rashmi varsha sahana
{_PRO} | male | Kannada | kn | rakshith kishore yogesh gowtham shankar basava
{_PRO} | female | Punjabi | pa | jasleen manmeet
{_PRO} | male | Punjabi | pa | rajdeep tejinder sukhdeep amrit gagandeep
{_PRO} | male | Bengali | bn | rajib tanmoy subhro arghya indranil
{_PRO} | female | Odia | or | sasmita ankita
{_PRO} | male | Odia | or | subrat debasish sambit pratik rakesh smruti
{_PRO} | female | Gujarati | gu | krupa riddhi
{_PRO} | male | Gujarati | gu | jignesh mit keval
{_PRO} | female | Arabic | ar | layla
{_PRO} | male | Arabic | ar | adam
{_PRO} | female | Chinese | zh | hazel vivian
{_PRO} | male | Chinese | zh | dylan silas eli
{_PRO} | female | Indonesian | id | nora
{_PRO} | male | Indonesian | id | bryce miles cole
{_PRO} | female | Japanese | ja | aria mila daisy
{_PRO} | male | Japanese | ja | jasper
{_PRO} | female | Korean | ko | june
{_PRO} | female | Malay | ms | sasha
{_PRO} | male | Malay | ms | roman
{_PRO} | male | Turkish | tr | beau wes
{_PRO} | male | Vietnamese | vi | kai
{_PRO} | female | German | de | hanna lea petra
{_PRO} | male | German | de | max ben markus finn
{_PRO} | female | Spanish | es | martina ines paula
{_PRO} | male | Spanish | es | sebastian mateo gabriel
{_PRO} | female | French | fr | manon juliette lucie elise amelie
{_PRO} | male | French | fr | louis nicolas maxime raphael
{_PRO} | female | Italian | it | silvia concetta arianna
{_PRO} | male | Italian | it | davide luca leonardo
{_PRO} | female | Brazilian | pt | juliana leticia
{_PRO} | female | Portuguese | pt | catarina
{_PRO} | male | Brazilian | pt | gustavo thiago bruno
{_PRO} | male | Portuguese | pt | francisco
{_PRO} | female | Russian | ru | anastasia ekaterina olga irina
{_PRO} | male | Russian | ru | andrei nikolai maksim
{_PRO} | female | Greek | el | katerina dimitra athina
{_PRO} | male | Greek | el | dimitris vasilis
{_PRO} | female | Finnish | fi | aino helmi venla
{_PRO} | male | Finnish | fi | mika timo matti
{_PRO} | female | Norwegian | no | solveig marit
{_PRO} | male | Norwegian | no | kristian espen
{_PRO} | female | Polish | pl | ewa joanna
{_PRO} | male | Polish | pl | tomasz jakub
"""  # noqa: E501


def _parse(table: str) -> tuple[Voice, ...]:
    rows = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return tuple(
        Voice(name, model, gender, accent, tuple(languages.split()))
        for model, gender, accent, languages, names in rows
        for name in names.split()
    )


VOICES = _parse(_TABLE)
"""Every voice that the model cards name."""

WORD_TIMESTAMP_VOICES = frozenset({"meher", "devansh", "kartik", "maithili", "liam", "avery"})
"""The voices whose words come with times (`word-timestamps.mdx`)."""


def voices_of(model: str) -> tuple[Voice, ...]:
    """Return the known voices of a model, named with hyphens (`lightning-v3.1`)."""
    return tuple(v for v in VOICES if v.model == model)


def no_word_times(voice: str) -> str | None:
    """Return why no word times are to be expected of a voice, or None if they are."""
    if voice in WORD_TIMESTAMP_VOICES:
        return None
    return f"the voice {voice!r} sends no word times; those that do are {', '.join(sorted(WORD_TIMESTAMP_VOICES))}"
