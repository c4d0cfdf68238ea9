"""What an account may do at once (protocol notes, 2.5).

One unit serves one request at a time and holds up to five sockets; all models share the account's units.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SOCKETS_PER_UNIT", "Account", "Accounts"]

SOCKETS_PER_UNIT = 5


@dataclass(slots=True)
class Account:
    """What one key has open."""

    speaking: int = 0
    speech_sockets: int = 0
    transcriptions: int = 0

    @property
    def idle(self) -> bool:
        """Whether nothing is open."""
        return not (self.speaking or self.speech_sockets or self.transcriptions)


class Accounts:
    """The accounts that have something open; others are forgotten, so that ten thousand keys cost nothing."""

    def __init__(self) -> None:
        self._open: dict[str, Account] = {}

    def of(self, key: str) -> Account:
        """Return a key's account."""
        return self._open.get(key) or Account()

    def change(self, key: str, *, speaking: int = 0, speech_sockets: int = 0, transcriptions: int = 0) -> None:
        """Count up or down."""
        account = self._open.setdefault(key, Account())
        account.speaking += speaking
        account.speech_sockets += speech_sockets
        account.transcriptions += transcriptions
        if account.idle:
            del self._open[key]
