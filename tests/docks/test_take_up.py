"""Labels that no run of this window made: taken up, corrected, kept, learned from."""

import dask.array as da
import numpy as np
import pytest
import tifffile
from dask import delayed
from hands import nuclei, press, run
from napari.layers import Labels
from napari.layers._layer_actions import _duplicate_layer

from napari_monuseg.core.autosave import discard, load, saved_files
from napari_monuseg.core.claims import claim, release
from napari_monuseg.core.counting import cut_off
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.progress import finish
from napari_monuseg.core.tiff import read_labels
from napari_monuseg.core.tiff_writing import write_labels
from napari_monuseg.docks.bindings import METADATA, image_of
from napari_monuseg.docks.export_button import export_result
from napari_monuseg.docks.result_text import NO_HAND_WORK, NO_MAPS
from napari_monuseg.docks.reviewed import mark, mark_view, reviewed_mask
from napari_monuseg.docks.reviewed_areas import find_areas
from napari_monuseg.docks.take_up import count_homes, find_home
from napari_monuseg.docks.tools import TOOLS
from napari_monuseg.layers import image_shape, placement

PLUGIN = "napari-monuseg"

XML = """<Annotations><Annotation><Regions><Region Id="1"><Vertices>
<Vertex X="101" Y="121"/><Vertex X="131" Y="121"/><Vertex X="131" Y="141"/>
<Vertex X="101" Y="141"/></Vertices></Region></Regions></Annotation></Annotations>"""


@pytest.fixture
def opened(viewer, dock, image, tissue):
    """Labels of another program, added where napari puts them by itself."""
    return viewer.add_labels(tissue[1].astype(np.uint16), name="theirs")


def take_up(qtbot, dock):
    assert dock.results.take_up.isVisibleTo(dock)
    press(qtbot, dock.results.take_up.button)


def look(qtbot, autosave):
    autosave.look()
    qtbot.waitUntil(lambda: not autosave._slot.busy)


def delete(dock, layer, number):
    """Delete a nucleus as the tool does when it is clicked on."""
    tools = dock.results.corrections
    tool = next(tool for tool in TOOLS if tool.name == "Delete")
    tools._correct(tool, [np.argwhere(layer.data == number)[0]])


@pytest.fixture
def found(qtbot, viewer, dock, image, stage):
    """The labels layer of a run."""
    dock.results.autosave._timer.stop()
    run(qtbot, dock)
    return nuclei(viewer)[-1]


@pytest.fixture
def taken(qtbot, dock, opened):
    dock.results.autosave._timer.stop()
    take_up(qtbot, dock)
    return opened


def test_labels_of_others_are_offered_while_they_are_active(
    viewer, dock, image, opened
):
    offer = dock.results.take_up

    assert offer.isVisibleTo(dock)
    assert offer.text.text() == "“theirs” lies on “colon”:"

    viewer.layers.selection.active = image
    assert not offer.isVisibleTo(dock)


def test_what_was_found_in_a_run_is_not_offered(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)

    assert viewer.layers.selection.active is nuclei(viewer)[-1]
    assert not dock.results.take_up.isVisibleTo(dock)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        (
            np.zeros((3, 256, 256), int),
            "is a stack; to correct it, open one plane of it alone",
        ),
        (
            np.ones((100, 100), int),
            "cannot be corrected: it is of no image that is open, pixel by pixel",
        ),
    ],
    ids=["a stack", "of another size"],
)
def test_of_what_lies_on_no_image_it_is_said_why(viewer, dock, image, labels, why):
    viewer.add_labels(labels, name="theirs")

    offer = dock.results.take_up
    assert not offer.button.isVisibleTo(dock)
    assert offer.text.text() == f"“theirs” {why}"

    viewer.layers.remove(image)
    assert not offer.isVisibleTo(dock)


def test_of_a_pyramid_it_is_said_why_it_cannot_be_corrected(viewer, dock, image):
    whole = np.ones((256, 256), np.int32)
    viewer.add_labels([whole, whole[::2, ::2]], multiscale=True, name="theirs")

    assert "“theirs” is a pyramid" in dock.results.take_up.text.text()


def test_nuclei_that_are_open_do_not_shine_through_what_is_taken_up(
    qtbot, viewer, dock, found, tmp_path
):
    write_labels(tmp_path / "nuclei.tif", found.data)
    (again,) = viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)

    press(qtbot, dock.results.take_up.button)

    assert not found.visible
    viewer.layers.remove(again)
    assert found.visible


def test_corrected_nuclei_stay_in_view_beside_what_has_not_their_corrections(
    qtbot, viewer, dock, found, tmp_path
):
    write_labels(tmp_path / "nuclei.tif", found.data)
    delete(dock, found, 3)
    viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)

    press(qtbot, dock.results.take_up.button)

    assert found.visible


def test_of_two_images_of_that_size_none_is_guessed(viewer, dock, image, opened):
    viewer.add_image(image.data, rgb=True, name="another")
    viewer.layers.selection.active = opened
    offer = dock.results.take_up

    assert not offer.button.isVisibleTo(dock)
    assert "hide all images but its own: 2 have its size" in offer.text.text()

    image.visible = False
    assert offer.button.isVisibleTo(dock)
    assert offer.text.text() == "“theirs” lies on “another”:"


def test_labels_without_nuclei_ask_for_no_image(viewer, dock, image):
    viewer.add_image(image.data, rgb=True, name="another")
    viewer.add_labels(np.zeros((256, 256), np.int32), name="empty")

    assert not dock.results.take_up.isVisibleTo(dock)


def test_a_stack_of_images_is_no_home(viewer, dock, tissue):
    viewer.add_image(np.stack(3 * [tissue[0]]), rgb=True, name="stack")
    viewer.add_labels(tissue[1], name="theirs")

    assert not dock.results.take_up.isVisibleTo(dock)


def test_a_file_s_own_image_is_named(viewer, dock, image, tissue, tmp_path):
    origin = Origin(image="another", image_shape=(256, 256), model="unet")
    write_labels(tmp_path / "nuclei.tif", tissue[1], origin=origin)

    viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)

    text = dock.results.take_up.text.text()
    assert text == "“nuclei”, made of “another”, lies on “colon”:"


@pytest.fixture
def annotated(tissue, tmp_path):
    """Give a MoNuSeg image named one, and its annotations, as files."""
    tifffile.imwrite(tmp_path / "one.tif", tissue[0])
    (tmp_path / "one.xml").write_text(XML)
    return tmp_path / "one.tif", tmp_path / "one.xml"


def test_of_two_images_of_that_size_annotations_have_their_own(
    qtbot, viewer, dock, image, annotated
):
    (one,) = viewer.open(annotated[0], plugin="napari")
    (layer,) = viewer.open(annotated[1], plugin=PLUGIN)

    assert dock.results.take_up.text.text() == "“one annotations” lies on “one”:"
    take_up(qtbot, dock)
    assert dock.results.current.image is one
    assert dock.results.current.model_name == "annotations"
    mark_view(viewer, one)
    (area,) = find_areas(viewer.layers)
    assert (area.nuclei, area.image) == (layer, one)


def test_annotations_are_not_another_image_s_nuclei(viewer, image, annotated):
    (one,) = viewer.open(annotated[0], plugin="napari")
    viewer.open(annotated[1], plugin=PLUGIN)
    viewer.layers.remove(one)
    mark_view(viewer, image)

    assert find_areas(viewer.layers) == []


def test_a_typed_pixel_size_is_that_of_labels_taken_up(
    qtbot, viewer, dock, tissue, tmp_path
):
    viewer.add_image(tissue[0], rgb=True, name="plain")
    dock.pixel_size.field.setValue(0.4)
    viewer.add_labels(tissue[1].copy(), name="theirs")
    take_up(qtbot, dock)
    results = dock.results

    results.export_button.export(results.current, tmp_path / "mine_nuclei.tif")
    qtbot.waitUntil(lambda: not results.export_button.busy)

    assert read_labels(tmp_path / "mine_nuclei.tif").pixel_size == 0.4


@pytest.mark.parametrize("offset", [(-1, 0), (0, -1), (1, 0), (0, 1)])
def test_labels_that_reach_beyond_their_image_have_no_home(
    viewer, image, tissue, offset
):
    facts = {"image": "colon", "image_shape": tissue[1].shape, "offset": offset}
    labels = viewer.add_labels(tissue[1].copy(), metadata={METADATA: facts})

    assert image_of(labels, viewer.layers) is image
    assert find_home(labels, viewer.layers) is None


def test_what_is_no_tissue_is_no_home(viewer, dock, image, tissue):
    viewer.add_image(np.zeros(tissue[1].shape, bool), name="mask")
    labels = viewer.add_labels(tissue[1].copy())

    assert count_homes(labels, viewer.layers) == 1


@pytest.fixture
def namesakes(viewer, tissue, tmp_path):
    """Two files of one name, and labels of the first, opened a day later."""
    images = []
    for case in ("one", "two"):
        (tmp_path / case).mkdir()
        tifffile.imwrite(tmp_path / case / "tile.tif", tissue[0])
        images += viewer.open(tmp_path / case / "tile.tif", plugin="napari")
    assert [one.name for one in images] == ["tile", "tile [1]"]
    origin = Origin(image="tile", image_shape=tissue[1].shape, model="unet")
    write_labels(tmp_path / "tile_nuclei.tif", tissue[1], origin=origin)
    (labels,) = viewer.open(tmp_path / "tile_nuclei.tif", plugin=PLUGIN)
    return *images, labels


def test_of_two_images_of_one_name_none_is_guessed(qtbot, dock, namesakes):
    first, second, labels = namesakes
    take = dock.results.take_up
    assert "hide all images but its own" in take.text.text()
    assert not take.button.isVisibleTo(dock)

    first.visible = False
    take_up(qtbot, dock)

    assert dock.results.current.image is second
    assert dock.results.current.layer is labels


def test_labels_of_one_of_two_of_a_name_are_put_onto_neither(
    viewer, tissue, tmp_path, namesakes
):
    first, second, _ = namesakes
    first.translate = second.translate = (7, 8)

    (again,) = viewer.open(tmp_path / "tile_nuclei.tif", plugin=PLUGIN)
    assert tuple(again.translate) == (0, 0)

    viewer.layers.remove(first)
    (again,) = viewer.open(tmp_path / "tile_nuclei.tif", plugin=PLUGIN)
    assert tuple(again.translate) == (7, 8)


def test_what_napari_adds_to_a_name_is_no_part_of_it(viewer, dock, namesakes):
    first, second, labels = namesakes
    viewer.layers.remove(first)
    viewer.layers.selection.active = labels

    assert image_of(labels, viewer.layers) is second
    assert "lies on “tile [1]”" in dock.results.take_up.text.text()


@pytest.mark.usefixtures("image")
def test_a_namesake_of_another_size_is_not_the_image(viewer, dock, tissue, tmp_path):
    origin = Origin(image="colon", image_shape=(200, 200), model="unet")
    write_labels(tmp_path / "nuclei.tif", tissue[1][:200, :200], origin=origin)

    viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)

    assert not dock.results.take_up.button.isVisibleTo(dock)
    assert "is of no image that is open" in dock.results.take_up.text.text()


def test_what_was_replaced_meanwhile_is_not_taken(qtbot, dock, opened):
    opened.data = np.zeros((3, 256, 256), np.int32)

    press(qtbot, dock.results.take_up.button)

    assert dock.results.current is None
    assert not dock.results.take_up.button.isVisibleTo(dock)


def test_the_outlines_of_hand_work_are_not_offered(viewer, dock, taken):
    delete(dock, taken, 3)
    result = dock.results.current
    result.learn(result.snapshot().gather())
    dock.results.hand.highlight.setChecked(True)
    viewer.layers.selection.active = dock.results.hand._outlines.layer

    assert not dock.results.take_up.isVisibleTo(dock)


def test_they_are_put_where_they_lie(dock, image, taken, tissue):
    assert np.allclose(taken.scale, image.scale)
    assert np.allclose(taken.translate, image.translate)
    assert taken.units == image.units
    assert taken.data.dtype == np.int32
    assert np.array_equal(taken.data, tissue[1])
    assert not dock.results.take_up.isVisibleTo(dock)


def test_the_tools_correct_them(dock, taken, tissue):
    delete(dock, taken, 3)

    assert not (taken.data == 3).any()
    taken.undo()
    assert np.array_equal(taken.data, tissue[1])


def test_of_a_mask_one_nucleus_is_corrected_and_not_all(qtbot, viewer, dock, image):
    mask = np.zeros((256, 256), np.uint8)
    for row in (20, 100, 180):
        mask[row : row + 20, 40:60] = 255
    layer = viewer.add_labels(mask, name="mask")
    layer.data_setitem((np.arange(100, 110), np.arange(40, 50)), 0)

    take_up(qtbot, dock)
    delete(dock, layer, layer.data[30, 50])

    assert not layer.data[20:40].any()
    assert len(np.unique(layer.data[(layer.data > 0)])) == 2
    layer.undo()
    assert len(np.unique(layer.data[(layer.data > 0)])) == 3
    layer.undo()  # what was done in other numbers is done
    assert len(np.unique(layer.data[(layer.data > 0)])) == 3
    layer.redo()
    qtbot.waitUntil(lambda: dock.results.count.text().endswith("\n1 place erased"))


def test_what_may_not_be_written_to_is_copied(qtbot, viewer, dock, image, tissue):
    labels = tissue[1].astype(np.int32)
    labels.flags.writeable = False
    layer = viewer.add_labels(labels, name="theirs")

    take_up(qtbot, dock)
    delete(dock, layer, 3)

    assert not (layer.data == 3).any()
    assert (labels == 3).any()


def test_their_nuclei_are_counted(qtbot, dock, taken):
    count = len(np.unique(taken.data)) - 1
    text = f"{count} nuclei in “colon”\nno corrections yet"
    assert dock.results.count.text() == text
    assert dock.progress.text.text() == f"“{taken.name}” can be corrected now"

    delete(dock, taken, 3)
    qtbot.waitUntil(
        lambda: dock.results.count.text().startswith(f"{count - 1} nuclei in “colon”")
    )


def test_corrections_of_them_are_saved(qtbot, dock, taken):
    delete(dock, taken, 3)
    look(qtbot, dock.results.autosave)

    (path,) = saved_files()
    saved = finish(load(path))
    assert np.array_equal(saved.labels, taken.data)
    assert (saved.about.image_name, saved.about.erased) == ("colon", 1)


def test_what_is_reviewed_of_them_can_be_learned_from(viewer, dock, image, taken):
    mark_view(viewer, image)

    (area,) = find_areas(viewer.layers)
    assert area.nuclei is taken
    assert area.image is image


def test_a_run_keeps_what_was_corrected_in_them(qtbot, viewer, dock, taken, stage):
    before = taken.data.copy()
    delete(dock, taken, 3)
    gone = before == 3
    run(qtbot, dock)

    found = nuclei(viewer)[-1]
    assert found is not taken
    assert not found.data[gone].any()


def test_a_run_keeps_what_was_corrected_elsewhere(qtbot, viewer, dock, opened, stage):
    run(qtbot, dock)
    found = nuclei(viewer)[-1]
    gone = found.data == 3
    delete(dock, found, 3)
    viewer.layers.selection.active = opened
    take_up(qtbot, dock)

    run(qtbot, dock)

    assert not nuclei(viewer)[-1].data[gone].any()


@pytest.mark.parametrize("way", ["button", "napari"])
def test_a_run_keeps_what_was_corrected_before_they_were_exported(
    qtbot, dock, found, tmp_path, way
):
    viewer = dock._viewer
    gone = found.data == 3
    delete(dock, found, 3)
    found.paint((200, 200), found.data.max() + 1)
    drawn = found.data == found.data.max()
    results, path = dock.results, tmp_path / "mine_nuclei.tif"
    qtbot.waitUntil(lambda: results.current.hand.count == (1, 1))
    if way == "button":
        results.export_button.export(results.current, path)
        qtbot.waitUntil(lambda: not results.export_button.busy)
    else:
        found.save(str(path), plugin=PLUGIN)
    viewer.layers.remove(found)
    (layer,) = viewer.open(path, plugin=PLUGIN)
    take_up(qtbot, dock)

    assert results.note.text() == NO_MAPS
    for _ in range(2):
        look(qtbot, results.autosave)
    # The file has them; of what napari saves by itself the dock does not know.
    assert len(saved_files()) == (way == "napari")
    run(qtbot, dock)

    again = nuclei(viewer)[-1]
    assert again is not layer
    assert not again.data[gone].any()
    assert np.unique(again.data[drawn]).size == 1
    assert (again.data == again.data[drawn][0]).sum() == drawn.sum()


def test_of_labels_of_others_it_is_said_that_a_run_finds_them_anew(dock, taken):
    assert dock.results.note.text() == NO_HAND_WORK


@pytest.mark.parametrize("number", [-1, 2**31 - 1, 2**31])
def test_numbers_that_no_nucleus_has_are_refused(qtbot, viewer, dock, image, number):
    labels = np.zeros((256, 256), np.int64)
    labels[10:20, 10:20] = number
    layer = viewer.add_labels(labels, name="theirs")

    take_up(qtbot, dock)

    assert "number its nuclei from 1" in dock.progress.text.text()
    assert layer.data.dtype == np.int64
    assert dock.results.current is None


@pytest.mark.usefixtures("stage")
def test_exported_labels_come_back_onto_their_image(
    qtbot, viewer, dock, image, tmp_path
):
    run(qtbot, dock)
    results = dock.results
    before = nuclei(viewer)[-1]
    results.export_button.export(results.current, tmp_path / "mine_nuclei.tif")
    qtbot.waitUntil((tmp_path / "mine_nuclei.tif").exists)
    image.scale, image.translate, image.units = (1, 1), (0, 0), ("pixel", "pixel")
    viewer.layers.remove(before)

    (layer,) = viewer.open(tmp_path / "mine_nuclei.tif", plugin=PLUGIN)

    assert read_labels(tmp_path / "mine_nuclei.tif").origin.image == "colon"
    assert np.allclose(layer.scale, image.scale)
    assert np.allclose(layer.translate, image.translate)
    take_up(qtbot, dock)
    assert results.current.layer is layer
    assert results.current.model_name == "any"
    assert results.current.pixel_size == pytest.approx(0.25)


def run_inside(qtbot, dock, image, corners):
    """Run inside a polygon, and give the result."""
    shapes = dock._viewer.add_shapes(
        [np.array(corners)], shape_type="polygon", **placement(image)
    )
    dock.area.choice.value = shapes
    run(qtbot, dock)
    return dock.results.current


@pytest.fixture
def triangle(qtbot, dock, image):
    """Give the result of a run in a triangle."""
    return run_inside(qtbot, dock, image, [(40, 60), (40, 200), (200, 60)])


def comes_back_with_its_limits(viewer, image, path, mask):
    """Open a file of labels: nothing counts as reviewed beyond the mask."""
    (layer,) = viewer.open(path, plugin=PLUGIN)
    mark_view(viewer, image)
    (area,) = find_areas(viewer.layers)
    assert area.nuclei is layer
    assert 0 < mask.sum() < mask.size
    gone = cut_off(layer.data, area.offset, image_shape(image))
    assert np.array_equal(area.reviewed, mask & ~gone)


@pytest.mark.usefixtures("stage")
def test_a_drawn_area_comes_back_with_its_limits(
    qtbot, viewer, dock, triangle, tmp_path
):
    results, image, mask = dock.results, triangle.image, triangle.complete
    results.export_button.export(triangle, tmp_path / "mine_nuclei.tif")
    qtbot.waitUntil(lambda: not results.export_button.busy)
    viewer.layers.remove(triangle.layer)

    comes_back_with_its_limits(viewer, image, tmp_path / "mine_nuclei.tif", mask)

    take_up(qtbot, dock)
    assert results.current is not triangle
    assert np.array_equal(results.current.area.mask, mask)
    assert np.array_equal(reviewed_mask(results.current), mask)


@pytest.mark.usefixtures("stage")
def test_a_drawn_area_that_napari_saved_comes_back_with_its_limits(
    viewer, triangle, tmp_path
):
    image, mask = triangle.image, triangle.complete
    triangle.layer.save(str(tmp_path / "mine_nuclei.tif"), plugin=PLUGIN)
    viewer.layers.remove(triangle.layer)

    comes_back_with_its_limits(viewer, image, tmp_path / "mine_nuclei.tif", mask)


@pytest.mark.usefixtures("stage")
def test_what_was_opened_can_be_reviewed_and_learned_from(
    viewer, image, tissue, tmp_path
):
    origin = Origin(image="colon", image_shape=(256, 256), model="unet")
    part = tissue[1][40:200, 60:220]
    write_labels(tmp_path / "nuclei.tif", part, origin=origin, offset=(40, 60))
    (layer,) = viewer.open(tmp_path / "nuclei.tif", plugin=PLUGIN)
    corners = np.array([(0, 0), (0, 256), (256, 256), (256, 0)])
    mark(viewer, image, [corners])

    (area,) = find_areas(viewer.layers)

    assert (area.nuclei, area.image, area.offset) == (layer, image, (40, 60))
    assert np.array_equal(area.reviewed, ~cut_off(part, (40, 60), (256, 256)))
    assert not area.reviewed.all()


def test_an_area_comes_back_to_its_place(qtbot, viewer, dock, image, tmp_path):
    corners = [(40, 60), (40, 160), (140, 160), (140, 60)]
    run_inside(qtbot, dock, image, corners)
    results = dock.results
    offset = results.current.area.offset
    assert offset[0] > 30
    before = nuclei(viewer)[-1]
    results.export_button.export(results.current, tmp_path / "mine_nuclei.tif")
    qtbot.waitUntil((tmp_path / "mine_nuclei.tif").exists)
    viewer.layers.remove(before)

    (layer,) = viewer.open(tmp_path / "mine_nuclei.tif", plugin=PLUGIN)

    assert np.allclose(layer.translate, before.translate)
    take_up(qtbot, dock)
    assert results.current.area.offset == offset


@pytest.mark.usefixtures("image", "stage")
def test_labels_written_by_napari_say_where_they_come_from(
    qtbot, viewer, dock, tmp_path
):
    run(qtbot, dock)
    layer = nuclei(viewer)[-1]

    layer.save(str(tmp_path / "mine_nuclei.tif"), plugin=PLUGIN)

    origin = read_labels(tmp_path / "mine_nuclei.tif").origin
    assert (origin.image, origin.image_shape) == ("colon", (256, 256))


def test_a_dock_that_is_opened_again_goes_on(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    layer = nuclei(viewer)[-1]
    delete(dock, layer, 3)
    dock.results.autosave._timer.stop()
    look(qtbot, dock.results.autosave)
    (path,) = saved_files()

    viewer.window.remove_dock_widget(dock)
    layer.data_setitem(np.nonzero(layer.data == 5), 0)
    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment nuclei")
    again.results.autosave._timer.stop()

    assert again is not dock
    assert again.results.current.layer is layer
    assert again.results.sliders.isEnabled()
    assert not again.offer.isVisibleTo(again)  # they are not unsaved, but on screen
    look(qtbot, again.results.autosave)
    assert saved_files() == [path]
    assert finish(load(path)).about.erased == 2


def test_what_was_exported_stays_so_when_a_dock_is_opened_again(
    qtbot, viewer, dock, found, tmp_path
):
    delete(dock, found, 3)
    dock.results.export_button.export(
        dock.results.current, tmp_path / "mine_nuclei.tif"
    )
    qtbot.waitUntil(lambda: not dock.results.export_button.busy)
    look(qtbot, dock.results.autosave)
    assert saved_files() == []

    viewer.window.remove_dock_widget(dock)
    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment nuclei")
    look(qtbot, again.results.autosave)

    assert saved_files() == []


def test_what_another_window_has_meanwhile_is_left_to_it(qtbot, viewer, dock, found):
    delete(dock, found, 3)
    look(qtbot, dock.results.autosave)
    (path,) = saved_files()
    viewer.window.remove_dock_widget(dock)
    assert claim(path)

    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment nuclei")
    look(qtbot, again.results.autosave)

    assert len(saved_files()) == 2
    release(path)


def test_a_dock_that_is_opened_again_leaves_what_was_removed(
    qtbot, viewer, dock, image, stage
):
    run(qtbot, dock)
    viewer.window.remove_dock_widget(dock)
    viewer.layers.remove(nuclei(viewer)[-1])

    _, again = viewer.window.add_plugin_dock_widget(PLUGIN, "Segment nuclei")

    assert again.results.current is None


def test_a_renamed_image_is_still_the_nuclei_s_own(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    mark_view(viewer, image)
    image.name = "patient 7"

    (area,) = find_areas(viewer.layers)

    assert area.image is image


def test_a_namesake_is_not_the_nuclei_s_image(qtbot, viewer, dock, image, stage):
    run(qtbot, dock)
    image.name = "patient 7"
    viewer.add_image(image.data, rgb=True, name="colon")
    mark_view(viewer, image)

    (area,) = find_areas(viewer.layers)

    assert isinstance(area.nuclei, Labels)
    assert area.image is image


@pytest.fixture
def exported(viewer, dock, found, tmp_path):
    """Give an export in which a nucleus was deleted, opened again, before it."""
    delete(dock, found, 1)
    path = tmp_path / "mine_nuclei.tif"
    finish(export_result(dock.results.current, path))
    viewer.layers.remove(found)
    for saved in saved_files():  # of the layer that went
        discard(saved)
    (layer,) = viewer.open(path, plugin=PLUGIN)
    return layer


def test_what_was_painted_before_labels_are_taken_up_is_hand_work(
    qtbot, viewer, dock, stage, exported
):
    numbers = np.unique(exported.data)
    exported.data_setitem(np.nonzero(exported.data == numbers[-1]), 0)
    exported.data_setitem((np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2])), 999)

    take_up(qtbot, dock)
    look(qtbot, dock.results.autosave)

    count = dock.results.current.hand.count
    assert (count.nuclei, count.erased) == (1, 2)
    (path,) = saved_files()
    assert (finish(load(path)).labels[1:3, 1:3] == 999).all()
    run(qtbot, dock)
    again = nuclei(viewer)[-1]
    assert again is not exported
    assert (again.data[1:3, 1:3] == 999).all()


def test_an_export_that_is_taken_up_as_it_is_need_not_be_saved(
    qtbot, viewer, dock, exported
):
    take_up(qtbot, dock)
    look(qtbot, dock.results.autosave)

    assert dock.results.current.hand.count.erased == 1
    assert saved_files() == []


@pytest.mark.parametrize("closed", [True, False], ids=["dock closed", "at once"])
def test_naparis_own_save_knows_the_latest_hand_work(
    viewer, dock, found, tmp_path, closed
):
    delete(dock, found, 1)
    if closed:
        viewer.window.remove_dock_widget(dock)
    erased = found.data == 2
    found.data_setitem(np.nonzero(erased), 0)
    path = tmp_path / "mine_nuclei.tif"

    found.save(str(path), plugin=PLUGIN)

    hand = read_labels(path).origin.hand
    assert hand[erased].all()
    assert hand.sum() > erased.sum()
    assert not hand[found.data > 0].any()


def saved_hand(layer, path):
    """Save a layer by napari's own menu; give what the file says was made by hand."""
    layer.save(str(path), plugin=PLUGIN)
    return read_labels(path).origin.hand


def test_what_was_undone_with_no_dock_is_no_hand_work(
    qtbot, viewer, dock, found, tmp_path
):
    panel, before = dock.results, found.data.copy()
    panel.sliders.foreground.setValue(0.9)
    qtbot.waitUntil(lambda: not panel._reading.busy)
    assert not np.array_equal(found.data, before)
    viewer.window.remove_dock_widget(dock)

    found.undo()

    assert np.array_equal(found.data, before)
    assert not saved_hand(found, tmp_path / "a_nuclei.tif").any()


def test_a_duplicate_knows_its_own_hand_work(qtbot, viewer, dock, found, tmp_path):
    panel = dock.results
    panel.sliders.foreground.setValue(0.9)
    qtbot.waitUntil(lambda: not panel._reading.busy)
    viewer.layers.selection.active = found
    _duplicate_layer(viewer.layers)
    duplicate = nuclei(viewer)[-1]
    assert duplicate is not found

    found.undo()
    delete(dock, found, 1)
    qtbot.waitUntil(lambda: panel.current.hand.count.erased == 1)

    assert not saved_hand(duplicate, tmp_path / "a_nuclei.tif").any()
    duplicate.data_setitem(np.nonzero(duplicate.data == 2), 0)
    assert saved_hand(duplicate, tmp_path / "b_nuclei.tif").any()


def test_what_is_lazy_is_not_read_to_be_offered(viewer, dock, image):
    read = []

    def plane(number):
        read.append(number)
        return np.zeros((256, 256), np.int32)

    planes = [da.from_delayed(delayed(plane)(n), (256, 256), int) for n in range(9)]
    viewer.add_labels(da.stack(planes), name="stack")
    before = len(read)

    dock.results.take_up.look()
    image.visible = False

    assert len(read) == before
