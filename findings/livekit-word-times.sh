#!/usr/bin/env bash
# livekit-plugins-smallestai 1.8.9, STT: after `update_options` (a new language, for example) in a running stream, the
# word times restart at zero; after a dropped socket they continue at the wall clock's time, not at that of the pushed
# audio. Observed 2026-11-29: three words at 0.1, 1.1, 2.1 s, then the options change: the next three at 0.1, 1.1, 2.1 s
# again instead of 3.1, 4.1, 5.1. Unexpected because the stream object, its iterator and its audio continue without a
# break, and the base class has start_time_offset for this; only a retry after an error adds to it.
set -euo pipefail

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    'livekit-plugins-smallestai==1.8.9' 'livekit-agents==1.8.9' 'aiohttp==3.14.5'
"$work/venv/bin/python" -W ignore - 2>"$work/plugin.log" <<'PY'
import asyncio

import aiohttp
from aiohttp import web
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.plugins import smallestai

SECOND = 32000  # bytes of PCM16 at 16 kHz
drops = False
sockets = 0


async def service(request):
    """Send one final with a word for each of the first three seconds of sound, timed from this socket's start."""
    global sockets
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    sockets += 1
    mine, received, said = sockets, 0, 0
    async for message in socket:
        if message.type is aiohttp.WSMsgType.BINARY:
            received += len(message.data)
            while received >= SECOND * (said + 1) and said < 3:
                word = {"word": f"word{said}", "start": said + 0.1, "end": said + 0.5, "confidence": 0.9}
                final = {"transcript": word["word"], "is_final": True, "is_last": False, "language": "en"}
                await socket.send_json(final | {"session_id": str(mine), "words": [word]})
                said += 1
            if drops and mine == 1 and said == 3:
                await asyncio.sleep(0.2)
                request.transport.abort()
        elif "close_stream" in message.data:
            await socket.send_json({"transcript": "", "is_final": True, "is_last": True, "session_id": str(mine)})
    return socket


async def word_times(port, change):
    global drops, sockets
    drops, sockets, times = change == "dropped socket", 0, []
    async with aiohttp.ClientSession() as session:
        stt = smallestai.STT(api_key="none", base_url=f"http://127.0.0.1:{port}/waves/v1", http_session=session)
        stream = stt.stream(conn_options=APIConnectOptions(max_retry=3, retry_interval=0.1))

        async def read():
            async for event in stream:
                if event.alternatives:
                    times.append(round(event.alternatives[0].words[0].start_time, 1))

        async def words(count):
            while len(times) < count:
                await asyncio.sleep(0.02)

        reading = asyncio.create_task(read())
        for half in (1, 2):
            for _ in range(30):
                stream.push_frame(rtc.AudioFrame(bytes(3200), 16000, 1, 1600))
            await asyncio.wait_for(words(3 * half), 30)
            if half == 1 and change == "update_options":
                stream.update_options(language="hi")
            while half == 1 and sockets < 2:
                await asyncio.sleep(0.02)
        reading.cancel()
        await stream.aclose()
    return times


async def main():
    application = web.Application()
    application.router.add_get("/waves/v1/stt/live", service)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    for change in ("update_options", "dropped socket"):
        times = await word_times(port, change)
        print(f"{change}: three seconds of sound before and after it: words at {times}")
        if change == "update_options":
            assert times == [0.1, 1.1, 2.1] * 2, "changed: the clock goes on"
        else:
            assert 0 < times[3] < 2.5, "changed: the offset is that of the sound"
    await runner.cleanup()


asyncio.run(main())
PY
