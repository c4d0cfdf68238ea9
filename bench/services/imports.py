"""What `import` costs, in fresh processes: CPU seconds and resident memory, the interpreter's own start included."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bench.child import ChildError, environment
from bench.environments import ROOT

# Each client's statement gives what its user needs to speak and to listen.
UNITS = {"import_cpu": "s", "import_cpu_plain": "s", "rss_after_import": "MB"}
_STATEMENTS = {
    "floor": "import websockets.asyncio.client",
    "smallest_nb": "import smallest_nb; smallest_nb.SmallestTTSService; smallest_nb.SmallestSTTService",
    "pipecat": (
        "from pipecat.services.smallest.tts import SmallestTTSService;"
        "from pipecat.services.smallest.stt import SmallestSTTService"
    ),
    "livekit": "from livekit.plugins import smallestai",
    "smallestai": (
        "from smallestai import AsyncSmallestAI;"
        "from smallestai.waves.tts.client import AsyncTtsClient;"
        "from smallestai.waves.speech_to_text.client import AsyncSpeechToTextClient"
    ),
}
_PLAIN = {"smallest_nb": "import smallest_nb"}
"""Where the services are imported when first used, what the bare import costs."""
_MEASURE = """
import time
cpu = time.process_time()
pages = int(open("/proc/self/statm").read().split()[1])
import json, os
print(json.dumps([cpu, pages * os.sysconf("SC_PAGE_SIZE") / 1e6]))
"""
_SECS = 60.0


def figures(client: str, python: Path) -> dict[str, float]:
    """Return one sample of each metric that a client has.

    Raises:
        ChildError: It cannot be imported.
    """
    found = {}
    if client in _STATEMENTS:
        found["import_cpu"], found["rss_after_import"] = _cost(python, _STATEMENTS[client])
    if client in _PLAIN:
        found["import_cpu_plain"], _ = _cost(python, _PLAIN[client])
    return found


def _cost(python: Path, statement: str) -> tuple[float, float]:
    """Return CPU seconds and resident megabytes of a fresh process after a statement."""
    done = subprocess.run(
        [str(python), "-c", f"{statement}\n{_MEASURE}"],
        capture_output=True,
        text=True,
        timeout=_SECS,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    if done.returncode:
        raise ChildError(f"import failed: {done.stderr.strip()[-300:]}")
    cpu, megabytes = json.loads(done.stdout.splitlines()[-1])
    return cpu, megabytes
