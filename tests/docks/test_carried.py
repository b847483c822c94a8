"""Hand work goes on in runs on the same area of the image, and on others."""

import numpy as np
import pytest
from hands import nuclei, press, run

from napari_monuseg.areas import Area
from napari_monuseg.core.autosave import read_about, saved_files
from napari_monuseg.docks.reviewed import mark, reviewed_mask
from napari_monuseg.docks.reviewed_areas import find_areas

LEFT = Area(slice(20, 236), slice(0, 140))
RIGHT = Area(slice(0, 256), slice(130, 256))
WHOLE = Area(slice(0, 256), slice(0, 256))


@pytest.fixture
def run_on(qtbot, viewer, dock, image, stage):
    def act(area):
        dock.area.area = lambda _: area
        run(qtbot, dock)
        return nuclei(viewer)[-1]

    return act


def whole_nucleus(layer, margin=3):
    """Give a nucleus that lies well inside of a layer, as a mask."""
    data = layer.data
    edge = {0, *np.unique(np.concatenate([data[:margin], data[-margin:]]))}
    edge |= {*np.unique(data[:, :margin]), *np.unique(data[:, -margin:])}
    number = next(one for one in np.unique(data) if one not in edge)
    return data == number


def delete_one(layer):
    """Delete a nucleus; give its pixels."""
    mask = whole_nucleus(layer)
    layer.data_setitem(np.nonzero(mask), 0)
    return mask


def draw_one(layer, number=900):
    """Draw a nucleus on background; give its pixels."""
    free = np.argwhere(
        [
            [not layer.data[r : r + 6, c : c + 6].any() for c in range(10, 100)]
            for r in range(30, 110)
        ]
    )
    top, left = free[0] + (30, 10)
    mask = np.zeros(layer.data.shape, bool)
    mask[top : top + 5, left : left + 5] = True
    layer.data_setitem(np.nonzero(mask), number)
    return mask


def at_the_right_edge(layer, row):
    """Give pixels at the right edge of a layer."""
    mask = np.zeros(layer.data.shape, bool)
    mask[row - 3 : row + 4, -7:] = True
    return mask


def on_image(mask, area):
    whole = np.zeros((256, 256), bool)
    whole[area.rows, area.columns] = mask
    return whole


def test_a_larger_area_has_it_and_hides_the_smaller(viewer, dock, run_on):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)
    drawn = on_image(draw_one(left), LEFT)

    whole = run_on(WHOLE)

    assert not whole.data[deleted].any()
    assert len(np.unique(whole.data[drawn])) == 1
    assert (whole.data == whole.data[drawn][0]).sum() == drawn.sum()
    assert not left.visible
    assert dock.results.current.hand.count == (1, 1)


def test_what_was_reviewed_is_learned_from_as_it_was_corrected(
    qtbot, viewer, dock, image, run_on
):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)
    box = np.array([[20, 0], [20, 140], [236, 140], [236, 0]]) - 0.5
    mark(viewer, image, [box])

    whole = run_on(WHOLE)

    (area,) = find_areas(viewer.layers)
    assert area.nuclei is whole
    assert not whole.data[deleted & area.reviewed].any()
    assert reviewed_mask(dock.results.current)[LEFT.rows, LEFT.columns].all()


def test_that_of_several_areas_is_put_together(viewer, dock, run_on):
    left = run_on(LEFT)
    first = on_image(delete_one(left), LEFT)
    mine = on_image(draw_one(left), LEFT)
    right = run_on(RIGHT)
    second = on_image(delete_one(right), RIGHT)
    theirs = on_image(draw_one(right), RIGHT)

    whole = run_on(WHOLE)

    assert not whole.data[first | second].any()
    numbers = {*np.unique(whole.data[mine]), *np.unique(whole.data[theirs])}
    assert len(numbers) == 2
    assert 0 not in numbers
    assert dock.results.current.hand.count == (2, 2)


def test_that_of_all_that_are_shown_on_the_same_area_is_put_together(
    viewer, dock, run_on, stage
):
    first = run_on(WHOLE)
    second = run_on(WHOLE)
    deleted = delete_one(second)
    first.visible = True
    viewer.layers.selection.active = first
    drawn = draw_one(first)

    third = run_on(WHOLE)

    assert not third.data[deleted].any()
    assert (third.data == third.data[drawn][0]).sum() == drawn.sum()
    assert dock.results.count.text().endswith("1 by hand, 1 place erased")
    assert not first.visible
    assert not second.visible
    assert dock.progress.text.text().startswith("Done")


def test_what_one_took_back_of_another_does_not_return(viewer, dock, run_on):
    first = run_on(WHOLE)
    drawn = draw_one(first)
    second = run_on(WHOLE)
    second.data_setitem(np.nonzero(drawn), 0)
    first.visible = True  # to compare
    viewer.layers.selection.active = second

    third = run_on(WHOLE)

    assert not third.data[drawn].any()
    assert "other hand work" not in said(dock)


def test_an_older_layer_at_work_goes_with_all_that_is_shown(viewer, run_on):
    layers, squares = [], [(10, 10), (200, 200), (100, 20), (20, 200)]
    for square in squares[:3]:
        layers.append(run_on(WHOLE))
        draw_square(layers[-1], *square)
    layers[0].visible = True
    viewer.layers.selection.active = layers[0]
    draw_square(layers[0], *squares[3])

    again = run_on(WHOLE)

    for top, left in squares:
        assert len(np.unique(again.data[top : top + 8, left : left + 8])) == 1
        assert again.data[top, left]
    assert not layers[1].visible


def draw_square(layer, top, left):
    rows, columns = np.mgrid[top : top + 8, left : left + 8]
    layer.data_setitem((rows.ravel(), columns.ravel()), layer.data.max() + 1)


def test_what_is_deleted_does_not_return_where_an_older_layer_was_reviewed(
    viewer, run_on, image
):
    first = run_on(WHOLE)
    draw_one(first)
    mark(viewer, image, [np.array([[0, 0], [0, 255], [255, 255], [255, 0]])])
    second = run_on(WHOLE)
    deleted = delete_one(second)
    first.visible = True
    viewer.layers.selection.active = first

    third = run_on(WHOLE)

    assert not third.data[deleted].any()


def test_a_nucleus_that_an_area_cuts_covers_nothing(viewer, dock, run_on):
    left = run_on(LEFT)
    edge = at_the_right_edge(left, 100)
    left.data_setitem(np.nonzero(edge), 900)

    run_on(WHOLE)

    assert said(dock).startswith("Done")
    assert "other hand work" not in said(dock)


def test_two_corrections_of_one_place_are_told(qtbot, viewer, dock, run_on):
    first = run_on(WHOLE)
    draw_one(first)
    second = run_on(WHOLE)
    first.visible = True
    drawn = draw_one(first, 902)
    second.data_setitem(np.nonzero(np.roll(drawn, 1, 0)), 901)
    viewer.layers.selection.active = second

    run_on(WHOLE)

    qtbot.waitUntil(lambda: "lies where other hand work does" in said(dock))
    assert first.name in said(dock)
    assert not first.visible


def said(dock):
    return dock.progress.text.text()


def test_what_another_only_reviewed_does_not_bring_a_nucleus_back(
    viewer, image, run_on
):
    left = run_on(LEFT)
    box = np.array([[20, 0], [20, 140], [236, 140], [236, 0]]) - 0.5
    view = Area(slice(0, 256), slice(20, 256))
    right = run_on(view)
    mark(viewer, image, [box])
    deleted = on_image(delete_one(left), LEFT)
    drawn = on_image(draw_one(right), view)

    whole = run_on(WHOLE)

    assert not whole.data[deleted].any()
    assert whole.data[drawn].all()


def test_what_came_from_another_does_not_come_back_when_it_is_deleted_there(
    viewer, run_on
):
    whole = run_on(WHOLE)
    drawn = draw_one(whole)
    left = run_on(LEFT)
    whole.data_setitem(np.nonzero(drawn), 0)
    viewer.layers.selection.active = left

    again = run_on(WHOLE)

    assert not (again.data[drawn] == 900).any()


def test_a_view_that_moved_a_little_has_it(viewer, run_on):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)

    moved = Area(slice(21, 237), slice(1, 141))
    again = run_on(moved)

    assert not again.data[deleted[moved.rows, moved.columns]].any()
    assert left.visible


def test_a_part_of_what_was_corrected_has_it(viewer, run_on):
    whole = run_on(WHOLE)
    deleted = delete_one(whole)[LEFT.rows, LEFT.columns]
    drawn = draw_one(whole)[LEFT.rows, LEFT.columns]
    mask = np.ones((216, 140), bool)
    rows, columns = np.nonzero(drawn)
    mask[rows.min() - 2 : rows.max() + 3, columns.min() - 2 : columns.max() + 3] = False
    assert not (deleted & ~mask).any()

    area = Area(LEFT.rows, LEFT.columns, mask)
    part = run_on(area)

    assert not part.data[deleted].any()
    assert not part.data[drawn].any()  # nobody wants nuclei there
    assert whole.visible
    part.data_setitem(np.nonzero(drawn), 901)
    again = run_on(area)  # what was drawn in the very same area stays
    assert (again.data[drawn] == 901).all()


def test_what_lies_around_a_drawn_area_stays_in_sight(viewer, run_on):
    left = run_on(LEFT)
    delete_one(left)
    mask = np.zeros((256, 256), bool)
    mask[:, 100:] = True

    run_on(Area(WHOLE.rows, WHOLE.columns, mask))

    assert left.visible


def test_hidden_nuclei_and_those_of_other_images_have_no_part_in_it(
    viewer, dock, run_on, tissue
):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)
    left.visible = False
    assert run_on(WHOLE).data[deleted].any()

    left.visible = True
    viewer.add_image(tissue[0], rgb=True, name="other")
    assert run_on(WHOLE).data[deleted].any()


def test_a_second_run_there_goes_on_from_the_first(qtbot, viewer, dock, run_on):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)
    whole = run_on(WHOLE)
    again = delete_one(whole)

    third = run_on(WHOLE)

    assert not third.data[deleted | again].any()
    viewer.layers.remove(third)
    assert whole.visible
    assert not left.visible


def test_edits_made_while_it_is_put_together_are_in_it(qtbot, dock, run_on, stage):
    left = run_on(LEFT)
    first = on_image(delete_one(left), LEFT)
    stage.go_on.clear()
    dock.area.area = lambda _: WHOLE
    press(qtbot, dock.run_button)
    second = on_image(delete_one(left), LEFT)
    stage.go_on.set()
    qtbot.waitUntil(lambda: not dock.running)

    assert not dock.results.current.layer.data[first | second].any()


def test_it_goes_on_by_way_of_other_runs(viewer, run_on):
    left = run_on(LEFT)
    deleted = on_image(delete_one(left), LEFT)
    drawn = on_image(draw_one(left), LEFT)
    run_on(WHOLE)
    run_on(WHOLE)  # of which the earlier one, and what it came from, are hidden

    part = run_on(Area(slice(10, 250), slice(0, 200)))

    rows, columns = slice(10, 250), slice(0, 200)
    assert not part.data[deleted[rows, columns]].any()
    assert len({0, *np.unique(part.data[drawn[rows, columns]])}) == 2
    assert part.data[drawn[rows, columns]].all()


def test_what_lies_below_stays_hidden_when_one_between_is_removed(viewer, run_on):
    left = run_on(LEFT)
    between = run_on(WHOLE)
    last = run_on(WHOLE)

    viewer.layers.remove(between)
    assert (left.visible, last.visible) == (False, True)

    viewer.layers.remove(last)
    assert left.visible


def test_a_file_whose_hand_work_a_second_run_has_goes(qtbot, dock, run_on):
    autosave = dock.results.autosave
    autosave._timer.stop()

    def look():
        autosave.look()
        qtbot.waitUntil(lambda: not autosave._slot.busy)

    delete_one(run_on(LEFT))
    look()
    run_on(WHOLE)
    run_on(WHOLE)  # before that of the first was saved

    for _ in range(4):
        look()

    (path,) = saved_files()
    assert read_about(path).shape == (256, 256)


def remove_and_restore(qtbot, viewer, dock, layer):
    viewer.layers.remove(layer)
    qtbot.waitUntil(lambda: not dock.offer.isHidden())
    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(dock.offer.isHidden()))
    return nuclei(viewer)[-1]


def test_what_is_restored_hides_what_it_goes_on_from(qtbot, viewer, dock, run_on):
    left = run_on(LEFT)
    delete_one(left)
    whole = run_on(WHOLE)
    delete_one(whole)

    whole = remove_and_restore(qtbot, viewer, dock, whole)
    assert whole.data.shape == (256, 256)
    assert not left.visible

    viewer.layers.remove(whole)
    assert left.visible


def test_what_was_edited_later_stays_above_what_is_restored_after_it(
    qtbot, viewer, dock, image, run_on
):
    rgb, facts = image.data, {"name": "colon", "rgb": True}
    deleted = delete_one(run_on(WHOLE))
    drawn = on_image(draw_one(run_on(LEFT)), LEFT)
    viewer.layers.clear()
    viewer.add_image(rgb, **facts)

    for count in (1, 2):
        press(qtbot, dock.offer.restore_button)
        qtbot.waitUntil(lambda: len(nuclei(viewer)) == count)  # noqa: B023

    below, above = nuclei(viewer)
    assert (below.data.shape, above.data.shape) == ((256, 256), LEFT.shape)
    assert dock.results.current.layer is above
    assert viewer.layers.selection.active is above
    again = run_on(WHOLE)
    assert not again.data[deleted].any()
    assert again.data[drawn].all()


@pytest.mark.parametrize("area", [LEFT, WHOLE])
def test_what_is_restored_hides_no_hand_work_that_it_lacks(
    qtbot, viewer, dock, run_on, area
):
    whole = run_on(WHOLE)
    delete_one(whole)
    viewer.layers.remove(whole)
    qtbot.waitUntil(lambda: not dock.offer.isHidden())
    later = run_on(area)
    draw_one(later)

    press(qtbot, dock.offer.restore_button)
    qtbot.waitUntil(lambda: bool(dock.offer.isHidden()))

    assert nuclei(viewer)[-1].data.shape == (256, 256)
    assert later.visible


def test_a_nucleus_that_the_edge_cuts_comes_back_whole(viewer, dock, run_on):
    whole = run_on(WHOLE)
    mask = whole_nucleus(whole, margin=20)
    columns = np.nonzero(mask.any(axis=0))[0]
    edge = int(columns[columns.size // 2])
    stood = whole.data.copy()
    viewer.layers.remove(whole)
    part = run_on(Area(slice(0, 256), slice(0, edge)))
    part.data_setitem(np.nonzero(mask[:, :edge] & (part.data > 0)), 0)

    whole = run_on(WHOLE)

    assert np.array_equal(whole.data > 0, stood > 0)


def test_of_several_painted_in_one_number_each_is_a_nucleus(viewer, run_on):
    left = run_on(LEFT)
    number = left.selected_label
    inside = on_image(draw_one(left, number), LEFT)
    rows = range(30, 180)
    edge = next(r for r in rows if not left.data[r - 5 : r + 6, 130:].any())
    left.data_setitem(np.nonzero(at_the_right_edge(left, edge)), number)

    whole = run_on(WHOLE)

    # That at the edge is cut, and no reason to lose the other one.
    assert len(np.unique(whole.data[inside])) == 1
    assert whole.data[inside].all()


@pytest.fixture
def save(qtbot, dock):
    """Look whether anything is to be saved, which the dock does only when told to."""
    autosave = dock.results.autosave
    autosave._timer.stop()

    def act(times=1):
        for _ in range(times):
            autosave.look()
            qtbot.waitUntil(lambda: not autosave._slot.busy)

    return act


def saved_areas():
    return sorted(read_about(path).shape for path in saved_files())


def shape_of(area):
    return (area.rows.stop - area.rows.start, area.columns.stop - area.columns.start)


def test_what_a_larger_area_has_is_saved_and_exported_with_it_alone(
    qtbot, dock, run_on, save, tmp_path
):
    left = run_on(LEFT)
    delete_one(left)
    save()
    whole = run_on(WHOLE)
    save()
    assert saved_areas() == [shape_of(LEFT), shape_of(WHOLE)]  # not for a moment none

    save()
    assert saved_areas() == [shape_of(WHOLE)]

    dock.results.export_button.export(dock.results.current, tmp_path / "all.tif")
    qtbot.waitUntil(lambda: not saved_files())
    save(times=3)
    assert saved_files() == []

    dock._viewer.layers.remove(whole)
    save(times=3)
    assert saved_areas() == [shape_of(LEFT)]


def test_what_was_edited_there_since_is_saved(run_on, save):
    left = run_on(LEFT)
    delete_one(left)
    save()
    run_on(WHOLE)
    delete_one(left)

    save(times=4)

    assert saved_areas() == [shape_of(LEFT), shape_of(WHOLE)]


def test_what_a_larger_area_lacks_stays_saved(dock, run_on, save):
    left = run_on(LEFT)
    # The edge of the area cuts it, and so it does not go on.
    left.data_setitem((np.arange(100, 110), np.full(10, 139)), 900)
    delete_one(left)
    save()
    run_on(WHOLE)

    save(times=4)

    assert dock.results.current.hand.count == (0, 1)
    assert saved_areas() == [shape_of(LEFT), shape_of(WHOLE)]


def test_what_another_area_has_besides_stays_saved(run_on, save):
    left = run_on(LEFT)
    # All that was made by hand lies on the other one, but not all of the area.
    left.data_setitem(np.nonzero(whole_nucleus(left, margin=20)), 0)
    save()
    smaller = Area(slice(30, 226), slice(10, 130))
    run_on(smaller)

    save(times=4)

    assert saved_areas() == [shape_of(smaller), shape_of(LEFT)]


def test_what_was_exported_before_it_was_saved_outdates_it_as_well(
    qtbot, dock, run_on, save, tmp_path
):
    left = run_on(LEFT)
    delete_one(left)
    save()
    run_on(WHOLE)

    dock.results.export_button.export(dock.results.current, tmp_path / "all.tif")
    qtbot.waitUntil((tmp_path / "all.tif").exists)
    qtbot.waitUntil(lambda: not dock.results.export_button.busy)
    save(times=4)

    assert saved_files() == []


def test_at_the_end_the_latest_is_saved_last_and_offered_first(viewer, run_on, save):
    del save  # nothing is saved before
    first = run_on(WHOLE)
    left = run_on(LEFT)
    delete_one(left)
    delete_one(first)

    viewer.window.close()

    assert [read_about(path).shape for path in saved_files()] == [
        shape_of(LEFT),
        shape_of(WHOLE),
    ]
