"""Where an API key is found, and how one is asked for and kept. Imports errors and secret.

Looked at in this order; the first that has one wins, and `Secret.source` says which it was:

1. the environment, SMALLEST_API_KEY
2. Colab's secrets, only in a cell on the main thread: anywhere else Colab's own call would wait for ever
3. Kaggle's secrets
4. keyring, where it is installed: service "smallest-nb", user "SMALLEST_API_KEY"
5. a `.env` file in the working directory or above it, up to the home directory or the root, where python-dotenv is
   installed; the process's environment stays as it is

SMALLEST_KEY_SOURCES narrows them ("environment,keyring"); a run that must not depend on whose machine it is on sets it.
A source that fails is noted by the name of its error only, for its words may hold the key. A key that is there but
cannot be one is an error, since the simulator in its place would surprise.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from smallest_nb.errors import ConfigError
from smallest_nb.secret import Secret

__all__ = ["ENV_SOURCES", "Looked", "find_key", "look", "save_key"]

_log = logging.getLogger(__name__)
_NAME = "SMALLEST_API_KEY"
_SERVICE = "smallest-nb"
_ANSWER_SECS = 10.0
ENV_SOURCES = "SMALLEST_KEY_SOURCES"


class _NotThere(Exception):  # noqa: N818 - no failure
    """A source has no key; the message says why."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of looking in one place.

    Attributes:
        source: The place, in words.
        outcome: "found", or why not.
        key: The key, or None.
    """

    source: str
    outcome: str
    key: Secret | None = None


_kept: dict[str, Secret] = {}
_given_up: set[str] = set()


def find_key() -> Secret | None:
    """Return the first key that is found, or None.

    Raises:
        ConfigError: What was found cannot be a key, or SMALLEST_KEY_SOURCES names no source.
    """
    return look()[-1].key


def look() -> list[Looked]:
    """Look from place to place and return what came of it; a key, where there is one, is in the last.

    Raises:
        ConfigError: As `find_key`.
    """
    looked = []
    for source, (words, read) in _sources().items():
        one = _look_at(source, words, read)
        looked.append(one)
        if one.key is not None:
            break
    return looked


def _sources() -> dict[str, tuple[str, Callable[[], tuple[str, str]]]]:
    known = {
        "environment": (f"environment {_NAME}", _environment),
        "colab": ("Colab's secrets", _colab),
        "kaggle": ("Kaggle's secrets", _kaggle),
        "keyring": ("keyring", _keyring),
        "dotenv": (".env", _dotenv),
    }
    wanted = [n.strip() for n in os.environ.get(ENV_SOURCES, "").split(",") if n.strip()]
    if wrong := [n for n in wanted if n not in known]:
        raise ConfigError(f"{ENV_SOURCES} names {wrong[0]!r}; expected some of {', '.join(known)}.")
    return {name: known[name] for name in known if not wanted or name in wanted}


def _look_at(source: str, words: str, read: Callable[[], tuple[str, str]]) -> Looked:
    if source in _kept:
        return Looked(words, "found", _kept[source])
    if source in _given_up:
        return Looked(words, f"did not answer within {_ANSWER_SECS:g} s and is not asked again")
    try:
        found = _boxed(*(read() if source in ("environment", "colab", "dotenv") else _bounded(read)))
    except _NotThere as why:
        return Looked(words, str(why))
    except ConfigError:
        raise
    except TimeoutError:
        _given_up.add(source)
        return Looked(words, f"did not answer within {_ANSWER_SECS:g} s")
    except Exception as error:
        _log.info("no key in %s (%s)", words, type(error).__name__)
        return Looked(words, f"could not be read ({type(error).__name__})")
    if source in ("colab", "kaggle"):  # slow ones, the first of which a thread may not ask
        _kept[source] = found
    return Looked(words, "found", found)


def _boxed(value: str | None, source: str) -> Secret:
    if not value or not value.strip():
        raise _NotThere("not there")
    try:
        return Secret(value.strip(), source)
    except ConfigError as error:
        told = str(error)
    del value  # tracebacks that show variables shall not show it
    raise ConfigError(told)


def _bounded(read: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Let a source answer in a thread: a keyring may wait for a person who sits elsewhere."""
    answers: list[tuple[str, str]] = []
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(read())
        except BaseException as error:  # raised again below
            failures.append(error)

    thread = threading.Thread(target=ask, name="smallest_nb-key", daemon=True)
    thread.start()
    thread.join(_ANSWER_SECS)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError
    return answers[0]


def _environment() -> tuple[str, str]:
    return os.environ.get(_NAME, ""), f"environment {_NAME}"


def _colab() -> tuple[str, str]:
    if "google.colab" not in sys.modules:
        raise _NotThere("this is not Colab")
    if not _in_a_cell():
        raise _NotThere("can be asked in a cell only")
    from google.colab import userdata  # noqa: PLC0415

    return userdata.get(_NAME), "Colab's secrets"


def _in_a_cell() -> bool:
    """Whether a cell runs here: not a thread's work, nor a message from the page, which may come on the main one."""
    if threading.current_thread() is not threading.main_thread():
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    parent: dict[str, Any] = getattr(shell, "parent_header", None) or {}
    kind = parent.get("header", parent).get("msg_type")
    return kind in (None, "execute_request")


def _kaggle() -> tuple[str, str]:
    if not os.environ.get("KAGGLE_KERNEL_RUN_TYPE"):
        raise _NotThere("this is not Kaggle")
    from kaggle_secrets import UserSecretsClient  # noqa: PLC0415

    return UserSecretsClient().get_secret(_NAME), "Kaggle's secrets"


def _keyring() -> tuple[str, str]:
    if find_spec("keyring") is None:
        raise _NotThere("keyring is not installed")
    import keyring  # noqa: PLC0415

    return keyring.get_password(_SERVICE, _NAME) or "", "keyring"


def _dotenv() -> tuple[str, str]:
    if find_spec("dotenv") is None:
        raise _NotThere("python-dotenv is not installed")
    from dotenv import dotenv_values  # noqa: PLC0415

    here, home = Path.cwd(), Path.home()
    for folder in (here, *here.parents):
        path = folder / ".env"
        if path.is_file() and (value := dotenv_values(path).get(_NAME)):
            return value, ".env in the working directory" if folder == here else f".env in {folder.name or folder}"
        if folder == home:
            break
    raise _NotThere("not there")


def save_key(key: Secret) -> None:
    """Put a key into the keyring, where `look` finds it in every notebook of this person.

    Raises:
        ConfigError: keyring is not installed, has no place to keep it, or refused.
    """
    if find_spec("keyring") is None:
        raise ConfigError('The key cannot be saved: keyring is not installed; pip install "smallest-nb[keyring]".')
    import keyring  # noqa: PLC0415
    from keyring.errors import KeyringError, NoKeyringError  # noqa: PLC0415

    try:
        keyring.set_password(_SERVICE, _NAME, key.unwrap())
    except NoKeyringError:
        told = f"this machine has no keyring; set {_NAME}, or use a .env file"
    except (KeyringError, OSError, RuntimeError, ValueError) as error:
        told = f"the keyring refused it ({type(error).__name__})"
    else:
        return
    raise ConfigError(f"The key is used, but cannot be saved: {told}.")
