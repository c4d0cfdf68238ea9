"""What the audio bench runs in the kernel and in the page. Data only.

The naive ways are written as people write them: an `Audio` output of the whole clip, a trait that carries base64.
"""

from __future__ import annotations

__all__ = ["BARE_COMM", "NAIVE_AUDIO", "NAIVE_TRAIT", "PAGE", "RECORDER", "SEND_TRAITS", "STREAM", "WIDGETS"]

WIDGETS = """
import asyncio, base64, json, random, time
import numpy as np, psutil
import smallest_nb as snb
from smallest_nb.client import background_loop as runtime
rng = np.random.default_rng(3)
smooth = np.convolve(rng.normal(0, 9000, 24000 * 64), np.ones(12) / 4, "same").clip(-30000, 30000).astype(np.int16)
player = snb.Player()
player
"""

RECORDER = """
mic = snb.Microphone()
got = []
mic.on_audio(got.append)
mic
"""

STREAM = """
async def speak(seconds, jitter):
    # As a service sends: 100 ms of sound every 100 ms, each late by a random part of `jitter`.
    stream = player.open_stream(24000)
    started = time.monotonic()
    for n in range(int(seconds * 10)):
        await asyncio.sleep(max(0, started + n / 10 + random.uniform(0, jitter) - time.monotonic()))
        stream.write(smooth[n * 2400 : (n + 1) * 2400].tobytes())
    stream.end()
    return stream
"""

BARE_COMM = """
from ipykernel.comm import CommManager
def opened(comm, _message):
    @comm.on_msg
    def echo(message):
        comm.send({"n": message["content"]["data"]["n"]})
get_ipython().kernel.comm_manager.register_target("bench", opened)
"""

NAIVE_TRAIT = """
import anywidget, traitlets
class Naive(anywidget.AnyWidget):
    _esm = '''export default { render({ model }) {
      window.__naive = [];
      model.on("change:chunk", () => window.__naive.push([performance.now(), model.get("chunk").length]));
    } };'''
    chunk = traitlets.Unicode("").tag(sync=True)
naive = Naive()
naive
"""

NAIVE_AUDIO = """
from IPython.display import Audio, display
display(Audio(smooth[:240000], rate=24000, autoplay=True))
"""

# From a background thread, as a callback of a service would.
SEND_TRAITS = """
import threading
def send():
    for n in range(200):
        naive.chunk = base64.b64encode(smooth[n * 2400 : (n + 1) * 2400].tobytes()).decode()
threading.Thread(target=send).start()
"""

PAGE = {
    # Round trips on a widget's own comm, or on a bare one: the same kernel, the same socket, the same size.
    "ours": """async ([bytes, times, commId]) => {
      const kernel = window.__panel().sessionContext.session.kernel;
      const page = window.__mic_page;
      const comm = kernel._comms.get(commId);
      const trips = [];
      let answered = null;
      const listen = (_, message) => {
        const content = message.content?.data?.content;
        if (message.header.msg_type === 'comm_msg' && content?.type === 'mic-ack') answered?.();
      };
      kernel.iopubMessage.connect(listen);
      window.__chunks ??= 0; // numbered without a gap: the kernel waits for what is missing
      for (let i = 0; i < times; i++) {
        const began = performance.now();
        const done = new Promise((resolve) => { answered = resolve; });
        comm.send({ method: 'custom', content: { v: 1, type: 'mic-chunk', page, ack: 0, n: window.__chunks++, oldest: 0,
          t: null, level: 0, clipped: false, last: true } }, {}, [new ArrayBuffer(bytes)]);
        await done;
        trips.push(performance.now() - began);
      }
      kernel.iopubMessage.disconnect(listen);
      return trips;
    }""",
    "floor": """async ([bytes, times]) => {
      const kernel = window.__panel().sessionContext.session.kernel;
      const comm = kernel.createComm('bench');
      await comm.open({}).done;
      const trips = [];
      for (let i = 0; i < times; i++) {
        const began = performance.now();
        const done = new Promise((resolve) => { comm.onMsg = resolve; });
        comm.send({ n: i }, {}, [new ArrayBuffer(bytes)]);
        await done;
        trips.push(performance.now() - began);
      }
      comm.close();
      return trips;
    }""",
    "audio began": """() => new Promise((resolve) => {
      const poll = () => {
        const audio = document.querySelector('.jp-OutputArea audio');
        if (audio && !audio.paused && audio.currentTime > 0)
          resolve(performance.timeOrigin + performance.now() - audio.currentTime * 1000);
        else setTimeout(poll, 4);
      };
      poll();
    })""",
}
