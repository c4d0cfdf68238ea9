"""A batch on a real Dask cluster of three processes: its budget, workers that are killed, a scheduler that is lost."""

from __future__ import annotations

import json
import logging
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import wave

import pytest

import smallest_nb as snb
from smallest_nb.client.batch import cluster as on_cluster
from smallest_nb.client.batch.cluster_job import Job
from smallest_nb.client.batch.items import Item
from smallest_nb.simulator import Simulator
from smallest_nb.simulator.faults import Behaviour
from tests.support.sessions import counted_sessions

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
CANARY = "sk_canary_cluster_8e21"
TEXTS = [f"This is sentence number {n}." for n in range(60)]
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, while processes are killed


@pytest.fixture(scope="module")
def signals():
    # One unit more than is allowed would be refused: what is refused is counted.
    with Simulator(behaviour=Behaviour(engine="signal", concurrency=5, first_audio_secs=0.03)) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def keys(signals):
    """Workers inherit the environment in which they are started."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SMALLEST_API_KEY", CANARY)
        patch.setenv("SMALLEST_BASE_URL", signals.base_url)
        yield


OPTIONS = {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": None, "protocol": "tcp"}


@pytest.fixture(scope="module")
def client(keys):
    """The client of a cluster that no test harms."""
    with distributed.LocalCluster(**OPTIONS, silence_logs=logging.CRITICAL) as made, distributed.Client(made) as client:
        yield client


@pytest.fixture
def fragile_cluster(keys):
    """A cluster whose processes are killed; one that is slow to start again is not given up."""
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "120s"}),
        distributed.LocalCluster(**OPTIONS, silence_logs=logging.CRITICAL) as made,
    ):
        yield made


def check_whole(folder):
    found = {}
    for path in folder.glob("*.wav"):
        with wave.open(str(path), "rb") as file:
            assert file.getnframes() * 2 == path.stat().st_size - 44, f"half a file: {path}"
        found[path.name] = path.stat().st_mtime_ns
    return found


def lines_in(folder):
    manifest = folder / "manifest.jsonl"
    return manifest.read_bytes().count(b"\n") if manifest.exists() else 0


def test_it_does_what_one_machine_does_within_one_budget(signals, client, tmp_path):
    with counted_sessions(signals) as counted:
        done = snb.speak_many(TEXTS, out=tmp_path / "prompts", units=5, client=client)
    assert all(r.ok and r.attempts == 1 for r in done)
    assert done.throughput.refusals == 0  # never more than five requests at once over all workers
    assert counted.total("requests") == len(TEXTS)
    assert len(check_whole(tmp_path / "prompts")) == len(TEXTS)
    assert all(r.is_earlier for r in snb.speak_many(TEXTS, out=tmp_path / "prompts", units=5, client=client))
    texts = snb.transcribe_many(f"{tmp_path}/prompts/*.wav", client=client, units=5, language="en")
    assert [r.transcript.text for r in texts[:2]] == ["This is sentence number 0.", "This is sentence number 1."]
    written = snb.transcribe_many(f"{tmp_path}/prompts/*.wav", client=client, out=tmp_path / "texts", formats=["srt"])
    assert all(r.ok for r in written)
    assert (tmp_path / "texts" / "0003.srt").read_text("utf-8").strip().endswith("This is sentence number 2.")


def _swap_key(key):
    os.environ["SMALLEST_API_KEY"] = key


def test_a_refusal_that_the_budget_does_not_know_of_is_learned(signals, client, tmp_path):
    done = snb.speak_many(TEXTS[:30], out=tmp_path, units=9, client=client)  # the plan has five
    assert all(r.ok and r.attempts == 1 for r in done)


def test_killed_workers_cost_what_they_had_in_flight(fragile_cluster, tmp_path):
    client = distributed.Client(fragile_cluster)
    texts = [f"This is sentence number {n} of many." for n in range(150)]
    outcome = {}

    def run():
        outcome["results"] = snb.speak_many(texts, out=tmp_path, units=5, client=client)

    thread = threading.Thread(target=run)
    thread.start()
    before = {}
    for kill_at in (20, 50, 80):
        while lines_in(tmp_path) < kill_at:
            assert thread.is_alive()
            select.select([], [], [], 0.02)
        before = check_whole(tmp_path)
        worker = next(iter(client.run(os.getpid).values()))
        os.kill(worker, signal.SIGKILL)
    thread.join(120)
    assert not thread.is_alive()
    assert all(r.ok for r in outcome["results"])
    there = check_whole(tmp_path)
    assert len(there) == 150
    assert {name: at for name, at in there.items() if name in before} == before
    assert lines_in(tmp_path) == 150
    client.close()
    assert not list(tmp_path.glob(".smallest-nb-batch-*.tmp"))


def test_a_lost_scheduler_ends_the_run_and_the_next_one_goes_on(fragile_cluster, tmp_path):
    client = distributed.Client(fragile_cluster)
    outcome = {}

    def run():
        try:
            snb.speak_many(TEXTS, out=tmp_path, units=2, client=client)
        except snb.ConnectionLost as error:
            outcome["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    while lines_in(tmp_path) < 10:
        assert thread.is_alive()
        select.select([], [], [], 0.02)
    fragile_cluster.close()
    thread.join(60)
    assert not thread.is_alive()
    assert "the same call goes on" in str(outcome["error"])
    finished = check_whole(tmp_path)
    assert 10 <= sum(r.ok for r in outcome["error"].results) <= len(finished)
    client.close(timeout=1)
    done = snb.speak_many(TEXTS, out=tmp_path, units=2)  # without the cluster
    assert all(r.ok for r in done)
    assert {name: at for name, at in check_whole(tmp_path).items() if name in finished} == finished


def test_an_interrupted_run_is_given_up_on_the_workers_too(signals, client, tmp_path):
    texts = [f"This is sentence number {n} of very many that are not to be spoken." for n in range(200)]
    code = (
        "import json, sys, smallest_nb as snb\nfrom distributed import Client\n"
        "with Client(sys.argv[1]) as client:\n"
        "    try: snb.speak_many(json.loads(sys.argv[2]), out=sys.argv[3], units=5, client=client)\n"
        "    except KeyboardInterrupt as stopped: print(sum(r.ok for r in stopped.results))\n"
    )
    with counted_sessions(signals) as counted:
        process = subprocess.Popen(
            [sys.executable, "-c", code, client.scheduler.address, json.dumps(texts), str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while lines_in(tmp_path) < 10:
            assert process.poll() is None, process.communicate()
            select.select([], [], [], 0.02)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    done = int(out.splitlines()[-1])
    assert len(check_whole(tmp_path)) >= max(done, 10), errors
    # What was under way, and what began until the workers heard of it: they have at most two rounds in hand.
    assert counted.total("requests") <= done + 2 * 5


def test_the_key_is_in_no_task_log_or_pickle(client, tmp_path, monkeypatch):
    sent = []
    submit = client.submit

    def watched(*arguments, **options):
        sent.append(pickle.dumps(arguments[1:]) + repr((arguments, options)).encode())
        return submit(*arguments, **options)

    monkeypatch.setattr(client, "submit", watched)
    rows = [{"text": "Hello."}, {"text": "Hello.", "language": "tlh"}]
    done = snb.speak_many(rows, out=tmp_path, units=2, client=client)
    assert [r.ok for r in done] == [True, False]
    everything = b"".join(sent) + pickle.dumps(done) + repr(done[1].exception.__dict__).encode()
    everything += repr(client.get_worker_logs()).encode() + repr(client.get_scheduler_logs()).encode()
    everything += repr(client.run_on_scheduler(lambda dask_scheduler: repr(dask_scheduler.tasks))).encode()
    everything += b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert sent
    assert CANARY.encode() not in everything


def test_workers_are_checked_before_anything_is_spent(signals, client, tmp_path, monkeypatch):
    def refused(message, **options):
        begun = signals.sessions  # those of an earlier test may end only now
        with pytest.raises(snb.ConfigError, match=message):
            snb.speak_many(
                ["Hello."], out=options.pop("out", tmp_path), client=options.pop("client", client), **options
            )
        assert signals.sessions == begun

    refused("is not sent to a cluster", api_key="sk_test_canary_7f3a")
    refused("is not sent back", out=None)
    refused("expected a dask.distributed.Client", client=object())
    here = on_cluster.describe_process()
    monkeypatch.setattr(on_cluster, "describe_process", lambda: {**here, "smallest-nb": "9.9"})
    refused("has smallest-nb .* instead of 9.9")
    monkeypatch.undo()
    client.run(_swap_key, "")
    try:
        refused("Workers find their own keys")
    finally:
        client.run(_swap_key, CANARY)
    clip = snb.Clip(bytes(3200), 16000)
    with pytest.raises(snb.ConfigError, match="Sound in memory"):
        snb.transcribe_many([clip], client=client)


def test_a_folder_that_the_workers_do_not_see_is_refused(client, tmp_path, monkeypatch):
    monkeypatch.setattr(on_cluster, "open_folder", lambda _: on_cluster_folder(tmp_path))
    with pytest.raises(snb.ConfigError, match="does not see the folder"):
        snb.speak_many(["Hello."], out=tmp_path / "elsewhere", client=client)


def on_cluster_folder(path):
    from smallest_nb.client.batch.places import open_folder

    return open_folder(path)


def test_without_a_client_nothing_of_dask_is_imported(signals, tmp_path):
    code = (
        "import sys, smallest_nb as snb\n"
        f"assert snb.speak_many(['Hello.'], out={str(tmp_path)!r})[0].ok\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('dask', 'distributed', 'fsspec')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_what_is_sent_is_plain():
    job = Job("speak", "wss://api.smallest.ai", "/out", 10, "run")
    item = Item("a", 0, "Hello.", ("a.wav",), snb.SmallestTTSSettings.complete(), "hash")
    assert pickle.loads(pickle.dumps((job, item))) == (job, item)
    assert len(pickle.dumps((job, item))) < 4000
