"""Every writer, killed, interrupted and run out of disk: the former file or the whole new one is there, nothing else.

How often a writer reaches the disk is counted first; then it is ended before and after each of these times, each time
in a process of its own, forked from one that does nothing else (`python test_files.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import smallest_nb as snb
from smallest_nb.common.files import TEMPORARY, append_line, check_writable, copy_folder, create_file, write_file
from smallest_nb.simulator.recorder import Recorder
from smallest_nb.testing.cassette.frames import Event, Kind, Session
from smallest_nb.testing.cassette.store import Cassette, load, save, sound_path

resource = pytest.importorskip("resource", reason="processes are forked and limited here")
OLD, NEW = snb.Clip(b"\1\0" * 8000, 16000), snb.Clip(b"\2\0" * 160000, 16000)


def transcript(word):
    words = tuple(snb.Word(word, n / 2, n / 2 + 0.4, speaker=0) for n in range(500))
    end = 250.0 + len(word)  # RTTM holds no words
    return snb.Transcript([snb.Segment(" ".join([word] * 500), start=0.0, end=end, words=words, speaker=0)])


def save_transcript(folder, new, name):
    transcript("new" if new else "former").save(folder / name)


def save_cassette(folder, new):
    clip = NEW if new else OLD
    sent = Event(Kind.SEND, 0.0, 1.0, sound=len(clip.pcm), binary=True)
    save(Cassette([Session(1, "/new" if new else "/old", {}, events=[sent], up=bytearray(clip.pcm))], made="now"),
         folder / "talk.cassette")  # fmt: skip


def save_takes(folder, new):
    takes = snb.Takes()
    settings = snb.SmallestTTSSettings()
    for number in (1, 2) if new else (1,):
        takes.add(snb.Take(number, "new" if new else "old", settings, NEW if new else OLD, uid=f"u{number}"))
    takes.save(folder)


def record_session(folder, new):
    log = Recorder(folder).session("tts")
    log.log("send", "new" if new else "old")
    log.audio((NEW if new else OLD).pcm)
    log.save(16000)


def copy_notebooks(folder, new):
    from smallest_nb import cli

    if new:
        source = folder.parent / "package" / "notebooks"
        source.mkdir(parents=True, exist_ok=True)
        for n in range(3):
            (source / f"{n}.ipynb").write_text("{}" * 20000)
        os.chdir(folder)
        cli.find_tutorials(source.parent)


SUFFIXES = ("srt", "vtt", "json", "csv", "TextGrid", "rttm", "txt", "eaf", "ctm", "stm")
WRITERS = {
    "Clip.to_wav": lambda folder, new: (NEW if new else OLD).to_wav(folder / "sound.wav"),
    **{f"Transcript.save .{s}": lambda folder, new, s=s: save_transcript(folder, new, f"text.{s}") for s in SUFFIXES},
    "cassette": save_cassette,
    "Takes.save": save_takes,
    "simulator's recorder": record_session,
    "copy of the notebooks": copy_notebooks,
    "write_file": lambda folder, new: write_file(folder / "x", b"new" * 99999 if new else b"old"),
}


def read(writer, folder):
    """What a reader of the product makes of the folder: whole, or an error."""
    if writer == "cassette":
        cassette = load(folder / "talk.cassette")
        return cassette.sessions[0].path, hashlib.sha256(cassette.sessions[0].up).hexdigest()
    if writer == "Takes.save":
        takes = snb.Takes()
        takes.load(folder)
        return [(t.text, t.clip.pcm[:2], t.duration) for t in takes]
    if writer == "simulator's recorder":  # a former recording is not touched at all, the new one may end early
        return [p.read_bytes() for p in sorted(folder.glob("0001-*"))]
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
            and not any(TEMPORARY.fullmatch(part) for part in p.relative_to(folder).parts)}  # fmt: skip


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def end_at(place, how):
    """Count what reaches the disk, and end the process, or interrupt it, before or after the n-th time."""
    counted = [0]

    def touched():
        counted[0] += 1
        if counted[0] == place:
            if how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

    def counting(inner):
        def touching(*args, **kwargs):
            touched()
            value = inner(*args, **kwargs)
            touched()
            return value

        return touching

    for name in ("open", "fsync", "replace", "rename", "link", "write", "mkdir"):
        setattr(os, name, counting(getattr(os, name)))
    shutil.copyfile = counting(shutil.copyfile)
    return counted


def write_and_end(writer, folder, how, place):
    """Let a writer run in this process, which ends with it; returns the exit status and what there is to say."""
    if how == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (place, place))
    counted = [0] if how == "full" else end_at(place, how)
    try:
        WRITERS[writer](Path(folder), True)
    except KeyboardInterrupt:
        return 42, ""
    except (OSError, snb.SmallestError) as error:
        return 43, f"{type(error).__name__}: {error}"
    return 0, counted[0]


def serve():
    """Fork for each line of JSON that comes in, so that nothing is imported twice, and say how the child ended."""
    # A child that is out of disk would leave cut bytecode: CPython's importlib overlooks that a write was short.
    sys.dont_write_bytecode = True
    WRITERS["Transcript.save .csv"](Path(tempfile.mkdtemp()), True)  # pandas is imported late
    for line in sys.stdin:
        out, into = os.pipe()
        child = os.fork()
        if child == 0:
            reported = write_and_end(*json.loads(line))
            os.write(into, json.dumps(reported).encode())
            os._exit(0)
        os.close(into)
        with os.fdopen(out) as pipe:
            reported = pipe.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write((reported if status == 0 else json.dumps([status, ""])) + "\n")
        sys.stdout.flush()


@pytest.fixture(scope="module")
def run():
    """Runs a writer in a process of its own: (writer, folder, how, place) -> (status, what there is to say)."""
    with subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:

        def ask(writer, folder, how, place):
            server.stdin.write(json.dumps([writer, str(folder), how, place]) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield ask
        server.stdin.close()


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "folder"
    made.mkdir()
    (made / "talk.new").write_text("a person's own")
    (made / ".talk.cassette.new").write_text("a person's own")
    return made


def prepared(writer, folder):
    """A folder with a former file; what readers say of it, and of one that was written to the end."""
    WRITERS[writer](folder, False)
    before = read(writer, folder)
    whole = folder.parent / "whole"
    shutil.copytree(folder, whole)
    WRITERS[writer](whole, True)
    after = read(writer, whole)
    assert writer == "simulator's recorder" or before != after
    return before, after, names(folder), names(whole)


def fresh_copy(folder, place):
    copy = folder.parent / f"try-{place}"
    shutil.copytree(folder, copy)
    return copy


@pytest.mark.parametrize("writer", WRITERS)
def test_K3_a_full_disk_leaves_the_former_file_and_nothing_else(run, writer, folder):
    before, after, old_names, _ = prepared(writer, folder)
    for limit in (10, 5000, 30000):
        place = fresh_copy(folder, limit)
        status, reported = run(writer, place, "full", limit)
        assert not [n for n in names(place) if TEMPORARY.fullmatch(n)]
        if writer == "simulator's recorder":  # it goes on without recording
            assert (status, read(writer, place)) == (0, before)
        elif status == 0:
            assert read(writer, place) == after  # it fits
        else:
            assert (status, read(writer, place), names(place)) == (43, before, old_names), reported
            assert ".tmp" not in reported  # it names what was to be written


@pytest.mark.parametrize("how", ["interrupt", "kill"])
@pytest.mark.parametrize("writer", [w for w in WRITERS if not w.startswith("Transcript") or w.endswith("json")])
def test_K3_a_writer_that_is_ended_leaves_the_former_file_or_the_whole_new_one(run, writer, folder, how):
    before, after, old_names, new_names = prepared(writer, folder)
    status, total = run(writer, fresh_copy(folder, 0), how, 0)
    assert status == 0
    assert total >= 4
    for n in range(1, total + 1):
        place = fresh_copy(folder, n)
        status, _ = run(writer, place, how, n)
        assert status == (42 if how == "interrupt" else -signal.SIGKILL)
        came = read(writer, place)
        assert came in (before, after)
        assert n > 1 or came == before
        assert (place / "talk.new").read_text() == "a person's own"
        extra = set(names(place)) - set(old_names)
        if writer in ("write_file", "Clip.to_wav") or (came == before and how == "interrupt"):
            extra = {name for name in extra if not name.startswith("0002-")}  # the recorder's lines come one by one
        else:
            extra -= set(new_names)
        assert all(TEMPORARY.fullmatch(name) for name in extra)  # and readers passed them over above
        assert how == "kill" or not extra
        shutil.rmtree(place)


def test_K3_a_takes_folder_that_was_killed_is_saved_again(run, folder):
    WRITERS["Takes.save"](folder, False)
    assert run("Takes.save", folder, "kill", 9)[0] == -signal.SIGKILL
    WRITERS["Takes.save"](folder, True)
    assert [text for text, _, _ in read("Takes.save", folder)] == ["new", "new"]


def test_K3_a_persons_own_files_beside_a_cassette_stay(tmp_path, simulator):
    own = {name: f"my {name}" for name in ("talk.new", "talk.sound.new", "talk.tmp", "talk.cassette.new", "talk~")}
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    for name in ("talk", "talk.cassette"):
        with snb.record(tmp_path / name):
            snb.speak("Hi", api_key="sk_files_1", base_url=simulator.base_url)
    assert {name: (tmp_path / name).read_text() for name in own} == own
    (tmp_path / "song.sound").write_text("my song")
    with pytest.raises(snb.CassetteError, match="belongs to no cassette"), snb.record(tmp_path / "song"):
        raise AssertionError
    assert (tmp_path / "song.sound").read_text() == "my song"
    assert not (tmp_path / "song").exists()


def test_K3_the_two_files_of_a_cassette_change_as_one(folder):
    path = folder / "talk.cassette"
    save_cassette(folder, new=False)
    old = load(path)
    former = sound_path(path).read_bytes()
    save_cassette(folder, new=True)
    new = sound_path(path).read_bytes()
    assert load(path).sessions[0].path == "/new"
    shutil.copy(path, folder / "kept")
    save(old, path)
    sound_path(path).write_bytes(new)  # as after a kill between the two
    (folder / ".smallest-nb-0123456789abcdef.tmp").write_bytes(former)
    assert load(path).sessions[0].up == old.sessions[0].up
    (folder / ".smallest-nb-0123456789abcdef.tmp").unlink()
    with pytest.raises(snb.CassetteError, match="not the sound of this cassette"):
        load(path)
    sound_path(path).unlink()
    with pytest.raises(snb.CassetteError, match="belongs beside the cassette"):
        load(path)


def test_K3_an_earlier_recording_of_the_simulator_is_not_touched(tmp_path):
    record_session(tmp_path, new=False)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    record_session(tmp_path, new=True)
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert {n: after[n] for n in before} == before
    assert sorted(after) == ["0001-tts-001.wav", "0001-tts.jsonl", "0002-tts-001.wav", "0002-tts.jsonl"]


def test_K3_links_permissions_and_devices(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    assert write_file(link, b"new") == link
    assert link.is_symlink()
    assert (real.read_bytes(), stat.S_IMODE(real.stat().st_mode)) == (b"new", 0o640)
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "fresh", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "fresh").stat().st_mode) == 0o640
    (tmp_path / "dangling").symlink_to(tmp_path / "later")
    write_file(tmp_path / "dangling", b"x")
    assert (tmp_path / "later").read_bytes() == b"x"
    write_file("/dev/null", b"gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    long = tmp_path / ("n" * 250)
    write_file(long, b"x")
    assert long.read_bytes() == b"x"
    for wrong, kind in ((tmp_path, IsADirectoryError), (tmp_path / "no" / "x", FileNotFoundError)):
        with pytest.raises(kind) as caught:
            write_file(wrong, b"x")
        assert caught.value.filename == str(wrong)
    assert not [n for n in names(tmp_path) if TEMPORARY.fullmatch(n)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_K3_a_read_only_file_is_not_replaced(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    path.chmod(0o444)
    for refused in (lambda: write_file(path, b"new"), lambda: check_writable(path)):
        with pytest.raises(PermissionError, match="read-only"):
            refused()
    assert path.read_bytes() == b"old"


def test_K3_what_must_be_new_never_replaces(tmp_path):
    path = create_file(tmp_path / "x", b"one")
    with pytest.raises(FileExistsError):
        create_file(path, b"two")
    assert path.read_bytes() == b"one"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "y").write_text("mine")
    with pytest.raises(OSError, match="full"):
        copy_folder(tmp_path / "full", tmp_path / "full")
    append_line(tmp_path / "log", "a\ud800")
    append_line(tmp_path / "log", "b")
    assert (tmp_path / "log").read_text() == "a\\ud800\nb\n"
    assert names(tmp_path) == ["full", "log", "x"]


if __name__ == "__main__":
    serve()


def test_K3_an_error_names_the_file_and_nothing_else(tmp_path):
    folder = tmp_path / "sound.wav"
    folder.mkdir()
    with pytest.raises(OSError, match="sound.wav") as caught:
        write_file(folder, b"x")
    assert "None" not in str(caught.value)
