"""No public call that fails, is timed out or is interrupted shows the key, with variables and chains drawn."""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import inspect
import json
import logging
import signal
import tempfile
import threading
from urllib.parse import quote

import pytest

import smallest_nb as snb
from smallest_nb.client import background_loop, rest
from smallest_nb.client import target as targets
from smallest_nb.common.secret import Secret, hide_keys
from smallest_nb.notebook import session
from tests.support.key_leaks import (
    Peer,
    answering,
    argument,
    assert_hidden,
    garbage,
    hang_up,
    key,
    shows_key,
    silent,
    spellings,
    websocket,
)

CLIP = snb.Clip(bytes(32000), 16000)
ECHO = json.dumps({"error": {"message": f"bad key {key()}"}})


def environment(url):
    """The key stands in the environment, which the fixture sees to."""
    return {"base_url": url}


@pytest.fixture(params=[argument, environment], ids=lambda p: p.__name__)
def reach(request, monkeypatch):
    """How a call is given the key."""
    if request.param is environment:
        monkeypatch.setenv("SMALLEST_API_KEY", key())
    monkeypatch.setattr(session, "_chosen", None)
    return request.param


async def connected(service):
    try:
        await service.connect()
        async with asyncio.timeout(20):  # what is repeated comes by itself
            while service.connected:
                await asyncio.sleep(0.01)
        raise service._failure or snb.ConnectionLost("gone")
    finally:
        await service.close()


async def spoken(service):
    try:
        async for _ in service.run_tts("Hello"):
            pass
    finally:
        await service.close()


def tuner(seconds, **where):
    made = snb.VoiceTuner("Hello", **where)
    try:
        made.service._connection._open_timeout = min(seconds, 2.0)
        made.audition(timeout=seconds)
    finally:
        made.close()


def transcriber(seconds, **where):
    made = snb.LiveTranscriber(**where)
    try:
        made.feed(CLIP, pace=100, timeout=seconds)
    finally:
        background_loop.post(made._session.cancel)  # nothing answers: no last words are waited for
        made.close()


def conversation(seconds, **where):
    made = snb.Conversation(lambda text: text, **where)
    try:
        made.feed(CLIP, pace=100, timeout=seconds)
    finally:
        made.close()


def many_files(seconds, **where):
    with tempfile.TemporaryDirectory() as folder:
        CLIP.to_wav(f"{folder}/a.wav")
        snb.transcribe_many(f"{folder}/*.wav", timeout=seconds, on_error="raise", progress=False, **where)


FEW = {"max_retries": 0, "open_timeout": 1.0}
ONE_SHOT = {
    "speak": lambda seconds, **w: snb.speak("Hello", timeout=seconds, **w),
    "speak_many": lambda seconds, **w: snb.speak_many(
        ["Hello"], timeout=seconds, on_error="raise", progress=False, **w
    ),
    "transcribe_many": many_files,
    "Conversation": conversation,
    "transcribe": lambda seconds, **w: snb.transcribe(CLIP, timeout=seconds, progress=False, **w),
    "VoiceTuner": tuner,
    "LiveTranscriber": transcriber,
    "list_voices": lambda seconds, **w: background_loop.call(rest.list_voices(refresh=True, **w), seconds),
    "transcribe_recording": lambda seconds, **w: background_loop.call(rest.transcribe_recording(CLIP, **w), seconds),
}
SERVICES = {
    "SmallestTTSService": lambda **w: spoken(snb.SmallestTTSService(**w, **FEW)),
    "SmallestSTTService": lambda **w: connected(snb.SmallestSTTService(**w, **FEW)),
    "list_voices": lambda **w: rest.list_voices(refresh=True, **w),
    "transcribe_recording": lambda **w: rest.transcribe_recording(CLIP, **w),
}


def test_K1_every_public_name_that_takes_a_key_is_driven():
    taking = {n for n in snb.__all__ if callable(value := getattr(snb, n)) and "api_key" in parameters(value)}
    # A sweep is a batch as `speak_many` is, and records what fails.
    assert taking - {"use_service", "sweep"} <= {*ONE_SHOT, *SERVICES}
    assert "use_service" in taking


def parameters(value):
    with contextlib.suppress(ValueError, TypeError):
        return inspect.signature(value).parameters
    return ()


PEERS = {
    "refuses": answering(401, ECHO),
    "fails": answering(500, f"<html>Bearer {key()}</html>"),
    "busy": answering(429, ECHO, Retry_After=key()),
    "retired": answering(410, ECHO),
    "redirects": answering(302, "", Location=f"ws://127.0.0.1:9/?token={key()}"),
    "hangs up": hang_up,
    "talks nonsense": garbage,
}


def failure(call):
    with pytest.raises(BaseException) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("peer", PEERS, ids=lambda p: p.replace(" ", "-"))
def test_K1_a_failing_call_shows_no_key(reach, peer, caplog):
    caplog.set_level(logging.DEBUG)
    with Peer(PEERS[peer]) as server:
        assert_hidden(failure(lambda: ONE_SHOT["transcribe_recording"](20, **reach(server.url))))
        for make in (SERVICES["SmallestTTSService"], SERVICES["SmallestSTTService"]):
            assert_hidden(failure(lambda make=make: asyncio.run(make(**reach(server.url)), debug=True)))
        assert server.asked.is_set()
    assert caplog.text
    assert not shows_key(caplog.text)


@pytest.mark.parametrize("name", ONE_SHOT)
def test_K1_a_timeout_shows_no_key(reach, name, caplog):
    caplog.set_level(logging.DEBUG)
    with Peer(silent) as server:
        error = failure(lambda: ONE_SHOT[name](0.5, **reach(server.url)))
        assert server.asked.is_set()
    assert_hidden(error)
    assert not shows_key(caplog.text)


@pytest.mark.parametrize("name", SERVICES)
def test_K1_a_cancellation_shows_no_key(reach, name):
    async def cancelled(by):
        with Peer(silent) as server:
            task = asyncio.ensure_future(SERVICES[name](**reach(server.url)))
            await asyncio.to_thread(server.asked.wait, 20)
            if by == "cancel":
                task.cancel()
                await task
            else:
                async with asyncio.timeout(0):
                    await task

    for by, kind in (("cancel", asyncio.CancelledError), ("timeout", TimeoutError)):
        with pytest.raises(kind) as caught:
            asyncio.run(cancelled(by))
        assert_hidden(caught.value)


@pytest.mark.parametrize("name", SERVICES)
def test_K1_control_c_in_a_program_of_its_own_loop_shows_no_key(reach, name):
    async def interrupted(server):
        task = asyncio.ensure_future(SERVICES[name](**reach(server.url)))
        await asyncio.to_thread(server.asked.wait, 20)
        signal.raise_signal(signal.SIGINT)
        await task

    with Peer(silent) as server, pytest.raises(KeyboardInterrupt) as caught:
        asyncio.run(interrupted(server))
    assert_hidden(caught.value, ours=False)  # it may strike where none of our frames is


@pytest.mark.parametrize("name", ONE_SHOT)
def test_K1_an_interrupted_call_shows_no_key(reach, name):
    with Peer(silent) as server:

        def interrupt():
            assert server.asked.wait(20)
            _thread.interrupt_main()

        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            ONE_SHOT[name](20, **reach(server.url))
    assert_hidden(caught.value)


async def test_K1_an_interrupt_inside_the_handshake_shows_no_key(reach):
    """In a cell that awaits, Python raises KeyboardInterrupt wherever the loop is, also between two of its lines."""
    from websockets.client import ClientProtocol

    before = ClientProtocol.send_request

    def interrupting(self, request):
        assert key() in str(request.headers)
        data = request.serialize()
        raise KeyboardInterrupt(len(data))

    ClientProtocol.send_request = interrupting
    try:
        with Peer(silent) as server:
            loop = asyncio.new_event_loop()
            with pytest.raises(KeyboardInterrupt) as caught:
                await asyncio.to_thread(loop.run_until_complete, SERVICES["SmallestSTTService"](**reach(server.url)))
    finally:
        ClientProtocol.send_request = before
        with contextlib.suppress(BaseException):
            await asyncio.to_thread(loop.run_until_complete, asyncio.gather(*asyncio.all_tasks(loop)))
        loop.close()
    assert_hidden(caught.value)


@pytest.mark.parametrize(
    "path", ["/wävés", "/日本", "/a%zz", "/" + "x" * 20], ids=["latin", "japanese", "percent", "long"]
)
def test_K1_a_path_outside_ascii_shows_no_key(reach, path):
    with Peer(hang_up) as server:
        for name in ("speak", "transcribe_recording"):
            error = failure(lambda name=name: ONE_SHOT[name](20, **reach(server.url + path)))
            assert isinstance(error, snb.ConnectionLost)
            assert_hidden(error)
        assert server.asked.is_set()


@pytest.mark.parametrize(
    "value", [f'"{key()}"', f"{key()} x", f" {key()}\n", f"{key()}\u00e9", key().encode(), [key()]],
                         ids=["quoted", "blank", "line", "accent", "bytes", "list"])  # fmt: skip
def test_K1_a_key_that_is_refused_is_not_shown(value, monkeypatch):
    monkeypatch.setattr(session, "_chosen", None)
    held = {"api_key": value}
    calls = [
        lambda: snb.speak("Hello", **held), lambda: snb.transcribe(CLIP, **held),
        lambda: snb.SmallestTTSService(**held),
        lambda: snb.SmallestSTTService(**held), lambda: snb.VoiceTuner(**held), lambda: snb.LiveTranscriber(**held),
        lambda: snb.use_service(**held), lambda: targets.resolve(**held),
    ]  # fmt: skip
    if isinstance(value, str) and value.strip() == value:
        monkeypatch.setenv("SMALLEST_API_KEY", value)
        calls += [snb.SmallestTTSService, snb.SmallestSTTService, snb.VoiceTuner, snb.use_service]
        calls += [lambda: snb.list_voices(refresh=True), lambda: snb.transcribe_recording(CLIP)]
    for call in calls:
        error = failure(call)
        assert isinstance(error, snb.ConfigError), error
        assert "API key" in str(error)
        assert_hidden(error)


@pytest.mark.parametrize("name", ["apikey", "API_KEY", "key", "token", "api_token", "voicee"])
def test_K1_a_misnamed_argument_shows_no_key(name):
    held = {name: key()}
    for call in (
        lambda: snb.speak("Hello", **held), lambda: snb.transcribe(CLIP, **held),
        lambda: snb.transcribe_recording(CLIP, **held), lambda: snb.VoiceTuner(**held),
        lambda: snb.LiveTranscriber(**held), lambda: snb.SmallestTTSSettings(**held),
        lambda: snb.SmallestSTTSettings(**held), lambda: snb.SmallestTTSSettings.from_mapping(held),
        lambda: snb.SmallestTTSSettings.complete(**held),
    ):  # fmt: skip
        error = failure(call)
        assert isinstance(error, snb.ConfigError), error
        assert name in str(error)
        assert_hidden(error)


def test_K1_settings_that_are_pasted_with_a_key_show_none():
    made = snb.VoiceTuner("Hello")
    try:
        for source in (f"curl -H 'Authorization: Bearer {key()}' 'unfinished", f"tts(api_key='{key()}', speed=)",
                       {"api_key": key(), "speed": 99}, {"apikey": key(), "speed": 99}):  # fmt: skip
            error = failure(lambda source=source: made.load_settings(source))
            assert isinstance(error, snb.ConfigError)
            assert_hidden(error)
    finally:
        made.close()


@pytest.mark.parametrize("url", ["wss://{}@host", "wss://me:{}@host", "wss://host/?api_key={}", "wss://host/#{}"])
def test_K1_a_key_in_the_address_is_not_shown(url, monkeypatch):
    monkeypatch.setattr(session, "_chosen", None)
    where = {"base_url": url.format(quote(key(), safe=""))}
    for name in ("argument", "environment"):
        if name == "environment":
            monkeypatch.setenv("SMALLEST_BASE_URL", where["base_url"])
            where = {}
        for call in (lambda w: snb.speak("Hello", api_key="sk_another_key", **w),
                     lambda w: snb.SmallestSTTService(api_key="sk_another_key", **w),
                     lambda w: snb.VoiceTuner(api_key="sk_another_key", **w),
                     lambda w: snb.use_service("sk_another_key", **w)):  # fmt: skip
            error = failure(lambda call=call, where=where: call(where))
            assert isinstance(error, snb.ConfigError)
            assert not shows_key(str(error))
            assert_hidden(error)


@pytest.mark.parametrize("spelling", spellings())
def test_K10_every_spelling_is_found(spelling):
    text = spellings()[spelling]
    for before, after in (("", ""), ("bad key ", " (401)"), ('{"error": "', '"}'), ("%7B\\u0022", "&quot;")):
        hidden = Secret(key()).hide(f"{before}{text}{after}")
        assert not shows_key(hidden)
        assert hidden.startswith(before[:-2])
        assert hidden.endswith(after)
        assert "***" in hidden
    assert hide_keys(text) != text  # a key that this process knows is hidden without its box


def test_K10_what_is_no_key_stays_as_it_is():
    secret = Secret(key())
    for text in (
        "",
        "sk_",
        key()[:7],
        "100 % \\u00e4 &#228; %C3%A4 \\/ \\\\ \\",
        "nothing \ud83d of it",
        "\\ud83d\\ude00",
    ):
        assert secret.hide(text) == text
    audio = json.dumps({"data": {"audio": CLIP.pcm.hex() * 50}})
    assert secret.hide(audio) is audio
    assert Secret("short").hide("a short text") == "a short text"


def test_K10_a_key_that_the_service_repeats_is_hidden_in_every_spelling(caplog):
    caplog.set_level(logging.DEBUG)
    repeated = " ".join(spellings().values())
    with Peer(answering(403, f'{{"error": {{"message": "bad key {repeated}", "code": "{repeated}"}}}}')) as server:
        for name in ("speak", "transcribe_recording"):
            error = failure(lambda name=name: ONE_SHOT[name](20, **argument(server.url)))
            assert isinstance(error, snb.AuthError)
            assert "bad key" in str(error)
            assert_hidden(error)
    frames = [f'{{"status": "error", "error": {{"message": "no {text}"}}}}' for text in spellings().values()]
    with Peer(websocket(*frames, close=key())) as server:
        for make in SERVICES["SmallestTTSService"], SERVICES["SmallestSTTService"]:
            error = failure(lambda make=make: asyncio.run(make(**argument(server.url))))
            assert_hidden(error, ours=False)  # what ended the session is raised by the test
    assert not shows_key(caplog.text)


def test_K1_widgets_hold_no_key_in_their_state_after_a_failure(reach):
    with Peer(PEERS["refuses"]) as server:
        made, other = snb.VoiceTuner("Hello", **reach(server.url)), snb.LiveTranscriber(**reach(server.url))
        sent = []
        widgets = [w for whole in (made, other) for w in everything_in(whole)]
        for widget in widgets:
            widget.send = lambda content, buffers=None: sent.append(content)
        try:
            failure(lambda: made.audition(timeout=20))
            failure(lambda: other.feed(CLIP, pace=100, timeout=20))
            state_text = json.dumps([w.get_state() for w in widgets], default=repr)
            state_text += json.dumps(sent, default=repr) + repr(made) + repr(other) + repr(made._repr_mimebundle_())
            state_text += repr([vars(w) for w in widgets])
            assert "refused the API key" in state_text
            assert not shows_key(state_text)
        finally:
            made.close()
            other.close()


def everything_in(widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything_in(child)


def test_K1_doctor_and_its_report_show_no_key(monkeypatch):
    from smallest_nb.notebook.doctor.checks import run_checks

    monkeypatch.setenv("SMALLEST_API_KEY", key())
    monkeypatch.setattr(session, "_chosen", None)
    with Peer(PEERS["refuses"]) as server:
        monkeypatch.setenv("SMALLEST_BASE_URL", server.url)
        report = run_checks()
        assert server.asked.is_set()
    assert "refused the API key" in report.to_text()
    assert not shows_key(report.to_text() + report.to_json() + report._repr_html_())
