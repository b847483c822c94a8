import threading
import time

import pytest

from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.progress import Progress
from napari_monuseg.docks import recount
from napari_monuseg.docks.known_results import KnownResults
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.recount import PAUSE, Recount
from napari_monuseg.docks.segment_steps import Counted


class Nuclei:
    """A result of which so much is known that it can be counted."""

    def __init__(self, name, nuclei):
        self.name = name
        self.nuclei = nuclei
        self.count = 0
        self.hand = None
        self.effort = "unknown"

    def snapshot(self):
        return self, self.nuclei

    def learn(self, hand):
        self.hand = hand

    def note_effort(self, corrected):
        self.effort = corrected


class Stage:
    """Counts as slowly as a test wishes."""

    def __init__(self):
        self.open = threading.Event()
        self.open.set()
        self.begun = []

    def count(self, snapshot):
        result, nuclei = snapshot
        self.begun.append(result.name)
        yield Progress(message="Counting")
        while not self.open.is_set():
            time.sleep(0.005)
            yield Progress(message="Counting")
        hand = HandWork.none((2, 2))
        return Counted(nuclei=nuclei, hand=hand, reviewed=None, corrected=nuclei)


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    monkeypatch.setattr(recount, "count", stage.count)
    return stage


@pytest.fixture
def results():
    known = KnownResults()
    for name, nuclei in (("first", 1), ("second", 2), ("third", 3)):
        known.add(Nuclei(name, nuclei))
    return known


@pytest.fixture
def lifetime(owner):
    lifetime = Lifetime(owner)
    yield lifetime
    lifetime.end()


@pytest.fixture
def told():
    """The names of what was counted, in that order."""
    return []


@pytest.fixture
def queue(owner, lifetime, results, stage, told):
    return Recount(owner, lifetime, results, lambda one, _: told.append(one.name))


def test_all_are_counted_one_after_the_other(qtbot, queue, results, told):
    queue.ask()
    qtbot.waitUntil(lambda: len(told) == 3)

    assert told == ["first", "second", "third"]
    assert [one.count for one in results] == [1, 2, 3]
    assert [one.effort for one in results] == [1, 2, 3]
    assert all(one.hand is not None for one in results)


def test_what_is_looked_at_goes_before_the_others(qtbot, queue, results, told):
    *_, third = results
    queue.follow(third)
    queue.ask()
    qtbot.waitUntil(lambda: len(told) == 3)

    assert told == ["third", "first", "second"]


def test_many_edits_are_one_count(qtbot, queue, results, stage, told):
    first, *_ = results
    for _ in range(20):
        queue.edited(first)
    qtbot.waitUntil(lambda: told == ["first"])
    qtbot.wait(2 * PAUSE)

    assert stage.begun == ["first"]


def test_a_dock_that_goes_counts_no_more(qtbot, queue, lifetime, stage):
    lifetime.end()

    queue.ask()
    qtbot.wait(2 * PAUSE)

    assert stage.begun == []


@pytest.fixture
def first_begun(qtbot, queue, results, stage):
    """The first two results; the first one is being counted."""
    first, second, _ = results
    stage.open.clear()
    queue.edited(first)
    qtbot.waitUntil(lambda: stage.begun == ["first"])
    return first, second


def test_what_is_left_while_it_is_counted_is_counted_later(
    qtbot, queue, first_begun, stage, told
):
    _, second = first_begun
    queue.follow(second)
    stage.open.set()
    qtbot.waitUntil(lambda: len(told) == 2)

    assert told == ["second", "first"]


def test_what_is_being_counted_when_another_is_edited_is_not_forgotten(
    qtbot, queue, first_begun, stage, told
):
    first, second = first_begun
    queue.edited(second)
    qtbot.wait(2 * PAUSE)  # the count of the first is given up for that of both
    stage.open.set()
    qtbot.waitUntil(lambda: {"first", "second"} <= set(told))

    assert [first.effort, second.effort] == [1, 2]


def test_a_count_that_an_edit_overtook_is_not_told(
    qtbot, queue, first_begun, stage, told
):
    first, _ = first_begun
    first.nuclei = 5
    queue.edited(first)
    stage.open.set()
    qtbot.waitUntil(lambda: bool(told))

    assert told == ["first"]
    assert first.count == first.effort == 5


def test_nobody_takes_for_right_what_is_still_to_be_counted(
    qtbot, queue, results, told
):
    queue.ask()
    qtbot.waitUntil(lambda: len(told) == 3)
    first, second, _ = results

    queue.edited(first)

    assert [first.effort, second.effort] == [None, 2]
    queue.ask()
    assert second.effort is None


def test_what_is_known_no_longer_is_not_counted(qtbot, queue, results, stage, told):
    first, second, third = results
    queue.edited(first)
    results.remove(first)
    queue.edited(second)
    qtbot.waitUntil(lambda: told == ["second"])
    qtbot.wait(2 * PAUSE)

    assert stage.begun == ["second"]
    assert third.count == 0


def test_nothing_is_counted_once_the_dock_is_gone(
    qtbot, queue, results, stage, lifetime
):
    queue.ask()
    qtbot.waitUntil(lambda: [one.count for one in results] == [1, 2, 3])
    first, second, _ = results
    stage.open.clear()
    queue.edited(first)
    qtbot.waitUntil(lambda: stage.begun[3:] == ["first"])

    first.nuclei = 5
    lifetime.end()
    stage.open.set()
    qtbot.wait(PAUSE)

    assert first.count == 1
    assert [first.effort, second.effort] == [None, None]
