"""Sound both ways in a real JupyterLab: the player's commands, busy kernels old and new, the microphone's settings."""

from __future__ import annotations

import numpy as np
import pytest

from smallest_nb import Clip
from tests.support.page_sound import assert_nothing_lost, assert_same_sound, rendered
from tests.support.page_state import until, wait_position

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
RATE = 24000
STATE = "() => document.querySelector('.snb-player').dataset.state === '{}'"
PLAYER = """
import numpy as np, time, asyncio
import smallest_nb as snb
rng = np.random.default_rng(3)
smooth = np.convolve(rng.normal(0, 9000, 24000 * 14), np.ones(12) / 4, "same").clip(-30000, 30000).astype(np.int16)
def sound(seconds, start=0):
    return snb.Clip(smooth[start * 24000:][: int(seconds * 24000)].tobytes(), 24000)
player = snb.Player()
player
"""


def sound(seconds: float, start: int = 0) -> Clip:
    """The same sound as in the kernel."""
    rng = np.random.default_rng(3)
    made = np.convolve(rng.normal(0, 9000, RATE * 14), np.ones(12) / 4, "same").clip(-30000, 30000).astype(np.int16)
    return Clip(made[start * RATE :][: int(seconds * RATE)].tobytes(), RATE)


@pytest.fixture(scope="module")
def page_with_player(lab):
    name = lab.write_notebook("player.ipynb", PLAYER)
    with lab.browse(name) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        yield notes


@pytest.fixture
def player(page_with_player):
    """The page with its player at rest, nothing rendered yet."""
    notes = page_with_player
    notes.do("player.loop = False; player.volume = 1.0; player.stop()")
    wait_state(notes, "idle")
    notes.page.evaluate("() => window.__tap.settle()")
    notes.page.evaluate("() => window.__tap.clear()")
    return notes


def wait_state(notes, state: str) -> None:
    notes.page.wait_for_function(STATE.format(state), timeout=15_000)


def test_streams_queue_without_a_gap_and_the_end_is_reported(player):
    player.do("ends = []; player.on_finished(lambda: ends.append(player.position))")
    player.do("player.play(sound(1)); player.play(sound(1.5, 1), queued=True)")
    wait_state(player, "playing")
    wait_state(player, "idle")
    heard, rate = rendered(player)
    assert_same_sound(sound(2.5), heard, rate)
    until(player, "ends", [1.5])
    assert player.kernel("player.underruns") == 0


def test_pause_seek_loop_and_volume(player):
    player.do("player.play(sound(3))")
    wait_state(player, "playing")
    wait_position(player, 0.4)
    player.page.get_by_role("button", name="Pause").click()
    wait_state(player, "paused")
    until(player, "player.state", "paused")
    player.page.evaluate("() => window.__tap.settle()")
    player.page.wait_for_timeout(300)  # the last report of the audio thread reaches the kernel
    held = player.kernel("player.position")
    player.page.wait_for_timeout(700)  # it stays there
    assert player.kernel("player.position") == held
    player.page.get_by_role("button", name="Pause").click()
    wait_state(player, "playing")
    wait_state(player, "idle")
    heard, rate = rendered(player)
    loud = np.abs(heard) > 1e-4
    assert np.flatnonzero(loud)[-1] - np.flatnonzero(loud)[0] > 3.5 * rate, "the pause was not heard"
    assert np.count_nonzero(loud) == pytest.approx(3 * rate, rel=0.02), "samples were lost or played twice"

    player.do("player.seek(2.5)")
    wait_state(player, "playing")
    wait_state(player, "idle")
    player.page.evaluate("() => window.__tap.clear()")
    player.do("player.loop = True; player.seek(2.0)")
    wait_state(player, "playing")
    player.page.wait_for_function(
        "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow')) < 1"
    )
    assert player.page.evaluate("() => document.querySelector('.snb-player').dataset.state") == "playing"
    player.do("player.loop = False; player.stop()")
    wait_state(player, "idle")
    player.do("player.volume = 0.25")
    player.page.wait_for_function("() => document.querySelector('.snb-player-volume').value === '0.25'")


def test_the_wave_can_be_pressed_and_moved_by_keys(player):
    player.do("player.play(sound(3))")
    wait_state(player, "playing")
    wave = player.page.locator(".snb-player-wave")
    box = wave.bounding_box()
    wave.click(position={"x": box["width"] * 0.8, "y": 10})
    player.page.wait_for_function(
        "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow')) >= 2.3"
    )
    wave.press("ArrowLeft")
    player.page.wait_for_function(
        "() => Number(document.querySelector('.snb-player-wave').getAttribute('aria-valuenow')) < 2.3"
    )


BUSY = {
    "sleeps": "time.sleep({})",
    "awaits": "await asyncio.sleep({})",
    "spins": "end = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))",
}
RECORDER = """
mic = snb.Microphone()
got, stamps = [], []
mic.on_audio(lambda pcm: (got.append(pcm), stamps.append(time.monotonic())))
mic
"""


@pytest.fixture(scope="module")
def counting(tmp_path_factory):
    """A WAV that is long enough for everything: each 10 ms of it is a level of its own."""
    rate, seconds = 48000, 60
    levels = np.repeat(np.arange(seconds * 100) % 97 + 3, rate // 100)
    tone = np.sin(np.arange(rate * seconds) * 2 * np.pi * 500 / rate) * levels * 300
    return Clip.from_array(tone.astype(np.int16), rate).to_wav(tmp_path_factory.mktemp("count") / "count.wav")


@pytest.mark.parametrize(
    "ipykernel", ["newest", *(pytest.param(older, marks=pytest.mark.hosts) for older in ("6.31.0", "6.17.1"))]
)
def test_a_busy_kernel_loses_no_sound_either_way(lab, counting, ipykernel):
    """A cell sleeps, awaits and spins for 10 s each: the player plays on, the microphone's sound is caught up."""
    kernel = "python3" if ipykernel == "newest" else lab.add_kernel(ipykernel)
    busy = [body.format(10) for body in BUSY.values()]
    name = lab.write_notebook(f"busy-{ipykernel}.ipynb", PLAYER, RECORDER, kernel=kernel)
    with lab.browse(name, microphone=counting) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-player[data-ready='true']")
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        if ipykernel != "newest":
            assert notes.kernel("__import__('ipykernel').__version__") == ipykernel
        notes.page.get_by_role("button", name="Record").click()
        notes.page.wait_for_selector(".snb-mic[data-state='recording']")
        for body in busy:
            notes.page.evaluate("() => window.__tap.clear()")
            notes.do("player.play(sound(0.3))")
            wait_state(notes, "playing")
            wait_state(notes, "idle")
            notes.page.evaluate("() => { window.__tap.clear(); window.__tap.lengthens = true; }")
            # The stream is fed from the background loop in real time, as a service would, while the cell is busy.
            notes.do(
                "from smallest_nb.client import background_loop as runtime\n"
                "async def speak():\n"
                "    stream = player.open_stream(24000)\n"
                "    started = time.monotonic()\n"
                "    for n in range(90):\n"
                "        stream.write(smooth[n * 2400 : (n + 1) * 2400].tobytes())\n"
                "        await asyncio.sleep(max(0, started + n / 10 - time.monotonic()))\n"
                "    stream.end()\n"
                "runtime.submit(speak())\n" + body
            )
            wait_state(notes, "idle")
            heard, rate = rendered(notes)
            assert_nothing_lost(sound(9), heard, rate)
        notes.page.get_by_role("button", name="Stop").last.click()
        notes.page.wait_for_selector(".snb-mic[data-state='idle']", timeout=20_000)
        assert notes.kernel("mic.dropped") == 0
        pcm = bytes.fromhex(notes.kernel("b''.join(got).hex()"))
        recorded = notes.kernel("mic.received") / 16000
        assert recorded > 30
        assert_no_jump(np.frombuffer(pcm, "<i2").astype(float))


def assert_no_jump(samples: np.ndarray) -> None:
    """Each 10 ms of the file has a level of its own: they come one after the other, none missing, none twice.

    Chromium's fake device puts in silence of its own, of any length, while it starts or where the machine is busy: a
    window that is silent in part has a wrong level, but those after it are right again. After a loss they never are.
    """
    window = 160
    levels = np.sqrt(np.mean(samples[: len(samples) // window * window].reshape(-1, window) ** 2, axis=1)) * np.sqrt(2)
    steps = np.round(levels / 300) - 3
    loud = np.flatnonzero(levels > 600)[50:]  # not the first half second, in which the fake device starts
    good, wrong = [loud[0]], 0
    for place in loud[1:]:
        advance = (steps[place] - steps[good[-1]]) % 97
        fits = len(good) == 1 or advance <= place - good[-1] + 1
        wrong = 0 if fits else wrong + 1
        assert wrong <= 3, f"the sound jumps after {good[-1] / 100:.2f} s"
        if fits:
            good.append(place)
    assert len(good) > 2500


def test_the_microphone_says_which_device_it_is_and_what_was_granted(lab):
    name = lab.write_notebook("devices.ipynb", PLAYER, RECORDER)
    with lab.browse(name) as notes:
        notes.run_all()
        notes.page.wait_for_selector(".snb-mic[data-ready='true']")
        notes.do("mic.device = 'Fake Audio Input 2'; mic.noise_suppression = True")
        notes.page.get_by_role("button", name="Record").click()
        notes.page.wait_for_selector(".snb-mic[data-state='recording']")
        until(notes, "bool(mic.granted and mic.device_rate)")
        granted = notes.kernel("mic.granted")
        assert granted["device"] == "Fake Audio Input 2"
        assert granted["noise_suppression"]
        assert notes.kernel("mic.device_rate") > 0
        notes.page.get_by_role("button", name="Stop").last.click()
        notes.page.wait_for_selector(".snb-mic[data-state='idle']")
        notes.page.get_by_text("Microphone settings").click()
        listed = notes.page.locator(".snb-mic-device option").all_inner_texts()
        assert listed[0] == "The browser's default"
        assert "Fake Audio Input 2" in listed
        notes.page.get_by_label("Echo cancellation").check()
        until(notes, "mic.echo_cancellation")
        notes.do("mic.device = 'Nowhere'")
        notes.page.get_by_role("button", name="Record").click()
        notes.page.locator(".snb-mic .snb-error").filter(has_text='"Nowhere" is not there; found: ').wait_for()
