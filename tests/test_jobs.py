import threading
import time

import pytest
from napari.utils.notifications import NotificationSeverity, notification_manager

from napari_monuseg.core.errors import DeviceError, ImageError
from napari_monuseg.core.progress import Progress
from napari_monuseg.jobs import FEWEST_THREADS, JobError, JobSlot, start_job


@pytest.fixture
def shown():
    """What napari shows while the test runs."""
    notifications = []
    notification_manager.notification_ready.connect(notifications.append)
    yield notifications
    notification_manager.notification_ready.disconnect(notifications.append)


def failing(error):
    yield Progress(message="Starting")
    raise error


def endless(closed, started=None):
    try:
        while True:
            yield Progress(message="Going on")
            if started is not None:
                started.set()
    finally:
        closed.append(threading.current_thread())


def run(qtbot, steps):
    """Run a job to its end and give what it said."""
    said = []
    worker = start_job(
        steps,
        yielded=lambda progress: said.append(progress.message),
        returned=lambda value: said.append(("returned", value)),
        errored=said.append,
        finished=lambda: said.append("finished"),
    )
    qtbot.waitUntil(lambda: "finished" in said)
    assert not worker.is_running
    return said


def test_a_job_says_what_it_does_and_what_came_of_it(qtbot):
    def steps():
        yield Progress(message="One")
        yield Progress(message="Two")
        return 3

    assert run(qtbot, steps()) == ["One", "Two", ("returned", 3), "finished"]


def test_an_error_of_ours_is_shown_as_its_sentence(qtbot, shown):
    error = ImageError("The image is too small.")

    said = run(qtbot, failing(error))

    assert said == ["Starting", error, "finished"]
    assert [notice.message for notice in shown] == ["The image is too small."]
    assert shown[0].severity == NotificationSeverity.ERROR
    assert not hasattr(shown[0], "exception")  # no traceback to look at


def test_a_runtime_error_is_not_lost(qtbot, shown):
    said = run(qtbot, failing(RuntimeError("shapes differ")))

    assert isinstance(said[1], JobError)
    assert "shapes differ" in str(said[1])
    assert said[-1] == "finished"
    assert isinstance(shown[0].exception, JobError)


def test_an_unforeseen_error_goes_to_the_dialog_of_napari(qtbot, shown):
    error = KeyError("bug")

    run(qtbot, failing(error))

    assert shown[0].exception is error


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried …"),
        MemoryError(),
    ],
)
def test_too_little_memory_is_a_sentence_with_a_remedy(qtbot, shown, error):
    said = run(qtbot, failing(error))

    assert isinstance(said[1], DeviceError)
    assert "smaller area" in shown[0].message


def test_a_cancelled_job_closes_its_generator_before_it_finishes(qtbot):
    closed, finished, started = [], [], threading.Event()
    worker = start_job(endless(closed, started), finished=lambda: finished.append(1))
    qtbot.waitUntil(started.is_set)

    worker.quit()
    qtbot.waitUntil(lambda: bool(finished))

    assert len(closed) == 1
    assert closed[0] is not threading.main_thread()


def test_a_cancelled_job_no_longer_complains(qtbot, shown):
    go_on, finished = threading.Event(), []

    def steps():
        yield Progress(message="Waiting")
        go_on.wait(5)
        raise ImageError("Nobody wants to know.")

    worker = start_job(steps(), finished=lambda: finished.append(1))
    worker.quit()
    go_on.set()
    qtbot.waitUntil(lambda: bool(finished))

    assert not shown


def test_a_newer_job_takes_the_place_of_an_older_one(qtbot):
    closed, results, started = [], [], threading.Event()
    slot = JobSlot()

    def steps():
        yield Progress(message="Quick")
        return "newer"

    slot.start(endless(closed, started), returned=results.append)
    qtbot.waitUntil(started.is_set)
    slot.start(steps(), returned=results.append)

    qtbot.waitUntil(lambda: not slot.busy and bool(closed))
    assert results == ["newer"]


def test_a_slot_is_free_again_before_finished_is_called(qtbot):
    slot, free = JobSlot(), []
    slot.start(
        failing(ImageError("No.")),
        returned=lambda _: None,
        finished=lambda: free.append(not slot.busy),
    )

    qtbot.waitUntil(lambda: bool(free))

    assert free == [True]


def test_a_cancelled_slot_is_free_at_once_and_silent(qtbot):
    closed, heard, started = [], [], threading.Event()
    slot = JobSlot()
    slot.start(
        endless(closed, started),
        returned=heard.append,
        finished=lambda: heard.append("finished"),
    )
    qtbot.waitUntil(started.is_set)

    slot.cancel()

    assert not slot.busy
    qtbot.waitUntil(lambda: bool(closed))
    qtbot.wait(50)
    assert heard == []


def test_cancel_reaches_into_a_window(qtbot):
    # The layer waits for the cancel: without the question before the next layer the
    # network would go on, and say so.
    from napari_monuseg.core.networks import NucleusNetwork
    from napari_monuseg.core.torch_import import nn, torch

    inside, cancelled, said = threading.Event(), threading.Event(), []

    class Slow(nn.Module):
        def forward(self, pixels):
            inside.set()
            assert cancelled.wait(10)
            return pixels

    class Next(nn.Module):
        def forward(self, pixels):
            said.append("went on")
            return pixels

    network = NucleusNetwork(nn.Sequential(Slow(), Next()), stride=1)

    def steps():
        try:
            network(torch.zeros(1, 3, 1, 1))
            yield Progress(message="Window done")
        finally:
            said.append("closed")

    worker = start_job(
        steps(),
        yielded=lambda progress: said.append(progress.message),
        returned=lambda _: said.append("returned"),
        errored=said.append,
        finished=lambda: said.append("finished"),
    )
    qtbot.waitUntil(inside.is_set)
    worker.quit()
    cancelled.set()
    qtbot.waitUntil(lambda: "finished" in said)

    assert said == ["closed", "finished"]


def test_more_jobs_run_at_once_than_there_are_cores(qtbot):
    go_on, begun = threading.Event(), []

    def steps():
        yield Progress(message="One")
        begun.append(1)
        go_on.wait(30)

    many = FEWEST_THREADS - 1
    workers = [start_job(steps()) for _ in range(many)]
    qtbot.waitUntil(lambda: len(begun) == many)

    assert run(qtbot, iter_of("Another")) == ["Another", ("returned", None), "finished"]
    go_on.set()
    qtbot.waitUntil(lambda: not any(worker.is_running for worker in workers))


def iter_of(message):
    yield Progress(message=message)


def test_a_job_that_must_not_be_lost_is_waited_for(qtbot):
    done, heard = [], []

    def steps():
        time.sleep(0.2)
        yield Progress(message="One")
        done.append(1)

    slot = JobSlot()
    slot.start(steps(), returned=heard.append)
    slot.end()

    assert done == [1]
    assert not slot.busy
    qtbot.wait(50)
    assert heard == []
