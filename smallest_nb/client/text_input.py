"""Text on its way into a session: sentence by sentence, whole or as a language model writes it.

A finished sentence is spoken as soon as the next one begins, or when the writer pauses.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable

from smallest_nb.client.sentences import SentenceAggregator, is_speakable
from smallest_nb.errors import ConfigError

__all__ = ["MOST_SENTENCES_AHEAD", "Text", "check_text", "read_sentences"]

Text = str | AsyncIterable[str] | Iterable[str]

MOST_SENTENCES_AHEAD = 64
"""Sentences kept ahead of the speech; beyond that no more is taken from the writer."""
_PAUSE_SECS = 0.3


def check_text(text: Text) -> None:
    """Refuse what cannot be spoken.

    Raises:
        ConfigError: Neither a text nor an iterator, or a text with nothing to speak.
    """
    if isinstance(text, str):
        if not is_speakable(text):
            raise ConfigError(f"There is nothing to speak: expected some text, got {text!r}.")
    elif isinstance(text, bytes | dict) or not isinstance(text, AsyncIterable | Iterable):
        raise ConfigError(f"There is nothing to speak: expected text or an iterator of text, got {text!r}.")


async def read_sentences(
    tokens: AsyncIterable[str] | Iterable[str], language: str
) -> AsyncGenerator[tuple[str, bool], None]:
    """Yield text as it is written, sentence by sentence, each with whether it is known to be the last one.

    An empty last sentence says that the one before it turned out to be the last.

    Raises:
        ConfigError: Something that is no text, or nothing to speak.
        Exception: What the iterator raises.
    """
    sentences = SentenceAggregator(language)
    iterator = _iterate(tokens)
    is_empty = True
    while True:
        pending = asyncio.create_task(_next_token(iterator))
        try:
            if sentences.ended and not (await asyncio.wait({pending}, timeout=_PAUSE_SECS))[0]:
                for sentence in sentences.flush():
                    is_empty = False
                    yield sentence, False
            token = await pending
        finally:
            pending.cancel()
        if token is None:
            break
        for sentence in sentences.push(token):
            is_empty = False
            yield sentence, False
    rest = sentences.flush()
    if is_empty and not rest:
        raise ConfigError("There is nothing to speak: the iterator gave no text.")
    for number, sentence in enumerate(rest, 1):
        yield sentence, number == len(rest)
    if not rest:
        yield "", True


async def _next_token(iterator: AsyncIterator[str]) -> str | None:
    token = await anext(iterator, None)
    if token is not None and not isinstance(token, str):
        raise ConfigError(f"Expected the iterator to give text, got {token!r}.")
    return token


async def _iterate(tokens: AsyncIterable[str] | Iterable[str]) -> AsyncIterator[str]:
    if isinstance(tokens, AsyncIterable):
        async for token in tokens:
            yield token
    else:
        for token in tokens:
            yield token
