"""What was checked by eye: marked, counted, and left as it stands."""

import numpy as np
import pytest
from app_model.types import KeyBinding
from hands import nuclei, press, run
from napari.layers import Shapes
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import QPoint, Qt

from napari_monuseg.areas import camera_of, line_width
from napari_monuseg.core.autosave import load, saved_files
from napari_monuseg.core.counting import cut_off, nuclei_inside
from napari_monuseg.core.instances import find_nuclei
from napari_monuseg.core.progress import finish
from napari_monuseg.docks.bindings import METADATA, origin_facts
from napari_monuseg.docks.reviewed import (
    KEY,
    adopt,
    bound_image,
    mark,
    mark_view,
    reviewed_layer,
    reviewed_mask,
)
from napari_monuseg.docks.reviewed_areas import find_areas
from napari_monuseg.layers import image_shape, placement
from napari_monuseg.outlines import outlines


@pytest.fixture
def found(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    return nuclei(viewer)[-1]


@pytest.fixture
def result(dock, found):
    return dock.results.current


def rectangle(top, left, bottom, right):
    """Give the outline of the pixels from `top` and `left` to before the others."""
    corners = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return np.array(corners) - 0.5


def test_nothing_is_reviewed_at_first(dock, result):
    assert reviewed_mask(result) is None
    assert dock.results.hand.reviewed.text() == ""


def test_a_layer_of_three_dimensions_can_be_marked_in(viewer, image):
    """napari's button makes one where there is a stack, and one may call it so."""
    shapes = viewer.add_shapes(None, ndim=3, name="Reviewed")
    adopt(viewer, shapes, image)

    mark(viewer, image, [rectangle(0, 0, 10, 20)])
    mark(viewer, image, [rectangle(20, 0, 30, 20)])

    assert [corners.shape for corners in shapes.data] == [(4, 3)] * 2
    drawn = outlines(image, shapes)
    assert np.allclose(drawn[1], rectangle(20, 0, 30, 20))


@pytest.mark.usefixtures("found")
def test_the_same_once_more_takes_the_mark_back(qtbot, viewer, dock, image, result):
    mark(viewer, image, [rectangle(0, 0, 10, 20)])
    press(qtbot, dock.results.hand.mark_button)
    assert "once more takes it back" in dock.progress.text.text()
    assert reviewed_layer(image).nshapes == 2

    press(qtbot, dock.results.hand.mark_button)

    assert reviewed_layer(image).nshapes == 1
    assert reviewed_mask(result).sum() == 200
    assert dock.progress.text.text() == "No longer marked as reviewed"


@pytest.mark.usefixtures("found")
def test_another_view_is_marked_as_well(qtbot, viewer, dock, image):
    press(qtbot, dock.results.hand.mark_button)
    camera_of(viewer).zoom *= 4
    press(qtbot, dock.results.hand.mark_button)

    assert reviewed_layer(image).nshapes == 2


@pytest.mark.usefixtures("found")
def test_what_is_in_view_is_marked(qtbot, viewer, dock, image, result):
    press(qtbot, dock.results.hand.mark_button)

    shapes = reviewed_layer(image)
    assert shapes.name == "Reviewed"
    assert shapes in viewer.layers
    assert reviewed_mask(result).all()
    assert viewer.layers.selection.active is result.layer


def test_a_polygon_counts_once_it_is_finished(qtbot, viewer, image, result):
    mark(viewer, image, [rectangle(0, 0, 4, 4)])
    reviewed = reviewed_layer(image)
    before = reviewed_mask(result).sum()
    viewer.layers.selection.active = reviewed
    reviewed.mode = "add_polygon"
    canvas = viewer.window._qt_viewer.canvas.native
    middle = QPoint(canvas.width() // 2, canvas.height() // 2)

    for step in (QPoint(0, 0), QPoint(60, 0), QPoint(60, 60), QPoint(0, 60)):
        qtbot.mouseMove(canvas, middle + step)
        qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=middle + step)
    assert reviewed.nshapes == 2
    assert reviewed_mask(result).sum() == before
    assert [area.reviewed.sum() for area in find_areas(viewer.layers)] == [before]

    seen = []  # while napari tells of it
    reviewed.events.data.connect(lambda _: seen.append(reviewed_mask(result).sum()))
    reviewed._finish_drawing()
    assert seen[-1] == reviewed_mask(result).sum() > before


def test_the_key_marks_what_is_in_view(viewer, image, result):
    viewer.keymap[KeyBinding.from_str(KEY)](viewer)

    assert reviewed_mask(result).all()


def test_the_key_is_not_one_of_naparis():
    taken = {key for keys in default_shortcuts.values() for key in keys}

    assert KeyBinding.from_str(KEY) not in taken


def test_every_shape_with_an_inside_counts(viewer, image, result):
    mark(viewer, image, [rectangle(10, 20, 30, 60), rectangle(100, 0, 120, 10)])
    shapes = reviewed_layer(image)
    shapes.add_ellipses([rectangle(150, 150, 190, 210)])
    shapes.add_lines([np.array([[200, 10], [220, 30]])])
    shapes.selected_data = {0}

    mask = reviewed_mask(result)

    assert mask[10:30, 20:60].all()
    assert mask[100:120, :10].all()
    assert mask[170, 180]
    ellipse = np.pi * 20 * 30
    assert mask.sum() == pytest.approx(20 * 40 + 20 * 10 + ellipse, rel=0.01)


def test_the_mask_lies_on_the_grid_of_the_area(qtbot, viewer, dock, image, stage):
    viewer.add_shapes(
        [[image.data_to_world(corner) for corner in rectangle(40, 60, 120, 160)]],
        name="tumour",
    )
    dock.area.choice.setCurrentText("Inside “tumour”")
    run(qtbot, dock)
    mark(viewer, image, [rectangle(30, 70, 60, 90)])

    mask = reviewed_mask(dock.results.current)

    assert mask.shape == (80, 100)
    assert mask.sum() == mask[:20, 10:30].sum() == 20 * 20


@pytest.mark.usefixtures("result")
def test_the_line_says_what_is_inside_and_what_is_cut(qtbot, viewer, dock, found):
    mark(viewer, dock.image.value, [rectangle(0, 0, 128, 128)])
    inside = set(np.unique(found.data[:128, :128])) - {0}
    outside = np.concatenate([found.data[128:].ravel(), found.data[:, 128:].ravel()])
    cut = inside & set(np.unique(outside))

    line = dock.results.hand.reviewed
    qtbot.waitUntil(lambda: bool(line.text()))

    assert line.text() == (
        f"{len(inside) - len(cut)} nuclei reviewed; "
        f"{len(cut)} cut by the area's edge do not count"
    )
    viewer.layers.remove(reviewed_layer(dock.image.value))
    qtbot.waitUntil(lambda: not line.text())


def test_sliders_leave_the_reviewed_area_as_it_stands(
    qtbot, viewer, dock, found, result
):
    mark(viewer, dock.image.value, [rectangle(0, 0, 256, 128)])
    mask, before = reviewed_mask(result), found.data.copy()

    dock.results.sliders.foreground.setValue(0.9)
    qtbot.waitUntil(lambda: not dock.results._reading.busy)

    assert np.array_equal(found.data[mask], before[mask])
    whole = np.isin(before, np.unique(before[mask])[1:])
    assert np.array_equal(found.data[whole], before[whole])
    assert not np.array_equal(found.data, before)

    viewer.layers.remove(reviewed_layer(dock.image.value))
    dock.results.sliders.foreground.setValue(0.95)
    qtbot.waitUntil(lambda: not dock.results._reading.busy)
    assert not np.array_equal(found.data[mask], before[mask])


def test_what_was_reviewed_stands_in_the_next_run(qtbot, viewer, dock, found, result):
    mark(viewer, dock.image.value, [rectangle(0, 0, 256, 128)])
    mask = reviewed_mask(result)
    dock.results.sliders.foreground.setValue(0.9)
    qtbot.waitUntil(lambda: not dock.results._reading.busy)

    run(qtbot, dock)

    assert np.array_equal(nuclei(viewer)[-1].data[mask], found.data[mask])


def test_each_image_has_a_reviewed_area_of_its_own(viewer, image, tissue, result):
    other = viewer.add_image(tissue[0], rgb=True, name="other")
    mark(viewer, other, [rectangle(0, 0, 50, 50)])

    assert reviewed_layer(image) is None
    assert reviewed_mask(result) is None
    assert isinstance(reviewed_layer(other), Shapes)


def test_what_was_reviewed_stays_so_when_the_image_goes(viewer, image, result):
    mark(viewer, image, [rectangle(0, 0, 50, 50)])

    viewer.layers.remove(image)

    assert reviewed_mask(result).sum() == 2500


def test_a_layer_that_one_draws_and_names_so_counts(qtbot, viewer, dock, image, result):
    corners = [image.data_to_world(corner) for corner in rectangle(0, 0, 50, 50)]

    viewer.add_shapes([corners], name="Reviewed", units=image.units)

    assert reviewed_mask(result).sum() == 2500
    qtbot.waitUntil(lambda: "reviewed" in dock.results.hand.reviewed.text())
    mark(viewer, image, [rectangle(60, 0, 110, 50)])
    assert reviewed_mask(result).sum() == 5000


@pytest.mark.usefixtures("image")
def test_shapes_count_once_they_are_named_reviewed(qtbot, viewer, dock, image, result):
    corners = [image.data_to_world(at) for at in rectangle(10, 20, 30, 60)]
    shapes = viewer.add_shapes([np.array(corners)], units=image.units)
    assert reviewed_mask(result) is None

    shapes.name = "Reviewed"

    assert reviewed_mask(result)[10:30, 20:60].all()
    qtbot.waitUntil(lambda: "reviewed" in dock.results.hand.reviewed.text())


@pytest.mark.usefixtures("found")
def test_without_its_image_there_is_nothing_to_mark(qtbot, viewer, dock, image):
    viewer.layers.remove(image)

    press(qtbot, dock.results.hand.mark_button)

    assert "The image of these nuclei is gone" in dock.progress.text.text()


def test_lines_are_as_wide_as_what_is_in_view_asks_for(viewer, image):
    camera = camera_of(viewer)
    camera.zoom = 0.02
    far = line_width(image, viewer)
    camera.zoom = 0.04
    assert line_width(image, viewer) == pytest.approx(far / 2)
    camera.zoom = 1e4
    assert line_width(image, viewer) == 1
    viewer.dims.ndisplay = 3
    assert line_width(image, viewer) == 1


def test_the_line_around_an_area_is_as_wide_as_that_asks_for(viewer, image):
    mark(viewer, image, [rectangle(0, 0, 50, 500), rectangle(0, 0, 20, 30)])

    assert np.allclose(reviewed_layer(image).edge_width, [2, 1])


def test_without_nuclei_there_is_nothing_to_mark(viewer, dock):
    assert not dock.results.hand.mark_button.isEnabled()
    viewer.keymap[KeyBinding.from_str(KEY)](viewer)

    assert "find the nuclei of an image first" in dock.progress.text.text()
    assert not any(isinstance(layer, Shapes) for layer in viewer.layers)


def test_a_closed_dock_gives_its_key_back(viewer, dock):
    viewer.window.remove_dock_widget(dock)

    assert KeyBinding.from_str(KEY) not in viewer.keymap


@pytest.fixture
def polygon(qtbot, viewer, dock, image, stage):
    """The result of a run inside a triangle."""
    viewer.add_shapes(
        [np.array([(40, 60), (40, 160), (120, 60)])],
        shape_type="polygon",
        name="tumour",
        **placement(image),
    )
    dock.area.choice.setCurrentText("Inside “tumour”")
    run(qtbot, dock)
    return dock.results.current


def test_nothing_is_reviewed_outside_of_the_polygon_of_a_run(viewer, image, polygon):
    mark_view(viewer, image)

    assert 0.4 < polygon.area.mask.mean() < 0.6
    assert not (polygon.complete & ~polygon.area.mask).any()
    assert np.array_equal(reviewed_mask(polygon), polygon.complete)
    (area,) = find_areas(viewer.layers)
    gone = cut_off(polygon.layer.data, area.offset, image_shape(image))
    assert np.array_equal(area.reviewed, polygon.complete & ~gone)


def test_nuclei_that_the_edge_of_the_labels_cuts_count_as_cut(
    qtbot, viewer, dock, image, polygon
):
    hand = dock.results.hand
    press(qtbot, hand.mark_button)

    (area,) = find_areas(viewer.layers)
    qtbot.waitUntil(lambda: bool(hand.reviewed.text()))
    labels, reviewed = polygon.layer.data, reviewed_mask(polygon)
    beyond = cut_off(labels, polygon.area.offset, image_shape(image))
    found = nuclei_inside(labels, reviewed, beyond)
    assert beyond.any()
    assert found.inside == area.count < nuclei_inside(labels, reviewed).inside
    assert hand.reviewed.text().startswith(f"{found.inside} nuclei reviewed; ")
    assert f"; {found.cut} cut by the area's edge" in hand.reviewed.text()


def left_out(result):
    """Tell which pixels inside are those of nuclei that lie mostly outside."""
    everywhere = finish(find_nuclei(result.maps, result.options))
    return result.area.mask & (everywhere > 0) & (result.layer.data == 0)


def test_no_part_of_a_nucleus_that_was_left_out_counts_as_background(
    viewer, image, polygon
):
    mark_view(viewer, image)

    assert left_out(polygon).any()
    assert not (reviewed_mask(polygon) & left_out(polygon)).any()


def test_what_was_left_out_goes_with_the_sliders_and_with_undo(
    qtbot, viewer, dock, image, polygon
):
    before = polygon.complete
    dock.results.sliders.foreground.setValue(0.2)
    qtbot.waitUntil(lambda: polygon.complete is not before)
    mark_view(viewer, image)

    assert (left_out(polygon) & before).any()  # there is more of them
    assert not (reviewed_mask(polygon) & left_out(polygon)).any()
    polygon.layer.undo()
    assert np.array_equal(reviewed_mask(polygon), before)
    qtbot.waitUntil(lambda: origin_facts(polygon.layer)["mask"] is before)


def test_what_lies_outside_of_a_polygon_is_left_to_the_run_below(
    viewer, image, found, polygon
):
    mark_view(viewer, image)

    below, above = find_areas(viewer.layers)

    assert (below.nuclei, above.nuclei) == (found, polygon.layer)
    assert below.reviewed.sum() + above.reviewed.sum() == 256 * 256


def test_nothing_is_reviewed_outside_of_a_polygon_that_was_restored(
    viewer, dock, image, polygon
):
    mark_view(viewer, image)
    complete, labels = polygon.complete, polygon.layer
    labels.data_setitem(np.nonzero(labels.data), 0)
    viewer.layers.remove(labels)
    dock.offer.look()
    path, corrections = _saved()

    dock.results.restore(image, path, corrections)

    (area,) = find_areas(viewer.layers)
    assert np.array_equal(area.reviewed, complete)


def test_the_next_run_goes_on_with_a_polygon_that_was_restored(
    qtbot, viewer, dock, image, polygon
):
    labels, without = polygon.layer, int(polygon.layer.data.max())
    labels.data_setitem(np.nonzero(labels.data == without), 0)
    viewer.layers.remove(labels)
    dock.offer.look()
    dock.results.restore(image, *_saved())
    restored = dock.results.current
    assert restored.area.mask.sum() < polygon.area.mask.sum()

    run(qtbot, dock)

    assert dock.results.current is not restored
    assert dock.results.current.count == without - 1


def _saved():
    (path,) = saved_files()
    return path, finish(load(path))


def drawn(viewer, image, *outline, name="Reviewed"):
    """Draw one outline on an image, by hand."""
    corners = [rectangle(*outline)] if outline else None
    return viewer.add_shapes(
        corners, ndim=2, shape_type="polygon", name=name, **placement(image)
    )


def test_areas_drawn_on_another_image_are_that_images(viewer, image, result, tissue):
    place = {"scale": image.scale, "units": image.units, "translate": (1000, 1000)}
    other = viewer.add_image(tissue[0], rgb=True, name="other", **place)

    shapes = drawn(viewer, other, 0, 0, 50, 50)

    assert bound_image(shapes) is other
    assert reviewed_mask(result) is None


def test_areas_that_may_be_of_two_images_wait_until_one_is_meant(
    qtbot, viewer, dock, image, result
):
    place = placement(image)
    other = viewer.add_image(image.data, rgb=True, name="other", **place)
    shapes = drawn(viewer, other)
    shapes.add_rectangles([rectangle(0, 0, 50, 50)])

    assert bound_image(shapes) is None
    assert not shapes.face_color[:, 3].any()  # the nuclei are seen meanwhile
    assert reviewed_mask(result) is None
    line = dock.results.hand.reviewed
    qtbot.waitUntil(lambda: "“Reviewed” lies on several images" in line.text())

    image.visible = False
    assert bound_image(shapes) is other
    image.visible, other.visible = True, False
    assert bound_image(shapes) is other  # it stays so


def test_an_image_that_goes_makes_plain_which_one_is_meant(viewer, image, result):
    other = viewer.add_image(image.data, rgb=True, name="other", **placement(image))
    drawn(viewer, image, 0, 0, 50, 50)

    viewer.layers.remove(other)

    assert reviewed_mask(result).sum() == 2500


def test_an_empty_layer_is_of_the_only_image_there_is(viewer, image, result):
    shapes = drawn(viewer, image)

    assert bound_image(shapes) is image
    shapes.add_rectangles([rectangle(0, 0, 50, 50)])
    assert reviewed_mask(result).sum() == 2500


def test_areas_made_with_naparis_button_do_not_hide_the_nuclei(viewer, image, result):
    shapes = drawn(viewer, image, 0, 0, 50, 50, name="Shapes")
    assert np.all(shapes.face_color == 1)

    shapes.name = "Reviewed"
    shapes.add_rectangles([rectangle(60, 60, 90, 90)])

    assert not shapes.face_color[:, 3].any()
    np.testing.assert_allclose(shapes.edge_color, [[0, 1, 0, 1]] * 2, atol=0.01)
    assert len(set(shapes.edge_width)) == 1
    assert reviewed_mask(result).any()


def test_colours_that_somebody_chose_for_an_area_stay(viewer, image, result):
    shapes = drawn(viewer, image, 0, 0, 50, 50, name="Shapes")
    shapes.face_color = shapes.current_face_color = "yellow"

    shapes.name = "Reviewed"

    np.testing.assert_allclose(shapes.face_color, [[1, 1, 0, 1]])
    assert reviewed_mask(result).any()


def test_areas_follow_their_image_when_it_is_opened_again(
    viewer, dock, image, result, tissue
):
    mark(viewer, image, [rectangle(0, 0, 50, 50)])
    shapes = reviewed_layer(image)
    facts = {name: getattr(image, name) for name in ("scale", "translate", "units")}
    other = viewer.add_image(tissue[0], rgb=True, name="other", **facts)

    viewer.layers.remove(image)
    again = viewer.add_image(tissue[0], rgb=True, name=image.name, **facts)

    assert bound_image(shapes) is again
    assert reviewed_mask(result).sum() == 2500
    again.visible = False
    assert bound_image(shapes) is again
    assert reviewed_layer(other) is None


def test_a_closed_dock_adopts_no_more(viewer, dock, image):
    viewer.window.remove_dock_widget(dock)

    assert bound_image(drawn(viewer, image, 0, 0, 50, 50)) is None


def test_a_second_layer_counts_as_the_first(qtbot, viewer, dock, image, result):
    found = result.layer
    mark(viewer, image, [rectangle(0, 0, 50, 50)])
    second = drawn(viewer, image, 0, 100, 256, 228, name="Reviewed 2")
    mask, before = reviewed_mask(result), found.data.copy()

    assert mask.sum() == 2500 + 256 * 128
    dock.results.sliders.foreground.setValue(0.9)
    qtbot.waitUntil(lambda: not dock.results._reading.busy)
    assert np.array_equal(found.data[mask], before[mask])
    assert not np.array_equal(found.data, before)

    viewer.layers.remove(second)
    assert reviewed_mask(result).sum() == 2500


def test_an_empty_layer_on_top_hides_no_nuclei(viewer, image, found):
    mark_view(viewer, image)
    viewer.add_labels(np.zeros((256, 256), int), **placement(image))

    (area,) = find_areas(viewer.layers)

    assert area.nuclei is found
    assert area.count


def test_labels_from_nowhere_go_behind_those_of_an_image(viewer, image, found):
    mark_view(viewer, image)
    scribble = viewer.add_labels(np.zeros((256, 256), int), **placement(image))
    scribble.data[5:9, 5:9] = 1

    (area,) = find_areas(viewer.layers)
    assert area.nuclei is found

    viewer.layers.remove(found)
    (area,) = find_areas(viewer.layers)
    assert area.nuclei is scribble


def test_hidden_nuclei_are_not_learned_from(viewer, image, found, polygon):
    mark_view(viewer, image)
    found.visible = False

    (area,) = find_areas(viewer.layers)
    assert area.nuclei is polygon.layer

    polygon.layer.visible = False
    assert find_areas(viewer.layers) == []


def test_areas_of_no_image_count_where_only_one_can_be_meant(viewer, dock, image):
    other = viewer.add_image(image.data, rgb=True, name="other", **placement(image))
    for layer in (image, other):
        labels = viewer.add_labels(np.ones((256, 256), int), **placement(layer))
        labels.metadata[METADATA] = {"image": layer.name}
    drawn(viewer, image, 0, 0, 50, 50)

    assert find_areas(viewer.layers) == []

    labels.visible = False
    (area,) = find_areas(viewer.layers)
    assert area.image is image
    assert area.reviewed.sum() == 2500
