"""What each tutorial teaches, broken: code that a kernel runs before the notebook's first cell."""

from __future__ import annotations

BREAKS = {
    # The speed is not sent.
    "01_tune_a_voice": """
        from smallest_nb.api import tts_wire
        request = tts_wire.tts_request
        tts_wire.tts_request = lambda *a, **k: {n: v for n, v in request(*a, **k).items() if n != "speed"}
    """,
    # Results hold no words with times.
    "02_live_transcription": """
        import dataclasses
        from smallest_nb.api import stt_wire
        parse = stt_wire.parse_segment
        stt_wire.parse_segment = lambda *a, **k: dataclasses.replace(parse(*a, **k), words=())
    """,
    # Every voice is the same.
    "03_compare_voices": """
        from smallest_nb.api import tts_wire
        request = tts_wire.tts_request
        tts_wire.tts_request = lambda *a, **k: {**request(*a, **k), "voice_id": "magnus", "speed": 1.0}
    """,
    # The copied code forgets the speed.
    "04_from_notebook_to_pipecat": """
        from smallest_nb.api import code_export
        write = code_export.tts_code
        code_export.tts_code = lambda *a, **k: write(*a, **k).replace("speed=", "# speed=")
    """,
    # Subtitles are a second late.
    "05_captions_and_exports": """
        from smallest_nb.api import stt_wire
        parse = stt_wire.parse_segment
        stt_wire.parse_segment = lambda *a, **k: parse(*a, **k).shifted(1.0)
    """,
    # What breaks off is not spoken again.
    "06_under_the_hood": """
        from smallest_nb.client.tts import SmallestTTSService
        first = SmallestTTSService.__init__
        def init(self, *a, **k):
            first(self, *a, **{**k, "max_retries": 0})
        SmallestTTSService.__init__ = init
    """,
    # Everything said is lost.
    "07_colab": """
        from smallest_nb.client.stt_results import TranscriptAssembler
        TranscriptAssembler.take = lambda self, frame, now, **k: None
    """,
    # What was not heard of an answer is in the history.
    "08_conversation": """
        from smallest_nb.client.conversation import session
        from smallest_nb.client.conversation.heard_text import HeardText
        session.cut_text = lambda text, *a, **k: HeardText(text.strip())
    """,
    # What is finished is not remembered.
    "09_many": """
        from smallest_nb.client.batch.manifest import Manifest
        Manifest.done = lambda self, item: None
    """,
}
