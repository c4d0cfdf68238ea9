"""A kernel ends when it is asked to, silently, whatever of ours its cells made and left."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from jupyter_client.manager import KernelManager

CELLS = {
    "unused": "import smallest_nb as snb; tuner = snb.VoiceTuner(); live = snb.LiveTranscriber(); tuner",
    "used": "import smallest_nb as snb; tuner = snb.VoiceTuner('Hi'); tuner.audition(); display(tuner)",
    "under_way": "import smallest_nb as snb; tuner = snb.VoiceTuner('Hello there. ' * 40); future = tuner.submit()",
    "awaited": (
        "import smallest_nb as snb; tts = snb.SmallestTTSService(); await tts.connect()\n"
        "speech = tts.run_tts('Hello there. How are you?'); await anext(speech)\n"
        "stt = snb.SmallestSTTService(); await stt.connect(); await stt.send(bytes(32000)); results = stt.segments()"
    ),
}


@pytest.mark.parametrize("cell", CELLS)
def test_X1_a_kernel_that_is_shut_down_ends(cell, tmp_path):
    with (tmp_path / "stderr").open("w+") as stderr:
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(stdout=subprocess.DEVNULL, stderr=stderr, cwd=str(tmp_path))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            reply = client.execute_interactive(CELLS[cell], timeout=60, output_hook=lambda _message: None)
            assert reply["content"]["status"] == "ok", reply["content"]
            client.shutdown()
            asyncio.run(asyncio.wait_for(manager.provisioner.wait(), 30))
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        stderr.seek(0)
        own = (  # of ipykernel itself; the last where it ends its output thread first, on a busy machine
            "[IPKernelApp] WARNING | Kernel is running over TCP", "Debugger warning", "IOStream.flush timed out",
        )  # fmt: skip
        said = [line for line in stderr if line.strip() and not line.startswith(own)]
    assert said == []
