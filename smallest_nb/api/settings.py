"""The settings of both services: what can change at run time.

Names, types and defaults are those of the two Pipecat documents; the fields below the comment in each class are newer.
Every field defaults to NOT_GIVEN (a delta); `complete()` makes a snapshot.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from smallest_nb.api.catalog import STT_MODELS, TTS_MODELS, SmallestSTTModel, SmallestTTSModel, stt_model, tts_model
from smallest_nb.api.fields import BaseSettings, NotGiven, checked_names, setting
from smallest_nb.api.language import STT_LANGUAGES, TTS_LANGUAGES, Language, service_code
from smallest_nb.api.setting_values import Spec, UnchosenDefault
from smallest_nb.api.voices import VOICES, voices_of

__all__ = [
    "NUMERALS",
    "SmallestSTTSettings",
    "SmallestTTSSettings",
    "replacement_settings",
    "voice_for",
    "what_is_needed",
    "why_not_taken",
]

_V2_ONLY = frozenset({"lightning-v2"})
_UNIFIED = frozenset({"lightning-v3.1", "lightning-v3.1-pro"})

NUMERALS = {"auto": "auto", "always": "true", "none": "false", "true": "true", "false": "false"}
"""The documents' words for `numerals`, and the wire's; both are taken."""


@checked_names
@dataclass(frozen=True, kw_only=True, repr=False)
class SmallestTTSSettings(BaseSettings):
    """Text-to-speech settings.

    Attributes:
        model: `lightning-v3.1` (default), `lightning-v3.1-pro` or `lightning-v2`, in any spelling. A model that this
            version does not know is sent with a warning. Once the service has withdrawn the default, one that was
            not chosen here goes on as its replacement, with a warning.
        voice: Voice id, default `sophia`.
        language: Code or :class:`Language`, default `en`.
        speed: 0.5 to 2.0 times the normal rate; None is the API's default (1.0). Source: `tts-ws.yaml:350`.
        consistency: 0 to 1, lightning-v2 only; None is the API's default (0.5).
        similarity: 0 to 1, lightning-v2 only; None is the API's default (0).
        enhancement: 0, 1 or 2, lightning-v2 only; None is the API's default (1).
        word_timestamps: Ask for word times; six voices of the unified endpoint have them.
        complete_backoff_ms: 0 to 10000 ms of quiet after which the service says `complete`; the service's own
            default is 4000, ours is 250 because one request is in flight at a time.
        number_pronunciation_language: The language in which digits are read; None is the API's default.
        math_notation: Read mathematical notation; None is the API's default (False).
        pronunciation_dicts: Ids of pronunciation dictionaries, or None.
        extra: Wire fields this package does not know, sent as they are.
    """

    model: str | NotGiven = setting(
        Spec("choice", "Model", "Which Lightning model speaks.", "model",
             UnchosenDefault(SmallestTTSModel.LIGHTNING_V3_1),
             choices=tuple(TTS_MODELS), open_choice=True)
    )  # fmt: skip
    voice: str | NotGiven = setting(
        Spec("choice", "Voice", "Who speaks.", "voice_id", "sophia",
             choices=tuple(v.id for v in VOICES), open_choice=True)
    )  # fmt: skip
    language: Language | str | NotGiven = setting(
        Spec("choice", "Language", "The language of the text.", "language", Language.EN,
             choices=TTS_LANGUAGES, open_choice=True)
    )  # fmt: skip
    speed: float | None | NotGiven = setting(
        Spec("float", "Speed", "How fast it speaks, as a multiple of the normal rate.", "speed", None,
             0.5, 2.0, 0.05, optional=True, api_default=1.0)
    )  # fmt: skip
    consistency: float | None | NotGiven = setting(
        Spec("float", "Consistency", "Higher is steadier, lower is livelier.", "consistency", None,
             0.0, 1.0, 0.05, optional=True, api_default=0.5, models=_V2_ONLY)
    )  # fmt: skip
    similarity: float | None | NotGiven = setting(
        Spec("float", "Similarity", "How closely it keeps to the voice's own character.", "similarity", None,
             0.0, 1.0, 0.05, optional=True, api_default=0.0, models=_V2_ONLY)
    )  # fmt: skip
    enhancement: int | None | NotGiven = setting(
        Spec("int", "Enhancement", "How much the sound is polished, at some cost in latency.", "enhancement", None,
             0, 2, 1, optional=True, api_default=1, models=_V2_ONLY)
    )  # fmt: skip
    # newer than the Pipecat documents
    word_timestamps: bool | NotGiven = setting(
        Spec("bool", "Word times", "Ask for the time of each word.", "word_timestamps", False, models=_UNIFIED)
    )
    complete_backoff_ms: int | NotGiven = setting(
        Spec("int", "Wait at the end (ms)", "Quiet time after which the service says that it is done.",
             "complete_backoff_ms", 250, 0, 10000, 50, api_default=4000, models=_UNIFIED)
    )  # fmt: skip

    number_pronunciation_language: str | None | NotGiven = setting(
        Spec("str", "Read numbers in", "The language in which digits are read.", "number_pronunciation_language", None,
             optional=True, models=_UNIFIED)
    )  # fmt: skip
    math_notation: bool | None | NotGiven = setting(
        Spec("bool", "Math", "Read mathematical notation.", "math_notation", None,
             optional=True, api_default=False, models=_UNIFIED)
    )  # fmt: skip
    pronunciation_dicts: tuple[str, ...] | None | NotGiven = setting(
        Spec("names", "Pronunciation", "Ids of pronunciation dictionaries.", "pronunciation_dicts", None,
             optional=True, models=_UNIFIED)
    )  # fmt: skip

    aliases: ClassVar[Mapping[str, str]] = {"voice_id": "voice", "speaker": "voice"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.model, NotGiven):
            model = tts_model(self.model).id
            unchosen = isinstance(self.model, UnchosenDefault)
            object.__setattr__(self, "model", UnchosenDefault(model) if unchosen else model)

    @property
    def model_chosen(self) -> bool:
        """Whether the caller named the model; the default that completes a snapshot is not chosen."""
        return "model" in self.extra or not isinstance(self.model, NotGiven | UnchosenDefault)

    def with_unchosen_model(self) -> SmallestTTSSettings:
        """Return the same settings with a model that counts as not chosen."""
        if isinstance(self.model, NotGiven):
            return self
        return dataclasses.replace(self, model=UnchosenDefault(self.model))


@checked_names
@dataclass(frozen=True, kw_only=True, repr=False)
class SmallestSTTSettings(BaseSettings):
    """Speech-to-text settings; any change reconnects.

    Attributes:
        model: `pulse` for streams and recordings, `pulse-pro` for recordings only. A model that this version does not
            know is sent with a warning.
        language: Code or :class:`Language`, default `en`.
        word_timestamps: Times and confidence of each word in final results.
        full_transcript: Cumulative text with each result; computed here if the service leaves it out.
        sentence_timestamps: Sentences with their times.
        redact_pii: Mask personal data (effective for en and hi).
        redact_pci: Mask card data (effective for en and hi).
        numerals: `auto`, `always` or `none`; the wire's `true` and `false` are taken too.
        diarize: Distinguish speakers.
        endpointing: Let the service end a segment on silence; sent explicitly because its default has changed.
        eou_timeout_ms: 100 to 10000 ms of silence that end a segment; None is the API's default (800).
        keywords: Words to listen for, with boosts from 0 to 20 (3 to 6 is a good start); at most 100 count.
        format: Master switch of the next three; None is the API's default (True).
        punctuate: None is the API's default (True).
        capitalize: None is the API's default (True).
        itn_normalize: Write numbers as figures; None is the API's default (False).
        finalize_on_words: Freeze the text every few words; None is the API's default (True).
        max_words: Freeze the text after so many words, 1 to 1000; None is the API's default.
        vad_events: Report when speech starts and ends; None is the API's default (False).
        extra: Query parameters this package does not know, sent as they are.
    """

    model: str | NotGiven = setting(
        Spec("choice", "Model", "Which Pulse model listens.", "model", SmallestSTTModel.PULSE,
             choices=tuple(m.id for m in STT_MODELS.values() if m.live), open_choice=True)
    )  # fmt: skip
    language: Language | str | NotGiven = setting(
        Spec("choice", "Language", "The language that is spoken.", "language", Language.EN,
             choices=STT_LANGUAGES, open_choice=True)
    )  # fmt: skip
    word_timestamps: bool | NotGiven = setting(
        Spec("bool", "Word times", "Time and confidence of each word.", "word_timestamps", False)
    )
    full_transcript: bool | NotGiven = setting(
        Spec("bool", "Full transcript", "Send the whole text so far with each result.", "full_transcript", False)
    )
    sentence_timestamps: bool | NotGiven = setting(
        Spec("bool", "Sentence times", "Send each sentence with its times.", "sentence_timestamps", False)
    )
    redact_pii: bool | NotGiven = setting(
        Spec("bool", "Redact personal data", "Hide names, addresses and numbers (English, Hindi).", "redact_pii", False)
    )
    redact_pci: bool | NotGiven = setting(
        Spec("bool", "Redact card data", "Hide card numbers and codes (English, Hindi).", "redact_pci", False)
    )
    numerals: str | NotGiven = setting(
        Spec("choice", "Numerals", "Write numbers as digits.", "numerals", "auto", choices=tuple(NUMERALS))
    )
    diarize: bool | NotGiven = setting(Spec("bool", "Speakers", "Tell the speakers apart.", "diarize", False))
    # newer than the Pipecat documents
    endpointing: bool | NotGiven = setting(
        Spec("bool", "End on silence", "Finish a line when it is silent for a while.", "endpointing", True)
    )
    eou_timeout_ms: int | None | NotGiven = setting(
        Spec("int", "Silence (ms)", "How long that silence lasts.", "eou_timeout_ms", None,
             100, 10000, 50, optional=True, api_default=800)
    )  # fmt: skip
    keywords: dict[str, float] | NotGiven = setting(
        Spec("keywords", "Keywords", "Words to listen for, with boosts.", "keywords", {})
    )
    format: bool | None | NotGiven = setting(
        Spec("bool", "Format", "Write punctuation, capitals and numbers; without it, none of them.", "format", None,
             optional=True, api_default=True)
    )  # fmt: skip
    punctuate: bool | None | NotGiven = setting(
        Spec("bool", "Punctuate", "Write punctuation.", "punctuate", None, optional=True, api_default=True)
    )
    capitalize: bool | None | NotGiven = setting(
        Spec("bool", "Capitalize", "Write capitals.", "capitalize", None, optional=True, api_default=True)
    )
    itn_normalize: bool | None | NotGiven = setting(
        Spec("bool", "Written numbers", "Write numbers, dates and amounts as figures.", "itn_normalize", None,
             optional=True, api_default=False)
    )  # fmt: skip
    finalize_on_words: bool | None | NotGiven = setting(
        Spec("bool", "Final every few words", "Finish a line every few words, not only at a pause.",
             "finalize_on_words", None, optional=True, api_default=True)
    )  # fmt: skip
    max_words: int | None | NotGiven = setting(
        Spec("int", "Words per final", "How many words that is.", "max_words", None,
             1, 1000, 1, optional=True, api_default=10)
    )  # fmt: skip
    vad_events: bool | None | NotGiven = setting(
        Spec("bool", "Speech marks", "Report when speech starts and ends.", "vad_events", None, optional=True,
             api_default=False)
    )  # fmt: skip

    aliases: ClassVar[Mapping[str, str]] = {"lang": "language"}

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.model, NotGiven):
            object.__setattr__(self, "model", stt_model(self.model))


def voice_for(model: str, voice: str, language: str) -> str:
    """Return the voice itself if it is one of the model's, else one of the model's that was trained on the language.

    Args:
        model: Id of the model that is to speak.
        voice: The voice so far.
        language: Code of the text's language.
    """
    pool = voices_of(model)
    if not pool or any(v.id == voice for v in pool):
        return voice
    trained = [v.id for v in pool if service_code(language) in v.languages]
    default = tts_model(model).default_voice
    return default if default in trained or not trained else trained[0]


def replacement_settings(settings: SmallestTTSSettings, *, chosen: bool = True) -> SmallestTTSSettings | None:
    """Return the change to the replacement of a withdrawn model, or None if none is known.

    Args:
        settings: A complete snapshot.
        chosen: Whether the new model counts as chosen by the caller.
    """
    replacement = tts_model(str(settings.model)).replacement
    if replacement is None:
        return None
    return SmallestTTSSettings(
        model=replacement if chosen else UnchosenDefault(replacement),
        voice=voice_for(replacement, str(settings.voice), str(settings.language)),
    )


def why_not_taken(settings: SmallestTTSSettings, name: str) -> str | None:
    """Return why the chosen model does not take a setting, or None if it does.

    Args:
        settings: A complete snapshot.
        name: The setting's name.
    """
    models = SmallestTTSSettings.specs()[name].models
    model = str(settings.model)
    if models is None or model in models or (model not in TTS_MODELS and models is not _V2_ONLY):
        return None
    reason = f"{model} ignores {name}"
    takers = [TTS_MODELS[m] for m in TTS_MODELS if m in models]
    if all(t.retired for t in takers):
        return f"{reason}; {takers[0].id}, which takes it, was retired on {takers[0].retired}"
    return f"{reason}; {' and '.join(t.id for t in takers)} take it"


def what_is_needed(names: list[str]) -> str:
    """Return in one sentence which models take settings that the chosen one does not; empty without any.

    Args:
        names: Settings for which :func:`why_not_taken` has a reason.
    """
    specs = SmallestTTSSettings.specs()
    groups: dict[frozenset[str], list[str]] = {}
    for name in names:
        groups.setdefault(specs[name].models or frozenset(), []).append(specs[name].label)
    said = []
    for models, labels in groups.items():
        takers = [info for info in TTS_MODELS.values() if info.id in models]
        many = f"{len(labels)} settings need" if len(labels) > 1 else f"{labels[0]} needs"
        retired = f", retired on {takers[0].retired}" if all(info.retired for info in takers) else ""
        said.append(f"{many} {' or '.join(info.id for info in takers)}{retired}.")
    return " ".join(said)
