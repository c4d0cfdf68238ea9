"""One client's process: `python -m bench.conversation.client CLIENT` holds the conversation of each order on stdin.

An answer has, in seconds from the first sample of the person's sound: `parts`, what was played, each with the number of
its answer, its beginning and its end; and `history`, the messages that the client would give to a model.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from importlib import import_module
from typing import Any

_LIMIT_SECS = 400


def main() -> None:
    """Hold conversations until stdin ends."""
    figures = os.fdopen(os.dup(1), "w")  # some clients print
    os.dup2(2, 1)
    converse = import_module(f"bench.conversation.{sys.argv[1]}").converse
    print(json.dumps({"ready": True}), file=figures, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = asyncio.run(_limited(converse, order))
        except Exception as error:  # a client may raise anything; the runner says why there is no figure
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=figures, flush=True)


async def _limited(converse: Any, order: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(_LIMIT_SECS):
        answer: dict[str, Any] = await converse(**order)
        return answer


if __name__ == "__main__":
    main()
