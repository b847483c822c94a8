"""What lies on an image moves with it, unless somebody has moved it away."""

import numpy as np
import pytest
from hands import nuclei, press, run

from napari_monuseg.docks.following import follow
from napari_monuseg.docks.reviewed import reviewed_layer, reviewed_mask
from napari_monuseg.layers import placement

MOVES = {
    "translate": (5, 60),
    "scale": (0.5, 0.5),
    "units": ("µm", "µm"),
    "rotate": 30,
    "shear": [0.3],
    "affine": [[1, 0.2, 3], [0, 1, 4], [0, 0, 1]],
}


@pytest.mark.parametrize("name", MOVES)
def test_a_layer_lies_where_the_other_lies(viewer, image, name):
    shapes = viewer.add_shapes(ndim=2, **placement(image))
    follow(shapes, image)

    setattr(image, name, MOVES[name])

    places = [(0, 0), (10, 0), (3, 9)]
    assert shapes.units == image.units
    for place in places:
        assert np.allclose(shapes.data_to_world(place), image.data_to_world(place))


def test_what_somebody_moved_away_stays(viewer, image):
    shapes = viewer.add_shapes(ndim=2, **placement(image))
    follow(shapes, image)
    shapes.translate = (9, 9)

    image.translate = (100, 100)

    assert tuple(shapes.translate) == (9, 9)


def test_a_layer_follows_the_last_one_alone(viewer, image):
    other = viewer.add_image(np.zeros((20, 20, 3), np.uint8), rgb=True)
    shapes = viewer.add_shapes(ndim=2, **placement(image))
    follow(shapes, image)
    place = placement(image)
    for name, value in place.items():
        setattr(other, name, value)
    follow(shapes, other)

    image.translate = (100, 100)
    assert np.array_equal(shapes.translate, place["translate"])
    other.translate = (3, 4)
    assert tuple(shapes.translate) == (3, 4)


@pytest.fixture
def found(qtbot, viewer, dock, image, stage):
    """The nuclei of an area."""
    viewer.reset_view()
    box = np.array([[20, 30], [20, 150], [120, 150], [120, 30]], float)
    viewer.add_shapes(box, shape_type="rectangle", **placement(image))
    dock.area.choice.setCurrentIndex(2)
    run(qtbot, dock)
    return nuclei(viewer)[0]


def test_nuclei_of_an_area_and_what_is_reviewed_move_with_their_image(
    qtbot, dock, image, found
):
    offset = dock.results.current.area.offset
    press(qtbot, dock.results.hand.mark_button)
    result = dock.results.current
    before = reviewed_mask(result).copy()

    image.translate, image.scale, image.rotate = (40, 7), (0.5, 0.5), 20

    assert np.allclose(found.data_to_world((0, 0)), image.data_to_world(offset))
    marks = reviewed_layer(image)
    assert np.allclose(marks.data_to_world((5, 6)), image.data_to_world((5, 6)))
    assert np.array_equal(reviewed_mask(result), before)


def test_what_is_marked_after_a_move_is_what_was_in_view(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    image.translate = (0, 60)
    viewer.reset_view()
    image.translate = (0, 100)  # the left of the image is in view

    press(qtbot, dock.results.hand.mark_button)

    marks = reviewed_layer(image)
    corners = np.array([marks.data_to_world(at) for at in marks.data[0]])
    drawn = np.array([image.world_to_data(at) for at in corners])[:, 1]
    columns = np.flatnonzero(reviewed_mask(dock.results.current).any(0))
    assert abs(columns[0] - max(drawn.min(), 0)) <= 1
    assert abs(columns[-1] - drawn.max()) <= 1


def test_what_was_drawn_elsewhere_follows_once_it_is_reviewed(
    qtbot, viewer, dock, image, stage
):
    """Shapes of a layer of their own, in the world's units."""
    run(qtbot, dock)
    result = dock.results.current
    box = [(10, 20), (10, 90), (60, 90), (60, 20)]
    world = np.array([image.data_to_world(at) for at in box])
    shapes = viewer.add_shapes([world], shape_type="polygon", units=image.units)
    shapes.name = "Reviewed"
    before = reviewed_mask(result).copy()
    assert before.sum() == 51 * 71

    image.scale, image.translate = (0.5, 0.5), (3, 4)

    assert np.array_equal(reviewed_mask(result), before)


def test_areas_of_more_axes_stay_where_they_are(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    shapes = viewer.add_shapes(ndim=3, name="Reviewed")

    image.translate = (3, 4)

    assert tuple(shapes.translate) == (0, 0, 0)
    assert np.allclose(nuclei(viewer)[-1].translate, (3, 4))


def test_what_is_reviewed_lies_on_the_image_that_is_opened_again(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    press(qtbot, dock.results.hand.mark_button)
    before = reviewed_mask(dock.results.current).copy()
    assert before.any()
    viewer.layers.remove(image)

    viewer.add_image(image.data, rgb=True, name="colon", scale=(3, 3))

    assert np.array_equal(reviewed_mask(dock.results.current), before)


def test_an_image_that_is_opened_again_with_no_dock_has_its_nuclei(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    (found,) = nuclei(viewer)
    found.data_setitem(np.nonzero(found.data == 3), 0)
    gone = dock.results.current._steps.state.written == 3
    viewer.window.remove_dock_widget(dock)
    viewer.layers.remove(image)
    again = viewer.add_image(image.data, rgb=True, name="colon")

    _, dock = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")

    assert dock.results.current.image is again
    run(qtbot, dock)
    assert not nuclei(viewer)[-1].data[gone].any()


def test_linked_nuclei_of_an_area_stay_on_their_image(viewer, dock, image, found):
    offset = dock.results.current.area.offset
    viewer.layers.link_layers([image, found])

    image.scale, image.translate = (0.5, 0.5), (40, 7)
    viewer.layers.unlink_layers([image, found])
    image.translate = (1, 2)

    assert np.allclose(found.data_to_world((0, 0)), image.data_to_world(offset))


def test_an_area_that_was_drawn_follows(qtbot, viewer, dock, image):
    press(qtbot, dock.area.draw_button)
    drawn = viewer.layers[-1]

    image.translate = (30, 40)

    assert tuple(drawn.translate) == (30, 40)
