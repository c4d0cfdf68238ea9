"""Has each client in turn hold a conversation of ten turns and three interruptions, and compares with the targets.

`python -m bench.conversation [--json] [--quick] [--latency none,in-region,...] [--rounds N]`; needs what
`python -m bench.environments` makes. A row says whether its target was met; the exit code is 1 where one was not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bench.child import Child, ChildError
from bench.conversation.judge import Figures, judge
from bench.conversation.script import PHRASES
from bench.conversation.sound import make_sound, word_times
from bench.environments import ROOT, interpreter
from bench.simulator.server import Server
from bench.stats import quantile

PEER, PLAIN, EARLY = "pipecat", "smallest_nb", "smallest_nb_early"
_MODULES = {PEER: "pipecat", PLAIN: "ours", EARLY: "ours_early"}
_SLOWEST = {"none": 0.8, "in-region": 1.5, "far-laptop": 3.2}
"""Seconds after a phrase until every client's answer sounds."""
_RATIOS = {PLAIN: {"none": 1.0, "in-region": 0.95, "far-laptop": 0.95},
           EARLY: {"none": 1.0, "in-region": 0.5, "far-laptop": 0.5}}  # fmt: skip
_BARGE_IN_RATIO, _MOST_ERROR_WORDS, _MOST_WASTED = 0.7, 1.0, 1 / 3
STOP_SECS = 0.2
_KEY = "sk_bench_conversation"
_LOGS = ROOT / ".bench" / "logs"
_SECONDS = 420


def log(message: str) -> None:
    """Say something that is not a figure."""
    print(message, file=sys.stderr, flush=True)


def hold(clients: list[str], latency: str, folder: Path, rounds: int, *, quick: bool) -> dict[str, list[Figures]]:
    """Let each client hold the conversation in turn, once a round."""
    found: dict[str, list[Figures]] = {client: [] for client in clients}
    with Server("speech", "--latency", latency) as server:
        url = f"ws://127.0.0.1:{server.port}"
        wav = folder / f"conversation-{latency}.wav"
        phrases = PHRASES[:4] if quick else PHRASES
        spoken = make_sound(url, wav, slowest_answer_secs=_SLOWEST[latency], turns=phrases)
        for turn in range(rounds):
            for client in clients:
                python = interpreter("floor" if client != PEER else PEER)
                if python is None:
                    log(f"{client} is left out: no environment; `python -m bench.environments` makes it")
                    continue
                log(f"{latency}, round {turn + 1}: {client}, load {os.getloadavg()[0]:.1f}")
                try:
                    module = "bench.conversation.client"
                    with Child(python, module, _LOGS / f"conversation-{client}.log", _MODULES[client]) as child:
                        order = {"url": url, "key": _KEY, "wav": str(wav), "stop_secs": STOP_SECS}
                        answer = child.call(order, _SECONDS)
                except ChildError as error:
                    log(f"{client} has no figures: {error}")
                    continue
                texts = answer["texts"] or ["nothing"]
                figures = judge(spoken, answer, asyncio.run(word_times(url, texts)))
                (folder / f"conversation-{latency}-{client}.json").write_text(json.dumps(answer, indent=1))
                for what in figures.missing + answer["errors"]:
                    log(f"  {client}: {what}")
                found[client].append(figures)
    return found


def rows_of(latency: str, found: dict[str, list[Figures]]) -> list[dict[str, Any]]:
    """Return a row for each figure of each client, with its target beside the peer's figure."""
    rows: list[dict[str, Any]] = []
    peer: dict[str, dict[str, float]] = {}
    for client, conversations in found.items():
        if not conversations:
            continue
        for name in ("turn_latency_ms", "barge_in_ms", "history_error_words"):
            values = sorted(value for figures in conversations for value in getattr(figures, name))
            if not values:
                continue
            middle, most = (round(float(quantile(values, share)), 1) for share in (0.5, 0.95))
            row = {"metric": f"{name}@{latency}", "client": client, "n": len(values), "median": middle, "p95": most}
            if client == PEER:
                peer[name] = {"median": row["median"], "p95": row["p95"]}
            rows.append({**row, **_target(name, latency, client, row, peer.get(name))})
        missing = sum(len(figures.missing) for figures in conversations)
        rows.append({"metric": f"missing@{latency}", "client": client, "n": len(conversations), "median": missing,
                     "p95": missing, "target": None if client == PEER else 0,
                     "ok": None if client == PEER else missing == 0})  # fmt: skip
        if client == EARLY:
            wasted = max(figures.wasted for figures in conversations)
            rows.append({"metric": f"wasted_characters@{latency}", "client": client, "n": len(conversations),
                         "median": round(wasted, 3), "p95": round(wasted, 3), "target": round(_MOST_WASTED, 3),
                         "ok": wasted <= _MOST_WASTED})  # fmt: skip
    return rows


def _target(name: str, latency: str, client: str, row: dict[str, Any], peer: dict[str, float] | None) -> dict[str, Any]:
    if client == PEER:
        return {"target": None, "ok": None}
    if name == "history_error_words":
        return {"target": _MOST_ERROR_WORDS, "ok": row["p95"] <= _MOST_ERROR_WORDS}
    if peer is None:
        return {"target": None, "ok": None}
    ratio = _BARGE_IN_RATIO if name == "barge_in_ms" else _RATIOS[client][latency]
    targets = {share: round(ratio * peer[share], 1) for share in ("median", "p95")}
    return {"target": targets, "ok": all(row[share] <= targets[share] for share in targets)}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as text."""
    lines = [f"{'metric':32} {'client':18} {'n':>4} {'median':>9} {'p95':>9}  target"]
    for row in rows:
        verdict = "" if row["ok"] is None else "ok" if row["ok"] else "MISSED"
        lines.append(
            f"{row['metric']:32} {row['client']:18} {row['n']:>4} {row['median']:>9.4g} {row['p95']:>9.4g}  "
            f"{'' if row['target'] is None else row['target']} {verdict}"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.conversation", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--quick", action="store_true", help="four turns, for a check")
    parser.add_argument("--rounds", type=int, default=1, help="default %(default)s")
    parser.add_argument("--latency", default=",".join(_SLOWEST), help="default %(default)s")
    parser.add_argument("--clients", default=",".join(_MODULES), help="default %(default)s")
    options = parser.parse_args()
    latencies, clients = options.latency.split(","), options.clients.split(",")
    if unknown := [name for name in latencies if name not in _SLOWEST] + [c for c in clients if c not in _MODULES]:
        parser.error(f"unknown: {', '.join(unknown)}; known: {', '.join([*_SLOWEST, *_MODULES])}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the children would not be ended
    folder = ROOT / ".bench" / "conversation"
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for latency in latencies:
        rows += rows_of(latency, hold(clients, latency, folder, options.rounds, quick=options.quick))
    print(json.dumps({"rows": rows}, indent=1) if options.json else table(rows))
    sys.exit(any(row["ok"] is False for row in rows))


if __name__ == "__main__":
    main()
