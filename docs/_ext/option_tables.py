"""The tables of settings and of the simulator's switches, from the metadata that the code itself goes by."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from table_nodes import Cell, code, plain, table

from smallest_nb.api.setting_values import Spec
from smallest_nb.simulator.faults import Behaviour
from smallest_nb.simulator.latency import LATENCIES

_MANY = 12
_SHAPES = {
    "keywords": "`{'word': boost}`, a list of words, or `'word:boost,...'`",
    "names": "a list of names, or `'one, two'`",
    "str": "text",
    "bool": "`True` `False`",
}


class SettingsTable(Directive):
    """`settings-table:: smallest_nb.api.settings.SmallestTTSSettings`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        module, _, name = self.arguments[0].rpartition(".")
        settings = getattr(importlib.import_module(module), name)
        rows = [
            [_names(field, spec), plain(spec.help), _values(spec), _default(spec), _models(spec)]
            for field, spec in settings.specs().items()
        ]
        head = ("Setting", "What it does", "Values", "Default", "Models")
        return [table(head, rows, widths=(22, 30, 22, 13, 13), name="snb-wide")]


def _values(spec: Spec) -> Cell:
    if spec.kind in ("float", "int"):
        values = f"`{spec.minimum:g}` to `{spec.maximum:g}` in steps of `{spec.step:g}`"
    elif spec.choices and len(spec.choices) > _MANY:
        values = f"{len(spec.choices)} known, any text is passed on"
    elif spec.choices:
        values = " ".join(f"`{choice}`" for choice in spec.choices)
    else:
        values = _SHAPES[spec.kind]
    return plain(values + (", or `None`" if spec.optional else ""))


def _default(spec: Spec) -> Cell:
    ours = f"`{spec.default}`" if spec.default not in ({}, None) else "none" if spec.default == {} else "`None`"
    return plain(ours if spec.api_default is None else f"{ours} (the API's: `{spec.api_default}`)")


def _names(field: str, spec: Spec) -> Cell:
    if spec.wire == field:
        return code(field)
    return [*code(field), *plain(f" (on the wire `{spec.wire}`)" if spec.wire else " (not sent)")]


def _models(spec: Spec) -> Cell:
    return plain("all") if spec.models is None else code(*sorted(spec.models))


class FaultTable(Directive):
    """`simulator-table:: faults` or `limits`: the switches of `Behaviour`."""

    required_arguments = 1
    shown: ClassVar[dict[str, bool]] = {"faults": False, "limits": True}

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        limits = self.shown[self.arguments[0]]
        knobs = [k for k in dataclasses.fields(Behaviour) if (k.metadata["kind"] == "limit") is limits]
        rows = [[code(k.name), plain(k.metadata["description"]), _taken(k.metadata), _start(k)] for k in knobs]
        return [table(("Name", "What the simulator then does", "Takes", "At start"), rows, widths=(24, 42, 22, 12))]


def _taken(metadata: Any) -> Cell:
    kind, choices = metadata["kind"], metadata["choices"]
    if choices:
        return code(*map(str, choices))
    if kind == "latency":
        return code(*LATENCIES)
    values = {"flag": "nothing, or `on` `off`", "count": "a whole number", "limit": "a whole number",
            "seconds": "a number", "model": "a model's id", "own": "a text"}  # fmt: skip
    return plain(values[kind])


def _start(knob: dataclasses.Field[Any]) -> Cell:
    return plain("off") if knob.default in (None, False, frozenset()) else code(str(knob.default))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("settings-table", SettingsTable)
    app.add_directive("simulator-table", FaultTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
