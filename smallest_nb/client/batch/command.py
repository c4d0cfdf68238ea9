"""The commands `speak`, `transcribe`, `voices`, `speak-many` and `transcribe-many`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from smallest_nb.api.fields import BaseSettings
from smallest_nb.api.settings import SmallestSTTSettings, SmallestTTSSettings
from smallest_nb.common.terminal import printable, showable
from smallest_nb.errors import ConfigError, SmallestError

__all__ = ["COMMANDS", "add_commands"]

_MOST_SHOWN = 20
_STDIO = "-"
_NOTICE = (
    "The key is read from SMALLEST_API_KEY, a keyring or a .env file; without one, the embedded simulator answers. The "
    "exit code is 0 if all is done, 1 if the service refused or something is not done, 2 for an argument that cannot "
    "be used, 130 after Ctrl+C."
)


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of `smallest-nb`."""
    speak = _command(commands, "speak", "speak a text into a sound file")
    speak.add_argument("text", help=f"what to say; {_STDIO} reads it from the standard input")
    speak.add_argument("-o", "--output", default="speech.wav", metavar="FILE",
                       help=f".wav, .flac, .mp3 or .ogg; {_STDIO} writes WAV to the standard output")  # fmt: skip
    _add_sound_options(speak)
    _add_settings(speak, SmallestTTSSettings)

    transcribe = _command(commands, "transcribe", "transcribe a sound file")
    transcribe.add_argument("audio", help=f"a sound file; {_STDIO} reads one from the standard input")
    transcribe.add_argument("-o", "--output", metavar="FILE",
                            help="as its suffix says; else the text is printed")  # fmt: skip
    transcribe.add_argument("--as", dest="written_as", metavar="NAME", help="srt, vtt, json or another format")
    transcribe.add_argument("--channel", type=int, metavar="N", help="which channel, from 0; else all are mixed")
    _add_settings(transcribe, SmallestSTTSettings)

    voices = _command(commands, "voices", "list the voices of a model")
    voices.add_argument("--model", help="lightning-v3.1 or lightning-v3.1-pro")
    voices.add_argument("--language", metavar="CODE", help="only voices that speak it")
    voices.add_argument("--json", action="store_true", help="as JSON")

    speak_many = _command(commands, "speak-many", "speak many texts into a folder, resumable")
    speak_many.add_argument(
        "rows", help="a CSV, TSV or JSONL file with a column text, or a text file with a text a line"
    )
    speak_many.add_argument("--name", default="{id}.wav", help="names of the files: {id}, {number}, {slug}, fields of "
                            "the row and its settings; the suffix is the format")  # fmt: skip
    _add_batch_options(speak_many)
    _add_sound_options(speak_many)
    _add_settings(speak_many, SmallestTTSSettings)

    transcribe_many = _command(commands, "transcribe-many", "transcribe many sound files into a folder, resumable")
    transcribe_many.add_argument("audio", nargs="+", help="sound files, folders, URLs, or quoted patterns such as "
                                 "'calls/**/*.wav'")  # fmt: skip
    transcribe_many.add_argument("--formats", default="json", metavar="NAMES",
                                 help="of json srt vtt textgrid rttm txt csv eaf ctm stm, with commas")  # fmt: skip
    transcribe_many.add_argument("--channel", type=int, metavar="N", help="which channel, from 0; else all are mixed")
    _add_batch_options(transcribe_many)
    _add_settings(transcribe_many, SmallestSTTSettings)


def _command(commands: Any, name: str, help_text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, epilog=_NOTICE)
    parser.add_argument("--base-url", metavar="URL", help="another address than the service's")
    return parser


def _add_sound_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sample-rate", type=int, metavar="HZ", help="8000, 16000, 24000 or 44100 (default 24000)")


def _add_batch_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, metavar="FOLDER",
                        help="folder or URL; what is in its manifest is not done again")  # fmt: skip
    parser.add_argument("--units", type=int, metavar="N", help="requests at once that the plan allows; else learned")
    parser.add_argument("--attempts", type=int, default=3, metavar="N", help="of an item at most (default 3)")
    parser.add_argument("--on-error", choices=("record", "raise"), default="record",
                        help="go on after an item that failed, or stop (default record)")  # fmt: skip
    parser.add_argument("--timeout", type=float, metavar="SECS", help="for one attempt")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster whose workers do it")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each item")


def _add_settings(parser: argparse.ArgumentParser, kind: type[BaseSettings]) -> None:
    """Add an option for each setting."""
    group = parser.add_argument_group("settings")
    for name, spec in kind.specs().items():
        option = f"--{name.replace('_', '-')}"
        text = spec.help.rstrip(".").replace("%", "%%")
        if spec.kind == "bool":
            group.add_argument(
                option, dest=f"set_{name}", action=argparse.BooleanOptionalAction, default=None, help=text
            )
            continue
        reader: Callable[[str], Any] = float if spec.kind in ("float", "int") else str
        group.add_argument(option, dest=f"set_{name}", type=reader, metavar="VALUE", help=text)
    group.add_argument("--extra", dest="set_extra", type=_read_mapping, metavar="JSON",
                       help="fields of the request that are newer than this program")  # fmt: skip


def _read_mapping(text: str) -> Any:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is no JSON object")
    return found


def _settings_of(args: argparse.Namespace) -> dict[str, Any]:
    named = ((name.removeprefix("set_"), value) for name, value in vars(args).items() if name.startswith("set_"))
    return {name: value for name, value in named if value is not None}


def _run(command: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Report what a command raises in one line; a ConfigError is the caller's to report."""

    def run(args: argparse.Namespace) -> int:
        try:
            _show_target(args)
            return command(args)
        except ConfigError:
            raise
        except (SmallestError, OSError, TimeoutError) as error:
            _show_results(getattr(error, "results", None))
            print(f"smallest-nb {args.command}: {printable(str(error))}", file=sys.stderr)
            return 1
        except KeyboardInterrupt as interrupt:
            _show_results(getattr(interrupt, "results", None))
            raise

    return run


def _show_target(args: argparse.Namespace) -> None:
    """Say on stderr if nothing real answers."""
    from smallest_nb.client.target import resolve

    if getattr(args, "scheduler", None) is None:
        target = resolve(None, args.base_url)
        if target.simulated:
            print(target.label, file=sys.stderr)


def _show_results(results: Any) -> None:
    if results is not None:
        print(results.summary(), file=sys.stderr)


def _speak(args: argparse.Namespace) -> int:
    from smallest_nb.audio.encoder import encode_clip
    from smallest_nb.client.batch.rows import checked_name
    from smallest_nb.client.blocking import speak
    from smallest_nb.common.files import write_file
    from smallest_nb.common.paths import as_path

    sound_format = "wav" if args.output == _STDIO else checked_name(args.output)
    text = sys.stdin.read() if args.text == _STDIO else args.text
    clip = speak(text, sample_rate=args.sample_rate, base_url=args.base_url, timeout=600.0, **_settings_of(args))
    data = encode_clip(clip, sound_format)
    if args.output == _STDIO:
        sys.stdout.buffer.write(data)
    else:
        write_file(as_path(args.output), data)
        print(showable(f"{args.output}: {clip.duration:.2f} s"))
    return 0


def _transcribe(args: argparse.Namespace) -> int:
    from smallest_nb.client.blocking import transcribe
    from smallest_nb.results.transcript.exports import TRANSCRIPT_FORMATS

    if args.written_as is not None and args.written_as.lower() not in TRANSCRIPT_FORMATS:
        raise ConfigError(f"--as {args.written_as} is unknown; expected one of {', '.join(TRANSCRIPT_FORMATS)}.")
    audio: Any = sys.stdin.buffer.read() if args.audio == _STDIO else args.audio
    transcript = transcribe(
        audio, channel=args.channel, base_url=args.base_url, progress=True, **_settings_of(args)
    )  # fmt: skip
    if args.output is not None:
        transcript.save(args.output, format=args.written_as)
        print(showable(f"{args.output}: {len(transcript.text.split())} words"))
    else:
        text = transcript.export(args.written_as) if args.written_as else f"{transcript.text}\n"
        sys.stdout.write(showable(text))
    return 0


def _voices(args: argparse.Namespace) -> int:
    import dataclasses

    from smallest_nb.client import background_loop, rest

    voices = background_loop.call(rest.list_voices(args.model, base_url=args.base_url), 30.0)
    wanted = [v for v in voices if args.language is None or args.language in v.languages]
    if args.json:
        print(json.dumps([dataclasses.asdict(v) for v in wanted], ensure_ascii=False, indent=1, default=str))
        return 0
    for voice in wanted:
        about = "  ".join(filter(None, (voice.gender, voice.accent, ", ".join(voice.languages))))
        print(showable(f"{voice.id:<16} {about}".rstrip()))
    return 0


@contextlib.contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Give a Dask client of a scheduler, or None without one."""
    if address is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise ConfigError("--scheduler needs Dask: pip install 'smallest-nb[cluster]'.") from None
    try:
        client: Any = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ConfigError(f"--scheduler {address} cannot be reached ({error}).") from error
    with client:
        yield client


def _speak_many(args: argparse.Namespace) -> int:
    from smallest_nb.client.batch.many import speak_many

    with _cluster(args.scheduler) as client:
        results = speak_many(
            args.rows, name=args.name, sample_rate=args.sample_rate, client=client, **_batch_options(args),
            **_settings_of(args),
        )  # fmt: skip
    return _report(results, args)


def _transcribe_many(args: argparse.Namespace) -> int:
    from smallest_nb.client.batch.many import transcribe_many

    with _cluster(args.scheduler) as client:
        results = transcribe_many(
            args.audio, formats=[name.strip() for name in args.formats.split(",")], channel=args.channel,
            client=client, **_batch_options(args), **_settings_of(args),
        )  # fmt: skip
    return _report(results, args)


def _batch_options(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "out": args.out,
        "units": args.units,
        "attempts": args.attempts,
        "on_error": args.on_error,
        "timeout": args.timeout,
        "base_url": args.base_url,
        "progress": True,
    }


def _report(results: Any, args: argparse.Namespace) -> int:
    failed = results.failed
    if args.json:
        for r in results:
            line = {
                "id": r.id, "ok": r.ok, "error": r.error, "outputs": r.outputs, "duration": r.duration,
                "attempts": r.attempts, "earlier": r.is_earlier,
            }  # fmt: skip
            print(json.dumps(line, ensure_ascii=False))
    else:
        print(results.summary())
    for r in failed[:_MOST_SHOWN]:
        print(printable(f"{r.id}: {r.error}"), file=sys.stderr)
    if len(failed) > _MOST_SHOWN:
        print(f"and {len(failed) - _MOST_SHOWN} more", file=sys.stderr)
    return 1 if failed else 0


COMMANDS = {
    "speak": _run(_speak),
    "transcribe": _run(_transcribe),
    "voices": _run(_voices),
    "speak-many": _run(_speak_many),
    "transcribe-many": _run(_transcribe_many),
}
"""What runs each command."""
