"""The messages between kernel and page, held to the file that vitest reads too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from smallest_nb.errors import ProtocolError
from smallest_nb.notebook.comm.messages import FROM_PAGE, PROBE, PROTOCOL_VERSION, TO_PAGE, envelope, parse

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "bridge.json").read_text(encoding="utf-8"))
TWIN = (HERE.parents[1] / "js" / "src" / "protocol.ts").read_text(encoding="utf-8")


def test_every_message_has_a_golden_one():
    assert {m["type"] for m in GOLDEN["to_page"]} == set(TO_PAGE)
    assert {m["type"] for m in GOLDEN["from_page"]} == set(FROM_PAGE)
    assert (GOLDEN["version"], GOLDEN["probe"]) == (PROTOCOL_VERSION, list(PROBE))


def test_both_sides_know_the_same_types():
    to_page = TWIN[TWIN.index("export type ToPage") : TWIN.index("export type ToKernel")]
    to_kernel = TWIN[TWIN.index("export type ToKernel") : TWIN.index("export type Envelope")]
    assert set(re.findall(r'type: "([\w-]+)"', to_page)) == set(TO_PAGE)
    assert set(re.findall(r'type: "([\w-]+)"', to_kernel)) == set(FROM_PAGE)


@pytest.mark.parametrize("message", GOLDEN["to_page"], ids=lambda m: m["type"])
def test_what_the_kernel_sends(message):
    assert envelope({name: value for name, value in message.items() if name != "v"}) == message


@pytest.mark.parametrize("message", GOLDEN["from_page"], ids=lambda m: m["type"])
def test_what_the_page_sends(message):
    assert parse(message) == message
    for name in ("ack", *FROM_PAGE[message["type"]]):
        with pytest.raises(ProtocolError, match=name):
            parse({**message, name: object()})


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("text", "object"),
        ({"v": 2, "type": "poll", "page": "p"}, "reload the page"),
        ({"v": 1, "type": "nonsense", "page": "p"}, "nonsense"),
        ({"v": 1, "type": "poll"}, "poll"),
        ({"v": 1, "type": ["poll"], "page": "p"}, "poll"),
    ],
)
def test_bad_messages_say_what_is_wrong(content, expected):
    with pytest.raises(ProtocolError, match=expected):
        parse(content)


def test_fields_that_do_not_belong_are_refused():
    with pytest.raises(ProtocolError, match="fade_ms"):
        envelope({"type": "stop", "fade": 1})


def test_no_key_is_called_id():
    for message in GOLDEN["to_page"]:
        assert "id" not in message
