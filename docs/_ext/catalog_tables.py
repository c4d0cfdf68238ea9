"""The tables of models, voices, languages and waiting times, from the package's own data."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from table_nodes import Cell, code, plain, table

from smallest_nb.api.catalog import STT_MODELS, TTS_MODELS, TTSModelInfo
from smallest_nb.api.language import STT_LANGUAGES, TTS_LANGUAGES, Language, service_code
from smallest_nb.api.voices import VOICES, WORD_TIMESTAMP_VOICES
from smallest_nb.simulator.latency import LATENCIES, Delay


class ModelTable(Directive):
    """`models-table::`."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            [code(m.id), code(m.wire_id), code(m.default_voice), code(*sorted(m.languages)),
             _end(m)]
            for m in TTS_MODELS.values()
        ]  # fmt: skip
        head = ("Model", "In a request", "A voice of its pool", "Languages on its card", "Withdrawn")
        return [table(head, rows, widths=(16, 16, 14, 38, 16))]


def _end(model: TTSModelInfo) -> Cell:
    if model.withdrawal is None:
        return plain("no")
    return plain(f"{model.withdrawal.date} ({model.withdrawal.source}); use `{model.replacement}`")


class RecordingModels(Directive):
    """`stt-models-table::`: which call takes which model."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            [code(m.id), plain("yes" if m.live else "no"), plain("yes" if m.recordings else "no"),
             code(*sorted(m.ignored)) if m.ignored else plain("none")]
            for m in STT_MODELS.values()
        ]  # fmt: skip
        head = ("Model", "Streams", "Recordings", "Settings that it ignores")
        return [table(head, rows, widths=(22, 22, 22, 34))]


class VoiceTable(Directive):
    """`voices-table:: lightning-v3.1`."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table: one row for voices that share everything but their name."""
        groups: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
        for voice in VOICES:
            if voice.model == self.arguments[0]:
                groups.setdefault((voice.accent, voice.gender, voice.languages), []).append(voice.id)
        rows = [
            [plain(accent), plain(gender), code(*languages), code(*ids)]
            for (accent, gender, languages), ids in groups.items()
        ]
        if not rows:
            raise self.error(f"There are no voices of {self.arguments[0]!r}.")
        return [table(("Accent", "Gender", "Languages", "Voices"), rows, widths=(16, 12, 14, 58))]


class WordVoices(Directive):
    """`word-voices::`: those that give word times."""

    def run(self) -> list[nodes.Node]:
        """Return a paragraph."""
        return [nodes.paragraph("", "", *code(*sorted(WORD_TIMESTAMP_VOICES)))]


class LanguageTable(Directive):
    """`languages-table::`."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            [code(language.name), code(str(language)), _has(language, TTS_LANGUAGES), _has(language, STT_LANGUAGES)]
            for language in Language
        ]
        head = ("`Language.`", "Code", "Speech", "Transcription")
        return [table(head, rows, widths=(25, 25, 25, 25))]


def _has(language: Language, offered: tuple[Language, ...]) -> list[nodes.Node]:
    return list(plain("yes" if service_code(language) in {service_code(each) for each in offered} else ""))


class LatencyTable(Directive):
    """`latency-table::`."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        rows = [
            [code(each.name), *(plain(_delay_text(d)) for d in (each.connect, each.speech, each.interim, each.final))]
            for each in LATENCIES.values()
        ]
        head = ("Preset", "Handshake or call", "First chunk of speech", "Interim result", "Final result")
        return [table(head, rows, widths=(20, 20, 20, 20, 20))]


def _delay_text(delay: Delay) -> str:
    return f"{delay.low * 1000:.0f} to {delay.high * 1000:.0f} ms" if delay.high else "nothing"


def setup(app: Sphinx) -> dict[str, Any]:
    """Register."""
    app.add_directive("models-table", ModelTable)
    app.add_directive("stt-models-table", RecordingModels)
    app.add_directive("voices-table", VoiceTable)
    app.add_directive("word-voices", WordVoices)
    app.add_directive("languages-table", LanguageTable)
    app.add_directive("latency-table", LatencyTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
