"""Each snippet is run as it is copied, in the environment it is for, and what it sends and yields is looked at."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import wave

import numpy as np
import pytest
import sound
from plan import WEATHER
from tap import Tap

from bench.environments import ROOT, interpreter
from smallest_nb.api.code_export import TARGETS, tts_code
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

KEY = "sk_test_canary_7f3a"
SETTINGS = SmallestTTSSettings.complete(model="lightning-v3.1", voice="magnus", speed=1.5, math_notation=True)
LIBRARIES = {"pipecat": "pipecat", "pipecat_update": "pipecat", "livekit": "livekit"}
pytestmark = [pytest.mark.oracle, pytest.mark.oracle_quick]


@pytest.fixture
def withdrawn():
    with Simulator(behaviour=Behaviour(retired=frozenset({"lightning-v3.1"}))) as running:
        made = Tap(running.port)
        yield made
        made.close()


@pytest.fixture
def tap(simulator):
    made = Tap(simulator.port)
    yield made
    made.close()


def _environment(tap) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("SMALLEST_")}
    return kept | {"SMALLEST_API_KEY": KEY, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def _command(target: str, url: str) -> list[str]:
    if target in LIBRARIES:
        python = interpreter(LIBRARIES[target])
        assert python is not None, f"the environment of {LIBRARIES[target]} is missing: make peers"
        return [str(python), "-m", "tests.oracles.snippet", target, WEATHER, "OUT", url]
    if target == "curl":
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed here")
        return ["bash", "-euo", "pipefail"]
    return [sys.executable, "-"]


def _run(target: str, code: str, tap, folder) -> np.ndarray:
    command = [str(folder / "out.pcm") if part == "OUT" else part for part in _command(target, tap.url)]
    env = _environment(tap)
    place = folder if target not in LIBRARIES else ROOT
    if target == "smallest_nb":
        env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, input=code, text=True, cwd=place, env=env, capture_output=True, timeout=90)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    if target in LIBRARIES:
        return np.fromfile(folder / "out.pcm", "<i2").astype(float)
    with wave.open(str(folder / "speech.wav")) as file:
        assert file.getframerate() == 24000
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


@pytest.mark.parametrize("target", TARGETS)
def test_a_snippet_runs_as_it_is(target, tap, tmp_path):
    code = tts_code(target, SETTINGS, text=WEATHER, base_url=tap.url)
    samples = _run(target, code, tap, tmp_path)
    assert 1.0 < sound.seconds(samples) < 3.2, "it speaks, and at one and a half times the speed"
    if target == "curl":
        return  # the tap reads WebSockets; the rest is seen in the sound
    sent = [m.data for c in tap.connections for m in c.messages if m.client]
    first = next(frame for frame in sent if frame.get("text", "").strip())
    assert (first["voice_id"], first["speed"], first.get("language", "en")) == ("magnus", 1.5, "en")
    if target != "livekit":
        assert first["math_notation"] is True
    assert first["model"] == "lightning_v3.1"


@pytest.mark.parametrize(
    "settings",
    [SmallestTTSSettings.complete(), SmallestTTSSettings.complete(voice="magnus", speed=1.5)],
    ids=["defaults", "a voice that the replacement lacks"],
)
@pytest.mark.parametrize("target", TARGETS)
def test_L3_a_snippet_speaks_where_the_default_model_is_withdrawn(target, settings, withdrawn, tmp_path):
    code = tts_code(target, settings, text=WEATHER, base_url=withdrawn.url)
    assert sound.seconds(_run(target, code, withdrawn, tmp_path)) > 1.0


def test_L3_a_snippet_names_what_lasts_unless_it_was_chosen_or_heard():
    given = SmallestTTSSettings.complete(voice="magnus")
    for target in set(TARGETS) - {"smallest_nb"}:
        code = tts_code(target, given, text="Hello.")
        assert "lightning_v3.1_pro" in code
        assert "meher" in code
        assert "# lightning-v3.1, the default, ends on 2026-11-30 (docs.jambonz.org/" in code
        assert "It has no voice magnus: meher speaks." in code
        chosen, _ = given.merged(SmallestTTSSettings(model="lightning-v3.1"))
        for kept in (tts_code(target, given, text="Hello.", heard=True), tts_code(target, chosen, text="Hello.")):
            assert "lightning_v3.1_pro" not in kept
            assert "magnus" in kept
            assert "# after that, use lightning-v3.1-pro with a voice such as meher." in kept
    assert tts_code("smallest_nb", given, text="Hello.") == (
        'import smallest_nb as snb\n\nclip = snb.speak("Hello.", voice="magnus")\nclip.to_wav("speech.wav")\n'
    ), "it goes on by itself"


def test_UX25_the_program_for_websockets_runs_in_a_cell_too(tap, tmp_path, monkeypatch):
    """A cell runs inside a loop that runs already."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMALLEST_API_KEY", KEY)
    code = tts_code("websocket", SETTINGS, text="Hello.", base_url=tap.url)

    async def cell():
        exec(compile(code, "cell", "exec"), {"__name__": "__main__"})

    asyncio.run(cell())
    with wave.open(str(tmp_path / "speech.wav")) as file:
        assert file.getnframes() > 4000


@pytest.mark.parametrize("text", ["It's \"quoted\", $HOME `id` \\ and\nbroken; 'over' two lines 😀 — done."])
@pytest.mark.parametrize("target", ["smallest_nb", "websocket", "curl"])
def test_no_text_escapes_from_its_quotes(target, text, tap, tmp_path):
    code = tts_code(target, SETTINGS, text=text, base_url=tap.url)
    assert sound.seconds(_run(target, code, tap, tmp_path)) > 1.0
    if target != "curl":
        sent = [m.data for c in tap.connections for m in c.messages if m.client]
        assert "".join(frame.get("text", "") for frame in sent).split() == text.split()


def test_a_request_by_curl_is_the_one_on_the_wire():
    code = tts_code("curl", SETTINGS, text="It's fine.")
    body = subprocess.run(
        ["bash", "-c", 'curl() { for a in "$@"; do printf "%s\\0" "$a"; done; }\n' + code],
        capture_output=True, timeout=10, check=True, env={"SMALLEST_API_KEY": KEY},
    ).stdout.decode().split("\0")  # fmt: skip
    assert json.loads(body[body.index("--data") + 1]) == {
        "text": "It's fine.", "voice_id": "magnus", "language": "en", "sample_rate": 24000, "speed": 1.5,
        "math_notation": True, "model": "lightning_v3.1", "output_format": "wav",
    }  # fmt: skip
    assert body[-2] == "https://api.smallest.ai/waves/v1/tts"
    assert f"Authorization: Bearer {KEY}" in body


def test_what_a_library_does_not_take_is_said():
    given = SmallestTTSSettings.complete(number_pronunciation_language="hi", word_timestamps=True)
    assert "Pipecat does not take number_pronunciation_language" in tts_code("pipecat", given, text="a")
    assert "word_timestamps" not in tts_code("pipecat", given, text="a"), "there it is on by itself"
    assert "# LiveKit does not take number_pronunciation_language" in tts_code("livekit", given, text="a")
    retired = SmallestTTSSettings.complete(model="lightning-v2", voice="emily", consistency=0.7)
    assert "consistency=0.7" in tts_code("pipecat", retired, text="a")
    assert "pipecat-ai 1.3 was the last" in tts_code("pipecat", retired, text="a")
    for target in TARGETS:
        assert KEY not in tts_code(target, given, text="a")
        assert "base_url" not in tts_code(target, given, text="a")
