"""The KeyEntry: where a person adds an API key that is missing, or replaces one that the service refused."""

from __future__ import annotations

from collections.abc import Callable

from smallest_nb.client.target import Target, default_base_url
from smallest_nb.common.secret import Secret
from smallest_nb.errors import ConfigError

__all__ = ["KeyEntry", "typed_key"]

_OF_ARGUMENT = "argument"


class KeyEntry:
    """What a widget says about its key, and what becomes of one that is typed in the page. It keeps no key itself.

    Args:
        target: Returns where the widget connects.
        use: Called with the target that has the new key.
        show: Called with what the page draws: `notice`, the text beside it; `key`, "missing", "refused" or empty; and
            `problem`, why what was typed is no key.
    """

    def __init__(
        self, target: Callable[[], Target], use: Callable[[Target], None], show: Callable[[str, str, str], None]
    ) -> None:
        self._target = target
        self._use = use
        self._show = show

    def describe(self) -> None:
        """Show what is known of the key before it was used."""
        target = self._target()
        self._show(target.label if target.simulated else "", "missing" if target.simulated else "", "")

    def refuse(self) -> str:
        """The service refused the key; return that in words."""
        source = self._target().key.source
        said = f"The service refused the API key that came from {_named(source)}."
        self._show(said, "refused", "")
        return said

    def enter(self, key: Secret) -> None:
        """Take a key that was typed, for the address that is in use, or the vendor's in place of the simulator's."""
        former = self._target()
        try:
            target = Target(default_base_url() if former.simulated else former.base_url, key.check())
        except ConfigError as error:
            notice = former.label if former.simulated else ""
            self._show(notice, "missing" if former.simulated else "refused", str(error))
            return
        self._show("", "", "")
        self._use(target)


def typed_key(data: bytes) -> Secret:
    """Return what was typed as a key; whether it can be one is checked later."""
    return Secret(data.decode("utf-8", "replace").strip(), "the page", check=False)


def _named(source: str) -> str:
    return "the argument `api_key`" if source == _OF_ARGUMENT else source
