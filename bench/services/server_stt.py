"""The fake service's transcription: notes what arrives, answers every 200 ms of audio with a stamped transcript."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

from websockets.asyncio.server import ServerConnection

from bench.services.ledger import Ledger
from bench.services.stamps import HEARD_RATE, HeardReader

_EVERY = HEARD_RATE // 5 * 2
_FINAL_EVERY = 10
_SAID = "so this is what was heard until now"


async def listen(ws: ServerConnection, ledger: Ledger) -> None:
    """Serve one STT connection until it ends."""
    reader, heard, sent = HeardReader(), 0, 0
    async for frame in ws:
        now = perf_counter()
        if isinstance(frame, str):
            kind = json.loads(frame).get("type")
            if kind == "keepalive":
                await ws.send('{"type": "pong"}')
            elif kind == "finalize":
                await ws.send(_result(heard, final=True))
            elif kind == "close_stream":
                await ws.send(_result(heard, final=True, is_last=True))
                return
            continue
        ledger.arrivals.extend((stamp, now) for stamp in reader.feed(frame))
        heard += len(frame)
        if heard // _EVERY > sent:
            sent = heard // _EVERY
            await ws.send(_result(heard, final=sent % _FINAL_EVERY == 0))


def _result(heard: int, *, final: bool, is_last: bool = False) -> str:
    text = f"{perf_counter():.6f} {_SAID}"
    result: dict[str, Any] = {
        "type": "transcription",
        "status": "success",
        "session_id": "ws_bench",
        "transcript": text,
        "is_final": final,
        "is_last": is_last,
    }
    if final:  # the words' times say what a client may forget
        end = heard / 2 / HEARD_RATE
        words = text.split()
        result |= {
            "language": "en",
            "words": [
                {"word": word, "start": max(0.0, end - len(words) + at), "end": max(0.0, end - len(words) + at + 1)}
                for at, word in enumerate(words)
            ],
        }
    return json.dumps(result)
