"""The `smallest-nb` command's page, from the parser that the command itself uses."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn
from unittest import mock

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from table_nodes import Cell, code, plain, table

from smallest_nb import cli


class _Caught(BaseException):
    """Carries the parser out of the command."""


def parser_of_the_command() -> argparse.ArgumentParser:
    """Return the parser that `cli.main` makes: caught where it would begin to parse."""

    def catch(parser: argparse.ArgumentParser, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise _Caught(parser)

    with mock.patch.object(argparse.ArgumentParser, "parse_args", catch):
        try:
            cli.main([])
        except _Caught as caught:
            return caught.args[0]
    raise RuntimeError("cli.main returned without parsing its arguments.")


class CommandLine(Directive):
    """`command-line::`: a section for each command, with its arguments."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        return [
            s for command, help_text in _commands(parser_of_the_command()) for s in self._section(command, help_text)
        ]

    def _section(self, parser: argparse.ArgumentParser, help_text: str) -> list[nodes.Node]:
        section = nodes.section("", nodes.title("", "", nodes.literal("", parser.prog)), names=[parser.prog])
        self.state.document.note_implicit_target(section)
        described = (help_text or parser.description or "").strip()
        if described:
            section += nodes.paragraph("", "", *plain(described[0].upper() + described[1:].rstrip(".") + "."))
        usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
        section += nodes.literal_block(usage, usage, language="text", classes=["snb-usage"])
        rows = [[_name(action), plain(_help(action))] for action in parser._actions if _is_shown(action)]  # noqa: SLF001
        if rows:
            section += table(("Argument", "Meaning"), rows, widths=(30, 70))
        return [section]


def _commands(parser: argparse.ArgumentParser) -> list[tuple[argparse.ArgumentParser, str]]:
    """Return every command that does something, with its one line of help, depth first."""
    found: list[tuple[argparse.ArgumentParser, str]] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to look
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            help_text = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            for name, inner in action.choices.items():
                deeper = _commands(inner)
                found += deeper or [(inner, help_text.get(name, ""))]
    return found


def _is_shown(action: argparse.Action) -> bool:
    return not isinstance(action, argparse._HelpAction) and action.help != argparse.SUPPRESS  # noqa: SLF001


def _name(action: argparse.Action) -> Cell:
    if not action.option_strings:
        return code(str(action.metavar or action.dest))
    if action.nargs == 0:
        return code(*action.option_strings)
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    return code(*(f"{option} {value}" for option in action.option_strings))


def _help(action: argparse.Action) -> str:
    help_text = (action.help or "") % {**vars(action), "prog": "smallest-nb"}
    if action.default not in (None, False, [], argparse.SUPPRESS) and "default" not in help_text:
        help_text += f" (default {action.default})"
    return help_text


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
