"""A widget's module comes to the page once, packed; a page that cannot unpack it asks the kernel for it."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
IMPORT = "import smallest_nb as snb"
TUNER = "tuner = snb.VoiceTuner('Good evening.', auto_play=False)\ntuner"
SECOND = "second = snb.VoiceTuner('Good morning.', auto_play=False)\nsecond"
READY = ".snb-tuner[data-ready='true']"
# What the page asks for and the kernel sends as a module, and how large the models' states are.
COUNT = """() => {
  window.__modules = { asked: 0, sent: 0, states: [] };
  const kernel = window.__panel().sessionContext.session.kernel;
  kernel.anyMessage.connect((_, { msg, direction }) => {
    const data = msg.content?.data;
    if (data?.content?.type === 'module') window.__modules[direction === 'send' ? 'asked' : 'sent'] += 1;
    if (msg.header.msg_type === 'comm_open' && data?.state?._esm) {
      window.__modules.states.push(JSON.stringify(msg.content).length);
    }
  });
}"""


def count_of_ready(notes, count):
    notes.page.wait_for_function(
        "([css, count]) => document.querySelectorAll(css).length === count", arg=[READY, count]
    )


def run_cell(notes, number):
    notes.page.evaluate(
        """async (number) => {
          window.__panel().content.activeCellIndex = number;
          await window.jupyterapp.commands.execute('notebook:run-cell');
        }""",
        number,
    )


def test_the_second_tuner_takes_the_module_of_the_first_from_the_page(lab):
    with lab.browse(lab.write_notebook("module-once.ipynb", IMPORT, TUNER, SECOND)) as notes:
        notes.page.evaluate(COUNT)
        for number in (0, 1):
            run_cell(notes, number)
        count_of_ready(notes, 1)
        run_cell(notes, 2)
        count_of_ready(notes, 2)
        seen = notes.page.evaluate("() => window.__modules")
        assert (seen["asked"], seen["sent"]) == (0, 0)
        first, second = seen["states"]
        assert first < 110_000
        assert second < 30_000
        # A reload asks for the states of both.
        notes.save()
        notes.reload()
        count_of_ready(notes, 2)


def test_all_cells_at_once_load_one_module_into_the_page(lab):
    with lab.browse(lab.write_notebook("module-all.ipynb", IMPORT, TUNER, SECOND)) as notes:
        notes.run_all()
        count_of_ready(notes, 2)
        styles = (
            "() => [...document.querySelectorAll('style')].filter((s) => s.textContent.includes('.snb-tuner')).length"
        )
        assert notes.page.evaluate(styles) == 1


def test_a_browser_that_cannot_unpack_gets_the_module_by_message(lab):
    with lab.browse(lab.write_notebook("module-old.ipynb", IMPORT, TUNER)) as notes:
        notes.page.add_init_script("delete globalThis.DecompressionStream;")
        notes.reload()
        assert notes.page.evaluate("() => typeof DecompressionStream") == "undefined"
        notes.page.evaluate(COUNT)
        notes.run_all()
        count_of_ready(notes, 1)
        seen = notes.page.evaluate("() => window.__modules")
        assert seen["asked"] >= 1
        assert seen["sent"] >= 2
        notes.page.get_by_role("button", name="Speak").click()
        notes.page.wait_for_function("() => document.querySelector('.snb-player').dataset.takes !== ''")
