"""Settings in what people write around this API: bots, requests, commands, files of variables. Nothing is run."""

from __future__ import annotations

import time

import pytest

from smallest_nb.api.settings import SmallestTTSSettings
from smallest_nb.api.settings_import import read_settings
from smallest_nb.errors import ConfigError

MEHER = SmallestTTSSettings(voice="meher", speed=1.2, model="lightning-v3.1-pro")
BODY = '{"text": "Hello, it is fine.", "voice_id": "meher", "speed": 1.2, "model": "lightning_v3.1_pro"}'
FIELDS = 'voice="meher", speed=1.2, model="lightning_v3.1_pro"'

BOT = """
import asyncio
import os

from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.smallest.stt import SmallestSTTService
from pipecat.services.smallest.tts import SmallestTTSModel, SmallestTTSService


async def main():
    stt = SmallestSTTService(
        api_key=os.environ["SMALLEST_API_KEY"],
        settings=SmallestSTTService.Settings(model="pulse", language="en", diarize=True),
    )
    llm = OpenAILLMService(settings=OpenAILLMService.Settings(model="gpt-4o", temperature=0.2))
    tts = SmallestTTSService(
        api_key=os.environ["SMALLEST_API_KEY"],
        base_url=os.environ["SMALLEST_BASE_URL"],
        settings=SmallestTTSService.Settings(
            voice=os.getenv("VOICE", "meher"),
            speed=float(os.environ.get("SPEED", "1.2")),
            model=SmallestTTSModel.LIGHTNING_V3_1_PRO.value,
        ),
    )


asyncio.run(main())
"""
PYTHON = {
    "bot with other services": BOT,
    "pipecat of today": f"tts = SmallestTTSService(api_key=key, settings=SmallestTTSService.Settings({FIELDS}))",
    "pipecat's older parameters": "SmallestTTSService(voice_id='meher', model='lightning_v3.1_pro', speed=1.2)",
    "livekit session": """
session = AgentSession(
    stt=smallestai.STT(model="pulse", language="en"), llm=openai.LLM(model="gpt-4o"),
    tts=smallestai.TTS(voice_id="meher", speed=1.2, model="lightning_v3.1_pro", http_session=session),
)""",
    "livekit beside another voice": """
first = cartesia.TTS(voice="sonic", speed=0.7)
second = smallestai.TTS(voice_id="meher", speed=1.2, model="lightning_v3.1_pro")
""",
    "vendor's config": """
from smallestai.waves import TTSConfig, WavesStreamingTTS

config = TTSConfig(
    voice_id="meher", api_key=os.environ["SMALLEST_API_KEY"], model="lightning_v3.1_pro", speed=1.2,
    sample_rate=24000, max_buffer_flush_ms=100,
)
tts = WavesStreamingTTS(config)
""",
    "vendor's client": """
client = SmallestAI(api_key=os.environ["SMALLEST_API_KEY"])
audio = client.waves.tts.synthesize(text="Hello", voice_id="meher", speed=1.2, model="lightning_v3.1_pro")
""",
    "requests": f"""
import requests

response = requests.post(
    "https://api.smallest.ai/waves/v1/tts",
    headers={{"Authorization": f"Bearer {{os.environ['SMALLEST_API_KEY']}}", "Content-Type": "application/json"}},
    json={BODY},
    timeout=30,
)
response.raise_for_status()
""",
    "a payload of its own": f"""
payload = {BODY}
headers = {{"Authorization": f"Bearer {{token}}"}}
response = requests.request("POST", url, headers=headers, data=json.dumps(payload))
""",
    "httpx": """
async with httpx.AsyncClient() as client:
    r = await client.post(URL, json=dict(text=text, voice_id="meher", speed=1.2, model="lightning_v3.1_pro"))
""",
    "aiohttp": """
VOICE = "meher"
SPEED: float = 1.2

async def speak(text):
    async with aiohttp.ClientSession() as session:
        async with session.post(URL, json={"text": text, "voice_id": VOICE, "speed": SPEED,
                                           "model": "lightning_v3.1_pro"}) as response:
            return await response.read()
""",
    "websocket": f"""
async with websockets.connect(URL) as ws:
    await ws.send(json.dumps({BODY}))
""",
    "ours": f"tuner = snb.VoiceTuner('Hello', {FIELDS}, auto_play=False)",
    "ours, by enumeration": """
clip = snb.speak(TEXT, voice="meher", speed=1.2, model=smallest_nb.SmallestTTSModel.LIGHTNING_V3_1_PRO)
""",
    "settings given elsewhere": f"""
settings = SmallestTTSSettings({FIELDS})
async with SmallestTTSService(settings=settings) as tts:
    ...
""",
    "the same twice": f"a = SmallestTTSSettings({FIELDS})\nb = SmallestTTSSettings({FIELDS})",
    "unpacked": f"OPTIONS = dict({FIELDS})\ntts = SmallestTTSService(settings=SmallestTTSService.Settings(**OPTIONS))",
    "or": """
S.Settings(voice=os.getenv("VOICE") or "meher", speed=1.2, model=os.environ.get("MODEL", default="lightning_v3.1_pro"))
""",
    "a cell": f"await snb.SmallestTTSService(settings=SmallestTTSSettings({FIELDS})).synthesize('Hello')",
}  # fmt: skip
URL = "https://api.smallest.ai/waves/v1/tts"
QUOTED = BODY.replace('"', '\\"')
SHELL = {
    "--data": f"curl -X POST {URL} -H 'Authorization: Bearer '\"$SMALLEST_API_KEY\" --data '{BODY}' --output a.wav",
    "--data-binary": f"curl {URL} --data-binary '{BODY}'",
    "--data-raw=": f"curl {URL} --data-raw='{BODY}'",
    "--json": f"curl --json '{BODY}' {URL}",
    "-d attached": f"curl -sSfd'{BODY}' {URL}",
    "-d in a cluster": f"curl -sSd '{BODY}' {URL}",
    "several lines": f"curl --request POST \\\n  --url {URL} \\\n  -H \"Content-Type: a/b\" \\\n  -d '{BODY}'\n",
    "double quotes": f'curl -d "{QUOTED}" {URL}',
    "ansi": "curl -d $'" + BODY.replace("it is fine", "it\\'s fine \\u00e9\\n").replace("\\n", "") + f"' {URL}",
    "pieces": "curl -d '" + BODY.replace("it is fine", "it'\\''s fine") + f"' {URL}",
    "here-document": f"curl {URL} -d @- <<'EOF'\n{BODY}\nEOF\n",
    "here-document with a name": "VOICE=meher\ncurl x -d @- << END\n" + BODY.replace("meher", "$VOICE") + "\nEND",
    "here-string": f"curl {URL} -d @- <<< '{BODY}'",
    "echo": f"echo '{BODY}' | curl -s {URL} -d @-",
    "variables": 'export VOICE="meher"\nSPEED=1.2\ncurl -d "'
    + QUOTED.replace("meher", "${VOICE}").replace("1.2", "$SPEED")
    + f'" {URL}',
    "a default": f'curl -d "{QUOTED.replace("meher", "${VOICE:-meher}")}" {URL}',
    "cmd.exe": f'curl.exe -X POST {URL} ^\n  -H "Content-Type: application/json" ^\n  -d "{QUOTED}"',
    "a prompt": f"$ curl {URL} -d '{BODY}'",
    "a cell": f"!curl {URL} -d '{BODY}'",
    "a script": f"#!/bin/sh\nset -eu\n# speaks: don't mind the quotes here\ncurl {URL} -d '{BODY}'\n",
    "a variable before it": f"KEY=sk_x curl {URL} -d '{BODY}'",
}
VARIABLES = {
    "env": 'SMALLEST_API_KEY=sk_secret\nSMALLEST_VOICE="meher"\nSMALLEST_SPEED=1.2\nTTS_MODEL=lightning_v3.1_pro\n',
    "exported": "export VOICE_ID='meher'\nexport SPEED=1.2 # faster\nexport MODEL=lightning-v3.1-pro",
    "yaml": "voice: meher\nspeed: 1.2\nmodel: lightning_v3.1_pro\n",
    "ini": "[tts]\nvoice = meher\nspeed = 1.2\nmodel = lightning_v3.1_pro\n",
    "with other things": "# a bot\nOPENAI_API_KEY=x\nvoice_id=meher\n\nspeed=1.2\nmodel=lightning_v3.1_pro\nPORT=8080",
}


@pytest.mark.parametrize("source", [*PYTHON.values(), *SHELL.values(), *VARIABLES.values(), BODY],
                         ids=[*PYTHON, *SHELL, *VARIABLES, "json"])  # fmt: skip
def test_L6_code_of_this_api_is_read_as_people_write_it(source):
    assert read_settings(source) == MEHER


def test_L6_the_model_of_an_older_address_counts():
    curl = (
        'curl https://waves-api.smallest.ai/waves/v1/lightning-v2/get_speech -d \'{"text": "a", "voice_id": "emily"}\''
    )
    assert read_settings(curl) == SmallestTTSSettings(voice="emily", model="lightning-v2")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("a = S.Settings(voice='a')\nb = S.Settings(voice='b')", "2 different sets of settings"),
        ("S.Settings(voice=os.environ['VOICE'])", "os.environ['VOICE'] is not known before the code runs"),
        ("S.Settings(voice=os.getenv('VOICE'))", "os.getenv('VOICE') has no default"),
        ("S.Settings(voice=pick())", "pick() is not known"),
        ("A = B\nB = A\nS.Settings(voice=A)", "is not known"),
        ("V = 'a'\nV = 'b'\nS.Settings(voice=V)", "V is not known"),
        ("S.Settings(voice=f'{x}')", "is not known"),
        ("SmallestSTTService(settings=SmallestSTTService.Settings(model='pulse'))", "no settings"),
        (f"curl {URL} -d @body.json", "the file 'body.json'; paste what is in it"),
        (f"curl {URL} -d 'voice_id=meher&text=a'", "no JSON after --data"),
        (f"curl {URL} -d '{BODY}", "quote is not closed"),
        (f'curl {URL} -d "{QUOTED}', "quote is not closed"),
        (f"curl {URL} -d", "no JSON after --data"),
        ("SPEED=fast\nVOICE=meher", "speed='fast'"),
        ("PORT=8080\nHOST=x", "no settings"),
    ],
)
def test_L6_what_is_not_known_is_named(source, words):
    with pytest.raises(ConfigError) as caught:
        read_settings(source)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 400


def test_L6_nothing_is_run(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICE", "somebody")
    flag = tmp_path / "run"
    source = f"open({str(flag)!r}, 'w').close()\nsnb.speak('a', voice=os.getenv('VOICE', 'meher'))"
    assert read_settings(source).voice == "meher"
    assert read_settings(f"touch {flag}; curl {URL} -d '{BODY}' $(touch {flag})") == MEHER
    assert not flag.exists()


MANY = 300_000
LONG = {
    "curl": f'curl {URL} -d \'{BODY[:-1]}, "padding": "' + "x" * 900_000 + "\"}'",
    "words": f"curl {URL} " + "-H 'a: b' " * 90_000 + f"-d '{BODY}'",
    "quotes": f"curl {URL} -d " + "''" * 400_000,
    "escapes": f'curl {URL} -d "' + '\\"' * 400_000 + '"',
    "ansi": f"curl {URL} -d $'" + "\\x41" * 200_000 + "'",
    "open quotes": f"curl {URL} -d '" + '"' * 900_000,
    "variables": "".join(f"A{n}=1\n" for n in range(60_000)) + f"curl {URL} -d @-",
    "dollars": f'curl {URL} -d "' + "${" * 400_000 + '"',
    "here-documents": f"curl {URL} -d @- " + "<<A\n" * 200_000,
    "newlines": "\n" * 900_000 + "x",
    "assignments": "A=1 " * 200_000,
    "lines of assignments": "A=1\n" * 200_000 + "x y",
    "pipes": "|" * 900_000,
    "backslashes": "curl " + "\\" * 900_000,
    "lines": "curl \n" * 150_000,
    "spaces": "curl" + " " * 900_000,
    "braces": "{" * 900_000,
    "brackets": "[" * 900_000,
    "parentheses": "(" * MANY,
    "a sum": "a" + "+a" * 90_000,
    "signs": "-" * MANY + "1",
    "attributes": "a" + ".b" * 90_000,
    "calls": "a" + "()" * 90_000,
    "lambdas": "lambda:" * 25_000 + "1",
    "conditions": "a if b else " * 15_000 + "c",
    "comparisons": "a" + "<a" * 90_000,
    "arguments": "S.Settings(voice=" + "x(" * 90 + ")" * 90 + ")",
    "a deep value": "S.Settings(voice=" + "'a'+" * 2_000 + "'a')",
    "a deep list": "S.Settings(voice=" + "[" * 90 + "]" * 90 + ")",
    "a chain of names": "".join(f"A{n + 1} = A{n}\n" for n in range(5_000)) + "S.Settings(voice=A5000)",
    "settings": "S.Settings(voice='a')\n" * 8_000,
    "equals": "A=" * 90_000 + "1",
    "text": "hello there " * 80_000,
}


@pytest.mark.parametrize("name", LONG)
def test_L6_long_and_deep_text_is_read_or_refused_in_time(name):
    """What it may take is a few seconds on a slow machine; a quadratic reader takes minutes."""
    started = time.monotonic()
    try:
        found = read_settings(LONG[name])
    except ConfigError as error:
        assert len(str(error)) < 400  # noqa: PT017 - either outcome is right
    else:
        assert found.given_fields()
    assert time.monotonic() - started < 20
