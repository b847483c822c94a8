"""The nuclei on screen: sliders, hand edits, undo, export."""

import gc
import threading
import weakref
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.progress import Progress, finish
from napari_monuseg.core.tiff import read_labels
from napari_monuseg.docks import result_panel
from napari_monuseg.docks.newest import PATIENCE, NewestJob
from napari_monuseg.docks.result import METADATA


def press(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def nuclei(viewer):
    return [layer for layer in viewer.layers if isinstance(layer, Labels)]


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
    assert panel.sliders.value.seed_threshold == pytest.approx(0.4)


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
    assert np.array_equal(found.data, finish(find_nuclei(maps, panel.sliders.value)))
    assert panel.count.text().startswith(f"{found.data.max()} nuclei")


def test_the_smallest_nucleus_is_an_area_in_micrometres(qtbot, panel, found):
    panel.sliders.smallest.setValue(10)
    settle(qtbot, panel)

    sizes = np.bincount(found.data.ravel())[1:] * 0.25**2
    assert sizes.min() >= 10


def test_painted_nuclei_are_never_overwritten(qtbot, viewer, dock, panel, found):
    found.paint((128, 128), 777)
    edited = found.data.copy()

    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)

    first, second = nuclei(viewer)
    assert first is found
    assert np.array_equal(found.data, edited)
    assert not (second.data == 777).any()
    assert np.allclose(second.translate, found.translate)
    assert "edited" in dock.progress.text.text()


def test_what_was_painted_and_undone_is_no_edit(qtbot, viewer, panel, found):
    found.paint((128, 128), 777)
    found.undo()

    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)

    assert nuclei(viewer) == [found]


def test_undo_punches_no_holes_into_new_nuclei(qtbot, panel, found):
    found.paint((128, 128), 777)
    found.undo()
    panel.sliders.foreground.setValue(0.8)
    settle(qtbot, panel)
    now = found.data.copy()

    found.undo()
    found.redo()

    assert np.array_equal(found.data, now)


def test_edits_made_while_nuclei_are_read_are_kept(
    qtbot, viewer, panel, found, monkeypatch
):
    go_on = threading.Event()
    read_again = result_panel.read_again

    def slowly(*args):
        yield Progress(message="Waiting")
        go_on.wait(5)
        return (yield from read_again(*args))

    monkeypatch.setattr(result_panel, "read_again", slowly)
    panel.sliders.foreground.setValue(0.8)
    found.paint((128, 128), 777)
    go_on.set()
    settle(qtbot, panel)

    assert len(nuclei(viewer)) == 2
    assert (found.data == 777).any()


def test_painting_begins_with_a_number_of_its_own(found):
    assert found.selected_label == found.data.max() + 1


def test_the_layer_remembers_where_its_nuclei_come_from(found):
    origin = found.metadata[METADATA]

    assert (origin["image"], origin["model"]) == ("colon", "any")
    assert origin["pixel_size"] == pytest.approx(0.25)
    assert origin["options"] == InstanceOptions(seed_threshold=0.4)


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
    assert np.array_equal(found.data, finish(find_nuclei(maps, panel.sliders.value)))
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

    assert panel.count.text().startswith(f"{found.data.max()} nuclei")


@pytest.fixture
def chooser(monkeypatch, tmp_path):
    """Answers the file dialog: a path, or None for Cancel."""
    answer = {"path": tmp_path / "mine.tif", "suggested": []}

    def execute(dialog):
        answer["suggested"].append(Path(dialog.selectedFiles()[0]).name)
        if answer["path"] is not None:
            dialog.selectFile(str(answer["path"]))
        return answer["path"] is not None

    monkeypatch.setattr(QFileDialog, "exec", execute)
    return answer


def test_export_writes_what_is_shown_edits_and_all(qtbot, panel, found, chooser):
    found.paint((128, 128), 777)
    expected = found.data.copy()

    press(qtbot, panel.export_button)
    qtbot.waitUntil(lambda: not panel._exporting.busy)

    assert chooser["suggested"] == ["colon_nuclei.tif"]
    assert np.array_equal(tifffile.imread(chooser["path"]), expected)
    assert read_labels(chooser["path"]).pixel_size == pytest.approx(0.25)


def test_a_file_name_is_suggested_that_every_system_allows(
    qtbot, panel, found, chooser
):
    panel.current.image_name = "a/b: c.tif"

    press(qtbot, panel.export_button)

    assert chooser["suggested"] == ["a_b_ c_nuclei.tif"]


@pytest.mark.usefixtures("stage")
def test_export_of_an_area_says_its_offset(qtbot, viewer, dock, image, tmp_path):
    corners = np.array([[40, 60], [40, 160], [120, 160], [120, 60]]) - 0.5
    viewer.add_shapes([[image.data_to_world(corner) for corner in corners]])
    dock.area.choice.setCurrentIndex(2)
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running)
    panel = dock.results

    panel._export(panel.current, tmp_path / "area.tif")
    qtbot.waitUntil(lambda: not panel._exporting.busy)

    assert read_labels(tmp_path / "area.tif").offset == (40, 60)
    assert "row 40, column 60" in dock.progress.text.text()


def test_an_export_that_fails_is_a_sentence(qtbot, dock, panel, found, tmp_path):
    panel._export(panel.current, tmp_path / "no folder" / "area.tif")
    qtbot.waitUntil(lambda: not panel._exporting.busy)

    assert "no folder" in dock.progress.text.text()


def test_export_can_be_thought_better_of(qtbot, panel, found, chooser):
    chooser["path"] = None

    press(qtbot, panel.export_button)

    assert not panel._exporting.busy


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
