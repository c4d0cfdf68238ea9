"""The wheel holds the built front end, installs into an empty environment, and a bad front end stops the build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UV = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
pytestmark = [pytest.mark.packaging, pytest.mark.timeout(300)]
ASSETS = ("tuner", "transcriber", "player", "microphone", "transcript-view", "settings", "doctor")


def build(tree: Path, out: Path, *kind: str) -> subprocess.CompletedProcess:
    return subprocess.run([UV, "build", *kind, "--out-dir", str(out), str(tree)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what is in git, and the built front end."""
    copy = tmp_path_factory.mktemp("tree") / "project"
    skip = shutil.ignore_patterns(
        ".venv",
        ".versions",
        ".bench",
        ".hosts",
        ".tools",
        "node_modules",
        ".git",
        "test-output",
        "__pycache__",
        ".*_cache",
    )
    shutil.copytree(ROOT, copy, ignore=skip)
    return copy


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    done = build(tree, out, "--wheel")
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_what_is_needed(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for name in ASSETS:
        kinds = ("js", "css", "packed")
        assert {f"smallest_nb/notebook/static/{name}.{kind}" for kind in kinds} <= names
    assert {"smallest_nb/notebook/static/manifest.json", "smallest_nb/py.typed"} <= names
    assert "smallest_nb/notebooks/01_tune_a_voice.ipynb" in names
    (extension,) = (name for name in names if name.endswith("etc/jupyter/jupyter_server_config.d/smallest_nb.json"))
    assert extension.split("/")[1] == "data", "Jupyter Server finds it in the environment"
    assert not [n for n in names if "tests" in n.split("/") or "/test_" in n or "node_modules" in n]
    assert wheel.stat().st_size < 1_900_000, "something large came in"


def test_it_works_in_an_empty_environment(wheel, tmp_path):
    env = tmp_path / "env"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(env)], check=True)
    python = env / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([UV, "pip", "install", "--quiet", "--python", str(python), f"{wheel}[simulator]"], check=True)
    code = """
import sys
import smallest_nb as snb
assert not {"ipywidgets", "anywidget", "IPython"} & set(sys.modules), "plain scripts must not pay for Jupyter"
player = snb.Player()
assert "registerProcessor" in str(player._esm) and "snb-player" in str(player._css)
clip = snb.speak("One, two, three.", sample_rate=16000)
assert clip.duration > 0.5
print(snb.__version__, snb.__file__)
"""
    done = subprocess.run([str(python), "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert str(env) in done.stdout
    listed = subprocess.run([str(env / "bin" / "smallest-nb"), "--help"], capture_output=True, text=True, check=True)
    assert "simulate" in listed.stdout


def test_it_works_with_the_versions_that_colab_ships(wheel, tmp_path):
    """The installation must not upgrade Colab's packages, so it has to work with them."""
    pins = ["ipykernel==6.17.1", "ipython==7.34.0", "ipywidgets==7.7.1", "traitlets==5.7.1", "anywidget==0.9.21",
            "websockets==15.0.1", "setuptools<81"]  # fmt: skip
    env = tmp_path / "env"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(env)], check=True)
    python = str(env / "bin" / "python")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *pins, f"{wheel}[simulator,data]"], check=True)
    code = """
import smallest_nb as snb
from smallest_nb.simulator import Behaviour
snb.use_simulator(behaviour=Behaviour(engine="signal"))  # versions are tried here, not the recogniser
tuner = snb.VoiceTuner("The weather will be cold and cloudy this morning.", voice="magnus", sample_rate=16000)
take = tuner.audition()
tuner.settings = {"speed": 1.3}
assert (tuner.speed, tuner.panel.values["speed"]) == (1.3, 1.3)
live = snb.LiveTranscriber(word_timestamps=True)
transcript = live.feed(take.clip.padded(0.4, 0.4), pace=4)
assert "weather" in transcript.text.lower(), transcript.text
tuner.close(), live.close()
"""
    done = subprocess.run([python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_sdist_builds_the_same_wheel_without_node(tree, tmp_path):
    assert build(tree, tmp_path, "--sdist").returncode == 0
    (sdist,) = tmp_path.glob("*.tar.gz")
    env = {**os.environ, "PATH": str(Path(UV).parent)}
    done = subprocess.run([UV, "build", "--wheel", "--out-dir", str(tmp_path), str(sdist)], env=env,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("harm", ["missing", "stale", "damaged"])
def test_a_front_end_that_cannot_be_shipped_stops_the_build_with_a_sentence(tree, tmp_path, harm):
    broken = tmp_path / "broken"
    shutil.copytree(tree, broken)
    static = broken / "smallest_nb" / "notebook" / "static"
    if harm == "missing":
        shutil.rmtree(static)
    elif harm == "stale":
        source = broken / "js" / "src" / "channel.ts"
        source.write_text(source.read_text() + "\n// changed\n")
    else:
        (static / "player.js").write_text("")
    done = build(broken, tmp_path / "out", "--wheel")
    assert done.returncode != 0
    reason = {"missing": "is not built", "stale": "is stale", "damaged": "is damaged"}[harm]
    assert reason in done.stderr
    assert "make frontend" in done.stderr


def test_an_editable_install_needs_no_front_end(tree, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(tree, broken, ignore=shutil.ignore_patterns("static"))
    env = tmp_path / "env"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, str(env)], check=True)
    python = str(env / "bin" / "python")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, "-e", str(broken)], check=True)
    code = "import smallest_nb as snb; assert 'make frontend' in str(snb.Player()._esm)"
    subprocess.run([python, "-c", code], check=True, cwd=tmp_path)


def test_version_and_changelog_agree():
    import smallest_nb

    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {smallest_nb.__version__}" in changelog
