"""Choose, run, cancel: the real dock in a real viewer."""

import numpy as np
import pytest
from hands import nuclei, press, run, turn_wheel
from napari.utils.notifications import notification_manager
from qtpy.QtCore import QPointF
from qtpy.QtGui import QEnterEvent
from qtpy.QtWidgets import QApplication, QLineEdit, QWidget

from napari_monuseg.areas import LARGEST_SIDE
from napari_monuseg.core import registry
from napari_monuseg.core.errors import DeviceError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.progress import finish
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.segment import SegmentOptions, segment
from napari_monuseg.core.user_models import rename_model
from napari_monuseg.docks.bindings import METADATA
from napari_monuseg.docks.segment_dock import SegmentDock


@pytest.fixture
def shown():
    """Every sentence that napari shows."""
    sentences = []

    def remember(notification):
        sentences.append(notification.message)

    notification_manager.notification_ready.connect(remember)
    yield sentences
    notification_manager.notification_ready.disconnect(remember)


@pytest.fixture
def trained(installed_model, dock):
    """The dock, with a network that finds nuclei."""
    registry.notify()
    dock.model.choice.setCurrentText("tiny")
    return dock


def world(layer, row, column):
    return np.array(layer.data_to_world((row, column)))


def test_without_an_image_there_is_nothing_to_run(dock):
    assert not dock.run_button.isEnabled()
    assert not dock.cancel_button.isEnabled()
    assert dock.image.value is None


def test_without_a_model_there_is_nothing_to_run(viewer, user_models, monkeypatch):
    monkeypatch.setattr(registry, "SHIPPED_FOLDER", user_models)
    dock = SegmentDock(viewer)

    assert dock.model.value is None
    assert not dock.run_button.isEnabled()
    assert str(user_models) in dock.model.note.text()
    dock.deleteLater()


def test_a_real_network_finds_nuclei(qtbot, viewer, trained, image, tissue):
    dock = trained

    run(qtbot, dock)

    (layer,) = nuclei(viewer)
    overlap = (layer.data > 0) & (tissue[1] > 0)
    assert 2 * overlap.sum() / ((layer.data > 0).sum() + (tissue[1] > 0).sum()) > 0.8
    assert layer.name == "colon nuclei (tiny)"
    assert f"{layer.data.max()} nuclei" in dock.results.count.text()
    assert dock.progress.text.text().startswith("Done in")


@pytest.mark.usefixtures("image")
def test_a_thorough_run_takes_the_mean_of_eight_views(qtbot, viewer, trained, tissue):
    dock = trained
    alone = finish(
        segment(
            TissueImage.from_array(tissue[0], pixel_size=dock.pixel_size.value),
            dock.model.value,
            SegmentOptions(device="cpu", augment=True),
        )
    )

    run(qtbot, dock)
    dock.thorough.click()
    run(qtbot, dock)

    quick, thorough = nuclei(viewer)
    np.testing.assert_array_equal(thorough.data, alone.labels)
    assert not np.array_equal(quick.data, thorough.data)


def test_nuclei_lie_on_their_image(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)

    (layer,) = nuclei(viewer)
    assert np.allclose(world(layer, 7, 9), world(image, 7, 9))
    assert layer.units == image.units
    assert np.allclose(layer.scale, image.scale)


def test_nuclei_land_on_the_image_they_came_from(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)
    other = viewer.add_image(np.zeros((50, 50, 3), np.uint8), rgb=True, name="other")
    assert dock.image.value is other

    stage.go_on.set()
    qtbot.waitUntil(lambda: not dock.running)

    (layer,) = nuclei(viewer)
    assert layer.name.startswith("colon")
    assert layer.data.shape == image.data.shape[:2]


def test_a_second_run_makes_a_second_layer(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    first.data[:] = 7

    run(qtbot, dock)

    assert len(nuclei(viewer)) == 2
    assert (first.data == 7).all()


def test_earlier_nuclei_do_not_shine_through_those_of_another_run(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    run(qtbot, dock)
    first, second = nuclei(viewer)
    assert not first.visible
    assert second.visible

    first.visible = True
    run(qtbot, dock)
    assert [layer.visible for layer in nuclei(viewer)] == [False, False, True]

    viewer.layers.remove(nuclei(viewer)[2])
    assert first.visible
    assert second.visible


def test_the_image_stays_in_view_when_its_nuclei_are_linked_with_it(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    viewer.layers.link_layers([image, first])

    run(qtbot, dock)

    assert image.visible
    assert [layer.visible for layer in nuclei(viewer)] == [False, True]
    image.opacity = 0.3
    assert first.opacity == 0.3  # all else is linked still


@pytest.mark.usefixtures("installed_model", "image")
def test_sliders_stay_where_they_were_left(qtbot, dock, stage):
    dock.model.choose("any")
    sliders = dock.results.sliders
    run(qtbot, dock)
    sliders.foreground.setValue(0.8)
    qtbot.waitUntil(lambda: dock.results.current.options.foreground_threshold == 0.8)

    run(qtbot, dock)

    assert stage.instances["foreground_threshold"] == 0.8
    assert sliders.foreground.value() == 0.8
    assert sliders.reset.isVisibleTo(sliders)

    dock.model.choose("tiny")
    run(qtbot, dock)
    assert stage.instances == {}  # those of another model are its own

    dock.model.choose("any")
    run(qtbot, dock)
    assert stage.instances["foreground_threshold"] == 0.8


def test_what_is_hidden_does_not_change_what_is_shown(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    run(qtbot, dock)
    first, second = nuclei(viewer)
    gone = first.data == 3
    first.data_setitem(np.nonzero(gone), 0)
    viewer.layers.selection.active = second
    press(qtbot, dock.results.hand.mark_button)
    before = second.data.copy()

    run(qtbot, dock)

    newest = nuclei(viewer)[-1].data
    assert np.array_equal(newest > 0, before > 0)
    assert newest[gone].all()


@pytest.mark.usefixtures("image")
def test_sliders_that_nobody_moved_leave_the_model_its_own(qtbot, dock, stage):
    stage.options = {}
    run(qtbot, dock)
    run(qtbot, dock)

    assert stage.instances == {}


@pytest.mark.usefixtures("image")
def test_a_run_takes_what_the_sliders_show(qtbot, viewer, dock, stage):
    sliders, panel = dock.results.sliders, dock.results
    run(qtbot, dock)
    sliders.foreground.setValue(0.8)
    run(qtbot, dock)  # before the nuclei were read again
    assert stage.instances["foreground_threshold"] == 0.8

    viewer.layers.remove(nuclei(viewer)[-1])
    viewer.layers.remove(nuclei(viewer)[-1])
    run(qtbot, dock)
    assert stage.instances["foreground_threshold"] == 0.8

    sliders.foreground.setValue(0.7)
    qtbot.waitUntil(lambda: panel.current.options.foreground_threshold == 0.7)
    nuclei(viewer)[-1].undo()
    run(qtbot, dock)
    assert stage.instances["foreground_threshold"] == 0.8


def test_sliders_go_back_to_the_model_s_own(qtbot, dock, image, stage):
    sliders, panel = dock.results.sliders, dock.results
    assert not sliders.reset.isVisibleTo(sliders)
    run(qtbot, dock)
    own = panel.current.own_options
    sliders.smallest.setValue(30)
    qtbot.waitUntil(lambda: panel.current.options.smallest_nucleus_um2 == 30)
    assert sliders.reset.isVisibleTo(sliders)

    press(qtbot, sliders.reset)

    qtbot.waitUntil(lambda: panel.current.options == own)
    assert not sliders.reset.isVisibleTo(sliders)


def test_a_dock_that_is_opened_again_knows_what_the_last_one_hid(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    run(qtbot, dock)
    first, second = nuclei(viewer)
    viewer.window.remove_dock_widget(dock)
    viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")
    assert not first.visible

    viewer.layers.remove(second)

    assert first.visible


def corrected(layer):
    """Give how many nuclei a layer says were corrected; None if it does not."""
    places = layer.metadata[METADATA].get("corrected")
    return None if places is None else len(places)


@pytest.fixture
def counted(qtbot, viewer, dock, image, stage):
    """The nuclei of a run, all of them reviewed, none of them corrected."""
    run(qtbot, dock)
    press(qtbot, dock.results.hand.mark_button)
    (layer,) = nuclei(viewer)
    qtbot.waitUntil(lambda: corrected(layer) == 0)
    return layer


def test_what_was_corrected_is_unknown_until_it_is_counted(qtbot, dock, counted):
    layer = counted
    layer.fill(np.argwhere(layer.data)[0], 0)
    assert corrected(layer) is None
    qtbot.waitUntil(lambda: corrected(layer) == 1)

    layer.undo()
    dock._lifetime.end()
    assert corrected(layer) is None


def test_every_image_keeps_how_many_of_its_nuclei_were_corrected(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    press(qtbot, dock.results.hand.mark_button)
    (first,) = nuclei(viewer)
    other = viewer.add_image(image.data, rgb=True, name="other", translate=(900, 900))
    viewer.layers.selection.active = first
    first.fill(np.argwhere(first.data)[0], 0)
    dock.image.value = other

    run(qtbot, dock)  # long before the edit was counted
    viewer.reset_view()
    press(qtbot, dock.results.hand.mark_button)
    second = nuclei(viewer)[-1]

    def counts():
        return [corrected(layer) for layer in (first, second)]

    assert second is not first
    qtbot.waitUntil(lambda: counts() == [1, 0])
    second.fill(np.argwhere(second.data)[0], 0)
    viewer.layers.selection.active = first
    qtbot.waitUntil(lambda: counts() == [1, 1])
    assert "1 place erased" in dock.results.count.text()


def test_what_was_corrected_while_no_dock_was_open_is_counted(
    qtbot, viewer, dock, counted
):
    viewer.window.remove_dock_widget(dock)
    counted.fill(np.argwhere(counted.data)[0], 0)

    viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")

    qtbot.waitUntil(lambda: corrected(counted) == 1)


def test_nuclei_that_somebody_hid_stay_hidden(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    first.visible = False
    run(qtbot, dock)

    viewer.layers.remove(nuclei(viewer)[1])

    assert not first.visible


def test_a_renamed_model_stays_chosen(dock, installed_model, tmp_path):
    registry.notify()
    dock.model.choice.setCurrentText("tiny")

    path = rename_model(find_model("tiny"), "mine")
    assert dock.model.value.name == "mine"

    rename_model(find_model("mine"), "tiny")
    assert dock.model.value.name == "tiny"
    assert not path.exists()


def test_while_it_runs_the_dock_says_what_happens(qtbot, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)

    qtbot.waitUntil(lambda: "Finding nuclei" in dock.progress.text.text())
    assert not dock.run_button.isEnabled()
    assert dock.cancel_button.isEnabled()
    assert dock.progress.bar.maximum() == 1000
    qtbot.waitUntil(lambda: "left" in dock.progress.text.text())


def test_cancel_makes_the_dock_ready_at_once(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    press(qtbot, dock.cancel_button)

    assert dock.run_button.isEnabled()
    assert not dock.cancel_button.isEnabled()
    assert dock.progress.text.text() == "Cancelled"
    qtbot.waitUntil(lambda: stage.closed == 1)
    assert nuclei(viewer) == []


def test_after_cancel_the_next_run_works(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)
    press(qtbot, dock.cancel_button)
    stage.go_on.set()

    run(qtbot, dock)

    assert len(nuclei(viewer)) == 1


def test_an_error_of_ours_is_a_sentence_and_the_dock_is_ready(
    qtbot, dock, image, stage, shown
):
    stage.error = DeviceError("The device is gone; choose another.")

    run(qtbot, dock)

    assert shown == ["The device is gone; choose another."]
    assert dock.progress.text.text() == "The device is gone; choose another."
    assert dock.run_button.isEnabled()


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), KeyError("bug")])
def test_any_other_error_goes_to_napari_and_the_dock_is_ready(
    qtbot, dock, stage, shown, error
):
    stage.error = error

    run(qtbot, dock)

    assert len(shown) == 1
    assert "error message" in dock.progress.text.text()
    assert dock.run_button.isEnabled()


def test_an_image_that_goes_stops_its_run(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    viewer.layers.remove(image)

    assert not dock.running
    assert "“colon” was removed" in dock.progress.text.text()
    assert not dock.run_button.isEnabled()
    qtbot.waitUntil(lambda: stage.closed == 1)
    assert nuclei(viewer) == []


def test_closing_the_dock_stops_its_run(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    viewer.window.remove_dock_widget(dock)

    qtbot.waitUntil(lambda: stage.closed == 1)
    viewer.layers.clear()
    assert nuclei(viewer) == []


def test_closing_the_window_stops_the_run(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    viewer.close()

    qtbot.waitUntil(lambda: stage.closed == 1)


def test_closing_the_window_alone_stops_the_run(qtbot, viewer, dock, image, stage):
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    viewer.window.close()  # as its button does: the layers stay

    qtbot.waitUntil(lambda: stage.closed == 1)


def test_a_dock_goes_with_its_window(qtbot, viewer, dock):
    before = len(registry._listeners)

    viewer.close()
    qtbot.waitUntil(lambda: len(registry._listeners) == before - 1)

    registry.notify()


def test_the_pixel_size_of_the_layer_goes_to_the_network(qtbot, dock, image, stage):
    assert dock.pixel_size.field.value() == pytest.approx(0.25)
    assert "layer's scale" in dock.pixel_size.note.text()

    run(qtbot, dock)

    assert stage.calls[0][0].pixel_size == pytest.approx(0.25)


@pytest.mark.parametrize("typed", ["0.25", "0.4942", "0.23"])
def test_a_pixel_size_can_be_typed(qtbot, viewer, dock, stage, typed):
    viewer.add_image(np.zeros((100, 100, 3), np.uint8), name="plain")
    field = dock.pixel_size.field

    field.selectAll()
    qtbot.keyClicks(field, typed)

    assert dock.pixel_size.value == float(typed)
    assert dock.pixel_size.note.text() == "Typed in"
    run(qtbot, dock)
    assert stage.calls[0][0].pixel_size == float(typed)


@pytest.mark.usefixtures("stage")
def test_the_wheel_scrolls_the_dock_and_changes_no_number(qtbot, viewer, dock):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), name="plain")
    run(qtbot, dock)
    sliders = dock.results.sliders
    before = sliders.value
    parts = [dock.pixel_size.field, sliders.foreground, sliders.smallest]
    parts += [inner for part in parts for inner in part.findChildren(QWidget)]

    for part in parts:
        assert part.isEnabled()
        turn_wheel(part, 120)

    assert sliders.value == before
    assert dock.pixel_size.value is None


def test_an_unknown_pixel_size_is_said_and_not_passed_on(qtbot, viewer, dock, stage):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    assert "Nothing states it" in dock.pixel_size.note.text()

    run(qtbot, dock)

    image = stage.calls[0][0]
    assert image.pixel_size is None
    assert image.assumed_pixel_size is None


def test_a_scale_that_is_set_later_is_shown(qtbot, viewer, dock):
    image = viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    assert "Nothing states it" in dock.pixel_size.note.text()

    image.scale = (0.5, 0.5)
    image.units = ("µm", "µm")

    assert dock.pixel_size.value == pytest.approx(0.5)
    assert "layer's scale" in dock.pixel_size.note.text()
    dock.pixel_size.field.setValue(0.3)
    image.scale = (0.4, 0.4)
    assert dock.pixel_size.value == 0.3  # what is typed goes before

    viewer.window.remove_dock_widget(dock)
    image.scale = (0.2, 0.2)
    assert not dock.pixel_size.isEnabled()


def test_a_guess_is_shown_and_kept_but_not_taken_for_known(qtbot, viewer, dock, stage):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    stage.guess = 0.5
    run(qtbot, dock)

    assert dock.pixel_size.field.value() == 0.5
    assert "A guess (20×)" in dock.pixel_size.note.text()
    assert dock.pixel_size.value is None

    run(qtbot, dock)
    image = stage.calls[1][0]
    assert (image.pixel_size, image.assumed_pixel_size) == (None, 0.5)

    facts = dock.results.current.layer.metadata[METADATA]
    assert (facts["pixel_size"], facts["assumed_pixel_size"]) == (None, 0.5)


def test_a_guess_is_kept_when_the_dock_is_closed(qtbot, viewer, dock, stage):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    stage.guess = 0.5
    run(qtbot, dock)
    viewer.window.remove_dock_widget(dock)

    _, again = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")

    assert again.pixel_size.guess == 0.5
    assert "A guess (20×)" in again.pixel_size.note.text()


def test_a_guess_from_pixels_that_were_replaced_is_forgotten(
    qtbot, viewer, dock, stage
):
    image = viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    stage.guess = 0.5
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    image.data = image.data + 1
    stage.go_on.set()
    qtbot.waitUntil(lambda: not dock.running)

    assert "was given other pixels" in dock.progress.text.text()
    assert dock.pixel_size.guess is None


def test_a_doubt_is_said_beside_the_nuclei(qtbot, viewer, dock, image, stage):
    stage.doubt = "The colours are odd."
    run(qtbot, dock)

    assert dock.progress.text.text().startswith("Done in ")
    assert dock.progress.text.text().endswith(" on CPU, 2 cores. The colours are odd.")


def test_where_nothing_can_be_guessed_that_is_said(qtbot, viewer, dock, stage):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    assert dock.pixel_size.note.text() == "Nothing states it; Run guesses"
    run(qtbot, dock)

    assert "too few to guess from" in dock.pixel_size.note.text()
    assert dock.pixel_size.guess is None

    stage.guess = 0.5
    run(qtbot, dock)
    assert "A guess (20×)" in dock.pixel_size.note.text()
    stage.guess = None
    run(qtbot, dock)
    assert "A guess (20×)" in dock.pixel_size.note.text()


def test_where_nothing_had_to_be_guessed_nothing_is_said_of_it(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)

    image.scale, image.units = (1, 1), "pixel"

    assert dock.pixel_size.note.text() == "Nothing states it; Run guesses"


def test_what_is_typed_wins_over_a_guess(qtbot, viewer, dock, stage):
    viewer.add_image(np.zeros((256, 256, 3), np.uint8), rgb=True)
    stage.guess = 0.5
    run(qtbot, dock)

    dock.pixel_size.field.setValue(0.25)
    run(qtbot, dock)

    assert dock.pixel_size.note.text() == "Typed in"
    assert stage.calls[1][0].pixel_size == 0.25
    assert dock.results.current.pixel_size == 0.25
    assert dock.results.current.assumed_pixel_size is None


def test_a_typed_pixel_size_is_kept_for_its_image(qtbot, viewer, dock, image, stage):
    dock.pixel_size.field.setValue(0.5)
    viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True, name="other")
    viewer.layers.selection.active = image

    assert dock.pixel_size.value == 0.5
    assert dock.pixel_size.note.text() == "Typed in"
    run(qtbot, dock)
    assert stage.calls[0][0].pixel_size == 0.5


def test_an_area_has_its_own_place(qtbot, viewer, dock, image, stage):
    corners = np.array([[40, 60], [40, 160], [120, 160], [120, 60]]) - 0.5
    viewer.add_shapes(
        [[image.data_to_world(corner) for corner in corners]],
        shape_type="rectangle",
        name="tumour",
    )
    dock.area.choice.setCurrentText("Inside “tumour”")

    run(qtbot, dock)

    (layer,) = nuclei(viewer)
    assert layer.data.shape == (80, 100)
    assert np.allclose(world(layer, 0, 0), world(image, 40, 60))
    assert np.array_equal(layer.data > 0, stage.truth[40:120, 60:160] > 0) or (
        ((layer.data > 0) != (stage.truth[40:120, 60:160] > 0)).mean() < 0.1
    )


def test_a_shapes_layer_to_draw_on_is_one_click_away(qtbot, viewer, dock, image):
    press(qtbot, dock.area.draw_button)

    shapes = viewer.layers[-1]
    assert dock.area.choice.value is shapes
    assert shapes.mode == "add_rectangle"
    assert np.allclose(world(shapes, 3, 4), world(image, 3, 4))
    assert dock.image.value is image


def test_without_an_image_there_is_nothing_to_draw_on(dock):
    assert not dock.area.draw_button.isEnabled()


def test_an_area_without_shapes_is_a_sentence(qtbot, dock, image, stage, shown):
    press(qtbot, dock.area.draw_button)

    run(qtbot, dock)

    assert "draw one there" in shown[0]
    assert dock.progress.text.text() == shown[0]
    assert dock.run_button.isEnabled()


def test_a_very_large_image_asks_for_an_area(qtbot, viewer, dock, stage, shown):
    side = LARGEST_SIDE + 1
    lazy = np.broadcast_to(np.uint8(200), (side, 64, 3))
    viewer.add_image(lazy, rgb=True, name="slide")

    assert "choose an area" in dock.area.note.text()
    run(qtbot, dock)

    assert "choose what is in view or draw a shape" in shown[0]
    assert not stage.calls


def test_a_stack_is_a_sentence(qtbot, viewer, dock, stage, shown):
    viewer.add_image(np.zeros((5, 64, 64, 3), np.uint8), rgb=True, name="stack")

    run(qtbot, dock)

    assert "more than one plane" in shown[0]


def test_a_tiny_image_is_a_sentence(qtbot, viewer, dock, shown):
    viewer.add_image(np.full((9, 9, 3), 200, np.uint8), rgb=True)

    run(qtbot, dock)

    assert len(shown) == 1
    assert "9" in shown[0]
    assert dock.progress.text.text() == shown[0]


def test_an_image_with_transparency_is_segmented(qtbot, viewer, trained, tissue):
    dock = trained
    rgba = np.dstack([tissue[0], np.full(tissue[0].shape[:2], 255, np.uint8)])
    viewer.add_image(rgba, rgb=True)

    run(qtbot, dock)

    assert nuclei(viewer)[0].data.max() > 10


def test_of_a_pyramid_the_full_resolution_is_segmented(qtbot, viewer, trained, tissue):
    dock = trained
    levels = [tissue[0], tissue[0][::2, ::2]]
    layer = viewer.add_image(levels, multiscale=True, rgb=True, scale=(0.5, 0.5))
    dock.pixel_size.field.setValue(0.25)

    run(qtbot, dock)

    (found,) = nuclei(viewer)
    assert found.data.shape == (256, 256)
    assert np.allclose(world(found, 9, 9), world(layer, 9, 9))


def test_layer_choices_are_fresh(viewer, dock, image):
    image.name = "renamed"
    assert dock.image.currentText() == "renamed"
    viewer.add_shapes(name="area")
    texts = [dock.area.choice.itemText(i) for i in range(dock.area.choice.count())]
    assert "Inside “area”" in texts
    viewer.layers.clear()
    assert dock.image.value is None
    assert dock.area.choice.count() == 2


def test_a_new_model_can_be_chosen_at_once(dock, untrained_model):
    untrained_model.with_name("better.safetensors").write_bytes(
        untrained_model.read_bytes()
    )

    registry.notify()

    assert dock.model.choice.findText("better") >= 0
    assert dock.model.value.name == "any"
    assert "learned nothing" in dock.model.note.text()


def test_a_closed_dock_no_longer_listens(qtbot, viewer, dock, image):
    viewer.window.remove_dock_widget(dock)

    registry.notify()
    image.name = "renamed"
    viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True)

    assert dock.image.currentText() == "colon"


@pytest.mark.usefixtures("untrained_model")
def test_two_docks_do_not_disturb_each_other(qtbot, make_napari_viewer, tissue, stage):
    viewers = {name: make_napari_viewer() for name in ("first", "second")}
    docks = []
    for name, viewer in viewers.items():
        docks.append(SegmentDock(viewer))
        viewer.window.add_dock_widget(docks[-1])
        viewer.add_image(tissue[0], rgb=True, name=name)

    for dock in docks:
        press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not any(dock.running for dock in docks))

    for name, viewer in viewers.items():
        assert [layer.name for layer in nuclei(viewer)] == [f"{name} nuclei (any)"]


def test_the_keyboards_focus_stays_on_the_two_buttons(
    qtbot, viewer, dock, image, stage
):
    with qtbot.waitExposed(viewer.window._qt_window):
        viewer.window.show()
    qtbot.wait(300)  # the mouse is found to be on the canvas
    stage.go_on.clear()
    dock.run_button.setFocus()
    press(qtbot, dock.run_button)
    qtbot.waitUntil(stage.started.is_set)

    assert dock.focusWidget() is dock.cancel_button

    stage.go_on.set()
    qtbot.waitUntil(lambda: not dock.running)
    assert dock.focusWidget() is dock.run_button


@pytest.mark.usefixtures("image", "stage")
@pytest.mark.parametrize("field", ["run_button", "choice", "field"])
def test_the_keyboard_is_the_canvas_own_once_the_mouse_is_there(viewer, dock, field):
    viewer.window.show()
    canvas = viewer.window._qt_viewer.canvas.native
    places = {"choice": dock.model.choice, "field": dock.pixel_size.field}
    focused = places.get(field, dock.run_button)
    focused.setFocus()
    assert dock.window().focusWidget() is focused

    QApplication.sendEvent(canvas, enter(canvas))

    assert dock.window().focusWidget() is canvas


def test_text_that_is_typed_keeps_the_keyboard(viewer, dock):
    viewer.window.show()
    canvas = viewer.window._qt_viewer.canvas.native
    text = QLineEdit(dock)
    text.show()
    text.setFocus()

    QApplication.sendEvent(canvas, enter(canvas))

    assert dock.window().focusWidget() is text


def enter(canvas):
    """Give what Qt sends when the mouse comes to the canvas."""
    middle = QPointF(canvas.width() / 2, canvas.height() / 2)
    return QEnterEvent(middle, middle, canvas.mapToGlobal(middle))
