"""`ask_key` in a real kernel, with this test as the page: the key is typed, and is nowhere else afterwards."""

from __future__ import annotations

import queue
import time

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

CANARY = "sk_canary_typed_b81c"
MEMORY = """
import keyring
from keyring.backend import KeyringBackend
class InMemory(KeyringBackend):
    priority = 1
    kept = {}
    def get_password(self, service, username): return self.kept.get((service, username))
    def set_password(self, service, username, password): self.kept[service, username] = password
keyring.set_keyring(InMemory())
"""


@pytest.fixture
def kernel():
    manager, client = start_new_kernel(kernel_name="python3")
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def run(client, code, answer=None, seconds=40):
    """Execute, answer what is asked, and return the reply and every message that the page could see."""
    sent = client.execute(code, allow_stdin=answer is not None)
    seen, asked, reply, idle = [], [], None, False
    deadline = time.monotonic() + seconds
    while (reply is None or not idle) and time.monotonic() < deadline:
        try:
            message = client.get_iopub_msg(timeout=0.05)
            seen.append(message)
            idle |= (message["parent_header"].get("msg_id"), message["content"].get("execution_state")) == (
                sent,
                "idle",
            )
        except queue.Empty:
            pass
        if answer is not None and not asked and client.stdin_channel.msg_ready():
            asked.append(client.get_stdin_msg(timeout=1))
            client.input(answer)
        if reply is None and client.shell_channel.msg_ready():
            came = client.get_shell_msg(timeout=1)
            if came["parent_header"].get("msg_id") == sent:  # what was asked before may be answered late
                reply = came
    assert reply is not None, "no reply"
    assert idle, "the kernel went on"
    return reply, seen, asked


def text_of(messages):
    return "".join(repr(m["content"]) for m in messages)


def test_the_key_is_typed_hidden_and_is_in_no_message_and_no_history(kernel):
    code = MEMORY + "import smallest_nb as snb\ntarget = snb.ask_key(save=True)\ntarget"
    reply, seen, asked = run(kernel, code, answer=CANARY)
    assert reply["content"]["status"] == "ok", reply["content"]
    assert asked[0]["content"]["password"] is True
    assert "from prompt" in text_of(seen)
    history = (
        "print(In, Out, get_ipython().history_manager.input_hist_raw, dir(), {k: str(v) for k, v in globals().items()})"
    )
    after, shown, _ = run(kernel, history)
    assert after["content"]["status"] == "ok", after["content"]
    assert "ask_key" in text_of(shown)
    assert CANARY not in text_of([reply, *seen, after, *shown, *asked])
    check = (
        "assert target.key.unwrap()[-4:] == 'b81c' and not target.simulated\n"
        "assert InMemory.kept[('smallest-nb', 'SMALLEST_API_KEY')] == target.key.unwrap()\n"
        "assert snb.SmallestTTSService().target.key is target.key"
    )
    answer, _, _ = run(kernel, check)
    assert answer["content"]["status"] == "ok", answer["content"]


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose"])
def test_what_cannot_be_a_key_is_refused_without_showing_it(kernel, mode):
    run(kernel, f"%xmode {mode}\nimport smallest_nb as snb")
    reply, seen, _ = run(kernel, "snb.ask_key()", answer=f'"{CANARY}"')
    assert reply["content"]["ename"] == "ConfigError"
    assert "paste the bare key" in reply["content"]["evalue"]
    assert CANARY not in text_of([reply, *seen])


def test_without_a_page_it_is_refused_at_once(tmp_path):
    cell = nbformat.v4.new_code_cell("import smallest_nb as snb\nsnb.ask_key()")
    began = time.monotonic()
    with pytest.raises(CellExecutionError, match="No key can be typed here"):
        NotebookClient(nbformat.v4.new_notebook(cells=[cell]), timeout=60).execute()
    assert time.monotonic() - began < 40


COLAB = """
import sys, threading, types
asked = []
colab = types.ModuleType("google.colab")
colab.userdata = types.SimpleNamespace(get=lambda name: asked.append(threading.current_thread()) or "sk_from_colab")
google = sys.modules.setdefault("google", types.ModuleType("google"))
google.colab = colab
sys.modules["google.colab"] = colab
import os
os.environ["SMALLEST_KEY_SOURCES"] = "colab"
from smallest_nb.notebook import keys
found = []
thread = threading.Thread(target=lambda: found.append(keys.find_key()))
thread.start(); thread.join(5)
assert (found, asked) == ([None], []), (found, asked)
def take(comm, message):
    found.append((keys.find_key(), threading.current_thread() is threading.main_thread()))
get_ipython().kernel.comm_manager.register_target("probe", take)
"""


def test_colab_is_asked_by_cells_but_not_by_threads_or_messages_of_the_page(kernel):
    reply, _, _ = run(kernel, COLAB)
    assert reply["content"]["status"] == "ok", reply["content"]
    content = {"comm_id": "c1", "target_name": "probe", "data": {}}
    kernel.session.send(kernel.shell_channel.socket, kernel.session.msg("comm_open", content))
    check = (
        "assert found[1:] == [(None, True)] and not asked, (found, asked)\n"
        'assert keys.find_key().source == "Colab\'s secrets"\n'
        "keys.find_key()\n"
        "assert asked == [threading.main_thread()]"
    )
    reply, _, _ = run(kernel, check)
    assert reply["content"]["status"] == "ok", reply["content"]
