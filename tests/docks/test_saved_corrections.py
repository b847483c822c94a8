"""Corrections survive: saved while they are made, offered when the image is back."""

import os
from threading import Event

import numpy as np
import pytest
from hands import nuclei, press, run
from napari.layers import Shapes
from qtpy.QtWidgets import QMessageBox

from napari_monuseg.areas import Area
from napari_monuseg.core import autosave as files
from napari_monuseg.core.autosave import load, saved_files
from napari_monuseg.core.progress import finish
from napari_monuseg.docks import saving
from napari_monuseg.docks.reviewed import (
    mark,
    mark_view,
    reviewed_layer,
    reviewed_mask,
)


@pytest.fixture
def autosave(dock, image):
    """The dock's autosave on an image, which looks only when told to."""
    autosave = dock.results.autosave
    autosave._timer.stop()
    return autosave


@pytest.fixture
def found(qtbot, viewer, dock, autosave, stage):
    run(qtbot, dock)
    return nuclei(viewer)[-1]


def look(qtbot, autosave):
    autosave.look()
    qtbot.waitUntil(lambda: not autosave._slot.busy)


def edit(layer, number=777):
    layer.data_setitem(np.nonzero(layer.data == 3), 0)
    layer.data_setitem(np.nonzero(layer.data == 5), number)


def saved():
    (path,) = saved_files()
    return finish(load(path))


@pytest.fixture
def left(qtbot, viewer, dock, autosave, found):
    """Labels that were saved before the window went, and no longer are open."""
    mark_view(viewer, dock.image.value)
    edit(found)
    look(qtbot, autosave)
    labels = found.data.copy()
    viewer.layers.clear()
    return labels


def reopen(viewer, tissue, **facts):
    return viewer.add_image(tissue[0], rgb=True, **{"name": "colon", **facts})


def test_without_hand_work_nothing_is_saved(qtbot, autosave, found):
    look(qtbot, autosave)

    assert saved_files() == []


def test_while_one_works_it_is_saved_by_itself(qtbot, dock, autosave, found):
    autosave._timer.start()
    edit(found)

    qtbot.waitUntil(lambda: bool(saved_files()), timeout=10_000)

    assert np.array_equal(saved().labels, found.data)


def test_the_file_says_where_the_corrections_belong(qtbot, autosave, found):
    edit(found)
    look(qtbot, autosave)

    about = saved().about
    assert (about.image_name, about.model_name) == ("colon", "any")
    assert about.image_shape == about.shape == (256, 256)
    assert about.pixel_size == pytest.approx(0.25)
    assert (about.by_hand, about.erased) == (1, 1)


def test_a_pixel_size_typed_since_is_saved(qtbot, dock, autosave, found):
    found.paint((128, 128), 777)
    look(qtbot, autosave)

    dock.pixel_size.field.setValue(0.5)
    look(qtbot, autosave)

    (path,) = saved_files()
    assert finish(load(path)).about.pixel_size == pytest.approx(0.5)


def test_what_did_not_change_is_not_copied_again(
    qtbot, dock, autosave, found, monkeypatch
):
    edit(found)
    look(qtbot, autosave)
    monkeypatch.setattr(type(dock.results.current), "pixels", None)

    look(qtbot, autosave)


def test_what_looks_changed_and_is_not_is_not_written_again(qtbot, autosave, found):
    edit(found)
    look(qtbot, autosave)
    (path,) = saved_files()
    before = path.stat().st_ino

    found.refresh()
    look(qtbot, autosave)

    assert path.stat().st_ino == before


def test_edits_that_are_undone_are_no_longer_kept(qtbot, autosave, found):
    edit(found)
    look(qtbot, autosave)
    found.undo()
    found.undo()

    look(qtbot, autosave)

    assert saved_files() == []


def test_shapes_that_are_named_reviewed_are_saved(
    qtbot, viewer, image, autosave, found
):
    look(qtbot, autosave)
    corners = [image.data_to_world(at) for at in ((0, 0), (0, 50), (50, 50), (50, 0))]
    shapes = viewer.add_shapes([np.array(corners)], units=image.units)
    look(qtbot, autosave)
    assert saved_files() == []

    shapes.name = "Reviewed"
    look(qtbot, autosave)

    assert len(saved().about.reviewed) == 1


def test_a_second_layer_of_reviewed_areas_is_saved(
    qtbot, viewer, image, autosave, found
):
    mark_view(viewer, image)
    look(qtbot, autosave)
    corners = [image.data_to_world(at) for at in ((0, 0), (0, 50), (50, 50), (50, 0))]
    viewer.add_shapes([np.array(corners)], name="Reviewed 2", units=image.units)
    look(qtbot, autosave)

    assert len(saved().about.reviewed) == 2


def test_areas_are_saved_once_it_is_plain_what_they_are_of(
    qtbot, viewer, image, autosave, found
):
    other = viewer.add_image(image.data, rgb=True, scale=(99, 99), units=image.units)
    corners = [image.data_to_world(at) for at in ((0, 0), (0, 50), (50, 50), (50, 0))]
    viewer.add_shapes([np.array(corners)], name="Reviewed", units=image.units)
    look(qtbot, autosave)
    assert saved_files() == []

    other.visible = False
    look(qtbot, autosave)

    assert len(saved().about.reviewed) == 1


def test_what_was_exported_is_no_longer_kept(qtbot, dock, autosave, found, tmp_path):
    edit(found)
    look(qtbot, autosave)

    dock.results.export_button.export(dock.results.current, tmp_path / "mine.tif")
    qtbot.waitUntil(lambda: not saved_files())
    found.refresh()
    look(qtbot, autosave)
    assert saved_files() == []

    edit(found, 999)
    found.data_setitem((np.array([0]), np.array([0])), 999)
    look(qtbot, autosave)
    assert np.array_equal(saved().labels, found.data)


@pytest.mark.usefixtures("found")
def test_what_was_reviewed_is_in_no_export_and_kept(
    qtbot, viewer, dock, autosave, tmp_path
):
    mark_view(viewer, dock.image.value)
    edit(nuclei(viewer)[-1])
    look(qtbot, autosave)

    dock.results.export_button.export(dock.results.current, tmp_path / "mine.tif")
    qtbot.waitUntil((tmp_path / "mine.tif").exists)
    qtbot.waitUntil(lambda: not dock.results.export_button.busy)
    look(qtbot, autosave)

    assert len(saved().about.reviewed) == 1


def test_a_result_that_cannot_be_saved_keeps_no_other_from_it(
    qtbot, dock, viewer, autosave, found
):
    run(qtbot, dock)
    other = nuclei(viewer)[-1]
    assert other is not found
    edit(found)
    edit(other)
    found.data = found.data[:50]

    look(qtbot, autosave)
    look(qtbot, autosave)

    assert np.array_equal(saved().labels, other.data)


def test_what_was_edited_while_it_was_exported_is_kept(
    qtbot, dock, autosave, found, tmp_path
):
    edit(found)
    look(qtbot, autosave)

    dock.results.export_button.export(dock.results.current, tmp_path / "mine.tif")
    found.data_setitem((np.array([0]), np.array([0])), 999)
    qtbot.waitUntil(lambda: not dock.results.export_button.busy)
    qtbot.waitUntil(lambda: not autosave._slot.busy)
    look(qtbot, autosave)

    assert np.array_equal(saved().labels, found.data)


@pytest.fixture
def half_saved(qtbot, autosave, found, monkeypatch):
    """Nuclei while they are saved, and what lets that go on."""
    begun, go_on = Event(), Event()

    def slow(path, corrections):
        if not begun.is_set():
            begun.set()
            go_on.wait(20)
        return (yield from files.save(path, corrections))

    edit(found)
    monkeypatch.setattr(saving, "save", slow)
    autosave.look()
    qtbot.waitUntil(begun.is_set)
    return found, go_on


def test_a_file_that_a_later_run_takes_over_while_it_is_written_is_not_its_own(
    qtbot, dock, viewer, autosave, half_saved
):
    layer, go_on = half_saved
    labels = layer.data.copy()
    run(qtbot, dock)
    go_on.set()
    qtbot.waitUntil(lambda: not autosave._slot.busy)
    look(qtbot, autosave)
    viewer.layers.remove(nuclei(viewer)[-1])
    qtbot.waitUntil(lambda: not dock.offer.isHidden())
    for path in saved_files():  # as if it was discarded
        path.unlink()

    look(qtbot, autosave)

    assert np.array_equal(saved().labels, labels)


def test_a_save_under_way_does_not_undo_what_a_later_run_saved_there(
    qtbot, dock, viewer, autosave, half_saved
):
    _, go_on = half_saved
    run(qtbot, dock)
    later = nuclei(viewer)[-1]
    later.data_setitem(np.nonzero(later.data == 7), 0)
    labels = later.data.copy()

    viewer.layers.remove(later)
    go_on.set()
    qtbot.waitUntil(lambda: not autosave._slot.busy)
    look(qtbot, autosave)

    kept = [finish(load(path)).labels for path in saved_files()]
    assert any(np.array_equal(one, labels) for one in kept)


def test_it_is_known_when_nuclei_were_edited_last(qtbot, dock, autosave, found):
    (entry,) = autosave.entries()
    begun = entry.edited
    edit(found)
    look(qtbot, autosave)
    first = entry.edited
    assert begun < first

    found.visible = False
    found.visible = True
    mark(dock._viewer, dock.image.value, [np.array([[0, 0], [0, 9], [9, 9]])])
    look(qtbot, autosave)
    assert entry.edited == first

    found.paint((128, 128), 778)
    look(qtbot, autosave)
    assert first < entry.edited
    assert saved().about.last_edited == entry.edited


def test_a_layer_that_is_removed_is_saved_first(viewer, autosave, found):
    edit(found)
    labels = found.data.copy()

    viewer.layers.remove(found)

    assert np.array_equal(saved().labels, labels)


def test_all_layers_removed_at_once_are_saved_with_what_was_reviewed(
    qtbot, viewer, dock, autosave, found
):
    mark_view(viewer, dock.image.value)
    look(qtbot, autosave)
    edit(found)

    viewer.layers.clear()

    assert len(saved().about.reviewed) == 1
    assert saved().about.by_hand == 1


@pytest.fixture
def later(qtbot, dock, autosave, found):
    """The file of a second run, which has the hand work of the first in it."""
    edit(found)
    look(qtbot, autosave)
    run(qtbot, dock)
    look(qtbot, autosave)
    look(qtbot, autosave)
    (path,) = saved_files()
    return path


@pytest.mark.usefixtures("later")
def test_of_all_that_is_removed_at_once_the_latest_alone_is_offered(
    qtbot, viewer, dock, autosave, tissue
):
    second = nuclei(viewer)[-1]
    second.data_setitem(np.nonzero(second.data == 7), 0)
    expected = second.data.copy()

    viewer.layers.clear()
    qtbot.wait(50)
    look(qtbot, autosave)

    assert np.array_equal(saved().labels, expected)
    reopen(viewer, tissue)
    assert "1 of" not in dock.offer.text.text()


@pytest.mark.usefixtures("later")
def test_what_was_reviewed_is_saved_once(qtbot, viewer, image, autosave):
    mark_view(viewer, image)
    for _ in range(3):
        look(qtbot, autosave)

    assert len(saved_files()) == 1
    assert len(saved().about.reviewed) == 1


@pytest.mark.usefixtures("later")
def test_what_is_edited_in_an_earlier_layer_is_saved_as_well(qtbot, autosave, found):
    found.paint((60, 60), 778)
    for _ in range(3):
        look(qtbot, autosave)

    assert len(saved_files()) == 2


def test_what_an_earlier_layer_holds_is_saved_again_when_the_later_goes(
    qtbot, viewer, autosave, found, later
):

    viewer.layers.remove(nuclei(viewer)[-1])
    later.unlink()  # its offer is discarded
    for _ in range(3):
        look(qtbot, autosave)

    assert nuclei(viewer) == [found]
    assert np.array_equal(saved().labels, found.data)


def test_closing_the_window_saves_what_is_left(qtbot, viewer, autosave, found):
    edit(found)
    labels = found.data.copy()

    viewer.window.close()

    qtbot.waitUntil(lambda: bool(saved_files()))
    assert np.array_equal(saved().labels, labels)


def test_a_disk_that_is_full_is_said_once(qtbot, autosave, found, monkeypatch):
    attempts = []

    def no_space(*_, **__):
        attempts.append(1)
        raise OSError(28, "No space left on device")

    edit(found)
    with monkeypatch.context() as disk:
        disk.setattr(np, "savez_compressed", no_space)
        for _ in range(3):
            look(qtbot, autosave)

    assert len(attempts) == 1
    autosave._not_before = 0
    look(qtbot, autosave)
    assert np.array_equal(saved().labels, found.data)


def test_a_second_run_saves_into_the_file_of_the_first(viewer, later):
    assert np.array_equal(saved().labels, nuclei(viewer)[-1].data)


def test_corrections_are_offered_when_their_image_is_opened(viewer, dock, left, tissue):
    assert dock.offer.isHidden()
    viewer.add_image(tissue[0][:100], rgb=True, name="another")
    assert dock.offer.isHidden()

    reopen(viewer, tissue)

    assert not dock.offer.isHidden()
    text = dock.offer.text.text()
    assert "“colon”" in text
    assert "1 by hand, 1 erased, a reviewed area" in text


def test_corrections_come_back(qtbot, viewer, dock, left, tissue):
    image = reopen(viewer, tissue, scale=(0.25, 0.25), translate=(3, 4))
    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))

    (layer,) = nuclei(viewer)
    result = dock.results.current
    assert np.array_equal(layer.data, left)
    assert np.allclose(layer.data_to_world((3, 4)), image.data_to_world((3, 4)))
    assert layer.name == "colon nuclei (any)"
    assert result.snapshot().gather().count == (1, 1)
    assert result.snapshot().brought is None  # older than the run, or not
    assert reviewed_mask(result).any()
    assert "1 by hand" in dock.results.count.text()
    said = dock.progress.text.text()
    assert said == "Restored on “colon”: 1 by hand, 1 erased, a reviewed area"
    assert not dock.results.sliders.isEnabled()
    assert "run the network here" in dock.results.note.text()
    assert dock.results.export_button.isEnabled()
    assert dock.offer.isHidden()


def test_what_a_run_had_guessed_comes_back(qtbot, viewer, dock, stage, tissue):
    reopen(viewer, tissue)
    stage.guess = 0.5
    run(qtbot, dock)
    edit(nuclei(viewer)[-1])
    look(qtbot, dock.results.autosave)
    viewer.layers.clear()
    reopen(viewer, tissue)
    assert "Nothing states it" in dock.pixel_size.note.text()

    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))

    assert "A guess (20×)" in dock.pixel_size.note.text()
    assert dock.pixel_size.value is None


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("typed_again", [None, 0.4])
def test_a_pixel_size_that_was_typed_comes_back(
    qtbot, viewer, dock, tissue, typed_again
):
    reopen(viewer, tissue)
    dock.pixel_size.field.setValue(0.5)
    run(qtbot, dock)
    edit(nuclei(viewer)[-1])
    look(qtbot, dock.results.autosave)
    viewer.layers.clear()
    reopen(viewer, tissue)
    assert dock.pixel_size.value is None
    if typed_again:
        dock.pixel_size.field.setValue(typed_again)

    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))

    assert dock.pixel_size.value == (typed_again or 0.5)
    assert dock.pixel_size.field.value() == (typed_again or 0.5)
    run(qtbot, dock)
    assert dock.results.current.pixel_size == (typed_again or 0.5)


def test_restored_corrections_stand_in_the_next_run(qtbot, viewer, dock, left, tissue):
    reopen(viewer, tissue)
    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))

    run(qtbot, dock)

    layer = nuclei(viewer)[-1]
    assert np.array_equal(layer.data == 777, left == 777)
    assert dock.results.sliders.isEnabled()
    assert dock.results.note.text() == ""


@pytest.mark.usefixtures("left")
def test_restored_corrections_go_on_being_saved(qtbot, viewer, dock, autosave, tissue):
    reopen(viewer, tissue)
    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))
    (layer,) = nuclei(viewer)
    layer.data_setitem((np.array([0]), np.array([0])), 999)
    look(qtbot, autosave)

    assert np.array_equal(saved().labels, layer.data)
    again = reopen(viewer, tissue)  # what is on screen is not offered
    assert again in viewer.layers
    assert dock.offer.isHidden()


@pytest.fixture
def asked(monkeypatch):
    """Answers the question whether to discard, and collects what was asked."""
    asked = {"answer": QMessageBox.StandardButton.Yes, "questions": []}

    def question(_parent, _title, text):
        asked["questions"].append(text)
        return asked["answer"]

    monkeypatch.setattr(QMessageBox, "question", question)
    return asked


@pytest.mark.usefixtures("left")
def test_corrections_can_be_discarded(qtbot, viewer, dock, tissue, asked):
    reopen(viewer, tissue)

    press(qtbot, dock.offer.discard_button)

    assert "1 by hand, 1 erased, a reviewed area" in asked["questions"][0]
    assert saved_files() == []
    assert dock.offer.isHidden()
    assert nuclei(viewer) == []


@pytest.mark.usefixtures("left")
def test_corrections_are_not_discarded_by_mistake(qtbot, viewer, dock, tissue, asked):
    asked["answer"] = QMessageBox.StandardButton.No
    reopen(viewer, tissue)

    press(qtbot, dock.offer.discard_button)

    assert len(saved_files()) == 1
    assert dock.offer.isVisibleTo(dock)


@pytest.mark.usefixtures("left")
def test_what_another_window_has_open_is_not_offered(viewer, dock, tissue, elsewhere):
    elsewhere(saved_files()[0])

    reopen(viewer, tissue)

    assert dock.offer.isHidden()


@pytest.fixture
def reopened(viewer, left, tissue):
    return reopen(viewer, tissue)


@pytest.mark.usefixtures("reopened", "asked")
@pytest.mark.parametrize("button", ["restore_button", "discard_button"])
def test_what_another_window_opened_meanwhile_is_left_to_it(
    qtbot, viewer, dock, elsewhere, button
):
    elsewhere(saved_files()[0])

    press(qtbot, getattr(dock.offer, button))

    assert "open in another window" in dock.progress.text.text()
    assert dock.offer.isHidden()
    assert len(saved_files()) == 1
    assert nuclei(viewer) == []


def test_nuclei_that_are_removed_are_offered(qtbot, viewer, dock, image, found):
    edit(found)
    mark_view(viewer, image)
    labels = found.data.copy()

    viewer.layers.remove(found)

    qtbot.waitUntil(lambda: dock.offer.isVisibleTo(dock))
    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))
    assert np.array_equal(nuclei(viewer)[-1].data, labels)
    assert reviewed_layer(image).nshapes == 1


@pytest.mark.usefixtures("left")
def test_what_was_reviewed_comes_back_beside_what_is_reviewed_by_then(
    qtbot, viewer, dock, autosave, tissue
):
    (before,) = saved().about.reviewed
    image = reopen(viewer, tissue)
    square = np.array([(10, 10), (10, 20), (20, 20), (20, 10)])
    mark(viewer, image, [square])

    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))
    edit(nuclei(viewer)[-1], 888)
    look(qtbot, autosave)

    kept = [np.array(outline) for outline in saved().about.reviewed]
    assert len(kept) == 2
    assert np.allclose(kept[0], square)
    assert np.allclose(kept[1], before)


def test_an_image_that_goes_takes_its_offer_with_it(viewer, dock, left, tissue):
    image = reopen(viewer, tissue)

    viewer.layers.remove(image)

    assert dock.offer.isHidden()
    assert len(saved_files()) == 1


def test_while_corrections_are_loaded_they_cannot_be_loaded_twice(
    qtbot, viewer, dock, left, tissue
):
    reopen(viewer, tissue)
    press(qtbot, dock.offer.restore_button)
    assert not dock.offer.isEnabled()

    viewer.add_image(np.zeros((9, 9)))

    assert not dock.offer.isEnabled()
    qtbot.waitUntil(lambda: bool(nuclei(viewer)))
    assert np.array_equal(nuclei(viewer)[-1].data, left)


def test_damaged_corrections_are_a_sentence(qtbot, viewer, dock, left, tissue):
    (path,) = saved_files()
    path.write_bytes(path.read_bytes()[:-200])

    reopen(viewer, tissue)

    assert "damaged" in dock.progress.text.text()
    assert dock.offer.isHidden()
    assert saved_files() == []


def test_corrections_that_turn_out_damaged_are_a_sentence(
    qtbot, viewer, dock, left, tissue
):
    (path,) = saved_files()
    reopen(viewer, tissue)
    os.truncate(path, 300)

    press(qtbot, dock.offer.restore_button)

    qtbot.waitUntil(lambda: "damaged" in dock.progress.text.text())
    assert dock.offer.isHidden()
    assert nuclei(viewer) == []


def test_corrections_of_an_image_that_is_open_are_offered_by_a_new_dock(
    qtbot, viewer, dock, left, tissue
):
    viewer.window.remove_dock_widget(dock)
    reopen(viewer, tissue)

    _, other = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")

    assert not other.offer.isHidden()
    assert files.user_folder() in saved_files()[0].parents
    assert not any(isinstance(layer, Shapes) for layer in viewer.layers)


def test_all_that_changed_is_saved_in_one_round_what_was_edited_last_first(
    qtbot, viewer, dock, autosave, stage
):
    for top in (0, 80, 160):
        area = Area(slice(top, top + 80), slice(0, 256))
        dock.area.area = lambda _, area=area: area
        run(qtbot, dock)
    first, last, second = nuclei(viewer)
    for layer in (first, second, last):
        layer.data_setitem(np.nonzero(layer.data), 0)

    look(qtbot, autosave)

    entries = {entry.result.layer: entry.path for entry in autosave.entries()}
    times = {layer: path.stat().st_mtime_ns for layer, path in entries.items()}
    assert times[last] < times[second] < times[first]
