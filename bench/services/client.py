"""A client's process: `python -m bench.services.client CLIENT` reads a task a line and answers with figures.

Standard library only. What is measured is in `tasks`, the same for every client.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from bench.clients.interface import Adapter, load_adapter
from bench.services.tasks import TASKS


def main() -> None:
    """Do the tasks that stdin brings until it ends."""
    # Some clients print; the real stdout is for figures only.
    figures = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    asyncio.run(_run(load_adapter(sys.argv[1]), figures))


async def _run(make: Callable[[], Adapter], figures: Any) -> None:
    loop, orders = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    adapter = make()
    print(json.dumps({"ready": True}), file=figures, flush=True)
    while line := await orders.readline():
        order = json.loads(line)
        try:
            async with asyncio.timeout(order["limit"]):
                answer = await TASKS[order["task"]](adapter, order["url"], **order["with"])
        except Exception as error:  # a client may raise anything; the runner leaves the figure out and says why
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=figures, flush=True)


if __name__ == "__main__":
    main()
