"""Text on its way into an utterance: whole, or token by token as a language model writes it. Imports sentences.

A finished sentence is spoken as soon as the next one begins, or when the writer pauses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable

from smallest_nb.client.sentences import SentenceAggregator, is_speakable, split_text
from smallest_nb.client.utterance import Utterance
from smallest_nb.errors import ConfigError

__all__ = ["Text", "add_text", "check_text", "feed_tokens"]

Text = str | AsyncIterable[str] | Iterable[str]

_PAUSE_SECS = 0.3
_BACKLOG = 64
"""Sentences kept ahead of the speech; beyond, the writer is not asked for more."""


def check_text(text: Text) -> None:
    """Refuse what cannot be spoken.

    Raises:
        ConfigError: Neither a text nor an iterator, or a text with nothing to say.
    """
    if isinstance(text, str):
        if not is_speakable(text):
            raise ConfigError(f"There is nothing to speak: expected some text, got {text!r}.")
    elif isinstance(text, bytes | dict) or not isinstance(text, AsyncIterable | Iterable):
        raise ConfigError(f"There is nothing to speak: expected text or an iterator of text, got {text!r}.")


def add_text(utterance: Utterance, text: str, language: str) -> None:
    """Add a whole text."""
    *parts, last = split_text(text, language)
    for part in parts:
        utterance.add(part, last=False)
    utterance.add(last, last=True)


async def feed_tokens(utterance: Utterance, tokens: AsyncIterable[str] | Iterable[str], language: str) -> None:
    """Add text as it is written, sentence by sentence.

    Raises:
        ConfigError: Something that is no text, or nothing to say.
        Exception: What the iterator raises.
    """
    sentences = SentenceAggregator(language)
    iterator = _each(tokens)
    while (token := await _token(utterance, sentences, iterator)) is not None:
        for part in sentences.push(token):
            utterance.add(part, last=False)
        while utterance.backlog >= _BACKLOG:
            await asyncio.sleep(0.05)
    parts = sentences.flush()
    if not parts and not utterance.told.parts:
        raise ConfigError("There is nothing to speak: the iterator gave no text.")
    for number, part in enumerate(parts, 1):
        utterance.add(part, last=number == len(parts))
    if not parts:
        utterance.add("", last=True)


async def _token(utterance: Utterance, sentences: SentenceAggregator, iterator: AsyncIterator[str]) -> str | None:
    """Return the next token, or None at the end; while it is long in coming, what is a sentence is spoken."""
    pending = asyncio.create_task(_next(iterator))
    try:
        if sentences.ended and not (await asyncio.wait({pending}, timeout=_PAUSE_SECS))[0]:
            for part in sentences.flush():
                utterance.add(part, last=False)
        return await pending
    finally:
        pending.cancel()


async def _next(iterator: AsyncIterator[str]) -> str | None:
    token = await anext(iterator, None)
    if token is not None and not isinstance(token, str):
        raise ConfigError(f"Expected the iterator to give text, got {token!r}.")
    return token


async def _each(tokens: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(tokens, AsyncIterable):
        async for token in tokens:
            yield token
    else:
        for token in tokens:
            yield token
