"""What the tests' notebooks hold: the same two widgets in every host."""

from __future__ import annotations

__all__ = ["LIVE", "SENTENCE", "TEXT", "TUNER", "VISITOR", "marimo_notebook", "solara_app"]

TEXT = "Good evening, and welcome to the show."
SENTENCE = "The weather will be cold and cloudy this morning."

TUNER = f"""import probe
import smallest_nb as snb
probe.serve(globals())
tuner = snb.VoiceTuner({TEXT!r}, voice="sophia", auto_play=False)
tuner"""
VISITOR = f"""{TUNER.replace("probe.serve(globals())", "")[:-6]}
probe.visitors.append(tuner)
probe.serve({{"snb": snb, "visitors": probe.visitors}})
tuner"""
LIVE = """live = snb.LiveTranscriber()
live"""


def marimo_notebook(*cells: str) -> str:
    """Return a marimo notebook; each cell gives its last expression."""
    made = "\n\n".join(f"@app.cell\ndef _():\n    {_imported(cell)}\n    return" for cell in cells)
    return f"import marimo\n\napp = marimo.App()\n\n\n{made}\n"


def _imported(cell: str) -> str:
    # A marimo cell gets the others' names as arguments; one name for all keeps the cells in their order.
    return cell.replace("\n", "\n    ")


def solara_app() -> str:
    """Return a Solara app with both widgets, made for each visitor."""
    return f"""import probe
import smallest_nb as snb
import solara


def make():
    tuner = snb.VoiceTuner({TEXT!r}, voice="sophia", auto_play=False)
    live = snb.LiveTranscriber()
    probe.visitors.append(tuner)
    probe.serve({{"tuner": tuner, "live": live, "snb": snb, "visitors": probe.visitors}})
    return tuner, live


@solara.component
def Page():
    tuner, live = solara.use_memo(make, [])

    def close():
        def end():
            tuner.close()
            live.close()

        return end

    solara.use_effect(close, [])
    with solara.Column():
        solara.display(tuner)
        solara.display(live)
"""
