"""What a person does in an output frame, and what is heard of it."""

from __future__ import annotations

from colab.notebook import rendered

from smallest_nb import Clip
from tests.support.page_sound import assert_same_sound

__all__ = ["MIC", "PLAYER", "check_heard", "hear", "press", "shown", "state"]

PLAYER, MIC = ".snb-player", ".snb-mic"


def state(frame, part: str, wanted: str, seconds: float = 20) -> None:
    frame.wait_for_selector(f"{part}[data-state='{wanted}']", timeout=seconds * 1000)


def press(frame, name: str) -> None:
    frame.get_by_role("button", name=name, exact=True).click()


def shown(notes, number: int = -1):
    """Return the frame of an output once the kernel has answered its player."""
    frame = notes.frame(number)
    frame.wait_for_selector(f"{PLAYER}[data-ready='true']")
    return frame


def hear(frame, act) -> None:
    """Do something and wait until the new take was played to its end."""
    frame.evaluate("() => window.__tap.clear()")
    before = frame.get_attribute(PLAYER, "data-takes")
    act()
    frame.wait_for_function(
        "(before) => { const { takes, state } = document.querySelector('.snb-player').dataset;"
        " return takes !== before && state === 'idle'; }",
        arg=before,
    )


def check_heard(server, frame) -> None:
    """Check that the frame rendered the kernel's last take, whole and without a gap."""
    sent = Clip(bytes.fromhex(server.eval("tuner.takes[-1].clip.pcm.hex()")), 24000)
    assert sent.duration > 0.3
    sound, rate = rendered(frame)
    assert_same_sound(sent, sound, rate)
    underruns = frame.get_attribute(PLAYER, "data-underruns")
    assert underruns == "0", underruns
