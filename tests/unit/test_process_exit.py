"""Every process ends by itself, soon and silently, whatever of ours it made and left as it was.

Each case is a script of its own that runs to its end and through the interpreter's whole shutdown. One parent imports
the package once and forks a process for each case, which makes a case cost a tenth of a second instead of one.
SMALLEST_TEST_PYTHONS names further interpreters (with the package installed), separated by the path separator.
"""
# ruff: noqa: E501 - scripts, a line each

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import smallest_nb

PYTHONS = [sys.executable, *filter(None, os.environ.get("SMALLEST_TEST_PYTHONS", "").split(os.pathsep))]
BOUND_SECS = 20.0
"""From the end of a script to the end of its process. It takes less than 2 s where the machine has time for it."""

# Runs in the parent, which forks a process for each script; in the forked one the script is the rest of the program.
PARENT = """
import gc, json, os, signal, sys, time
import smallest_nb as snb
for name in snb.__all__:
    getattr(snb, name)
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour

scripts, folder, at_once, limit, freeze = json.load(sys.stdin)
running, script = {}, None
if freeze:  # else each process copies all that is imported when its collector looks through it at its end
    gc.collect()
    gc.freeze()

def reap():
    pid, status = os.waitpid(-1, os.WNOHANG)
    if not pid:
        time.sleep(0.01)
        for pid, (_, began) in running.items():
            if time.monotonic() - began > limit:
                os.kill(pid, signal.SIGKILL)
        return
    name, began = running.pop(pid)
    ended = time.monotonic()
    if os.path.exists(f"{folder}/{name}.end"):
        with open(f"{folder}/{name}.end") as file:
            began = float(file.read())
    print(json.dumps([name, os.waitstatus_to_exitcode(status), ended - began]), flush=True)

for name, text in scripts.items():
    while len(running) >= at_once:
        reap()
    pid = os.fork()
    if not pid:
        for fd in (1, 2):
            os.dup2(os.open(f"{folder}/{name}.{fd}", os.O_CREAT | os.O_WRONLY | os.O_APPEND), fd)
        script = text + f"\\n\\nimport time\\nwith open('{folder}/{name}.end', 'w') as f: f.write(str(time.monotonic()))"
        break
    running[pid] = (name, time.monotonic())
else:
    while running:
        reap()
if script is not None:
    del running, scripts
    exec(compile(script, name, "exec"), globals())
"""

SOUND = "snb.Clip(bytes(16000), 16000)"
SIMULATED = "Simulator(behaviour=Behaviour(engine='signal'))"
ON_SIMULATOR = "base_url=simulator.base_url, api_key='sk_x'"

# name: (how it is made, how it is used, how it is closed)
OBJECTS: dict[str, tuple[str, str, str]] = {
    "ArraySink": ("snb.ArraySink()", "x.begin(24000)", ""),
    "AudioChunk": ("snb.AudioChunk(bytes(4), 24000, 0.0)", "repr(x)", ""),
    "ClipSource": (f"snb.ClipSource({SOUND})", "x.say(snb.Clip(bytes(320), 16000))", ""),
    "Conversation": ("snb.Conversation(lambda text: text, api_key='sk_x')", "x.stop(); x.clear()", "x.close()"),
    "ConversationClock": ("snb.ConversationClock()", "x.now()", ""),
    "ConversationRecord": ("snb.ConversationRecord()", "x.to_json()", ""),
    "ConversationTurn": ("snb.ConversationTurn('person', 'Hello')", "x.to_dict()", ""),
    "Clip": (SOUND, "x.resample(24000)", ""),
    "Comparison": ("snb.Comparison(0.0, 1, 0, 0, 0, [])", "repr(x)", ""),
    "Match": ("snb.Match(0, 0, 5, 'Hello', (), 0.0)", "repr(x)", ""),
    "Redaction": ("snb.Redaction('FIRSTNAME', 1, 0, 5)", "repr(x)", ""),
    "Language": ("snb.Language('en')", "str(x)", ""),
    "ListeningTest": (
        "snb.ListeningTest({n: snb.Clip.from_array(([0.1] * 20 + [-0.1] * 20) * 400, 16000 + n) for n in (0, 1)})",
        "x.summary(); x.plan()",
        "x.close()",
    ),
    "LiveTranscriber": ("snb.LiveTranscriber(api_key='sk_x')", "x.stop(); x.clear(); x.settings = {'diarize': True}", "x.close()"),
    "Microphone": ("snb.Microphone()", "x.start(); x.stop(); x.paused = True", "x.close()"),
    "Microphone_source": (f"snb.Microphone(source={SOUND})", "x.start()", "x.close()"),
    "NOT_GIVEN": ("snb.NOT_GIVEN", "repr(x)", ""),
    "Player": (f"snb.Player({SOUND})", f"x.play({SOUND}); x.stop(); x.pause(); x.seek(1)", "x.close()"),
    "Recording": ("snb.Recording(16000)", "x.write(bytes(32000))", ""),
    "Segment": ("snb.Segment('Hello', is_final=True)", "x.shifted(1)", ""),
    "SettingsPanel": ("snb.SettingsPanel(snb.SmallestTTSSettings.complete())", "x.settings = snb.SmallestTTSSettings(speed=1.5)", "x.close()"),
    "SmallestSTTModel": ("snb.SmallestSTTModel.PULSE", "str(x)", ""),
    "SmallestSTTService": ("snb.SmallestSTTService(api_key='sk_x')", "x.settings, x.transcript", "import asyncio; asyncio.run(x.close())"),
    "SmallestSTTSettings": ("snb.SmallestSTTSettings(diarize=True)", "repr(x)", ""),
    "SmallestTTSModel": ("snb.SmallestTTSModel.LIGHTNING_V3_1", "str(x)", ""),
    "SmallestTTSService": ("snb.SmallestTTSService(api_key='sk_x')", "x.settings, x.metrics", "import asyncio; asyncio.run(x.close())"),
    "SmallestTTSSettings": ("snb.SmallestTTSSettings(speed=1.5)", "repr(x)", ""),
    "Take": ("snb.Take(1, 'Hi', snb.SmallestTTSSettings.complete(), " + SOUND + ")", "x._repr_html_()", ""),
    "Takes": ("snb.Takes()", "x.add(snb.Take(1, 'Hi', snb.SmallestTTSSettings.complete(), " + SOUND + "))", ""),
    "Transcript": ("snb.Transcript()", "x.apply(snb.Segment('Hello', is_final=True)); x._repr_html_()", ""),
    "TranscriptView": ("snb.TranscriptView()", "x.apply(snb.Segment('Hello', is_final=True))", "x.close()"),
    "VADParams": ("snb.VADParams()", "repr(x)", ""),
    "Voice": ("snb.Voice('x', 'lightning-v3.1', 'female', 'US', ('en',))", "repr(x)", ""),
    "VoiceTuner": ("snb.VoiceTuner(api_key='sk_x')", "x.stop(); x.settings = {'speed': 1.5}; x.code('curl')", "x.close()"),
    "Word": ("snb.Word('Hello', 0.0, 1.0)", "repr(x)", ""),
    "WordTiming": ("snb.WordTiming('Hello', 0.0, 1.0)", "repr(x)", ""),
    "Simulator": (SIMULATED, "x.start()", "x.stop()"),
    "record": ("snb.record('talk.cassette')", "x.__enter__()", "x.stop()"),
}  # fmt: skip
ERRORS = [n for n in smallest_nb.__all__ if isinstance(getattr(smallest_nb, n), type)
          and issubclass(getattr(smallest_nb, n), BaseException)]  # fmt: skip

LIVES = {
    "unused": "x = {make}",
    "dropped": "{make}",
    "used": "x = {make}\n{use}",
    "closed": "x = {make}\n{use}\n{close}",
    "unused_closed": "x = {make}\n{close}",
    "in_a_cycle": "x = {make}\n{use}\nclass Holder: pass\nholder = Holder()\nholder.own, holder.x = holder, x\ndel x, holder",
    "in_a_thread": "def run():\n    global x\n    x = {make}\n    {use}\n"
    "import threading\nthread = threading.Thread(target=run)\nthread.start()\nthread.join()",
}

IN_LOOP = """
import asyncio
async def main():
    global service, speech, results
{body}
{run}
"""
TTS = f"""
    service = snb.SmallestTTSService({ON_SIMULATOR})
    speech = service.run_tts("Hello there. How are you today? Fine, I hope. And the others?")
    await anext(speech)
"""
STT = f"""
    service = snb.SmallestSTTService({ON_SIMULATOR})
    await service.connect()
    results = service.segments()
    await service.send(bytes(32000))
"""
PLAYED = f"""
    global player, playback
    service, player = snb.SmallestTTSService({ON_SIMULATOR}), snb.Player()
    playback = player.play(service.run_tts("Hello there. How are you today? " * 100))
    while not playback.duration:
        await asyncio.sleep(0.01)
"""
CONNECTED = f"    service = snb.SmallestTTSService({ON_SIMULATOR})\n    await service.connect()"
WITH_BLOCK = (
    f"    async with snb.SmallestTTSService({ON_SIMULATOR}) as service:\n        await service.synthesize('Hi')"
)
RUN = "asyncio.run(main())"
PLAIN = "loop = asyncio.new_event_loop()\nloop.run_until_complete(main())"
CLOSED = f"{PLAIN}\nloop.close()"
IN_THREAD = (
    "import threading\nthread = threading.Thread(target=asyncio.run, args=(main(),))\nthread.start()\nthread.join()"
)

SCRIPTS: dict[str, str] = {
    "speak": f"snb.speak('Hi', {ON_SIMULATOR})",
    # Python 3.12.0 and 3.12.1 start no thread once the main one has ended (gh-113964).
    "speak_in_a_thread": f"import threading\nt = threading.Thread(target=snb.speak, args=('Hi',), kwargs=dict({ON_SIMULATOR}))\nt.start()\nimport sys\nif (3, 12) <= sys.version_info < (3, 12, 2): t.join()",
    "speak_in_a_pool": "from concurrent.futures import ThreadPoolExecutor\npool = ThreadPoolExecutor()\n"
    f"future = pool.submit(snb.speak, 'Hi', {ON_SIMULATOR})",
    "speak_in_a_daemon_thread": "import threading, time\nsimulator.behaviour.silent = True\n"
    f"t = threading.Thread(target=snb.speak, args=('Hi',), kwargs=dict({ON_SIMULATOR}), daemon=True)\nt.start()\ntime.sleep(0.2)",
    "speak_refused": "try:\n    snb.speak('Hi', base_url=simulator.base_url, api_key='wrong')\nexcept snb.AuthError: pass",
    "speak_timed_out": f"try:\n    snb.speak('Hi', timeout=0.01, {ON_SIMULATOR})\nexcept TimeoutError: pass",
    "transcribe": f"snb.transcribe({SOUND}, {ON_SIMULATOR})",
    "converse": f"import asyncio\ntarget = dict({ON_SIMULATOR})\nasync def talk():\n"
    "    async with snb.SmallestSTTService(**target) as stt, snb.SmallestTTSService(**target) as tts:\n"
    f"        await snb.converse({SOUND}, lambda text: text, stt=stt, tts=tts)\nasyncio.run(talk())",
    "speak_many": f"import tempfile\nsnb.speak_many(['Hi'], out=tempfile.mkdtemp(), {ON_SIMULATOR})",
    "sweep": f"snb.sweep('Hi', speed=[1.0, 1.2], {ON_SIMULATOR})",
    "transcribe_many": f"import tempfile\nfolder = tempfile.mkdtemp()\n{SOUND}.to_wav(folder + '/a.wav')\n"
    f"snb.transcribe_many(folder + '/*.wav', out=folder + '/out', {ON_SIMULATOR})",
    "list_voices": "import os; os.environ.update(SMALLEST_API_KEY='sk_x', SMALLEST_BASE_URL=simulator.base_url)\nsnb.list_voices()",
    "audition": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\ntuner.audition()",
    "audition_under_way": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\nfuture = tuner.submit()",
    "audition_and_close": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\ntuner.audition()\ntuner.close()",
    "audition_in_atexit": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\ntuner.audition()\nimport atexit; atexit.register(tuner.close)",
    "close_in_atexit": "tuner = snb.VoiceTuner('Hi', api_key='sk_x')\nimport atexit; atexit.register(tuner.close)",
    "feed": f"live = snb.LiveTranscriber({ON_SIMULATOR})\nlive.feed({SOUND}, pace=10)",
    "feed_under_way": f"live = snb.LiveTranscriber({ON_SIMULATOR})\nfuture = live.microphone.feed(snb.Clip(bytes(320000), 16000))\nimport time; time.sleep(0.2)",
    "doctor": "snb.use_service('sk_x', simulator.base_url)\nsnb.doctor()",
    "use_service": "snb.use_service('sk_x', simulator.base_url)",
    "record_block": f"with snb.record('talk.cassette'):\n    snb.speak('Hi', {ON_SIMULATOR})",
    "read_sound": "import numpy\nsnb.read_sound(numpy.zeros(100, 'int16'), sample_rate=8000)",
    "tts_forgotten": IN_LOOP.format(body=CONNECTED, run=RUN),
    "tts_unfinished": IN_LOOP.format(body=TTS, run=RUN),
    "tts_unfinished_loop_left": IN_LOOP.format(body=TTS, run=PLAIN),
    "tts_unfinished_loop_closed": IN_LOOP.format(body=TTS, run=CLOSED),
    "tts_unfinished_in_thread": IN_LOOP.format(body=TTS, run=IN_THREAD),
    "stt_unfinished": IN_LOOP.format(body=STT, run=RUN),
    "stt_unfinished_loop_left": IN_LOOP.format(body=STT, run=PLAIN),
    "stt_unfinished_loop_closed": IN_LOOP.format(body=STT, run=CLOSED),
    "stt_unfinished_in_thread": IN_LOOP.format(body=STT, run=IN_THREAD),
    "speech_played_by_the_background_loop": f"service, player = snb.SmallestTTSService({ON_SIMULATOR}), snb.Player()\n"
    "playback = player.play(service.run_tts('Hello there. How are you today? ' * 100))\nimport time\n"
    "while not playback.duration: time.sleep(0.01)",
    "speech_played": IN_LOOP.format(body=PLAYED, run=RUN),
    "speech_played_loop_left": IN_LOOP.format(body=PLAYED, run=PLAIN),
    "speech_played_loop_closed": IN_LOOP.format(body=PLAYED, run=CLOSED),
    "speech_played_in_thread": IN_LOOP.format(body=PLAYED, run=IN_THREAD),
    "tts_with_block": IN_LOOP.format(body=WITH_BLOCK, run=RUN),
    "two_loops": IN_LOOP.format(body=CONNECTED, run=f"{RUN}\nasync def close():\n    await service.close()\nasyncio.run(close())"),
    "fork_unused": "tuner = snb.VoiceTuner('Hi', api_key='sk_x')\nimport os\npid = os.fork()\nif pid: assert os.waitpid(pid, 0)[1] == 0",
    "fork_used": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\ntuner.audition()\nimport os, warnings\n"
    "warnings.simplefilter('ignore')\npid = os.fork()\nif pid: assert os.waitpid(pid, 0)[1] == 0",
    "fork_and_speak": f"snb.speak('Hi', {ON_SIMULATOR})\nimport os, warnings\nwarnings.simplefilter('ignore')\npid = os.fork()\n"
    f"if pid: assert os.waitpid(pid, 0)[1] == 0\nelse: snb.speak('Hi', {ON_SIMULATOR})",
    "multiprocessing_fork": "import multiprocessing, warnings\nwarnings.simplefilter('ignore')\n"
    f"tuner = snb.VoiceTuner('Hi', api_key='sk_x')\nsnb.speak('Hi', {ON_SIMULATOR})\n"
    "def work(url): snb.speak('Hi', base_url=url, api_key='sk_x'); snb.VoiceTuner('Hi', api_key='sk_x')\n"
    "p = multiprocessing.get_context('fork').Process(target=work, args=(simulator.base_url,))\np.start(); p.join(); assert p.exitcode == 0",
    "simulator_block": f"with {SIMULATED} as simulator:\n    snb.speak('Hi', {ON_SIMULATOR})",
    "simulator_left_running": f"mine = {SIMULATED}.start()\nsnb.speak('Hi', base_url=mine.base_url, api_key='sk_x')",
    "sys_exit": f"tuner = snb.VoiceTuner('Hi', {ON_SIMULATOR})\ntuner.audition()\nimport time, sys\n"
    "open(folder + '/' + name + '.end', 'w').write(str(time.monotonic()))\nsys.exit()",
    "finalizer_of_the_user": "class Late:\n    def __del__(self):\n        try:\n            snb.speak('Hi')\n"
    "        except BaseException:\n            pass\nimport sys\nsys.late = Late()",
}  # fmt: skip
NEEDS_SIMULATOR = "simulator"


def scripts() -> dict[str, str]:
    found = {}
    for life, text in LIVES.items():
        data = []  # what holds nothing but itself goes into one script
        for number, (name, (make, use, close)) in enumerate(OBJECTS.items()):
            if close:
                found[f"{name}-{life}"] = text.format(make=make, use=use, close=close)
            elif "closed" not in life:
                data.append(text.format(make=make, use=use) + f"\nkept{number} = globals().get('x')")
        if data:
            found[f"data-{life}"] = "\n".join(data)
    errors = [f"snb.{name}('why'{f', clip={SOUND}' if name == 'IncompleteError' else ''})" for name in ERRORS]
    found["errors"] = f"kept = [{', '.join(errors)}]"
    for name, text in SCRIPTS.items():
        needed = NEEDS_SIMULATOR in text and "as simulator" not in text
        found[name] = (f"simulator = {SIMULATED}.start()\n" if needed else "") + text
    return found


def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SMALLEST_")}
    return {**kept, "SMALLEST_KEY_SOURCES": "environment"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
@pytest.mark.parametrize(("freeze", "part"), [(True, 0), (False, 0), (False, 1)])
@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: Path(path).name)
def test_X1_every_script_ends_soon_and_silently(python, freeze, part, tmp_path):
    mine = {name: text for name, text in scripts().items() if freeze is ("imulator" not in text)}
    mine = dict(list(mine.items())[part :: 1 if freeze else 2])  # what a simulator holds is not to be frozen
    parent = subprocess.run(
        [python, "-c", PARENT], input=json.dumps([mine, str(tmp_path), 3, 2 * BOUND_SECS, freeze]), stdout=subprocess.PIPE,
        text=True, cwd=tmp_path, env=environment(),
    )  # fmt: skip
    outcomes = {name: (code, took) for name, code, took in map(json.loads, parent.stdout.splitlines())}
    assert set(outcomes) == set(mine)
    wrong = {}
    for name, (code, took) in outcomes.items():
        stderr = (tmp_path / f"{name}.2").read_text()
        if code or stderr or took > BOUND_SECS:
            wrong[name] = f"{name}: exit code {code}, {took:.1f} s\n{stderr}"
    assert wrong == {}, "\n".join(wrong.values())


def test_the_table_has_every_public_name():
    # Below, or nothing that could be left.
    functions = {"ask_key", "replay", "use_simulator", "transcribe_recording", "BatchResult", "BatchResults", "Grid"}
    missing = set(smallest_nb.__all__) - set(OBJECTS) - set(ERRORS) - set(SCRIPTS) - functions
    assert missing == set()


# The scripts of the reports, as they were, each in an interpreter of its own.
ALONE = {
    "tuner": "import smallest_nb as snb; w = snb.VoiceTuner(); print('made')",
    "transcriber": "import smallest_nb as snb; w = snb.LiveTranscriber(); print('made')",
    "microphone": "import smallest_nb as snb; w = snb.Microphone(); print('made')",
    "speak": "import smallest_nb as snb; snb.speak('Hi'); print('made')",
    "doctor": "import smallest_nb as snb; snb.doctor(); print('made')",
    "spawn": "import multiprocessing, smallest_nb as snb\nif __name__ == '__main__':\n    w = snb.VoiceTuner(api_key='sk_x')\n"
    "    p = multiprocessing.get_context('spawn').Process(target=snb.VoiceTuner, kwargs={'api_key': 'sk_x'})\n"
    "    p.start(); p.join(); assert p.exitcode == 0; print('made')",
    "interrupted_exit": "import smallest_nb as snb, atexit, os, signal\nw = snb.VoiceTuner('Hi'); w.submit()\n"
    "end = snb.client.background_loop._cancel_all\nasync def interrupt(loop):\n    os.kill(os.getpid(), signal.SIGINT)\n    await end(loop)\n"
    "snb.client.background_loop._cancel_all = interrupt; print('made')",
    "abandoned": "import asyncio, smallest_nb as snb\nasync def main():\n    service = snb.SmallestTTSService()\n"
    "    async for _ in service.run_tts('Hi there. How are you today?'):\n        break\n    print('made')\nasyncio.run(main())",
    "fast_exit": "import smallest_nb as snb, os\nw = snb.VoiceTuner('Hi'); w.audition(); print('made', flush=True); os._exit(0)",
}


def run_alone(command, *, folder, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
        **options,
    )  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_X1_a_script_ends_alone(name, tmp_path):
    script = tmp_path / f"{name}.py"  # a file: multiprocessing's children run it too
    script.write_text(ALONE[name])
    done = run_alone([sys.executable, str(script)], folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "made" in done.stdout


AFTER_THE_MAIN_THREAD = {
    "simulated": "snb.speak('Hi')",
    "service": "snb.speak('Hi', api_key='sk_x', base_url='ws://127.0.0.1:9')",
    "tuner": "snb.VoiceTuner('Hi', api_key='sk_x', base_url='ws://127.0.0.1:9').audition()",
}


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("name", AFTER_THE_MAIN_THREAD)
def test_X1_a_thread_that_begins_after_the_main_one_has_ended_works_or_says_why_not(name, refused, tmp_path):
    refuse = (
        '    def start(thread): raise RuntimeError("can\'t create new thread at interpreter shutdown")\n'
        "    threading.Thread.start = start\n"
    )
    script = (
        "import smallest_nb as snb, threading\ndef work():\n    threading.main_thread().join()\n"
        f"{refuse if refused else ''}"
        f"    try: {AFTER_THE_MAIN_THREAD[name]}\n    except snb.SmallestError: pass\n"
        "    except RuntimeError as error: return print(error)\n"
        "    print('worked')\n"
        "threading.Thread(target=work).start()"
    )
    done = run_alone([sys.executable, "-c", script], folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    in_words = "The main thread has ended" in done.stdout and "thread.join()" in done.stdout
    assert in_words or (done.stdout == "worked\n" and not refused)


def test_X1_the_end_of_a_process_that_still_imports_the_simulator_is_silent(tmp_path):
    script = (
        "import sys, types, smallest_nb as snb\n"
        "sys.modules['smallest_nb.simulator.server'] = types.ModuleType('smallest_nb.simulator.server'); print('made')"
    )
    done = run_alone([sys.executable, "-c", script], folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "made\n", "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["doctor", "--json"], 0),
        (["demo", "--notebook", "none"], 2),
        (["simulate", "--port", "-1"], 2),
    ],
)
def test_X1_each_command_ends(arguments, code, tmp_path):
    done = run_alone([sys.executable, "-m", "smallest_nb.cli", *arguments], folder=tmp_path)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == bool(code)  # the one line that says why


def test_X1_the_simulator_command_ends_with_ctrl_c(tmp_path):
    command = [sys.executable, "-u", "-m", "smallest_nb.cli", "simulate", "--port", "0"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()
    )
    assert "simulator on" in running.stdout.readline()
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert (running.returncode, stderr) == (0, "")


def test_X1_a_run_of_pytest_ends(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import smallest_nb as snb\nmade = snb.VoiceTuner(api_key='sk_x')\n"
        "def test_it(smallest_simulator):\n    snb.VoiceTuner('Hi').audition()\n"
    )
    done = run_alone(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio"], folder=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")


FORKED = """
import os, time, warnings
import smallest_nb as snb
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
warnings.simplefilter("ignore")  # Python 3.12 warns of forks beside threads
simulator = Simulator(behaviour=Behaviour(engine="signal")).start()
there = dict(base_url=simulator.base_url, api_key="sk_x")
tuner, live = snb.VoiceTuner("Hi", **there), snb.LiveTranscriber(**there)
clip = tuner.audition().clip
if not os.fork():
    for use in (tuner.audition, tuner.submit, lambda: live.feed(clip)):
        began = time.monotonic()
        try:
            use()
        except snb.ConfigError as error:
            print(error, time.monotonic() - began < 5)
    tuner.stop(), tuner.close(), live.close()
    print(snb.VoiceTuner("Hi", **there).audition().duration > 0)
else:
    os.wait()
    print(tuner.audition(fresh=True).duration > 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
def test_K11_widgets_from_before_a_fork_say_so_at_once(tmp_path):
    done = run_alone([sys.executable, "-c", FORKED], folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    tuner = "This VoiceTuner was made in another process; make a new one here. True"
    live = "This LiveTranscriber was made in another process; make a new one here. True"
    assert done.stdout.splitlines() == [tuner, tuner, live, "True", "True"]
