"""JupyterLab's MathJax leaves what people said and typed alone."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SAID = "It is $5 or $6, $$x^2$$ or \\\\(a^2\\\\) or \\\\begin{align}b\\\\end{align} then."
CELLS = (
    f"""from smallest_nb.results.transcript import Segment, Transcript
text = "{SAID}"
Transcript([Segment(text, start=0.0, end=2.0, speaker=0)], names={{0: "$n$"}})""",
    """from smallest_nb.results.takes import Take, Takes, TakeWord
from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.audio.clip import Clip
clip = Clip(bytes(48000), 24000)
Take(1, text, SmallestTTSSettings.complete(), clip, note="$n$", words=[TakeWord("$w$", 0.0, 0.4)])""",
    """from IPython.display import HTML
HTML("<p class='formula'>" + text + "</p>")""",
)


def test_K11_a_page_typesets_no_transcript_and_no_take(lab):
    with lab.browse(lab.write_notebook("formulas.ipynb", *CELLS)) as notes:
        notes.run_all()
        outputs = notes.page.locator(".jp-OutputArea-output")
        notes.page.wait_for_selector(".formula mjx-container")  # MathJax has been there, and typesets what is not ours
        assert notes.page.locator(".formula mjx-container").count() == 4
        assert notes.page.locator("mjx-container").count() == 4
        said = "It is $5 or $6, $$x^2$$ or \\(a^2\\) or \\begin{align}b\\end{align} then."
        assert said in outputs.nth(0).inner_text()
        assert said in outputs.nth(1).inner_text()
        assert "$w$" in outputs.nth(1).text_content()
