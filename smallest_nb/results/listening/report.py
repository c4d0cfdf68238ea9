"""What a listening test has found, as one HTML file with its sounds: no script, no network."""

from __future__ import annotations

import base64
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smallest_nb.common.files import write_file
from smallest_nb.common.markup import text_html
from smallest_nb.errors import ConfigError
from smallest_nb.results.listening.bars import axis_of, bars_of
from smallest_nb.results.listening.results import ListeningResults
from smallest_nb.results.listening.stimulus import is_known
from smallest_nb.results.listening.study import Study
from smallest_nb.results.listening.summary import summarize
from smallest_nb.results.takes.html import waveform_svg

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["report_html", "write_report"]

_TITLES = {
    "ab": "Paired preference", "abx": "ABX", "mos": "Mean opinion scores (ITU-T P.800)",
    "mushra": "MUSHRA (ITU-R BS.1534)",
}  # fmt: skip
_FORMATS = {
    "duration_s": ("length", "{:.2f} s"), "words_per_s": ("rate", "{:.1f} words/s"),
    "lufs": ("loudness", "{:.1f} LUFS"),
    "pitch_hz": ("pitch", "{:.0f} Hz"), "pitch_range_semitones": ("pitch range", "{:.1f} semitones"),
    "ttfb_ms": ("first byte", "{:.0f} ms"), "wer": ("words wrong", "{:.0%}"),
}  # fmt: skip
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{padding:.35rem .6rem;text-align:start}
tr{border-bottom:1px solid #8885}td.n{text-align:end;font-variant-numeric:tabular-nums;white-space:nowrap}
.axis{position:relative;height:1rem;background:#8882;border-radius:4px;min-width:12rem}.axis i{position:absolute}
.range{top:6px;height:4px;background:#0b6e6e;opacity:.5}.dot{top:3px;width:10px;height:10px;margin-left:-5px;
border-radius:50%;background:#0b6e6e}.chance{top:0;bottom:0;border-left:1px dashed #888}audio{width:15rem;height:2rem}
small{color:#777}
"""


def write_report(study: Study, path: Path, evidence: pd.DataFrame | None = None) -> None:
    """Write the report.

    Args:
        study: What to report.
        path: The file.
        evidence: A row of figures for each stimulus, in their order.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        write_file(path, report_html(study, evidence).encode())
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror or error}); choose another place.") from error


def report_html(study: Study, evidence: pd.DataFrame | None = None) -> str:
    """Return the report as HTML."""
    results, design = study.results, study.design
    title = f"Listening test: {', '.join(design.names)}"
    said = "".join(f"<p>{text_html(line)}</p>" for line in summarize(results).splitlines())
    left = set(results.left_out)
    people = ", ".join(f"{name} (left out)" if name in left else name for name in results.listeners) or "none yet"
    method = (
        f"{_TITLES[design.kind]}; {design.count} trials for each listener, {design.training} for practice, "
        f"{design.checks} attention checks. Sounds were trimmed and brought to one loudness (ITU-R BS.1770); order and "
        f"sides were drawn from the seed {design.seed}; listeners saw no name. Listeners: {people}."
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{text_html(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f"<h1>{text_html(title)}</h1>{said}{_figures(results)}<h2>Method</h2><p>{text_html(method)}</p>"
        f"<h2>Sounds</h2><p>As they were heard.</p>{_sounds(study, evidence)}{_correlations(evidence)}"
        f"<h2>Answers</h2>{_answers(results)}</body></html>"
    )


def _figures(results: ListeningResults) -> str:
    axis = axis_of(results)

    def at(value: float) -> float:
        return 100 * (value - axis.low) / (axis.high - axis.low)

    chance = "" if axis.chance is None else f'<i class="chance" style="left:{at(axis.chance):.1f}%"></i>'
    rows = []
    for bar in bars_of(results):
        low, high = (bar.value, bar.value) if math.isnan(bar.low) else (bar.low, bar.high)
        spread = f'<i class="range" style="left:{at(low):.1f}%;width:{at(high) - at(low):.1f}%"></i>'
        dot = f'<i class="dot" style="left:{at(bar.value):.1f}%"></i>'
        figures = f"{bar.value:.1f} ({low:.1f} to {high:.1f})"
        rows.append(
            f'<tr><th scope="row">{text_html(bar.name)}</th><td><div class="axis">{chance}{spread}{dot}</div></td>'
            f'<td class="n">{figures}</td></tr>'
        )
    if not rows:
        return ""
    return f"<table><caption><small>{axis.label}</small></caption><tbody>{''.join(rows)}</tbody></table>"


def _sounds(study: Study, evidence: pd.DataFrame | None) -> str:
    names = [name for name in _FORMATS if evidence is not None and name in evidence and evidence[name].notna().any()]
    head = "".join(f'<th scope="col">{_FORMATS[name][0]}</th>' for name in names)
    rows = []
    for place, stimulus in enumerate(study.stimuli):
        wav = base64.b64encode(stimulus.prepared.wav_bytes()).decode()
        figures = "".join(
            f'<td class="n">{_format(name, evidence[name].iloc[place] if evidence is not None else math.nan)}</td>'
            for name in names
        )
        text = f"<br><small>{text_html(stimulus.text)}</small>" if is_known(stimulus.text) else ""
        rows.append(
            f'<tr><th scope="row">{text_html(stimulus.system)}{text}</th>'
            f"<td>{waveform_svg(stimulus.prepared, width=160, height=32)}</td>"
            f'<td><audio controls preload="none" src="data:audio/wav;base64,{wav}"></audio></td>{figures}</tr>'
        )
    return f"<table><thead><tr><th></th><th></th><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _correlations(evidence: pd.DataFrame | None) -> str:
    found: dict[str, tuple[float, float]] = {} if evidence is None else evidence.attrs.get("correlations", {})
    if not found:
        return ""
    parts = [f"{_FORMATS[name][0]} {rho:+.2f} (p = {p:.2f})" for name, (rho, p) in found.items()]
    return f"<p>Rank correlation with the listeners' figures: {text_html('; '.join(parts))}.</p>"


def _answers(results: ListeningResults) -> str:
    columns, rows = results.table()
    head = "".join(f'<th scope="col">{text_html(name)}</th>' for name in columns)
    body = "".join(f"<tr>{''.join(f'<td>{text_html(_cell(value))}</td>' for value in row)}</tr>" for row in rows)
    return f"<details><summary>{len(results)} answers</summary><table><tr>{head}</tr>{body}</table></details>"


def _format(name: str, value: Any) -> str:
    return "" if value is None or math.isnan(value) else _FORMATS[name][1].format(value)


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
