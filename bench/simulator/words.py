"""What is heard: word errors of voices, names and recordings, word times, how soon and at which cost.

Words are compared in lower case without punctuation; the sentences have no numbers, so nothing hangs on how they are
written. Chinese, Japanese and such are compared letter by letter, for they have no spaces.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path

import jiwer

from bench.simulator import cost, live, word_times
from bench.simulator.clients import hear, opened, say
from bench.simulator.figures import OURS, Figures
from bench.simulator.recordings import recordings
from bench.simulator.server import Server
from bench.simulator.texts import BALANCED, EVERYDAY, LANGUAGES, NAMES, VOICES
from bench.simulator.unspoken import unspoken
from smallest_nb.api.language import STT_US_HOST_LANGUAGES
from smallest_nb.api.voices import VOICES as ALL_VOICES

__all__ = ["PARTS", "errors", "measure", "plain"]

_RATE = 16000
_QUIET = bytes(_RATE * 4 // 5)  # 0.4 s
_AT_ONCE = 2
_UNSPACED = ("zh", "ja")
_BOOST = 4
_BEFORE = {"fault": "hearing=pocketsphinx"}
"""What heard before Moonshine did: the client `before`."""
_NAMES_MISSED = 25
"""Per cent, of the recogniser before."""
_REPEATED = 4


def plain(text: str, language: str = "en") -> str:
    """Return a text as it is compared."""
    kept = "".join(c if c == "'" or unicodedata.category(c)[0] in "LMN" else " " for c in text.lower())
    words = kept.replace("'", "").split()
    return " ".join("".join(words)) if language in _UNSPACED else " ".join(words)


def errors(said: Iterable[str], heard: Iterable[str], language: str = "en") -> tuple[int, int]:
    """Return the errors and the words said."""
    found = jiwer.process_words([plain(s, language) for s in said], [plain(h, language) for h in heard])
    return found.substitutions + found.deletions + found.insertions, sum(map(len, found.references))


async def measure(figures: Figures, *, quick: bool) -> None:
    """Measure every round trip."""
    with Server("speech") as server:
        await _english(figures, server, quick=quick)
        await _again(figures, server, rounds=2 if quick else 3)
        for part in _PARTS.values():
            await part(figures, server, quick=quick)
        await _not_heard(figures, server, quick=quick)
    with Server("signal") as server:
        await _languages(figures, server)


async def _round(server: Server, jobs: list[tuple[str, str]], **query: str) -> list[str]:
    """Return what is heard of texts, each with its voice; a few at once."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(text: str, voice: str) -> str:
        async with gate:
            async with opened(server) as ws:
                spoken = await say(ws, text, voice_id=voice, sample_rate=_RATE)
            return (await hear(server, _QUIET + spoken.pcm + _QUIET, numerals="false", **query)).text

    return list(await asyncio.gather(*(one(text, voice) for text, voice in jobs)))


def _rate(
    figures: Figures, metric: str, case: str, wrong: int, total: int, *, target: float | None = None, note: str = "",
    client: str = OURS,
) -> None:  # fmt: skip
    note = f"{wrong} of {total} words{note}"
    figures.one(metric, case, "%", 100 * wrong / total, target=target, note=note, client=client)


async def _english(figures: Figures, server: Server, *, quick: bool) -> None:
    everyday = [(text, voice) for voice in VOICES[: 2 if quick else None] for text in EVERYDAY[: 4 if quick else None]]
    before = await _round(server, everyday, **_BEFORE)
    said = [text for text, _ in everyday]
    _rate(figures, "word errors, everyday", "all voices", *errors(said, before), client="before")
    lists = {"everyday": EVERYDAY[: 4 if quick else None], "Harvard": BALANCED[: 4 if quick else None]}
    for name, texts in lists.items():
        total = [0, 0]
        for voice in VOICES[: 2 if quick else None]:
            heard = await _round(server, [(text, voice) for text in texts])
            wrong, words = errors(texts, heard)
            total = [total[0] + wrong, total[1] + words]
            _rate(figures, f"word errors, {name}", voice, wrong, words)
        target = 18 if name == "everyday" else None
        _rate(figures, f"word errors, {name}", "all voices", *total, target=target)


async def _again(figures: Figures, server: Server, *, rounds: int) -> None:
    """The same sound in the same circumstances is heard the same, whatever the recogniser heard before."""
    async with opened(server) as ws:
        sounds = [(await say(ws, t, voice_id="liam", sample_rate=_RATE)).pcm for t in EVERYDAY[:_REPEATED]]
    texts = [[(await hear(server, _QUIET + sound + _QUIET)).text for sound in sounds] for _ in range(rounds)]
    differ = sum(len(set(heard)) > 1 for heard in zip(*texts, strict=True))
    figures.one("heard otherwise again", f"liam, {rounds} times", "sentences", differ, target=0, note=f"of {_REPEATED}")


async def _names(figures: Figures, server: Server, *, quick: bool) -> None:
    texts, names = [text for text, _ in NAMES], [name for _, group in NAMES for name in group]
    jobs = [(text, voice) for voice in VOICES[: 1 if quick else 3] for text in texts]
    keywords = ",".join(f"{name}:{_BOOST}" for name in names)
    for case, query in (("without keywords", {}), ("with keywords", {"keywords": keywords})):
        heard = await _round(server, jobs, **query)
        wrong, words = errors([text for text, _ in jobs], heard)
        _rate(figures, "word errors, names", case, wrong, words)
        got = sum(plain(n) in plain(h).split() for h, (_, group) in zip(heard, NAMES * 3, strict=False) for n in group)
        asked = len(names) * len(jobs) // len(texts)
        figures.one("names missed", case, "%", 100 - 100 * got / asked, target=_NAMES_MISSED if query else None,
                    note=f"{got} of {asked} heard")  # fmt: skip
    others = [(text, VOICES[0]) for text in EVERYDAY[: 4 if quick else None]]
    heard = await _round(server, others, keywords=keywords)
    false = sum(plain(n) in plain(h).split() for h in heard for n in names)
    _rate(figures, "word errors, names", "keywords that are not said", *errors([text for text, _ in others], heard))
    figures.one("names heard that were not said", "keywords", "names", false, target=0)


async def _recorded(figures: Figures, server: Server, *, quick: bool) -> None:  # noqa: ARG001 - they are short
    found = recordings()
    if not found:
        figures.said("word errors, people", "recordings", "none here")
    whole = {"finalize_on_words": "false", "numerals": "false"}
    for client, query in (("before", {**_BEFORE, **whole}), (OURS, whole)):
        total = [0, 0]
        for source, clips in found.items():
            heard = [(await hear(server, _QUIET + c.pcm + _QUIET, **query)).text for c in clips]
            note = f" in {len(clips)} recordings, {sum(len(c.pcm) for c in clips) / 2 / _RATE:.0f} s"
            wrong, words = errors([c.text for c in clips], heard)
            packaged = source == "moonshine-voice"
            total = total if packaged else [total[0] + wrong, total[1] + words]
            target = 10 if packaged and client == OURS else None
            _rate(figures, "word errors, people", Path(source).name, wrong, words,
                  target=target, note=note, client=client)  # fmt: skip
        if total[1]:
            _rate(figures, "word errors, people", "all but moonshine-voice's", *total,
                  target=8 if client == OURS else None, client=client)  # fmt: skip


async def _unspoken(figures: Figures, server: Server, *, quick: bool) -> None:
    """Nothing is heard where nothing is said."""
    minutes = 0.5 if quick else 10
    for name, sound in unspoken(round(minutes * 60)).items():
        heard = (await hear(server, sound)).text
        words = len(plain(heard).split())
        figures.one("words where none are said", name, "words", words, target=0, note=f"{minutes:g} min {heard[:60]}")


async def _not_heard(figures: Figures, server: Server, *, quick: bool) -> None:
    others = [language for language in LANGUAGES if language != "en"]
    refused, spoken = [], []
    async with opened(server) as ws:
        for language in others[: 4 if quick else None]:
            made = await say(ws, LANGUAGES[language], language=language, voice_id=_voice(language), model=_PRO)
            (spoken if made.pcm and not made.error else refused).append(language)
    summary = f"not spoken: {' '.join(refused)}" if refused else "sound for each"
    figures.one("languages, speech engine", "spoken", "languages", len(spoken), note=summary)
    answers: dict[str, list[str]] = {}
    for language in others:
        region = "us" if language in STT_US_HOST_LANGUAGES else "in"
        error = (await hear(server, bytes(_RATE), language=language, fault=f"region={region}")).error
        answers.setdefault(error.replace(f"'{language}'", "'..'") or "no error", []).append(language)
    for answer, languages in answers.items():
        case = "not heard, and says so" if answer != "no error" else "no error, no words"
        figures.one(
            "languages, speech engine", case, "languages", len(languages), note=f"{answer[:70]}: {' '.join(languages)}"
        )


_PRO = "lightning_v3.1_pro"


def _voice(language: str) -> str:
    return next((v.id for v in ALL_VOICES if language in v.languages), "sophia")


async def _languages(figures: Figures, server: Server) -> None:
    total = [0, 0]
    wrong_in = []
    for language, text in LANGUAGES.items():
        region = "us" if language in STT_US_HOST_LANGUAGES else "in"
        model = {} if language == "he" else {"model": _PRO}
        async with opened(server) as ws:
            spoken = await say(ws, text, language=language, voice_id=_voice(language), **model)
        heard = await hear(server, spoken.pcm, language=language, numerals="false", fault=f"region={region}")
        wrong, words = errors([text], [heard.text], language)
        total = [total[0] + wrong, total[1] + words]
        if wrong:
            wrong_in.append(f"{language}: {heard.text or heard.error or spoken.error!r}")
    note = f" in {len(LANGUAGES)} languages" + "".join(f"; {w}" for w in wrong_in)
    _rate(figures, "word errors, signal", "all languages", *total, note=note)


_Part = Callable[..., Awaitable[None]]
_PARTS: dict[str, _Part] = {
    "people": _recorded,
    "times": word_times.measure,
    "live": live.measure,
    "cost": cost.measure,
    "names": _names,
    "unspoken": _unspoken,
}


async def _measure_part(part: _Part, figures: Figures, *, quick: bool) -> None:
    with Server("speech") as server:
        await part(figures, server, quick=quick)


PARTS = {name: partial(_measure_part, part) for name, part in _PARTS.items()}
"""Parts of these measurements, to be asked for one by one."""
