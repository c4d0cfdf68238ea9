"""How a service puts the pieces of a continuation together, for the benches' servers."""

from __future__ import annotations

from typing import Any

__all__ = ["text_to_speak"]

_ENDS_SENTENCE = (".", "?", "!", "…")


def text_to_speak(request: dict[str, Any], contexts: dict[str, str]) -> str:
    """Return what is spoken now that a request came; empty for a keepalive, a cancel and an unfinished sentence.

    Args:
        request: As the client sent it.
        contexts: The text of each open continuation that was not spoken yet; changed here.
    """
    text, context = request.get("text", ""), request.get("context_id")
    if context is None:
        return text if text.strip() else ""
    if request.get("cancel_request"):
        contexts.pop(context, None)
        return ""
    text = contexts.pop(context, "") + text
    whole = text.rstrip().endswith(_ENDS_SENTENCE) or not request.get("continue")
    if whole and text.strip():
        return text
    if text:
        contexts[context] = text
    return ""
