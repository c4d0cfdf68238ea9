"""Where a key is found, in which order, and that no source that fails gives it away."""

from __future__ import annotations

import _thread
import logging
import os
import sys
import threading
import time
import traceback
import types
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked
from keyrings.alt.file import PlaintextKeyring

import smallest_nb as snb
from smallest_nb.common.secret import Secret
from smallest_nb.notebook import keys, session
from tests.support import key_leaks

CANARY = "sk_canary_keys_do_not_leak_4d1f"
NAME = "SMALLEST_API_KEY"


class InMemory(KeyringBackend):
    priority = 1

    def __init__(self):
        super().__init__()
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password


class Locked(InMemory):
    def get_password(self, service, username):
        raise KeyringLocked(f"{CANARY} is behind a lock")

    def set_password(self, service, username, password):
        raise KeyringLocked(f"{password} is behind a lock")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """Every source, none of them with anything of this machine's."""
    monkeypatch.setenv(keys.ENV_SOURCES, "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keys, "_kept", {})
    monkeypatch.setattr(keys, "_given_up", set())
    monkeypatch.setattr(session, "_chosen", None)
    before = keyring.get_keyring()
    memory = InMemory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def stub(monkeypatch, name, **members):
    """A module that exists nowhere but in Colab or Kaggle."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        part = ".".join(parts[:depth])
        if part not in sys.modules:
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
        if depth > 1:
            monkeypatch.setattr(
                sys.modules[".".join(parts[: depth - 1])], parts[depth - 1], sys.modules[part], raising=False
            )
    vars(sys.modules[name]).update(members)


def colab(monkeypatch, get):
    stub(monkeypatch, "google.colab", userdata=types.SimpleNamespace(get=get))


def kaggle(monkeypatch, get):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    stub(monkeypatch, "kaggle_secrets", UserSecretsClient=lambda: types.SimpleNamespace(get_secret=get))


def test_the_first_of_them_wins(monkeypatch, tmp_path, alone):
    assert keys.find_key() is None
    (tmp_path / ".env").write_text(f"{NAME}=sk_from_dotenv\n")
    assert keys.find_key().source == ".env in the working directory"
    alone.kept["smallest-nb", NAME] = "sk_from_keyring"
    assert (keys.find_key().source, keys.find_key().unwrap()) == ("keyring", "sk_from_keyring")
    kaggle(monkeypatch, lambda _label: "sk_from_kaggle")
    assert keys.find_key().source == "Kaggle's secrets"
    colab(monkeypatch, lambda _name: "sk_from_colab")
    assert keys.find_key().source == "Colab's secrets"
    monkeypatch.setenv(NAME, "sk_from_environment")
    assert keys.find_key().source == f"environment {NAME}"
    assert [one.outcome for one in keys.search_sources()] == ["found"]
    monkeypatch.setenv(keys.ENV_SOURCES, "keyring, dotenv")
    assert keys.find_key().source == "keyring"
    monkeypatch.setenv(keys.ENV_SOURCES, "keyrings")
    with pytest.raises(snb.ConfigError, match="'keyrings'.*dotenv"):
        keys.find_key()


def test_no_key_anywhere_says_why_of_each_place_and_simulates(monkeypatch):
    found_text = {one.source: one.outcome for one in keys.search_sources()}
    assert found_text == {
        f"environment {NAME}": "not there",
        "Colab's secrets": "this is not Colab",
        "Kaggle's secrets": "this is not Kaggle",
        "keyring": "not there",
        ".env": "not there",
    }
    with pytest.raises(snb.AuthError, match="ask_key"):
        snb.use_service()
    target = session.current_target()
    assert target.simulated
    assert "no API key" in target.label


def test_colab_is_asked_on_the_main_thread_only_and_once(monkeypatch):
    asked = []

    def get(name):
        asked.append((name, threading.current_thread()))
        return CANARY

    colab(monkeypatch, get)
    found = []
    elsewhere = threading.Thread(target=lambda: found.append(keys.search_sources()[1]))
    elsewhere.start()
    elsewhere.join(5)
    assert (asked, found[0].key, found[0].outcome) == ([], None, "can be read in a cell only")
    assert keys.find_key().unwrap() == CANARY
    elsewhere = threading.Thread(target=lambda: found.append(keys.find_key()))
    elsewhere.start()
    elsewhere.join(5)
    assert found[1].unwrap() == CANARY
    assert asked == [(NAME, threading.main_thread())]


def test_a_refusal_in_colab_is_not_asked_for_twice_by_the_doctor(monkeypatch):
    from smallest_nb.notebook.doctor.service import check_key

    asked = []
    colab(monkeypatch, lambda name: asked.append(name) or refuse(name))
    found_text = check_key()[0][0].found
    assert asked == [NAME]
    assert "Colab's secrets: could not be read (PermissionError)" in found_text


def test_a_dotenv_file_is_looked_for_up_to_the_home_and_changes_no_environment(monkeypatch, tmp_path):
    home = tmp_path / "home"
    deep = home / "project" / "notebooks"
    deep.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(deep)
    (tmp_path / ".env").write_text(f"{NAME}=sk_somebody_elses\n")
    assert keys.find_key() is None
    (home / "project" / ".env").write_text(f'# mine\nOTHER_THING=1\nexport {NAME}="{CANARY}"  # paste\n')
    (deep / ".env").write_text("SOMETHING_ELSE=2\n")
    before = dict(os.environ)
    found = keys.find_key()
    assert (found.unwrap(), found.source) == (CANARY, ".env in project")
    assert dict(os.environ) == before
    (home / "project" / ".env").write_text(f"{NAME}=\n")
    assert keys.find_key() is None


def test_a_real_keyring_file_keeps_what_was_saved(tmp_path):
    plain = PlaintextKeyring()
    plain.file_path = str(tmp_path / "keyring.cfg")
    keyring.set_keyring(plain)
    assert keys.find_key() is None
    keys.save_key(Secret(CANARY))
    assert keys.find_key().unwrap() == CANARY
    assert keyring.get_password("smallest-nb", NAME) == CANARY


@pytest.mark.parametrize("missing", ["keyring", "dotenv"])
def test_what_is_not_installed_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    assert (
        "is not installed"
        in {one.source: one.outcome for one in keys.search_sources()}[missing.replace("dotenv", ".env")]
    )
    if missing == "keyring":
        with pytest.raises(snb.ConfigError, match=r'pip install "smallest-nb\[keyring\]"'):
            keys.save_key(Secret(CANARY))


def test_no_way_to_save_is_reported(monkeypatch):
    for backend, expected in ((NoKeyring(), "has no keyring"), (Locked(), "KeyringLocked")):
        keyring.set_keyring(backend)
        with pytest.raises(snb.ConfigError, match=expected) as caught:
            keys.save_key(Secret(CANARY))
        assert CANARY not in in_full(caught.value)


def in_full(error):
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def refuse(name):
    raise PermissionError(f"{CANARY}: access to {name} was not given")


def fail_in_colab(monkeypatch):
    colab(monkeypatch, refuse)


def fail_in_kaggle(monkeypatch):
    kaggle(monkeypatch, refuse)


def fail_in_keyring(_monkeypatch):
    keyring.set_keyring(Locked())


def fail_in_dotenv(_monkeypatch):
    Path(".env").write_bytes(f"{NAME}=\xff{CANARY}\n".encode("latin-1"))


@pytest.mark.parametrize("fail", [fail_in_colab, fail_in_kaggle, fail_in_keyring, fail_in_dotenv])
def test_a_source_that_fails_says_so_without_the_key(monkeypatch, caplog, fail):
    caplog.set_level(logging.DEBUG)
    fail(monkeypatch)
    looked = keys.search_sources()
    assert [one.outcome for one in looked if "could not be read" in one.outcome]
    assert looked[-1].key is None
    assert "no key in" in caplog.text
    with pytest.raises(snb.AuthError) as caught:
        snb.use_service()
    for text in (repr(looked), caplog.text, in_full(caught.value)):
        assert CANARY not in text


def odd_in_environment(monkeypatch, value, _memory):
    monkeypatch.setenv(NAME, value)


def odd_in_colab(monkeypatch, value, _memory):
    colab(monkeypatch, lambda _name: value)


def odd_in_kaggle(monkeypatch, value, _memory):
    kaggle(monkeypatch, lambda _label: value)


def odd_in_keyring(_monkeypatch, value, memory):
    memory.kept["smallest-nb", NAME] = value


def odd_in_dotenv(_monkeypatch, value, _memory):
    Path(".env").write_text(f"{NAME}='{value}'\n")


@pytest.mark.parametrize("odd", [odd_in_environment, odd_in_colab, odd_in_kaggle, odd_in_keyring, odd_in_dotenv])
def test_a_key_that_cannot_be_one_is_an_error_that_does_not_show_it(monkeypatch, caplog, alone, odd):
    caplog.set_level(logging.DEBUG)
    odd(monkeypatch, f"{CANARY} and more", alone)
    with pytest.raises(snb.ConfigError, match="paste the bare key") as caught:
        session.current_target()
    for text in (in_full(caught.value), caplog.text, repr(caught.value)):
        assert CANARY not in text


def test_a_keyring_that_waits_for_somebody_is_left_alone(monkeypatch, alone):
    asked = []

    def wait(_service, _username):
        asked.append(1)
        time.sleep(20)
        return "sk_too_late"

    monkeypatch.setattr(keys, "_ANSWER_SECS", 0.2)
    monkeypatch.setattr(alone, "get_password", wait)
    began = time.monotonic()
    for _ in range(3):
        assert keys.find_key() is None
    assert time.monotonic() - began < 15
    assert asked == [1]
    assert "did not answer within 0.2 s" in keys.search_sources()[3].outcome


def in_dotenv(monkeypatch, value):
    Path(".env").write_text(f"{NAME}='{value}'\n")


SOURCES = {
    "environment": lambda monkeypatch, value: monkeypatch.setenv(NAME, value),
    "colab": lambda monkeypatch, value: colab(monkeypatch, lambda _name: value),
    "kaggle": lambda monkeypatch, value: kaggle(monkeypatch, lambda _label: value),
    "keyring": lambda monkeypatch, value: keyring.get_keyring().kept.update({("smallest-nb", NAME): value}),
    "dotenv": in_dotenv,
}


@pytest.mark.parametrize("source", SOURCES)
def test_K1_a_key_that_a_source_holds_and_that_cannot_be_one_is_not_shown(monkeypatch, source):
    SOURCES[source](monkeypatch, f'"{CANARY}"' if source == "dotenv" else f"{CANARY} and more")
    for ask in (keys.find_key, snb.use_service, session.current_target, snb.SmallestTTSService):
        with pytest.raises(snb.ConfigError, match="paste the bare key") as caught:
            ask()
        drawn = key_leaks.drawings(caught.value)
        assert "smallest_nb/notebook/keys.py" in drawn["traceback"] or source == "environment"
        assert not [tool for tool, text in drawn.items() if CANARY in text]


@pytest.mark.parametrize("source", ["colab", "dotenv"])
def test_K1_an_interrupt_while_a_source_is_read_shows_no_key(monkeypatch, source):
    def interrupted(_name):
        secret = CANARY + source  # as the reader of a file or an answer has it
        raise KeyboardInterrupt(len(secret))

    if source == "colab":
        colab(monkeypatch, interrupted)
    else:
        in_dotenv(monkeypatch, CANARY)
        monkeypatch.setattr("dotenv.dotenv_values", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        keys.find_key()
    drawn = key_leaks.drawings(caught.value)
    assert "in interrupted" in drawn["traceback"]
    assert not [tool for tool, text in drawn.items() if CANARY + source in text]


def test_K1_a_keyring_that_answers_after_an_interrupt_shows_no_key(monkeypatch):
    asked, answer, answered = threading.Event(), threading.Event(), threading.Event()

    class Slow(InMemory):
        def get_password(self, service, username):
            asked.set()
            answer.wait(20)
            answered.set()
            return CANARY

    keyring.set_keyring(Slow())

    def interrupt():
        asked.wait(20)
        _thread.interrupt_main()

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt) as caught:
        keys.find_key()
    answer.set()
    assert answered.wait(20)
    for thread in threading.enumerate():
        if thread.name == "smallest_nb-key":
            thread.join(20)
    drawn = key_leaks.drawings(caught.value)
    assert "_read_in_thread" in drawn["traceback"]
    assert not [tool for tool, text in drawn.items() if CANARY in text]


@pytest.mark.parametrize("kind", [TypeError, OSError, KeyringLocked, KeyboardInterrupt])
def test_K1_a_keyring_that_refuses_shows_no_key(kind):
    class Refusing(InMemory):
        def set_password(self, service, username, password):
            raise kind(f"{password} is refused")

    keyring.set_keyring(Refusing())
    with pytest.raises(KeyboardInterrupt if kind is KeyboardInterrupt else snb.ConfigError) as caught:
        keys.save_key(Secret(CANARY))
    text = key_leaks.drawings(caught.value)["traceback"]
    assert "save_key" in text
    assert f"password = '{CANARY}'" not in text
    assert kind is KeyboardInterrupt or CANARY not in text  # that interrupt says it itself
