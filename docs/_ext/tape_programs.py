"""What the live boxes play: small programs of a user's kind, run with the cassettes of `tests/cassettes`.

`python tape_programs.py NAME FOLDER` writes `NAME.json`, `NAME.bin` and, for where no script runs, `NAME.html` into a
folder. The recordings run at their own speed, by a clock that leaps. Cassettes and clock are a whole process's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import stopped_clock

clock = stopped_clock.install()

from tapes import Reel, Tape  # noqa: E402 - what they import follows the clock

import smallest_nb as snb  # noqa: E402
from smallest_nb.client import background_loop  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from record_cassettes import FOLDER, RATE, SENTENCE, SPEEDS, transcribe_live  # noqa: E402 - found by the line above


def audition(reel: Reel) -> tuple[list[Tape], str]:
    """Three tuners that differ in speed; each is pressed once."""
    tapes, takes = [], snb.Takes()
    with snb.replay(FOLDER / "audition.cassette"):
        for speed in SPEEDS:
            tuner = snb.VoiceTuner(SENTENCE, voice="avery", speed=speed, word_timestamps=True, sample_rate=RATE)
            tuner.player.label = f"Speed {speed:g}"
            tuner.player.notice = ""  # the box says once what it is
            tape = Tape(reel, ("player", tuner.player))
            tape.run(clock, lambda t=tuner: t.player.error or (len(t.takes) > 0 and not t.player.busy))
            if tuner.player.error:
                raise RuntimeError(f"{tuner.player.label}: {tuner.player.error}")
            tapes.append(tape)
            takes.add(tuner.takes[-1], renumber=True)
            tuner.close()
    return tapes, takes._repr_html_()


def call(reel: Reel) -> tuple[list[Tape], str]:
    """A player with a call of two people, and under it the transcript of the same sound as it comes."""
    clip = snb.Clip.from_wav(FOLDER / "call.wav")
    view = snb.TranscriptView(placeholder="Press the button: what is said appears here.")
    player = snb.Player(label="Play")
    ended = []

    async def transcribe() -> None:
        player.busy = view.live = True
        try:
            await transcribe_live(clip, view.apply)
        finally:
            player.busy = view.live = False

    def pressed(action: str) -> None:
        if action == "play":
            view.clear()
            player.play(clip)
            ended.append(background_loop.submit(transcribe()))

    player.on_press(pressed)
    tape = Tape(reel, ("player", player), ("transcript-view", view))
    with snb.replay(FOLDER / "call.cassette"):
        tape.run(clock, lambda: bool(ended) and ended[0].done())
        ended[0].result()
    return [tape], view.transcript._repr_html_()


PROGRAMS: dict[str, Callable[[Reel], tuple[list[Tape], str]]] = {"audition": audition, "call": call}


def main(name: str, folder: Path) -> None:
    """Play a program and write its tapes."""
    reel = Reel()
    tapes, face = PROGRAMS[name](reel)
    text = json.dumps({"tapes": [t.written() for t in tapes]}, ensure_ascii=False, separators=(",", ":"))
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.bin").write_bytes(reel.sound)
    (folder / f"{name}.html").write_text(face + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
