"""The nuclei on screen: sliders, hand edits, undo, export."""

import gc
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hands import nuclei, press, run
from napari.layers._layer_actions import _convert_dtype
from qtpy.QtWidgets import QFileDialog
from scipy import ndimage

from napari_monuseg.areas import Area
from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.tiff import read_labels
from napari_monuseg.docks import (
    export_button,
    rereading,
    save_dialog,
    segment_steps,
    undo_steps,
)
from napari_monuseg.docks.bindings import METADATA, image_of
from napari_monuseg.docks.newest import PATIENCE, NewestJob
from napari_monuseg.docks.placing import Placed
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.reviewed import mark_view, reviewed_mask
from napari_monuseg.docks.segment_steps import read_again

TRIANGLE = [(40, 60), (200, 80), (90, 220)]


@pytest.fixture
def panel(dock):
    return dock.results


@pytest.fixture
def found(qtbot, viewer, dock, image, stage):
    """The labels layer of a finished run."""
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    return nuclei(viewer)[-1]


def settle(qtbot, panel):
    qtbot.waitUntil(lambda: not panel._reading.busy)


def test_before_a_run_there_is_nothing_to_adjust(panel):
    assert not panel.sliders.isEnabled()
    assert not panel.export_button.isEnabled()
    assert panel.count.text() == "No nuclei yet"


def test_sliders_begin_where_the_run_left_them(panel, found):
    assert panel.sliders.isEnabled()
    assert panel.sliders.value.seed_prominence == pytest.approx(0.2)


def test_a_slider_reads_the_nuclei_again_without_the_network(
    qtbot, viewer, panel, found, stage
):
    before = found.data.copy()

    panel.sliders.foreground.setValue(0.9)
    settle(qtbot, panel)

    assert nuclei(viewer) == [found]
    assert 0 < (found.data > 0).sum() < (before > 0).sum()
    assert len(stage.calls) == 1
    maps = panel.current.maps
    assert same_nuclei(found.data, finish(find_nuclei(maps, panel.sliders.value)))
    kept = (found.data > 0) & (before > 0)
    assert np.array_equal(found.data[kept], before[kept])
    assert panel.count.text().startswith(f"{count_nuclei(found.data)} nuclei")


def test_locked_nuclei_stay_as_they_are(qtbot, dock, panel, found):
    found.editable = False
    before, stood = found.data.copy(), panel.sliders.foreground.value()

    panel.sliders.foreground.setValue(0.9)
    settle(qtbot, panel)

    assert np.array_equal(found.data, before)
    assert panel.sliders.foreground.value() == stood
    assert "is locked; unlock it first" in dock.progress.text.text()


def test_the_smallest_nucleus_is_an_area_in_micrometres(qtbot, panel, found):
    panel.sliders.smallest.setValue(10)
    settle(qtbot, panel)

    sizes = np.bincount(found.data.ravel())[1:] * 0.25**2
    assert sizes[sizes > 0].min() >= 10


def same_nuclei(one, other):
    """Tell whether two labels images differ in nothing but numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1)
    return len(np.unique(one)) == len(np.unique(other)) == pairs.shape[1]


def disc(row, column, radius=4):
    """Give the indices of the pixels of a small nucleus."""
    rows, columns = np.ogrid[:256, :256]
    return np.nonzero((rows - row) ** 2 + (columns - column) ** 2 <= radius**2)


def paint(layer, row=128, column=128, number=777):
    layer.data_setitem(disc(row, column), number)


def erase(layer, number):
    layer.data_setitem(np.nonzero(layer.data == number), 0)


def move(qtbot, panel, foreground):
    panel.sliders.foreground.setValue(foreground)
    settle(qtbot, panel)


def test_painted_nuclei_stay_when_a_slider_moves(qtbot, viewer, panel, found):
    paint(found)
    painted, before = found.data == 777, found.data.copy()

    move(qtbot, panel, 0.8)

    assert nuclei(viewer) == [found]
    assert np.array_equal(found.data == 777, painted)
    assert (found.data > 0).sum() < (before > 0).sum()


def test_deleted_nuclei_do_not_come_back(qtbot, panel, found):
    number = int(found.data.max()) // 2
    gone = found.data == number
    erase(found, number)

    for foreground in (0.3, 0.9, 0.1):
        move(qtbot, panel, foreground)
        assert not found.data[gone].any()


def test_hand_work_accumulates_over_slider_moves(qtbot, panel, found):
    erase(found, 3)
    move(qtbot, panel, 0.7)
    paint(found)
    move(qtbot, panel, 0.3)

    assert (found.data[disc(128, 128)] == 777).all()
    assert panel.current.hand.count.erased >= 1


def test_undo_takes_back_a_slider_move_in_one_step(qtbot, panel, found):
    paint(found)
    before = found.data.copy()
    move(qtbot, panel, 0.8)
    after = found.data.copy()

    found.undo()
    assert np.array_equal(found.data, before)
    found.redo()
    assert np.array_equal(found.data, after)


def test_many_edits_do_not_make_the_program_forget_what_it_wrote(qtbot, panel, found):
    began = np.array(found.data)
    move(qtbot, panel, 0.9)
    read = panel.current.options
    for _ in range(75):  # each a step of napari's undo, which keeps 100 by itself
        at = np.nonzero(began == began.max())
        found.data_setitem(at, 0)
        found.data_setitem(at, int(began.max()))
    found.data_setitem(np.nonzero(found.data), began[np.nonzero(found.data)])

    assert panel.current._steps.state.options == read
    move(qtbot, panel, 0.8)
    assert len(found._undo_history) > 150


@pytest.mark.parametrize("edits", [1, 4])
def test_what_napari_forgot_was_not_undone(qtbot, monkeypatch, panel, found, edits):
    monkeypatch.setattr(undo_steps, "LONGEST", 3)
    panel.current._hold(found, panel.current._state(np.array(found.data), None))
    move(qtbot, panel, 0.9)
    read = panel.current.options
    lost = np.nonzero(found.data)

    for _ in range(edits):
        found.data_setitem(lost, 0)
        found.data_setitem(lost, 1)

    assert panel.current._steps.state.options == read


def test_what_is_done_after_a_slider_move_was_undone_is_hand_work(qtbot, panel, found):
    began, options = np.array(found.data), panel.current.options
    sizes = np.bincount(began.ravel())[1:] * 0.25**2
    panel.sliders.smallest.setValue(float(np.median(sizes[sizes > 0])))
    settle(qtbot, panel)
    removed = np.setdiff1d(began, found.data)
    assert removed.size > 3
    found.undo()
    gone = np.isin(began, removed[1:])  # nearly what the slider had removed

    found.data_setitem(np.nonzero(gone), 0)

    assert panel.current._steps.state.options == options
    hand = panel.current.snapshot().gather()
    assert hand.count.nuclei == 0
    assert hand.count.erased > 0
    move(qtbot, panel, 0.4)
    assert not found.data[gone].any()


def test_what_was_reviewed_meanwhile_is_left_as_it_stands(
    qtbot, viewer, dock, panel, found
):
    before = np.array(found.data)
    reading = finish(
        read_again(
            panel.current.maps,
            panel.current.area,
            InstanceOptions(foreground_threshold=0.9),
            panel.current.snapshot(),
        )
    )
    mark_view(viewer, dock.image.value)

    shown = panel.current.show_reading(reading, InstanceOptions(), 1)

    assert not shown
    assert np.array_equal(found.data, before)


@pytest.mark.parametrize("what", ["size", "type"])
def test_a_layer_that_was_given_other_pixels_comes_back_with_its_hand_work(
    qtbot, viewer, panel, found, what
):
    erase(found, 3)
    paint(found)
    qtbot.waitUntil(lambda: panel.current.hand.count.nuclei == 1)
    gone = panel.current._steps.state.written == 3
    found.data = (
        np.zeros((99, 99), np.int32) if what == "size" else found.data.astype(np.uint8)
    )

    move(qtbot, panel, 0.8)

    again = panel.current.layer
    assert again is nuclei(viewer)[-1] is not found
    assert (again.data[disc(128, 128)] == 777).all()
    assert not again.data[gone].any()
    assert panel.current.snapshot().gather().count.nuclei == 1


def test_the_hand_work_of_the_layer_at_work_goes_on(qtbot, viewer, dock, found):
    paint(found)
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    viewer.layers.selection = {found}
    paint(found, 40, 40, number=888)

    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)

    newest = nuclei(viewer)[-1]
    assert (newest.data[disc(40, 40)] == 888).all()
    assert (newest.data[disc(128, 128)] == 777).all()


def test_one_nucleus_shown_alone_stays_so_when_a_slider_moves(qtbot, panel, found):
    found.selected_label = 3
    found.show_selected_label = True

    move(qtbot, panel, 0.3)

    assert found.selected_label == 3


def test_an_image_that_is_opened_again_has_its_nuclei(
    qtbot, viewer, dock, found, image
):
    panel, tissue = dock.results, np.array(image.data)
    paint(found)
    mark_view(viewer, image)
    place = {"scale": image.scale, "translate": image.translate, "units": image.units}
    viewer.layers.remove(image)
    viewer.add_image(tissue[:99], rgb=True, name="colon")
    assert panel.current.image not in viewer.layers
    again = viewer.add_image(tissue, rgb=True, name="other")
    assert panel.current.image not in viewer.layers
    viewer.layers.remove(again)
    del viewer.layers["colon"]

    again = viewer.add_image(tissue, rgb=True, name="colon", **place)

    assert panel.current.image is image_of(found, viewer.layers) is again
    assert np.allclose(found.extent.world, again.extent.world)
    assert reviewed_mask(panel.current).any()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    assert (nuclei(viewer)[-1].data[disc(128, 128)] == 777).all()


def test_nuclei_follow_the_name_of_their_image(qtbot, viewer, dock, found, image):
    panel, tissue = dock.results, np.array(image.data)

    image.name = "Patient 7"

    qtbot.waitUntil(lambda: "in “Patient 7”\n" in panel.count.text())
    assert panel.current.origin.image == "Patient 7"
    assert found.metadata[METADATA]["image"] == "Patient 7"
    viewer.layers.remove(image)
    again = viewer.add_image(tissue, rgb=True, name="Patient 7")
    assert panel.current.image is image_of(found, viewer.layers) is again
    again.name = "Patient 8"
    assert panel.current.image_name == "Patient 8"
    viewer.layers.remove(again)
    first = viewer.add_image(tissue, rgb=True, name="colon")
    assert panel.current.image is first


@pytest.mark.usefixtures("stage")
def test_an_image_whose_layer_was_renamed_is_known_by_its_file(
    qtbot, viewer, dock, tissue, tmp_path
):
    tifffile.imwrite(tmp_path / "scan.tif", tissue[0])
    (image,) = viewer.open(tmp_path / "scan.tif", plugin="napari")
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    image.name = "Patient 7"
    viewer.layers.remove(image)

    (again,) = viewer.open(tmp_path / "scan.tif", plugin="napari")

    assert dock.results.current.image is again


def test_an_image_that_is_opened_again_elsewhere_takes_its_nuclei_along(
    viewer, panel, found, image
):
    tissue = np.array(image.data)
    viewer.layers.remove(image)

    again = viewer.add_image(
        tissue, rgb=True, name="colon", scale=(0.5, 0.5), translate=(3, 4)
    )

    assert panel.current.image is again
    assert np.allclose(found.extent.world, again.extent.world)


def test_the_sliders_follow_undo_and_redo(qtbot, panel, found):
    began = panel.sliders.value
    move(qtbot, panel, 0.8)
    moved = panel.sliders.value

    found.undo()
    qtbot.waitUntil(lambda: panel.sliders.value == began)
    assert panel.current.options == began
    assert found.metadata[METADATA]["options"] == began

    found.redo()
    qtbot.waitUntil(lambda: panel.sliders.value == moved)


def test_a_slider_that_changed_no_nucleus_stays_where_it_is(qtbot, panel, found):
    before = found.data.copy()
    smallest = panel.sliders.value.smallest_nucleus_um2 + 0.1
    panel.sliders.smallest.setValue(smallest)
    settle(qtbot, panel)
    assert np.array_equal(found.data, before)

    with qtbot.waitSignal(panel.hand.counted):
        found.refresh()

    assert panel.sliders.value.smallest_nucleus_um2 == pytest.approx(smallest)


def test_what_was_undone_comes_back_after_a_slider_that_changed_no_nucleus(
    qtbot, panel, found
):
    began = panel.sliders.value
    move(qtbot, panel, 0.8)
    moved, after = panel.sliders.value, found.data.copy()
    found.undo()
    qtbot.waitUntil(lambda: panel.sliders.value == began)
    before = found.data.copy()
    panel.sliders.smallest.setValue(began.smallest_nucleus_um2 + 0.1)
    settle(qtbot, panel)
    assert np.array_equal(found.data, before)

    found.redo()

    assert np.array_equal(found.data, after)
    assert panel.current.snapshot().gather().count == (0, 0)
    qtbot.waitUntil(lambda: panel.sliders.value == moved)


def test_a_slider_back_where_it_began_leaves_nothing_to_bring_back(qtbot, panel, found):
    before, began = found.data.copy(), panel.sliders.foreground.value()
    slider = panel.sliders.foreground
    slider.sliderPressed.emit()
    slider._slider.setSliderDown(True)
    move(qtbot, panel, 0.8)
    paint(found)
    found.undo()
    move(qtbot, panel, began)
    slider._slider.setSliderDown(False)
    assert np.array_equal(found.data, before)

    found.redo()

    assert np.array_equal(found.data, before)
    assert panel.current.snapshot().gather().count == (0, 0)


def test_undo_leads_through_edits_and_slider_moves(qtbot, panel, found):
    states = [found.data.copy()]
    for foreground, place in ((0.8, 60), (0.3, 120), (0.6, 180)):
        paint(found, place, place, 700 + place)
        states.append(found.data.copy())
        move(qtbot, panel, foreground)
        states.append(found.data.copy())

    for state in reversed(states[:-1]):
        found.undo()
        assert np.array_equal(found.data, state)
    for state in states[1:]:
        found.redo()
        assert np.array_equal(found.data, state)


def test_a_slider_held_in_motion_is_one_step(qtbot, panel, found):
    before = found.data.copy()
    slider = panel.sliders.foreground
    slider.sliderPressed.emit()
    slider._slider.setSliderDown(True)
    for foreground in (0.6, 0.7, 0.8):
        move(qtbot, panel, foreground)
    slider._slider.setSliderDown(False)
    after = found.data.copy()

    found.undo()

    assert np.array_equal(found.data, before)
    found.redo()
    assert np.array_equal(found.data, after)


def test_a_movement_that_changes_nothing_at_first_takes_no_other_back(
    qtbot, panel, found
):
    move(qtbot, panel, 0.7)
    between = found.data.copy()
    slider = panel.sliders.smallest
    began = slider.value()
    slider.sliderPressed.emit()
    slider._slider.setSliderDown(True)
    for smallest in (began + 0.1, 40):
        slider.setValue(smallest)
        settle(qtbot, panel)
    slider._slider.setSliderDown(False)
    assert not np.array_equal(found.data, between)

    found.undo()

    assert np.array_equal(found.data, between)


def test_after_an_undone_slider_move_hand_work_is_still_known(qtbot, panel, found):
    paint(found)
    move(qtbot, panel, 0.8)
    found.undo()

    hand = panel.current.snapshot().gather()
    assert (found.data[disc(128, 128)] == 777).all()
    assert hand.held_by_edits[disc(128, 128)].all()
    assert hand.count.nuclei < 5

    found.undo()
    assert panel.current.snapshot().gather().count == (0, 0)
    move(qtbot, panel, 0.9)
    assert not (found.data == 777).any()


def test_what_was_painted_and_undone_is_no_edit(qtbot, viewer, panel, found):
    paint(found)
    found.undo()

    move(qtbot, panel, 0.8)

    maps = panel.current.maps
    assert same_nuclei(found.data, finish(find_nuclei(maps, panel.sliders.value)))


def test_undo_after_a_slider_move_punches_no_holes(qtbot, panel, found):
    paint(found)
    found.undo()
    before = found.data.copy()
    move(qtbot, panel, 0.8)
    now = found.data.copy()

    found.undo()
    assert np.array_equal(found.data, before)
    found.undo()  # there is nothing before it
    assert np.array_equal(found.data, before)
    found.redo()
    assert np.array_equal(found.data, now)


def test_a_forgotten_history_does_not_make_hand_work(qtbot, panel, found):
    move(qtbot, panel, 0.8)
    found.editable = False  # a layer forgets its history then
    found.editable = True
    paint(found)

    assert panel.current.snapshot().gather().count.nuclei < 5


def test_what_can_be_undone_stays_within_bounds(qtbot, panel, found, monkeypatch):
    monkeypatch.setattr(undo_steps, "MEMORY", 3 * found.data.nbytes)
    states = [found.data.copy()]
    for foreground in (0.8, 0.3, 0.6, 0.9, 0.2):
        move(qtbot, panel, foreground)
        states.append(found.data.copy())

    assert len(found._undo_history) < 5
    found.undo()
    assert np.array_equal(found.data, states[-2])
    for _ in range(5):
        found.undo()
    assert any(np.array_equal(found.data, state) for state in states)
    assert panel.current.snapshot().gather().count == (0, 0)


def test_a_stroke_under_way_is_a_step_of_its_own(qtbot, panel, found):
    found._begin_stroke()
    found.paint((128, 128), 777)
    before = found.data.copy()
    move(qtbot, panel, 0.8)
    found._commit_stroke()

    found.undo()

    assert np.array_equal(found.data, before)


class Slow:
    """Hand work that is put over a run's nuclei when a test says so."""

    def __init__(self):
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.threads, self.merge = [], HandWork.merge

    def __call__(self, hand, derived):
        self.threads.append(threading.current_thread())
        self.begun.set()
        self.go_on.wait(10)
        return self.merge(hand, derived)


@pytest.fixture
def slow(monkeypatch):
    slow = Slow()

    def merge(hand, derived):  # a function takes the hand work it is called on
        return slow(hand, derived)

    monkeypatch.setattr(HandWork, "merge", merge)
    yield slow
    slow.go_on.set()


@pytest.fixture
def run_until_placing(qtbot, dock, slow):
    """Press Run, and wait until hand work is put over what was found."""

    def run_until_placing():
        press(qtbot, dock.run_button)
        qtbot.waitUntil(slow.begun.is_set)

    return run_until_placing


@pytest.fixture
def end(qtbot, dock, slow):
    """Let the run come to its end."""

    def end():
        slow.go_on.set()
        qtbot.waitUntil(lambda: not dock.running)

    return end


def test_hand_work_is_carried_over_by_the_worker(found, slow, run_until_placing, end):
    paint(found)

    run_until_placing()
    end()

    assert len(slow.threads) == 1
    assert threading.main_thread() not in slow.threads


def test_what_is_painted_while_hand_work_is_carried_over_is_in_it(
    viewer, found, run_until_placing, end
):
    paint(found)
    run_until_placing()
    paint(found, 60, 60, 778)
    end()

    second = nuclei(viewer)[-1]
    assert len(nuclei(viewer)) == 2
    assert np.array_equal(second.data == 777, found.data == 777)
    assert np.array_equal(second.data == 778, found.data == 778)


def test_whoever_never_stops_painting_gets_the_run_s_nuclei_too(
    viewer, found, slow, run_until_placing, end
):
    paint(found)
    run_until_placing()
    merge, places = slow.merge, iter(range(20, 240, 10))

    def painted_meanwhile(hand, derived):
        if threading.current_thread() is not threading.main_thread():
            place = next(places)
            found.data[place : place + 5, 5:10] = 800 + place
        return merge(hand, derived)

    slow.merge = painted_meanwhile
    end()

    second = nuclei(viewer)[-1]
    assert len(slow.threads) < 10
    assert slow.threads[-1] is threading.main_thread()
    assert (second.data == 820).any()
    for label in np.unique(found.data[found.data > 800]):
        assert np.array_equal(second.data == label, found.data == label)


def test_what_is_removed_while_it_is_carried_over_does_not_come_back(
    viewer, found, run_until_placing, end
):
    paint(found)
    run_until_placing()
    viewer.layers.remove(found)
    end()

    (second,) = nuclei(viewer)
    assert not (second.data == 777).any()


def test_cancel_while_hand_work_is_carried_over_leaves_it(
    qtbot, dock, found, run_until_placing, end
):
    paint(found)
    before = found.data.copy()
    run_until_placing()
    press(qtbot, dock.cancel_button)
    end()
    qtbot.wait(100)

    assert dock.results.current.layer is found
    assert dock.progress.text.text() == "Cancelled"
    assert np.array_equal(found.data, before)


def test_an_untouched_run_in_between_takes_no_hand_work_away(
    qtbot, viewer, dock, found
):
    for _ in range(2):
        press(qtbot, dock.run_button)
        qtbot.waitUntil(lambda: not dock.running)
    paint(found)

    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)

    *_, between, last = nuclei(viewer)
    assert not (between.data == 777).any()
    assert np.array_equal(last.data == 777, found.data == 777)


def test_hand_work_is_carried_into_the_next_run(qtbot, viewer, dock, panel, found):
    paint(found)
    painted = found.data.copy()

    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)

    second = nuclei(viewer)[-1]
    assert second is not found
    assert np.array_equal(found.data, painted)
    assert np.array_equal(second.data == 777, painted == 777)
    assert "by hand" in panel.count.text()
    move(qtbot, panel, 0.8)
    assert np.array_equal(second.data == 777, painted == 777)


def test_the_number_of_nuclei_by_hand_is_shown(qtbot, panel, found):
    assert panel.count.text().endswith("\nno corrections yet")
    row, column = np.argwhere(found.data == 0)[0]
    before = found.data.copy()

    found.data_setitem((np.array([row]), np.array([column])), 777)

    qtbot.waitUntil(lambda: "1 by hand" in panel.count.text())
    assert panel.count.text().startswith(f"{before.max() + 1} nuclei")
    found.undo()
    qtbot.waitUntil(lambda: "no corrections yet" in panel.count.text())
    erase(found, 3)
    qtbot.waitUntil(lambda: "1 place erased" in panel.count.text())


def test_hand_work_can_be_highlighted(qtbot, viewer, panel, found, chooser):
    found.mode = "paint"
    paint(found)
    expected = found.data.copy()
    panel.hand.highlight.setChecked(True)

    outline = viewer.layers[-1]
    qtbot.waitUntil(lambda: bool(outline.data.any()))
    painted = found.data == 777
    inside = ndimage.binary_erosion(painted, iterations=2)
    assert inside.any()
    assert np.array_equal(outline.data[painted] > 0, ~inside[painted])
    assert np.allclose(outline.data_to_world((3, 4)), found.data_to_world((3, 4)))
    assert viewer.layers.selection.active is found
    assert found.mode == "paint"
    press(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: not panel.export_button.busy)
    assert np.array_equal(tifffile.imread(chooser["path"]), expected)

    panel.hand.highlight.setChecked(False)
    assert nuclei(viewer) == [found]


def test_nobody_paints_on_the_highlight(qtbot, viewer, panel, found):
    panel.hand.highlight.setChecked(True)
    outline = viewer.layers[-1]
    assert not outline.editable

    paint(found)

    qtbot.waitUntil(lambda: bool(outline.data.any()))
    viewer.layers.selection.active = outline
    outline.mode = "paint"
    assert not outline.editable
    assert outline.mode == "pan_zoom"


def test_the_highlight_lies_on_its_nuclei_wherever_they_go(viewer, image, found, panel):
    panel.hand.highlight.setChecked(True)
    outline = viewer.layers[-1]

    image.scale, image.translate = (0.5, 0.5), (7, 9)

    assert np.allclose(outline.data_to_world((3, 4)), image.data_to_world((3, 4)))


@pytest.mark.parametrize("dtype", ["uint16", "int64", "uint8"])
def test_hand_work_counts_in_nuclei_of_another_type(qtbot, viewer, dock, found, dtype):
    """napari's *Convert data type* gives the layer other pixels."""
    erase(found, 3)
    gone = found.data == 3
    before = found.data.copy()
    viewer.layers.selection.active = found

    _convert_dtype(viewer.layers, dtype)
    assert found.data.dtype == np.int32
    assert np.array_equal(found.data, before)

    found.data_setitem(disc(128, 128), 200)
    run(qtbot, dock)
    newest = nuclei(viewer)[-1]
    assert newest is not found
    assert (newest.data[disc(128, 128)] == 200).all()
    assert not newest.data[gone].any()


def test_a_number_that_was_undone_may_be_one_another_type_cannot_hold(
    qtbot, panel, found
):
    paint(found, number=300)
    qtbot.waitUntil(lambda: panel.current.hand.count.nuclei == 1)
    found.undo()
    qtbot.waitUntil(lambda: panel.current.hand.count.nuclei == 0)

    found.data = found.data.astype(np.uint8)

    assert panel.current.is_whole()


def test_numbers_that_another_type_cannot_hold_are_not_taken(qtbot, panel, found):
    paint(found, number=60_000)
    qtbot.waitUntil(lambda: panel.current.hand.count.nuclei == 1)

    found.data = found.data.astype(np.int16)  # 60,000 is -5,536 there

    assert not panel.current.is_whole()
    assert panel.current.snapshot() is None


def test_the_highlight_goes_with_its_layer(viewer, panel, found):
    panel.hand.highlight.setChecked(True)
    assert len(nuclei(viewer)) == 2

    viewer.layers.remove(found)

    assert nuclei(viewer) == []


def test_the_highlight_goes_with_the_dock(viewer, dock, panel, found):
    panel.hand.highlight.setChecked(True)
    assert len(nuclei(viewer)) == 2

    viewer.window.remove_dock_widget(dock)

    assert nuclei(viewer) == [found]


def test_a_highlight_that_is_removed_is_switched_off(viewer, panel, found):
    panel.hand.highlight.setChecked(True)

    viewer.layers.remove(nuclei(viewer)[-1])

    assert not panel.hand.highlight.isChecked()


def test_pixels_of_another_size_are_left_alone(qtbot, viewer, panel, found):
    found.data = found.data[:100]
    cropped = found.data.copy()

    move(qtbot, panel, 0.8)

    assert np.array_equal(found.data, cropped)
    assert nuclei(viewer)[-1].data.shape == (256, 256)


def test_edits_made_while_nuclei_are_read_are_kept(
    qtbot, viewer, panel, found, monkeypatch
):
    go_on = threading.Event()
    read_again = rereading.read_again

    def slowly(*args):
        yield Progress(message="Waiting")
        go_on.wait(5)
        return (yield from read_again(*args))

    monkeypatch.setattr(rereading, "read_again", slowly)
    panel.sliders.foreground.setValue(0.8)
    found.paint((128, 128), 777)
    go_on.set()
    settle(qtbot, panel)

    assert nuclei(viewer) == [found]
    assert (found.data == 777).any()


def test_painting_begins_with_a_number_of_its_own(found):
    assert found.selected_label == found.data.max() + 1


def test_the_layer_remembers_where_its_nuclei_come_from(found):
    origin = found.metadata[METADATA]

    assert (origin["image"], origin["model"]) == ("colon", "any")
    assert origin["pixel_size"] == pytest.approx(0.25)
    assert origin["options"] == InstanceOptions(seed_prominence=0.2)


def test_sliders_follow_the_layer_that_is_active(qtbot, viewer, dock, panel, found):
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    second = nuclei(viewer)[-1]
    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)

    viewer.layers.selection.active = found

    assert panel.sliders.value.foreground_threshold == pytest.approx(0.5)
    panel.sliders.foreground.setValue(0.7)
    settle(qtbot, panel)
    maps = panel.current.maps
    assert same_nuclei(found.data, finish(find_nuclei(maps, panel.sliders.value)))
    assert (second.data > 0).sum() < (found.data > 0).sum()


def test_when_the_nuclei_go_there_is_nothing_to_adjust(viewer, panel, found):
    viewer.layers.remove(found)

    assert not panel.sliders.isEnabled()
    assert panel.current is None


def test_the_memory_of_a_result_goes_with_its_layer(qtbot, viewer, panel, found):
    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)
    maps = weakref.ref(panel.current.maps)

    viewer.layers.remove(found)
    qtbot.wait(50)
    gc.collect()

    assert maps() is None


def test_the_brush_stays_in_hand_when_a_slider_moves(qtbot, panel, found):
    found.mode = "paint"

    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)

    assert found.mode == "paint"


def test_nuclei_can_be_adjusted_when_their_image_is_gone(
    qtbot, viewer, panel, image, found
):
    viewer.layers.remove(image)

    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)

    assert panel.count.text().startswith(f"{count_nuclei(found.data)} nuclei")


def test_export_writes_what_is_shown_edits_and_all(qtbot, panel, found, chooser):
    found.paint((128, 128), 777)
    expected = found.data.copy()

    press(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    assert chooser["suggested"] == ["colon_nuclei.tif"]
    assert np.array_equal(tifffile.imread(chooser["path"]), expected)
    assert read_labels(chooser["path"]).pixel_size == pytest.approx(0.25)


def test_a_part_of_an_image_has_a_file_of_its_own(qtbot, viewer, dock, image, chooser):
    result = Result.on(
        image,
        Area(slice(10, 60), slice(20, 90)),
        model_name="any",
        maps=None,
        options=InstanceOptions(),
    )
    result.show(viewer, Placed(labels=np.ones((50, 70), np.int32), count=1))
    dock.results.export_button.set_result(result)

    press(qtbot, dock.results.export_button)

    assert chooser["suggested"] == ["colon_row10_column20_nuclei.tif"]


def test_the_dialog_begins_beside_the_image_and_then_where_one_was(
    qtbot, monkeypatch, panel, found, tmp_path
):
    monkeypatch.setattr(save_dialog, "_folders", {})
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    panel.current.image_path = str(here / "colon.tif")
    begun = []

    def execute(dialog):
        begun.append((Path(dialog.directory().path()), dialog.windowTitle()))
        dialog.selectFile(str(there / "mine_nuclei.tif"))
        return True

    monkeypatch.setattr(QFileDialog, "exec", execute)
    for _ in range(2):
        press(qtbot, panel.export_button)
        qtbot.waitUntil(lambda: not panel.export_button.busy)

    title = "Export “colon nuclei (any)”"
    assert begun == [(here, title), (there, title)]


def test_nuclei_can_be_outlined(qtbot, viewer, dock, panel, found):
    found.contour, found.opacity = 1, 0.7  # as somebody likes it
    panel.hand.outlined.click()
    assert (found.contour, found.opacity) == (2, 1)

    run(qtbot, dock)
    second = nuclei(viewer)[-1]
    assert second is not found
    assert second.contour == 2

    second.opacity = 0.9
    panel.hand.outlined.click()
    assert (second.contour, second.opacity) == (0, 0.5)
    assert (found.contour, found.opacity) == (1, 0.7)


def test_nuclei_have_no_colour_of_the_tissue(found):
    colours = np.asarray(found.colormap.colors)[1:, :3]

    assert len(np.unique(colours, axis=0)) == len(colours) == 12
    # Hematoxylin and eosin both let more red and blue through than green.
    assert (colours[:, 1] >= np.minimum(colours[:, 0], colours[:, 2])).all()


def test_a_file_name_is_suggested_that_every_system_allows(
    qtbot, panel, found, chooser
):
    panel.current.image_name = "a/b: c.tif"

    press(qtbot, panel.export_button)

    assert chooser["suggested"] == ["a_b_ c_nuclei.tif"]


@pytest.mark.usefixtures("stage")
def test_a_name_that_napari_does_not_know_for_labels_is_said(
    qtbot, dock, panel, found, tmp_path
):
    for name in ("free.tif", "free_nuclei.tif"):
        panel.export_button.export(panel.current, tmp_path / name)
        qtbot.waitUntil(lambda: not panel.export_button.busy)
        known = "as an image" not in dock.progress.text.text()
        assert f"Written to {name}" in dock.progress.text.text()
        assert known == ("nuclei" in name)


def test_export_of_an_area_says_its_offset(qtbot, viewer, dock, image, tmp_path):
    corners = np.array([[40, 60], [40, 160], [120, 160], [120, 60]]) - 0.5
    viewer.add_shapes([[image.data_to_world(corner) for corner in corners]])
    dock.area.choice.setCurrentIndex(2)
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    panel = dock.results

    panel.export_button.export(panel.current, tmp_path / "area.tif")
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    assert read_labels(tmp_path / "area.tif").offset == (40, 60)
    assert "row 40, column 60" in dock.progress.text.text()


@pytest.mark.usefixtures("stage")
def test_labels_say_where_they_are_from_when_their_image_is_gone(
    qtbot, viewer, dock, image, tmp_path
):
    panel = dock.results
    corners = np.array([image.data_to_world(corner) for corner in TRIANGLE])
    viewer.add_shapes([corners], shape_type="polygon")
    dock.area.choice.setCurrentIndex(2)
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    panel.current.image_reference = lambda: None

    move(qtbot, panel, 0.8)
    panel.export_button.export(panel.current, tmp_path / "a.tif")
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    origin = read_labels(tmp_path / "a.tif").origin
    assert (origin.image, origin.image_shape) == ("colon", (256, 256))
    assert origin.mask is not None
    assert panel.current.layer.metadata[METADATA]["image_shape"] == (256, 256)


def test_the_pixel_size_typed_since_the_run_is_exported(
    qtbot, dock, panel, found, tmp_path
):
    dock.pixel_size.field.setValue(0.4)

    panel.export_button.export(panel.current, tmp_path / "a.tif")
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    assert read_labels(tmp_path / "a.tif").pixel_size == pytest.approx(0.4)
    found.save(str(tmp_path / "b.tif"), plugin="napari-monuseg")
    assert read_labels(tmp_path / "b.tif").pixel_size == pytest.approx(0.4)


def test_export_does_not_replace_the_image(qtbot, dock, panel, found, tmp_path):
    path = tmp_path / "slide.tif"
    tifffile.imwrite(path, np.full((256, 256), 200, np.uint8))
    before = path.read_bytes()
    panel.current.image_path = str(path)

    panel.export_button.export(panel.current, path)
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    assert path.read_bytes() == before
    assert "is the image itself" in dock.progress.text.text()


def test_one_file_is_written_after_the_other(qtbot, panel, found, tmp_path):
    panel.export_button.export(panel.current, tmp_path / "a.tif")
    assert not panel.export_button.isEnabled()

    qtbot.waitUntil(lambda: not panel.export_button.busy)
    assert panel.export_button.isEnabled()
    assert (tmp_path / "a.tif").exists()


def test_a_dock_that_is_closed_finishes_the_file(
    qtbot, monkeypatch, dock, found, tmp_path
):
    def late(*arguments, **facts):
        time.sleep(0.3)
        return (yield from segment_steps.export(*arguments, **facts))

    monkeypatch.setattr(export_button, "export", late)
    labels = np.array(found.data)
    panel = dock.results
    panel.export_button.export(panel.current, tmp_path / "a.tif")

    dock._viewer.window.remove_dock_widget(dock)

    qtbot.waitUntil((tmp_path / "a.tif").exists)
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), labels)


def test_an_export_that_fails_is_a_sentence(qtbot, dock, panel, found, tmp_path):
    panel.export_button.export(panel.current, tmp_path / "no folder" / "area.tif")
    qtbot.waitUntil(lambda: not panel.export_button.busy)

    assert "no folder" in dock.progress.text.text()


def test_export_can_be_thought_better_of(qtbot, panel, found, chooser):
    chooser["path"] = None

    press(qtbot, panel.export_button)

    assert not panel.export_button.busy


def test_only_the_newest_wish_is_fulfilled_last(qtbot):
    fulfilled = []

    def steps(wish):
        yield Progress(message="Working")
        return wish * 10

    job = NewestJob(steps, lambda wish, value: fulfilled.append((wish, value)))
    for wish in range(50):
        job.ask(wish)
    qtbot.waitUntil(lambda: not job.busy)

    assert fulfilled[-1] == (49, 490)
    assert len(fulfilled) < 50


def test_a_slow_job_makes_way_for_a_newer_wish(qtbot):
    fulfilled, closed = [], []

    def steps(wish):
        try:
            while wish == "slow":
                yield Progress(message="Working")
            yield Progress(message="Done")
            return wish
        finally:
            closed.append(wish)

    job = NewestJob(steps, lambda wish, _: fulfilled.append(wish))
    job.ask("slow")
    qtbot.wait(int(PATIENCE * 1000) + 50)
    job.ask("quick")
    qtbot.waitUntil(lambda: fulfilled == ["quick"] and "slow" in closed)
