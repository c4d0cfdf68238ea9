"""Prompts for the API key, without showing what is typed."""

from __future__ import annotations

import getpass
import threading
import warnings

from smallest_nb.common.secret import Secret, cleared_frames
from smallest_nb.errors import AuthError

__all__ = ["prompt_for_key"]

_QUESTION = "Smallest AI API key (not shown): "
_ELSEWHERE = "Set SMALLEST_API_KEY before you start, or use the secrets of Colab or Kaggle, keyring or a .env file."


def prompt_for_key() -> Secret:
    """Prompt for the key in the terminal, or in the notebook's page.

    Raises:
        AuthError: There is no terminal and no page, as when a notebook is executed by a program; or no answer came.
        ConfigError: What was typed cannot be a key.
    """
    if threading.current_thread() is not threading.main_thread():
        raise AuthError(f"A key can be typed in a cell or on the main thread only. {_ELSEWHERE}")
    try:
        with warnings.catch_warnings(), cleared_frames():
            warnings.simplefilter("error", getpass.GetPassWarning)  # it would read on, and show what is typed
            typed = Secret.of(getpass.getpass(_QUESTION).strip(), "prompt")
    except (NotImplementedError, getpass.GetPassWarning):  # the first is ipykernel's, without a page
        pass
    except EOFError:
        raise AuthError(f"No key was typed. {_ELSEWHERE}") from None
    else:
        if typed is not None:
            return typed.check()
    raise AuthError(f"No key can be typed here: there is no terminal and no page. {_ELSEWHERE}")
