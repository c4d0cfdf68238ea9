"""What Colab alone needs.

Colab asks for the microphone by a way of its own, and has been seen to refuse it silently to a page that asks from
within another until a plain cell had asked once (mesop#1152).
"""

from __future__ import annotations

import sys

from smallest_nb.errors import ConfigError, FrontEndError

__all__ = ["ASK", "enable_mic"]

ASK = """(async () => {
  if (!navigator.mediaDevices?.getUserMedia) return "the page is not secure";
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    return "";
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
})()"""
"""Opens the microphone and closes it again; returns the reason if that fails."""


def enable_mic(timeout: float = 60.0) -> None:
    """Let Colab ask for the microphone from this cell; then the widgets' buttons may use it.

    Args:
        timeout: Seconds to wait for a person's answer.

    Raises:
        ConfigError: This is not Colab.
        FrontEndError: The browser gave no microphone, with its reason, or no answer came.
    """
    if "google.colab" not in sys.modules:
        raise ConfigError("This is not Colab: press the widget's button, and the browser asks for the microphone.")
    from google.colab import output  # noqa: PLC0415 - it is nowhere else

    try:
        problem = str(output.eval_js(ASK, timeout_sec=timeout))
    except Exception as error:
        raise FrontEndError(f"Colab did not ask for the microphone within {timeout:g} s: {error}") from None
    if problem:
        raise FrontEndError(
            f"The browser gave no microphone ({problem}). Allow it in the address bar's site settings and run this "
            "cell again, or transcribe a file."
        )
