"""Whether something is recorded, with sources that report what the test says."""

from __future__ import annotations

import asyncio

import pytest

from smallest_nb.errors import FrontEndError
from smallest_nb.notebook.widgets import kernel_source
from smallest_nb.notebook.widgets.kernel_source import KernelSource
from smallest_nb.notebook.widgets.microphone_source import SourceReport
from smallest_nb.notebook.widgets.recording_controller import RecordingController

CHUNK = bytes(320)


class Source:
    """Says what the test says."""

    stopped = 0

    def start(self):
        self.on_state(SourceReport("starting"))
        self.on_state(SourceReport("recording"))

    def stop(self):
        self.stopped += 1
        self.on_state(SourceReport("idle"))


@pytest.fixture
def recorder():
    controller = RecordingController()
    events = []
    controller.on_state(events.append)
    controller.on_recording(events.append)
    sources = Source(), Source()
    for source in sources:
        controller.follow(source)
    return controller, sources, events


def test_a_recording_begins_and_ends_once_whatever_pauses_there_are(recorder):
    controller, (source, _), events = recorder
    source.start()
    source.on_state(SourceReport("paused"))
    source.on_state(SourceReport("recording"))
    source.on_state(SourceReport("stopping"))
    source.on_pcm(CHUNK)
    source.on_state(SourceReport("idle", dropped=2))
    assert events == ["starting", "recording", True, "paused", "recording", "stopping", False, "idle"]
    assert (controller.received, controller.report.dropped, controller.source) == (160, 2, None)


def test_a_second_source_takes_over_and_the_first_is_stopped(recorder):
    controller, (first, second), events = recorder
    first.start()
    first.on_pcm(CHUNK)
    second.start()
    assert first.stopped == 1
    assert (controller.source, controller.received) == (second, 0)
    first.on_pcm(CHUNK)
    first.on_state(SourceReport("idle"))
    assert (controller.state, controller.received) == ("recording", 0)
    assert events.count(True) == 2
    assert events.count(False) == 1


def test_a_page_that_came_back_without_an_end_begins_another_recording(recorder):
    controller, (source, _), events = recorder
    source.start()
    source.on_pcm(CHUNK)
    source.start()
    assert events == ["starting", "recording", True, False, "starting", "recording", True]
    assert controller.received == 0


def test_a_handler_that_ends_a_recording_at_once_leaves_none_open(recorder):
    controller, (source, _), events = recorder
    controller.on_state(lambda state: state == "recording" and source.stop())
    source.start()
    assert controller.state == "idle"
    assert events.count(True) == events.count(False)


def test_the_end_of_a_source_that_does_not_record_changes_nothing(recorder):
    controller, (first, second), _events = recorder
    first.start()
    second.on_state(SourceReport("idle", "it was refused"))
    assert (controller.state, controller.problem) == ("recording", None)


async def test_a_state_that_lasts_for_no_time_is_seen(recorder):
    controller, (source, _), _events = recorder
    waiting = asyncio.ensure_future(controller.wait_for(lambda: controller.state == "recording", 5))
    await asyncio.sleep(0)
    source.start()
    source.stop()
    assert await waiting is True


async def test_what_does_not_happen_is_waited_for_no_longer_than_asked():
    controller = RecordingController()
    assert await controller.wait_for(lambda: False, 0.01) is False
    controller.notify()


@pytest.mark.parametrize("error", [FrontEndError("no device"), OSError("busy"), RuntimeError()])
async def test_a_device_of_the_kernel_that_cannot_be_opened_ends_the_recording(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(kernel_source, "KernelCapture", fail)
    controller = RecordingController()
    source = KernelSource(sample_rate=lambda: 16000, chunk_ms=lambda: 80, paused=lambda: False)
    controller.follow(source)
    source.start()
    assert controller.state == "starting"
    assert await controller.wait_for(lambda: controller.state == "idle", 5)
    assert controller.problem == (str(error) or "RuntimeError")


def test_a_pause_that_is_reported_after_the_end_is_followed_by_another_recording(recorder):
    controller, (source, _), events = recorder
    source.start()
    source.on_state(SourceReport("paused"))
    source.stop()
    source.on_state(SourceReport("paused"))
    source.on_state(SourceReport("recording"))
    assert events[-3:] == ["paused", "recording", True]
    assert controller.state == "recording"
