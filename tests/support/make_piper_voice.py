"""Makes the files of a tiny Piper voice, in the environment that has `onnx`: `make_piper_voice.py PATH.onnx [KIND]`.

It has the inputs and outputs of Piper's own models, and the tensor with the phonemes' lengths inside. Each phoneme is a
tone of 4 frames of 256 samples (times the length scale), whose pitch is its number's and its speaker's, with noise on
it. KIND `speakers` makes a voice of three speakers, `other` a model that is no voice.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from onnx import TensorProto, helper, save

RATE, HOP, FRAMES = 22050, 256, 4
SYMBOLS = "_^$ !'(),-.:;?abcdefhijklmnopqrstuvwxyzæçðøħŋœǀǁǂǃɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɠɡɢɣɤɥɦɧɨɪɫɬɭɮɯɰɱɲɳɴɵɶɸɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʘʙʛʜʝʟʡʢʲˈˌːˑ˞βθχᵻⱱ̩"  # noqa: E501, RUF001


def constant(name, kind, values, dims=None):
    return helper.make_node(
        "Constant", [], [name], value=helper.make_tensor(name, kind, [len(values)] if dims is None else dims, values)
    )


def make_graph(speakers: int):
    node = helper.make_node
    ints, floats = TensorProto.INT64, TensorProto.FLOAT
    nodes = [
        constant("one_i", ints, [1]),
        constant("two_i", ints, [2]),
        constant("zero_i", ints, [0]),
        constant("frames", floats, [FRAMES]),
        constant("hop", floats, [HOP]),
        constant("flat", ints, [1, 1, 1, -1]),
        constant("column", ints, [-1, 1]),
        constant("radians", floats, [2 * 3.14159265 / RATE]),
        constant("low", floats, [120.0]),
        constant("step", floats, [3.0]),
        constant("gain", floats, [0.5]),
        node("Slice", ["scales", "zero_i", "one_i"], ["noise_scale"]),
        node("Slice", ["scales", "one_i", "two_i"], ["length_scale"]),
        node("Cast", ["input"], ["ids"], to=floats),
        node("Sub", ["ids", "ids"], ["nothing"]),
        node("Mul", ["frames", "length_scale"], ["wanted"]),
        node("Add", ["nothing", "wanted"], ["lengths_before"]),
        node("Unsqueeze", ["lengths_before", "one_i"], ["w"]),
        node("Ceil", ["w"], ["/Ceil_output_0"]),  # [1, 1, phonemes]
        node("ReduceMax", ["/Ceil_output_0"], ["longest"], keepdims=0),
        node("Mul", ["longest", "hop"], ["samples_float"]),
        node("Cast", ["samples_float"], ["samples_1"], to=ints),
        node("Squeeze", ["samples_1"], ["samples"]),
        constant("zero", ints, [0], []),
        constant("one", ints, [1], []),
        node("Range", ["zero", "samples", "one"], ["times_int"]),
        node("Cast", ["times_int"], ["times"], to=floats),
        node("Mul", ["times", "radians"], ["turns"]),
        node("Mul", ["ids", "step"], ["steps"]),
        node("Add", ["steps", "low"], ["pitch_of_all"]),
        *(
            [
                constant("octave", floats, [200.0]),
                node("Cast", ["sid"], ["speaker"], to=floats),
                node("Mul", ["speaker", "octave"], ["higher"]),
                node("Add", ["pitch_of_all", "higher"], ["pitch"]),
            ]
            if speakers > 1
            else [node("Identity", ["pitch_of_all"], ["pitch"])]
        ),
        node("Reshape", ["pitch", "column"], ["pitches"]),
        node("Mul", ["pitches", "turns"], ["phases"]),
        node("Sin", ["phases"], ["tones"]),
        node("RandomNormalLike", ["tones"], ["noise"]),
        constant("small", floats, [0.02]),
        node("Mul", ["noise", "noise_scale"], ["noise_scaled"]),
        node("Mul", ["noise_scaled", "small"], ["noise_added"]),
        node("Mul", ["tones", "gain"], ["quiet"]),
        node("Add", ["quiet", "noise_added"], ["mixed"]),
        node("Reshape", ["mixed", "flat"], ["output"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [
        value("input", ints, ["batch_size", "phonemes"]),
        value("input_lengths", ints, ["batch_size"]),
        value("scales", floats, [3]),
    ]
    if speakers > 1:
        inputs.append(value("sid", ints, ["batch_size"]))
    return helper.make_graph(nodes, "voice", inputs, [value("output", floats, ["batch_size", 1, "one", "time"])])


def make_other_graph():
    value = helper.make_tensor_value_info
    inputs = [value("audio", TensorProto.FLOAT, [1, 512])]
    nodes = [helper.make_node("Abs", ["audio"], ["speech"], doc_string="not a voice " * 20)]
    return helper.make_graph(nodes, "other", inputs, [value("speech", TensorProto.FLOAT, [1, 512])])


def main() -> None:
    path, kind = sys.argv[1], (sys.argv[2:] or ["voice"])[0]
    speakers = 3 if kind == "speakers" else 1
    graph = make_other_graph() if kind == "other" else make_graph(speakers)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8), path)
    config = {
        "audio": {"sample_rate": RATE, "quality": "x_low"},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_type": "espeak",
        "phoneme_map": {},
        "phoneme_id_map": {symbol: [number] for number, symbol in enumerate(SYMBOLS)},
        "num_symbols": 256,
        "num_speakers": speakers,
        "speaker_id_map": {"low": 0, "middle": 1, "high": 2} if speakers > 1 else {},
        "hop_length": HOP,
    }
    Path(f"{path}.json").write_text(json.dumps(config), encoding="utf-8")


if __name__ == "__main__":
    main()
