import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Shapes

from napari_monuseg import areas
from napari_monuseg.areas import (
    Area,
    camera_of,
    in_view,
    inside,
    keep_inside,
    require_moderate,
    view_outline,
    whole,
)
from napari_monuseg.core.errors import ImageError
from napari_monuseg.outlines import cover


@pytest.fixture
def image():
    return Image(
        np.zeros((100, 200, 3), np.uint8), scale=(0.5, 0.5), translate=(10, 20)
    )


def box(top, left, bottom, right):
    """Corners in the world of `image`, around the pixels [top, bottom) …"""
    rows = np.array([top, top, bottom, bottom]) - 0.5
    columns = np.array([left, right, right, left]) - 0.5
    return np.stack([rows, columns], axis=1) * 0.5 + (10, 20)


def test_the_whole_image(image):
    assert whole(image).shape == (100, 200)
    assert whole(image).offset == (0, 0)


def test_a_rectangle_covers_its_pixels(image):
    area = inside(image, Shapes(box(10, 20, 30, 60), shape_type="rectangle"))

    assert (area.rows, area.columns) == (slice(10, 30), slice(20, 60))
    assert area.mask is None


def test_a_rectangle_is_cut_at_the_image(image):
    area = inside(image, Shapes(box(-10, 150, 30, 900), shape_type="rectangle"))

    assert (area.rows, area.columns) == (slice(0, 30), slice(150, 200))


def test_shapes_are_joined_and_what_lies_between_does_not_count(image):
    boxes = [box(0, 0, 10, 10), box(20, 30, 30, 50)]

    area = inside(image, Shapes(boxes, shape_type="rectangle"))

    assert area.shape == (30, 50)
    assert area.mask.sum() == 100 + 200
    assert not area.mask[15, 20]


@pytest.fixture
def two():
    """Give a layer of two rectangles."""
    return Shapes([box(0, 0, 10, 10), box(20, 30, 30, 50)], shape_type="rectangle")


@pytest.mark.parametrize("mode", ["select", "direct"])
def test_shapes_selected_on_purpose_come_before_the_others(image, two, mode):
    two.mode = mode
    two.selected_data = {1}

    assert inside(image, two).offset == (20, 30)


def test_all_shapes_count_while_none_is_selected(image, two):
    two.mode = "select"

    assert inside(image, two).shape == (30, 50)


@pytest.mark.parametrize("mode", ["add_rectangle", "pan_zoom"])
def test_what_is_drawn_last_is_not_selected_on_purpose(image, two, mode):
    two.mode = "add_rectangle"
    two.selected_data = {1}  # as napari leaves it when it was drawn
    two.mode = mode

    assert two.selected_data == {1}
    assert inside(image, two).shape == (30, 50)


@pytest.mark.parametrize("kind", ["rectangle", "ellipse"])
def test_too_large_a_shape_is_refused_before_it_is_filled(monkeypatch, kind):
    strip = Image(np.zeros((9000, 16, 3), np.uint8), rgb=True)
    corners = np.array([(0, 0), (0, 16), (9000, 16), (9000, 0)])
    monkeypatch.setattr(areas, "cover", None)

    with pytest.raises(ImageError, match=r"is 9,000 x 16 px; .* draw a shape"):
        inside(strip, Shapes(corners, shape_type=kind))


def test_an_ellipse_counts_without_its_corners(image):
    area = inside(image, Shapes(box(0, 0, 40, 80), shape_type="ellipse"))

    assert area.shape == (40, 80)
    assert area.mask.mean() == pytest.approx(np.pi / 4, abs=0.01)
    assert not area.mask[0, 0]


@pytest.mark.parametrize(
    ("corners", "kind"),
    [(box(300, 300, 310, 310), "rectangle"), (box(0, 0, 10, 10)[:2], "line")],
)
def test_shapes_without_an_inside_on_the_image_are_refused(image, corners, kind):
    with pytest.raises(ImageError, match="draw one there"):
        inside(image, Shapes([corners], shape_type=kind, name="area"))


def test_no_shapes_at_all_are_refused(image):
    with pytest.raises(ImageError, match="draw one there"):
        inside(image, Shapes())


def resize(viewer, size):
    """Give the canvas a height and width; napari 0.9 moved them."""
    if hasattr(viewer, "canvas"):
        viewer.canvas.size = size
    else:
        viewer._canvas_size = size


@pytest.fixture
def viewer(image):
    viewer = ViewerModel()
    viewer.add_layer(image)
    resize(viewer, (100, 100))
    return viewer


def test_what_is_in_view(image, viewer):
    camera_of(viewer).center = (0, *image.data_to_world((50, 100)))
    camera_of(viewer).zoom = 5  # canvas px per world unit, so 2.5 per image px

    area = in_view(image, viewer)

    assert (area.rows, area.columns) == (slice(30, 71), slice(80, 121))


@pytest.mark.parametrize("degrees", [0, 90, 30, 45, -70])
def test_the_outline_of_the_view_holds_what_is_in_view_and_no_more(
    image, viewer, degrees
):
    image.rotate = degrees
    camera_of(viewer).center = (0, *image.data_to_world((40, 110)))
    camera_of(viewer).zoom = 2.5
    half = 20  # of what is in view, in world units
    rows, columns = np.mgrid[:100, :200]
    places = np.stack([rows.ravel(), columns.ravel()], axis=1)
    world = np.array([image.data_to_world(place) for place in places])
    away = np.abs(world - image.data_to_world((40, 110))).max(axis=1)

    outline = view_outline(image, viewer)

    marked = cover((100, 200), [outline]).ravel()
    assert marked[away < half - 0.5].all()  # a pixel at the edge lies on both sides
    assert not marked[away > half + 0.5].any()


def test_what_is_in_view_with_rows_and_columns_swapped(image, viewer):
    viewer.dims.order = (1, 0)
    resize(viewer, (100, 50))
    x, y = image.data_to_world((50, 100))
    camera_of(viewer).center = (0, y, x)
    camera_of(viewer).zoom = 5

    assert in_view(image, viewer).shape == (21, 41)


def test_shapes_in_other_units_lie_where_napari_shows_them(image):
    image.units = ("um", "um")
    corners = box(10, 20, 30, 60) / 1000
    shapes = Shapes(corners, shape_type="rectangle", units=("mm", "mm"))

    area = inside(image, shapes)

    assert (area.rows, area.columns) == (slice(10, 30), slice(20, 60))


def test_shapes_without_a_length_are_in_the_image_s(image):
    image.units = ("um", "um")
    shapes = Shapes(box(10, 20, 30, 60), shape_type="rectangle")
    assert str(shapes.units[0]) == "pixel"

    assert inside(image, shapes).offset == (10, 20)


@pytest.mark.parametrize(("unit", "in_um"), [("mm", 1000), ("nm", 0.001)])
def test_what_is_in_view_of_images_in_two_units(image, viewer, unit, in_um):
    image.units = ("um", "um")
    scale, units = (0.5 / in_um, 0.5 / in_um), (unit, unit)
    other = Image(np.zeros((100, 200, 3), np.uint8), scale=scale, units=units)
    viewer.add_layer(other)
    finer = max(1, 1 / in_um)  # the world has the finer unit of the two
    camera_of(viewer).center = (0, 25 * finer, 50 * finer)
    camera_of(viewer).zoom = 5 / finer

    seen = [in_view(one, viewer) for one in (other, image)]

    assert [one.offset for one in seen] == [(30, 80), (10, 40)]
    assert [one.shape for one in seen] == [(41, 41), (41, 41)]


def test_in_a_grid_one_part_of_the_canvas_is_in_view(image, viewer):
    viewer.add_image(np.zeros((100, 200, 3), np.uint8))
    resize(viewer, (100, 200))
    getattr(viewer, "canvas", viewer).grid.enabled = True
    camera_of(viewer).center = (0, *image.data_to_world((50, 100)))
    camera_of(viewer).zoom = 5

    assert in_view(image, viewer).shape == (41, 41)


def test_nothing_in_view_is_refused(image, viewer):
    camera_of(viewer).center = (0, 5000, 5000)
    camera_of(viewer).zoom = 5

    with pytest.raises(ImageError, match=r"Nothing of .* is in view"):
        in_view(image, viewer)


def test_a_view_in_3d_is_refused(image, viewer):
    viewer.dims.ndisplay = 3

    with pytest.raises(ImageError, match="switch to 2-D"):
        in_view(image, viewer)


def test_too_large_an_area_is_refused():
    require_moderate(Area(slice(0, 8192), slice(10, 20)))
    with pytest.raises(ImageError, match=r"9,000 x 10 px; choose what is in view"):
        require_moderate(Area(slice(0, 9000), slice(10, 20)))


def test_nuclei_mostly_outside_are_dropped_and_the_others_numbered_again():
    labels = np.array([[1, 1, 1, 0], [2, 2, 0, 3]], np.int32)
    mask = np.array([[1, 0, 0, 0], [1, 1, 1, 1]], bool)

    inside = keep_inside(labels, mask)

    assert inside.labels.tolist() == [[0, 0, 0, 0], [1, 1, 0, 2]]
    assert inside.labels.dtype == np.int32
    assert keep_inside(labels, None).labels is labels


def test_what_a_dropped_nucleus_covers_is_not_complete():
    labels = np.array([[1, 1, 1, 0], [2, 2, 0, 3]], np.int32)
    mask = np.array([[1, 0, 0, 1], [1, 0, 1, 1]], bool)

    complete = keep_inside(labels, mask).complete

    assert complete.tolist() == [[0, 0, 0, 1], [0, 0, 1, 1]]  # 2 lies half inside
    assert keep_inside(labels, None).complete is None
