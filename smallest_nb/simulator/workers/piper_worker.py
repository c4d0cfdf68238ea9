"""The process that speaks with a Piper voice: requests on stdin, PCM16 and word events on stdout. Run, not imported.

piper-tts contains espeak-ng and is GPL-3.0-or-later: a process of its own, as espeak-ng's. Argument: the voice's
`.onnx`, whose `.onnx.json` lies beside it. Messages in: `S` {text, speed, variation, volume, speaker}. Out: `R` ready
{sample_rate}, `A` PCM16, `W` {at, start, length}, `E` end, `X` error text.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
import child_process  # type: ignore[import-not-found]
import framing  # type: ignore[import-not-found]  # beside this file; the package itself is not imported here
import word_groups  # type: ignore[import-not-found]

_GET = "pip install 'piper-tts>=1.4'"
_PIECE_BYTES = 8192
_PAUSE_SECS = 0.2
"""Between two sentences, which the models do not make."""
_INPUTS = {"input", "input_lengths", "scales"}
_SPEAKER_INPUT = "sid"
_LENGTHS = b"/Ceil_output_0"
"""The tensor with the length of each phoneme, in Piper's own exports."""
_GRAPH, _OUTPUT, _NAME = 7, 12, 1
"""Fields of ONNX's ModelProto, GraphProto and ValueInfoProto."""
_SEED = 7
_MAX_SHOWN = 200


class _UnusableError(Exception):
    """Why there is no voice, and what to do."""


class _Voice:
    def __init__(self, path: str, out: Any) -> None:
        try:
            import onnxruntime
            from piper import PiperVoice, SynthesisConfig
            from piper.config import PiperConfig
        except ImportError as error:
            raise _UnusableError(f"a Piper voice needs the package piper-tts ({error}): {_GET}") from None
        self._make_config = SynthesisConfig
        self._out = out
        try:
            with open(f"{path}.json", encoding="utf-8") as file:  # noqa: PTH123 - pathlib is slow to import
                self._config = PiperConfig.from_dict(json.load(file))
        except Exception as error:
            raise _UnusableError(f"{path}.json describes no Piper voice: {_show(error)}") from None
        onnxruntime.set_seed(_SEED)  # before the session: its generators are seeded when it is made
        session = self._load(path, onnxruntime)
        inputs = {i.name for i in session.get_inputs()}
        if not _INPUTS <= inputs <= {*_INPUTS, _SPEAKER_INPUT}:
            wanted = ", ".join(sorted(_INPUTS))
            raise _UnusableError(
                f"{path} is no Piper voice: the model takes {', '.join(sorted(inputs)) or 'nothing'}; expected {wanted}"
            )
        if (_SPEAKER_INPUT in inputs) != (self._config.num_speakers > 1):
            raise _UnusableError(f"{path}.json belongs to another voice: it names {self._config.num_speakers} speakers")
        self._voice = PiperVoice(session=session, config=self._config)
        self.sample_rate = self._config.sample_rate
        try:
            # Loads what says letters; each child process inherits it. A voice that does not fit its JSON fails here.
            self._phoneme_ids("a")
            next(iter(self._voice.synthesize("a", include_alignments=True)))
        except TypeError:
            raise _UnusableError(f"the piper-tts that is installed is too old: {_GET}") from None
        except Exception as error:
            raise _UnusableError(f"the voice {path} cannot speak: {_show(error)}") from None

    def _load(self, path: str, onnxruntime: Any) -> Any:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # a child of fork() has no other threads
        options.log_severity_level = 4
        with open(path, "rb") as file:  # noqa: PTH123
            model = file.read()
        tries = [_add_output(model, _LENGTHS), model] if _LENGTHS in model else [model]
        for at, data in enumerate(tries, 1):
            try:
                return onnxruntime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
            except Exception as error:
                if at == len(tries):
                    raise _UnusableError(f"{path} cannot be loaded as an ONNX model: {_show(error)}") from None
        raise AssertionError

    def speak(self, job: dict[str, Any]) -> None:
        """Answer one request."""
        child_process.answer_in_child(lambda: self._speak(job), self._out, "Piper", _describe)

    def _speak(self, job: dict[str, Any]) -> None:
        # [[ ]] would be taken for phonemes.
        text = job["text"].replace("[[", "[ ").replace("]]", " ]")
        config = self._make_config(
            speaker_id=job["speaker"] if self._config.num_speakers > 1 else None,
            length_scale=self._config.length_scale / job["speed"],
            noise_scale=self._config.noise_scale * job["variation"],
            noise_w_scale=self._config.noise_w_scale * job["variation"],
            volume=job["volume"],
        )
        groups = word_groups.WordGroups(text, [s for s in self._voice.phonemize(text) if s], self._voice.phonemize)
        made = 0
        pause = bytes(2 * round(_PAUSE_SECS * self.sample_rate))
        for number, chunk in enumerate(self._voice.synthesize(text, config, include_alignments=True)):
            pcm = pause if number else b""
            begin = made + len(pcm) // 2
            pcm += chunk.audio_int16_bytes
            for at, (start, length) in groups.place(_lengths(chunk)):
                word = {"at": begin + at, "start": start, "length": length}
                self._out.write(framing.pack_json(b"W", word))
            for offset in range(0, len(pcm), _PIECE_BYTES):
                framing.write(self._out, framing.pack(b"A", pcm[offset : offset + _PIECE_BYTES]))
            made += len(pcm) // 2
        self._out.flush()

    def _phoneme_ids(self, text: str) -> list[int]:
        return [i for sentence in self._voice.phonemize(text) for i in self._voice.phonemes_to_ids(sentence)]


def _lengths(chunk: Any) -> list[tuple[str, int]]:
    """Return each phoneme of a sentence with its samples; equal shares where the model does not tell."""
    if chunk.phoneme_alignments:
        return [(a.phoneme, int(a.num_samples)) for a in chunk.phoneme_alignments]
    share = len(chunk.audio_float_array) // max(1, len(chunk.phonemes))
    return [(phoneme, share) for phoneme in chunk.phonemes]


def _add_output(model: bytes, name: bytes) -> bytes:
    """Let a tensor of a serialized ONNX model be one of its outputs.

    Serialized messages that are joined are merged: the second one's lists, here the graph's outputs, are appended.
    """
    return model + _pack_field(_GRAPH, _pack_field(_OUTPUT, _pack_field(_NAME, name)))


def _pack_field(number: int, payload: bytes) -> bytes:
    """Return a length-delimited field of a protocol buffer; both numbers are below 128."""
    return bytes((number << 3 | 2, len(payload))) + payload


def _show(error: BaseException) -> str:
    words = " ".join((str(error) or type(error).__name__).split())
    return words if len(words) <= _MAX_SHOWN else words[:_MAX_SHOWN] + "..."


def _describe(error: BaseException) -> str:
    return f"Piper failed on this text: {_show(error)}"


def main() -> None:
    """Serve until stdin ends."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print is no message
    try:
        voice = _Voice(sys.argv[1], out)
    except _UnusableError as error:
        framing.write(out, framing.pack(b"X", str(error).encode()))
        return
    except OSError as error:
        framing.write(out, framing.pack(b"X", f"{sys.argv[1]} cannot be read: {_show(error)}".encode()))
        return
    except MemoryError:
        framing.write(out, framing.pack(b"X", b"there is not enough memory for the Piper voice"))
        return
    framing.write(out, framing.pack_json(b"R", {"sample_rate": voice.sample_rate}))
    while (message := framing.read(sys.stdin.buffer)) is not None:
        try:
            voice.speak(json.loads(message[1]))
        except child_process.ReportedError:
            continue
        except Exception as error:
            framing.write(out, framing.pack(b"X", _describe(error).encode()))
            continue
        framing.write(out, framing.pack(b"E"))


if __name__ == "__main__":
    main()
