"""Machine evidence beside the listeners': figures of each stimulus, and its words through the service and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from smallest_nb.client.blocking import transcribe as transcribe_clip
from smallest_nb.results.listening import Study
from smallest_nb.results.listening.evidence import FIGURES, correlations, figures_of
from smallest_nb.results.listening.stimulus import is_known
from smallest_nb.results.table import make_table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["measure"]

_BEFORE_SECS, _AFTER_SECS = 0.3, 0.8
"""Silence around what is transcribed, so that its first and last words are not cut."""


def measure(study: Study, *, transcribe: bool = False, **settings: Any) -> pd.DataFrame:
    """Return a row of figures for each stimulus; see `ListeningTest.evidence`."""
    rows: list[dict[str, Any]] = []
    for stimulus in study.stimuli:
        figures: dict[str, Any] = {"system": stimulus.system, "text": stimulus.text, **figures_of(stimulus)}
        if transcribe:
            figures["wer"] = math.nan
            if is_known(stimulus.text):
                heard = transcribe_clip(stimulus.clip.padded(_BEFORE_SECS, _AFTER_SECS), **settings)
                figures["wer"] = heard.wer(stimulus.text)
        rows.append(figures)
    names = [name for name in FIGURES if transcribe or name != "wer"]
    table = make_table([[row[name] for name in ("system", "text", *names)] for row in rows], ["system", "text", *names])
    table.attrs["correlations"] = correlations(study.results, rows)
    return table
