"""Languages and how the service spells them.

Sources: the two Pipecat pages for the offered lists, the vendor's AsyncAPI documents for the rest
(`stt-live-ws.yaml`, `tts-ws.yaml`).
"""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = [
    "LANGUAGE_NAMES",
    "STT_LANGUAGES",
    "STT_RECORDING_AGGREGATORS",
    "STT_US_HOST_LANGUAGES",
    "STT_VENDOR_LANGUAGES",
    "TTS_LANGUAGES",
    "Language",
    "needs_us_host",
    "service_code",
]


class Language(StrEnum):
    """A language code; members are strings, so plain codes compare equal."""

    AR = "ar"
    BG = "bg"
    BN = "bn"
    CS = "cs"
    DA = "da"
    DE = "de"
    EL = "el"
    EN = "en"
    EN_GB = "en-GB"
    EN_IN = "en-IN"
    EN_US = "en-US"
    ES = "es"
    ET = "et"
    FI = "fi"
    FR = "fr"
    GU = "gu"
    HE = "he"
    HI = "hi"
    HU = "hu"
    ID = "id"
    IT = "it"
    JA = "ja"
    KN = "kn"
    KO = "ko"
    LT = "lt"
    LV = "lv"
    ML = "ml"
    MR = "mr"
    MS = "ms"
    MT = "mt"
    NL = "nl"
    NO = "no"
    OR = "or"
    PA = "pa"
    PL = "pl"
    PT = "pt"
    RO = "ro"
    RU = "ru"
    SK = "sk"
    SV = "sv"
    TA = "ta"
    TE = "te"
    TR = "tr"
    UK = "uk"
    VI = "vi"
    YUE = "yue"
    ZH = "zh"


TTS_LANGUAGES = tuple("ar bn de en es fr gu he hi it kn mr nl pl ru ta".split())
"""The sixteen languages of the TTS document."""

STT_LANGUAGES = tuple(
    "bg bn cs da de en es et fi fr gu hi hu it kn lt lv ml mr mt nl or pa pl pt ro ru sk sv ta te uk".split()
)
"""The languages of the STT document (it says 31 and names 32)."""

STT_VENDOR_LANGUAGES = frozenset("en hi de es ru it fr nl pt zh yue ja ko gu mr or bn ta te kn ml hi-dev".split()) | {
    "north_indic",
    "multi-asian",
    "multi-south-indic",
}
"""What the vendor's streaming document lists today; the rest of STT_LANGUAGES is sent with a warning."""

STT_US_HOST_LANGUAGES = frozenset({"zh", "yue", "ja", "ko", "multi-asian"})
"""Served by the US host only (`stt-live-ws.yaml`, language)."""

LANGUAGE_NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "cs": "Czech", "da": "Danish", "de": "German", "en": "English",
    "es": "Spanish", "et": "Estonian", "fi": "Finnish", "fr": "French", "gu": "Gujarati", "he": "Hebrew", "hi": "Hindi",
    "hu": "Hungarian", "it": "Italian", "kn": "Kannada", "lt": "Lithuanian", "lv": "Latvian", "ml": "Malayalam",
    "mr": "Marathi", "mt": "Maltese", "nl": "Dutch", "or": "Odia", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sv": "Swedish", "ta": "Tamil", "te": "Telugu",
    "uk": "Ukrainian", "el": "Greek", "id": "Indonesian", "ja": "Japanese", "ko": "Korean", "ms": "Malay",
    "no": "Norwegian", "tr": "Turkish", "vi": "Vietnamese", "yue": "Cantonese", "zh": "Chinese",
}  # fmt: skip
"""English names, for people."""

STT_RECORDING_AGGREGATORS = frozenset({"multi-eu", "multi-asian", "multi-indic"})
"""Codes for several languages at once that whole recordings take (`stt-openapi.yaml`)."""

_WHOLE = {
    code.replace("_", "-"): code for code in (*STT_VENDOR_LANGUAGES, *STT_RECORDING_AGGREGATORS, "auto")
}  # one of them, north_indic, is spelled with an underscore
_WITH_REGION = re.compile(r"([a-z]{2,3})-([a-z]{2}|[0-9]{3})")
_WITH_SCRIPT = re.compile(r"([a-z]{2,3})-([a-z]{4})((?:-[a-z0-9]{1,8})*)")


def service_code(language: str) -> str:
    """Return the code that goes on the wire.

    A language with a region becomes the language (`en-US`, `EN_us`, `es-419`, `pt_BR.UTF-8`). Everything else stays
    whole, because the service may distinguish it from the language alone: codes for several languages (`multi-eu`),
    variants (`hi-dev`) and scripts (`zh-Hant`). Underscores and capitals become what the service documents.
    """
    code = re.split(r"[.@]", str(language).strip(), maxsplit=1)[0]  # a POSIX locale names an encoding too
    name = code.replace("_", "-").lower()
    if (known := _WHOLE.get(name)) is not None:
        return known
    if (found := _WITH_REGION.fullmatch(name)) is not None:
        return found[1]
    if (found := _WITH_SCRIPT.fullmatch(name)) is not None:
        return f"{found[1]}-{found[2].capitalize()}{found[3].upper()}"
    return name if name.startswith("multi") else code.lower()


def needs_us_host(language: str) -> bool:
    """Whether transcription of a language is served by the US host only."""
    code = service_code(language)
    return code in STT_US_HOST_LANGUAGES or code.partition("-")[0] in STT_US_HOST_LANGUAGES
