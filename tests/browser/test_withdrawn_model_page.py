"""The VoiceTuner when the service withdraws its model: one press, or none."""

from __future__ import annotations

import pytest

from tests.support.page_state import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
WITHDRAWN = """import smallest_nb as snb
where = snb.use_simulator()
from smallest_nb.notebook import session
session.simulator().behaviour.retired = {"lightning_v3.1"}
default = snb.VoiceTuner("Your table is booked for half past seven.")
default"""
CHOSEN = """chosen = snb.VoiceTuner("Your table is booked for half past seven.", model="lightning-v3.1", voice="magnus")
chosen"""


@pytest.mark.parametrize(("name", "cells"), [("default", [WITHDRAWN]), ("chosen", [WITHDRAWN, CHOSEN])])
def test_L3_a_withdrawn_model_is_one_press_or_none(lab, name, cells):
    with lab.browse(lab.write_notebook(f"withdrawn-{name}.ipynb", *cells)) as notes:
        notes.run_all()
        players = notes.page.locator(".snb-player[data-ready='true']")
        players.nth(len(cells) - 1).wait_for()
        player = players.nth(len(cells) - 1)
        player.get_by_role("button", name="Speak", exact=True).click()
        if name == "chosen":
            notes.page.get_by_role("alert").get_by_text("lightning-v3.1 is no longer served.").wait_for()
            notes.page.get_by_role("button", name="Use lightning-v3.1-pro").click()
        else:
            notes.page.get_by_text("This is lightning-v3.1-pro and the voice meher.").first.wait_for()
        until(notes, f"[(t.settings.model, t.settings.voice) for t in {name}.takes]", [["lightning-v3.1-pro", "meher"]])
        notes.page.wait_for_function(
            "(n) => document.querySelectorAll('.snb-player')[n].dataset.takes !== ''", arg=len(cells) - 1
        )
        model = notes.page.get_by_role("combobox", name="Model").nth(len(cells) - 1)
        assert model.input_value() == "lightning-v3.1-pro"
        assert player.locator(".snb-error").text_content() == ""
        assert notes.page.get_by_role("button", name="Use lightning-v3.1-pro").count() == 0
