"""A run that ends while one works on another image takes nothing out of the hand."""

import numpy as np
import pytest
from hands import nuclei, press, run
from qtpy.QtCore import QPoint, Qt

from napari_monuseg.docks.reviewed import mark_view, reviewed_layer
from napari_monuseg.layers import placement


@pytest.fixture
def found(qtbot, viewer, dock, image, stage):
    """The nuclei of one image."""
    run(qtbot, dock)
    return nuclei(viewer)[-1]


@pytest.fixture
def other(viewer, found, image):
    """Another image, which lies beside the first."""
    facts = {"scale": image.scale, "units": image.units, "translate": (500, 500)}
    return viewer.add_image(image.data, rgb=True, name="other", **facts)


@pytest.fixture
def run_on(qtbot, viewer, dock, stage):
    """Gives a function that runs on an image, and meanwhile does something."""

    def run_on(image, meanwhile):
        dock.image.value = image
        stage.go_on.clear()
        press(qtbot, dock.run_button)
        qtbot.waitUntil(stage.started.is_set)
        meanwhile()
        stage.go_on.set()
        qtbot.waitUntil(lambda: not dock.running)
        return nuclei(viewer)[-1]

    return run_on


def activate(viewer, layer, mode):
    viewer.layers.selection.active = layer
    layer.mode = mode


@pytest.mark.usefixtures("found")
def test_nuclei_that_are_corrected_stay_in_hand(qtbot, viewer, dock, other, run_on):
    (found,) = nuclei(viewer)
    before = dock.results.current

    new = run_on(other, lambda: activate(viewer, found, "paint"))

    assert new is not found
    assert new.name.startswith("other")
    assert viewer.layers.selection.active is found
    assert found.mode == "paint"
    assert dock.results.current is before
    assert "in “colon”" in dock.results.count.text()
    line = dock.progress.text
    qtbot.waitUntil(lambda: "nuclei of “other” are ready" in line.text())

    viewer.layers.selection.active = new
    assert dock.results.current.layer is new
    assert dock.results.sliders.isEnabled()


@pytest.mark.usefixtures("found")
def test_a_slider_that_is_moved_meanwhile_has_its_effect(
    qtbot, viewer, dock, other, run_on
):
    (found,) = nuclei(viewer)
    before = found.data.copy()

    def move():
        viewer.layers.selection.active = found
        dock.results.sliders.foreground.setValue(0.9)

    run_on(other, move)
    qtbot.waitUntil(lambda: not dock.results._reading.busy)

    assert (found.data > 0).sum() < (before > 0).sum()


@pytest.mark.usefixtures("found")
def test_a_tool_stays_in_hand(qtbot, viewer, dock, other, run_on):
    (found,) = nuclei(viewer)
    button = dock.results.corrections.buttons["D"]

    def take():
        viewer.layers.selection.active = found
        press(qtbot, button)

    run_on(other, take)

    assert button.isChecked()
    assert found.cursor == "cross"


@pytest.mark.usefixtures("found")
def test_areas_that_are_drawn_on_another_image_stay_in_hand(
    viewer, image, other, run_on
):
    mark_view(viewer, image)
    shapes = reviewed_layer(image)

    run_on(other, lambda: activate(viewer, shapes, "add_polygon"))

    assert viewer.layers.selection.active is shapes
    assert shapes.mode == "add_polygon"


@pytest.mark.usefixtures("found")
def test_shapes_drawn_on_what_lies_above_stay_in_hand(
    viewer, dock, image, tissue, run_on
):
    def draw():
        viewer.add_image(tissue[0], rgb=True, name="above", **placement(image))
        press_draw(viewer, dock)

    run_on(image, draw)

    assert viewer.layers.selection.active.name == "above area"


def press_draw(viewer, dock):
    dock.area.draw_button.click()
    corners = np.array([(40, 60), (40, 160), (120, 160), (120, 60)])
    viewer.layers.selection.active.add_rectangles(corners)


def test_nuclei_of_the_same_image_are_taken_up(viewer, dock, image, found, run_on):
    new = run_on(image, lambda: activate(viewer, found, "paint"))

    assert viewer.layers.selection.active is new
    assert dock.results.current.layer is new


@pytest.mark.usefixtures("found", "other")
def test_nuclei_inside_what_was_drawn_are_taken_up(qtbot, viewer, dock, image, stage):
    dock.image.value = image
    press_draw(viewer, dock)

    run(qtbot, dock)

    new = nuclei(viewer)[-1]
    assert new.data.shape < (100, 110)
    assert viewer.layers.selection.active is new


def test_nuclei_are_taken_up_while_one_looks_at_an_image(
    viewer, dock, image, other, run_on
):
    new = run_on(other, lambda: activate(viewer, image, "pan_zoom"))

    assert viewer.layers.selection.active is new
    assert dock.results.current.layer is new


def test_who_only_waits_for_the_other_image_gets_its_nuclei(
    viewer, dock, found, other, run_on
):
    activate(viewer, found, "pan_zoom")

    new = run_on(other, lambda: None)

    assert viewer.layers.selection.active is new
    assert dock.results.current.layer is new


def test_who_corrects_with_a_key_meanwhile_is_left_to_it(
    viewer, dock, found, other, run_on
):
    activate(viewer, found, "pan_zoom")

    run_on(other, lambda: found.data_setitem((np.array([3]), np.array([3])), 9))

    assert viewer.layers.selection.active is found
    assert dock.results.current.layer is found


@pytest.mark.usefixtures("image", "stage")
def test_a_stroke_of_the_brush_ends_before_the_nuclei_come(qtbot, viewer, dock, stage):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    activate(viewer, first, "paint")
    first.selected_label = 777
    untouched = first.data.copy()
    canvas = viewer.window._qt_viewer.canvas.native
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    aside = middle + QPoint(20, 0)
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle)
    stage.go_on.set()

    qtbot.waitUntil(lambda: "finished drawing" in dock.progress.text.text())
    assert nuclei(viewer) == [first]
    qtbot.mouseMove(canvas, aside)
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=aside)
    qtbot.waitUntil(lambda: not dock.running)

    first, second = nuclei(viewer)
    stroke = first.data == 777
    assert stroke.any()
    assert (second.data[stroke] == 777).all()
    first.undo()
    assert np.array_equal(first.data, untouched)


@pytest.mark.usefixtures("stage")
def test_a_polygon_under_way_is_finished_first(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    mark_view(viewer, image)
    reviewed = reviewed_layer(image)
    activate(viewer, reviewed, "add_polygon")
    canvas = viewer.window._qt_viewer.canvas.native
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)
    stage.go_on.clear()
    press(qtbot, dock.run_button)
    for step in (QPoint(0, 0), QPoint(30, 0), QPoint(30, 30)):
        qtbot.mouseMove(canvas, middle + step)
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=middle + step)
    stage.go_on.set()

    qtbot.waitUntil(lambda: "finished drawing" in dock.progress.text.text())
    assert viewer.layers.selection.active is reviewed
    assert len(nuclei(viewer)) == 1
    reviewed._finish_drawing()
    qtbot.waitUntil(lambda: not dock.running)
    assert len(nuclei(viewer)) == 2
    assert reviewed.nshapes == 2


@pytest.mark.usefixtures("stage")
def test_a_polygon_of_labels_is_finished_first(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    activate(viewer, first, "polygon")
    first._overlays["polygon"].points = [(5, 5), (5, 20), (20, 20)]

    stage.go_on.clear()
    press(qtbot, dock.run_button)
    stage.go_on.set()

    qtbot.waitUntil(lambda: "finished drawing" in dock.progress.text.text())
    first._overlays["polygon"].points = []
    qtbot.waitUntil(lambda: not dock.running)
    assert len(nuclei(viewer)) == 2


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("side", [200, 256])
def test_an_image_that_is_given_other_pixels_meanwhile_gets_no_nuclei(
    qtbot, viewer, dock, image, side
):
    run(qtbot, dock)
    (first,) = nuclei(viewer)
    activate(viewer, first, "polygon")
    first._overlays["polygon"].points = [(5, 5), (5, 20)]
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: "finished drawing" in dock.progress.text.text())

    image.data = 255 - image.data[:side, :side]
    first._overlays["polygon"].points = []
    qtbot.waitUntil(lambda: not dock.running)

    assert nuclei(viewer) == [first]
    assert "was given other pixels" in dock.progress.text.text()
