"""A listening test behind a link: what the server answers, keeps and refuses."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from smallest_nb import Clip
from smallest_nb.cli import main
from smallest_nb.errors import ConfigError
from smallest_nb.notebook.listen.server import ListenServer
from smallest_nb.results.listening import Study
from smallest_nb.results.listening.storage import answers_path
from tests.support.listening_sounds import voice_like

MADE = "application/json"


@pytest.fixture
def study(tmp_path):
    made = Study.make({"sophia": voice_like(1), "magnus": voice_like(2)}, seed=2, trials=6, training=1, checks=1)
    made.save(tmp_path / "choice.json")
    return made


@pytest.fixture
def served(study):
    with ListenServer(study) as server:
        yield server


def ask(server, action, data, kind=MADE):
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    request = urllib.request.Request(server.url + action, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def state_of(server, action, **data):
    status, body = ask(server, action, data)
    assert status == 200, body
    return json.loads(body)["state"]


def answer_all(server, name):
    state = state_of(server, "begin", listener=name)
    while state["phase"] != "done":
        answer = {"trial": state["trial"], "values": [0], "heard": [True, True], "seconds": 2.0, "switches": 1}
        state = state_of(server, "answer", listener=name, **answer)


def test_a_listener_takes_the_whole_test(served, study, tmp_path):
    state = state_of(served, "state", listener="  Ada   Lovelace ", new=True)
    assert (state["phase"], state["listener"]) == ("start", "Ada Lovelace")
    answer_all(served, "Ada Lovelace")
    assert len(study.answers) == 8
    assert ask(served, "state", {"listener": "Ada Lovelace", "new": True})[0] == 409
    again = Study.load(tmp_path / "choice.json")
    assert again.answers == study.answers
    assert again.results.listeners == ["Ada Lovelace"]


def test_sounds_come_as_they_are_in_the_trial(served, study):
    state = state_of(served, "begin", listener="Ada")
    expected = study.sounds(study.session("Ada").current)
    for place in range(2):
        status, body = ask(served, "sound", {"listener": "Ada", "trial": state["trial"], "place": place})
        assert status == 200
        assert Clip(body[4:], int.from_bytes(body[:4], "little")) == expected[place]
    for trial, place in ((1, 0), (0, 2), (0, -1), (0, "0"), (0, True), (None, 0)):
        assert ask(served, "sound", {"listener": "Ada", "trial": trial, "place": place})[0] == 409


def test_no_name_is_in_what_is_served(served):
    pages = []
    for name in ("", "listen-page.js", "listen-page.css"):
        with urllib.request.urlopen(served.url + name, timeout=20) as response:
            pages.append(response.read().decode())
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
            assert "Set-Cookie" not in response.headers
    pages.append(ask(served, "begin", {"listener": "Ada"})[1].decode())
    assert not re.search("sophia|magnus", "".join(pages))
    assert "https://" not in pages[0]


def test_nothing_of_a_listener_is_kept_but_the_name(served, study):
    answer_all(served, "Ada")
    lines = [json.loads(line) for line in answers_path(study.path).read_text().splitlines()]
    keys = {"test", "listener", "trial", "role", "text", "places", "values", "seconds", "switches", "made"}
    assert all(set(line) == keys for line in lines)


def test_many_listeners_at_once(served, study):
    names = [f"listener {n}" for n in range(12)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda name: answer_all(served, name), names))
    kept = Study.load(study.path)
    assert sorted(kept.results.listeners) == sorted(names)
    assert len(kept.answers) == 12 * 8
    assert "12 listeners" in repr(kept.results)


@pytest.mark.parametrize(
    ("action", "data", "kind", "status"),
    [
        ("state", {}, MADE, 409),
        ("state", {"listener": ""}, MADE, 409),
        ("state", {"listener": "x" * 61}, MADE, 409),
        ("state", {"listener": ["Ada"]}, MADE, 409),
        ("state", b"{", MADE, 400),
        ("state", b"[]", MADE, 400),
        ("state", b"\xff", MADE, 400),
        ("state", b"[" * 10_000, MADE, 400),
        ("state", {"listener": "x" * 20_000}, MADE, 413),
        ("state", {"listener": "Ada"}, "text/plain", 415),
        ("answer", {"listener": "Ada", "trial": 0, "values": [0], "heard": [True, False]}, MADE, 409),
        ("answer", {"listener": "Ada"}, MADE, 409),
        ("nothing", {"listener": "Ada"}, MADE, 404),
        ("../state", {"listener": "Ada"}, MADE, 404),
        ("../../etc/passwd", {"listener": "Ada"}, MADE, 404),
    ],
)
def test_what_is_refused(served, study, *, action, data, kind, status):
    found, body = ask(served, action, data, kind)
    assert found == status
    assert json.loads(body)["error"]
    assert study.answers == []


def request(server, method, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    with contextlib.closing(connection):
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        return connection.getresponse().status


def test_other_paths_and_other_names_find_nothing(served, study):
    own = f"/{study.uid}/"
    here = {"Host": f"127.0.0.1:{served.port}"}
    assert request(served, "GET", own, here) == 200
    assert request(served, "GET", own, {"Host": f"localhost:{served.port}"}) == 200
    assert request(served, "GET", own, {"Host": "192.168.1.7:80"}) == 200  # behind another address of this machine
    assert request(served, "GET", own, {"Host": "attacker.example"}) == 403
    assert request(served, "GET", own, {}) == 403
    assert request(served, "GET", "/", here) == 404
    assert request(served, "GET", f"{own}choice.json", here) == 404
    assert request(served, "POST", f"{own}state", {**here, "Content-Type": MADE}) == 413  # no length
    assert request(served, "POST", f"{own}state", {**here, "Content-Type": MADE, "Content-Length": "-1"}) == 413
    assert request(served, "DELETE", own, here) == 501


def test_a_listener_who_goes_away_disturbs_no_other(served, study, caplog):
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served.port)) as gone:
            gone.sendall(b"POST /x HTTP/1.1\r\nContent-Length: 50\r\n\r\nhalf")
    answer_all(served, "Ada")
    assert len(study.answers) == 8
    assert caplog.records == []


def test_a_closed_server_answers_on_no_connection_that_was_kept(study):
    with ListenServer(study) as server:
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        kept.request("GET", f"/{study.uid}/")
        assert kept.getresponse().read()
    with contextlib.closing(kept), pytest.raises((http.client.HTTPException, OSError)):
        kept.sock.sendall(b"")  # the connection that was kept, not a new one
        kept.auto_open = 0
        kept.request("GET", f"/{study.uid}/")
        kept.getresponse()


def test_addresses_that_cannot_be_used(study):
    with ListenServer(study) as server, pytest.raises(ConfigError, match="cannot be listened on"):
        ListenServer(study, port=server.port)
    for port in (-1, 70_000, "80", True):
        with pytest.raises(ConfigError, match="port="):
            ListenServer(study, port=port)
    with pytest.raises(ConfigError, match="cannot be listened on"):
        ListenServer(study, host="no.such.host.invalid")
    with pytest.raises(ConfigError, match="Save the test first"):
        ListenServer(Study.make({"a": voice_like(1), "b": voice_like(2)}))


def test_the_command_serves_until_it_is_stopped(study):
    command = [sys.executable, "-m", "smallest_nb.cli", "listen", str(study.path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = re.search(r"http://\S+", process.stdout.readline())[0]
        server = type("Served", (), {"url": url})
        answer_all(server, "Ada")
        state_of(server, "begin", listener="Ben")
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert rest == "8 answers are kept; 1 of 1 listeners are through.\n"
    assert len(study.answers) == 8  # in the notebook that saved it


def test_the_command_refuses_what_is_no_test(tmp_path, capsys):
    assert main(["listen", str(tmp_path / "nothing.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
