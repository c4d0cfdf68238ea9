"""Where an API key is found, and how one is saved.

The sources are searched in this order; the first key wins, and `Secret.source` names where it was:

1. the environment, SMALLEST_API_KEY
2. Colab's secrets, only in a cell on the main thread: anywhere else Colab's own call would never return
3. Kaggle's secrets
4. keyring, if it is installed: service "smallest-nb", user "SMALLEST_API_KEY"
5. a `.env` file in the working directory or above it, up to the home directory or the root, if python-dotenv is
   installed; the process's environment is not changed

SMALLEST_KEY_SOURCES restricts them ("environment,keyring"), for runs that must not depend on whose machine they are on.
Of a source that fails only the name of the error is kept, because its text may hold the key. A value that cannot be a
key is an error, since the simulator in its place would surprise. Each source wraps what it reads in a Secret at once.
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

__all__ = ["ENV_SOURCES", "SearchedSource", "find_key", "save_key", "search_sources"]

_log = logging.getLogger(__name__)
_NAME = "SMALLEST_API_KEY"
_SERVICE = "smallest-nb"
_ANSWER_SECS = 10.0
ENV_SOURCES = "SMALLEST_KEY_SOURCES"


class _NoKeyFound(Exception):  # noqa: N818 - no failure
    """A source has no key; the message says why."""


@dataclass(frozen=True, slots=True)
class SearchedSource:
    """One source that was searched for a key.

    Attributes:
        source: The source, in words.
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
    return search_sources()[-1].key


def search_sources() -> list[SearchedSource]:
    """Search the sources until one has a key, and return those that were searched; a key can only be in the last.

    Raises:
        ConfigError: As `find_key`.
    """
    searched = []
    for source, (words, read) in _sources().items():
        searched.append(_search(source, words, read))
        if searched[-1].key is not None:
            break
    return searched


def _sources() -> dict[str, tuple[str, Callable[[], Secret]]]:
    known = {
        "environment": (f"environment {_NAME}", _environment),
        "colab": ("Colab's secrets", _colab),
        "kaggle": ("Kaggle's secrets", _kaggle),
        "keyring": ("keyring", _keyring),
        "dotenv": (".env", _dotenv),
    }
    wanted = _chosen_sources()
    if wrong := [n for n in wanted if n not in known]:
        raise ConfigError(f"{ENV_SOURCES} names {wrong[0]!r}; expected some of {', '.join(known)}.")
    return {name: known[name] for name in known if not wanted or name in wanted}


def _chosen_sources() -> list[str]:
    return [n.strip() for n in os.environ.get(ENV_SOURCES, "").split(",") if n.strip()]


def _search(source: str, words: str, read: Callable[[], Secret]) -> SearchedSource:
    if source in _kept:
        return SearchedSource(words, "found", _kept[source])
    if source in _given_up:
        return SearchedSource(words, f"did not answer within {_ANSWER_SECS:g} s and is not tried again")
    try:
        with cleared_frames():  # an interrupt passes through the frames of the code that reads files and answers
            found = (read() if source in ("environment", "colab", "dotenv") else _read_in_thread(read)).check()
    except _NoKeyFound as why:
        return SearchedSource(words, str(why))
    except ConfigError:
        raise
    except TimeoutError:
        _given_up.add(source)
        return SearchedSource(words, f"did not answer within {_ANSWER_SECS:g} s")
    except Exception as error:
        _log.info("no key in %s (%s)", words, type(error).__name__)
        return SearchedSource(words, f"could not be read ({type(error).__name__})")
    if source in ("colab", "kaggle"):  # slow ones, of which Colab answers only a cell
        _kept[source] = found
    return SearchedSource(words, "found", found)


def _as_secret(value: object, source: str) -> Secret:
    """Return the value of a source as a Secret.

    Raises:
        _NoKeyFound: It is empty, or white space only.
    """
    secret = Secret.of(value.strip() or None if isinstance(value, str) else value, source)
    del value
    if secret is None:
        raise _NoKeyFound("not there")
    return secret


def _read_in_thread(read: Callable[[], Secret]) -> Secret:
    """Read a source in a thread, for a limited time: a keyring may wait for a person to unlock it."""
    answers: list[Secret] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(read())
        except BaseException as error:  # raised again below
            failures.append(error)

    thread = threading.Thread(target=run, name="smallest_nb-key", daemon=True)
    thread.start()
    thread.join(_ANSWER_SECS)
    if failures:
        raise failures[0]
    if not answers:
        raise TimeoutError
    return answers[0]


def _environment() -> Secret:
    return _as_secret(os.environ.get(_NAME), f"environment {_NAME}")


def _colab() -> Secret:
    if "google.colab" not in sys.modules:
        raise _NoKeyFound("this is not Colab")
    if not _is_in_cell():
        raise _NoKeyFound("can be read in a cell only")
    from google.colab import userdata  # noqa: PLC0415

    return _as_secret(userdata.get(_NAME), "Colab's secrets")


def _is_in_cell() -> bool:
    """Return whether a cell runs here, not a thread, nor a handler of the page's messages on the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    parent: dict[str, Any] = getattr(shell, "parent_header", None) or {}
    kind = parent.get("header", parent).get("msg_type")
    return kind in (None, "execute_request")


def _kaggle() -> Secret:
    if not _is_kaggle():
        raise _NoKeyFound("this is not Kaggle")
    from kaggle_secrets import UserSecretsClient  # noqa: PLC0415

    return _as_secret(UserSecretsClient().get_secret(_NAME), "Kaggle's secrets")


def _is_kaggle() -> bool:
    return bool(os.environ.get("KAGGLE_KERNEL_RUN_TYPE"))


def _keyring() -> Secret:
    if find_spec("keyring") is None:
        raise _NoKeyFound("keyring is not installed")
    import keyring  # noqa: PLC0415

    return _as_secret(keyring.get_password(_SERVICE, _NAME), "keyring")


def _dotenv() -> Secret:
    if find_spec("dotenv") is None:
        raise _NoKeyFound("python-dotenv is not installed")
    from dotenv import dotenv_values  # noqa: PLC0415

    here, home = Path.cwd(), Path.home()
    for folder in (here, *here.parents):
        path = folder / ".env"
        source = ".env in the working directory" if folder == here else f".env in {folder.name or folder}"
        if path.is_file() and (found := Secret.of(dotenv_values(path).get(_NAME) or None, source)) is not None:
            return found
        if folder == home:
            break
    raise _NoKeyFound("not there")


def save_key(key: Secret) -> None:
    """Save a key in the keyring, where every notebook of this person finds it.

    Raises:
        ConfigError: keyring is not installed, has no store, or refused.
    """
    if find_spec("keyring") is None:
        raise ConfigError('The key cannot be saved: keyring is not installed; pip install "smallest-nb[keyring]".')
    import keyring  # noqa: PLC0415
    from keyring.errors import NoKeyringError  # noqa: PLC0415

    try:
        with cleared_frames():
            keyring.set_password(_SERVICE, _NAME, key.unwrap())
    except NoKeyringError:
        why = f"this machine has no keyring; set {_NAME}, or use a .env file"
    except Exception as error:  # whatever a backend raises: its text may hold the key
        why = f"the keyring refused it ({type(error).__name__})"
    else:
        return
    raise ConfigError(f"The key is used, but cannot be saved: {why}.")
