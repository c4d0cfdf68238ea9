"""Where an API key is found, and how one is kept.

Looked at in this order; the first that has one wins, and `Secret.source` says which it was:

1. the environment, SMALLEST_API_KEY
2. Colab's secrets, only in a cell on the main thread: anywhere else Colab's own call would wait for ever
3. Kaggle's secrets
4. keyring, where it is installed: service "smallest-nb", user "SMALLEST_API_KEY"
5. a `.env` file in the working directory or above it, up to the home directory or the root, where python-dotenv is
   installed; the process's environment stays as it is

SMALLEST_KEY_SOURCES narrows them ("environment,keyring"); a run that must not depend on whose machine it is on sets it.
A source that fails is noted by the name of its error only, for its words may hold the key. A key that is there but
cannot be one is an error, since the simulator in its place would surprise. Each source boxes what it reads at once.
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

from smallest_nb.common.secret import Secret, cleared_frames
from smallest_nb.errors import ConfigError

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


def _sources() -> dict[str, tuple[str, Callable[[], Secret]]]:
    known = {
        "environment": (f"environment {_NAME}", _environment),
        "colab": ("Colab's secrets", _colab),
        "kaggle": ("Kaggle's secrets", _kaggle),
        "keyring": ("keyring", _keyring),
        "dotenv": (".env", _dotenv),
    }
    wanted = _wanted()
    if wrong := [n for n in wanted if n not in known]:
        raise ConfigError(f"{ENV_SOURCES} names {wrong[0]!r}; expected some of {', '.join(known)}.")
    return {name: known[name] for name in known if not wanted or name in wanted}


def _wanted() -> list[str]:
    return [n.strip() for n in os.environ.get(ENV_SOURCES, "").split(",") if n.strip()]


def _look_at(source: str, words: str, read: Callable[[], Secret]) -> Looked:
    if source in _kept:
        return Looked(words, "found", _kept[source])
    if source in _given_up:
        return Looked(words, f"did not answer within {_ANSWER_SECS:g} s and is not asked again")
    try:
        with cleared_frames():  # an interrupt passes through the frames of the code that reads files and answers
            found = (read() if source in ("environment", "colab", "dotenv") else _bounded(read)).check()
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


def _boxed(value: object, source: str) -> Secret:
    """Box what a source holds.

    Raises:
        _NotThere: Nothing, or white space only.
    """
    secret = Secret.of(value.strip() or None if isinstance(value, str) else value, source)
    del value
    if secret is None:
        raise _NotThere("not there")
    return secret


def _bounded(read: Callable[[], Secret]) -> Secret:
    """Let a source answer in a thread: a keyring may wait for a person who sits elsewhere."""
    answers: list[Secret] = []
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


def _environment() -> Secret:
    return _boxed(os.environ.get(_NAME), f"environment {_NAME}")


def _colab() -> Secret:
    if "google.colab" not in sys.modules:
        raise _NotThere("this is not Colab")
    if not _in_a_cell():
        raise _NotThere("can be asked in a cell only")
    from google.colab import userdata  # noqa: PLC0415

    return _boxed(userdata.get(_NAME), "Colab's secrets")


def _in_a_cell() -> bool:
    """Whether a cell runs here: not a thread's work, nor a message from the page, which may come on the main one."""
    if threading.current_thread() is not threading.main_thread():
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    parent: dict[str, Any] = getattr(shell, "parent_header", None) or {}
    kind = parent.get("header", parent).get("msg_type")
    return kind in (None, "execute_request")


def _kaggle() -> Secret:
    if not _is_kaggle():
        raise _NotThere("this is not Kaggle")
    from kaggle_secrets import UserSecretsClient  # noqa: PLC0415

    return _boxed(UserSecretsClient().get_secret(_NAME), "Kaggle's secrets")


def _is_kaggle() -> bool:
    return bool(os.environ.get("KAGGLE_KERNEL_RUN_TYPE"))


def _keyring() -> Secret:
    if find_spec("keyring") is None:
        raise _NotThere("keyring is not installed")
    import keyring  # noqa: PLC0415

    return _boxed(keyring.get_password(_SERVICE, _NAME), "keyring")


def _dotenv() -> Secret:
    if find_spec("dotenv") is None:
        raise _NotThere("python-dotenv is not installed")
    from dotenv import dotenv_values  # noqa: PLC0415

    here, home = Path.cwd(), Path.home()
    for folder in (here, *here.parents):
        path = folder / ".env"
        source = ".env in the working directory" if folder == here else f".env in {folder.name or folder}"
        if path.is_file() and (found := Secret.of(dotenv_values(path).get(_NAME) or None, source)) is not None:
            return found
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
    from keyring.errors import NoKeyringError  # noqa: PLC0415

    try:
        with cleared_frames():
            keyring.set_password(_SERVICE, _NAME, key.unwrap())
    except NoKeyringError:
        told = f"this machine has no keyring; set {_NAME}, or use a .env file"
    except Exception as error:  # whatever a backend raises: its words may hold the key
        told = f"the keyring refused it ({type(error).__name__})"
    else:
        return
    raise ConfigError(f"The key is used, but cannot be saved: {told}.")
