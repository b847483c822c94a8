"""Delete, split, merge, add: what changes, and what never does."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import disk, line

from napari_monuseg.core.corrections import (
    add_at,
    add_outline,
    delete_nucleus,
    merge_under,
    split_along,
    split_by_shape,
)
from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.merging import LARGEST_SPAN
from napari_monuseg.core.separation import labels_with_holes

NEXT = 500


def discs(*nuclei, shape=(96, 96)):
    """Give labels with a disc (row, column, radius) each, numbered from 1."""
    labels = np.zeros(shape, np.int32)
    for number, (row, column, radius) in enumerate(nuclei, 1):
        labels[disk((row, column), radius, shape=shape)] = number
    return labels


def pieces(mask):
    return ndimage.label(mask)[1]


def ids(labels):
    return set(np.unique(labels).tolist()) - {0}


def assert_partition(before, after, number):
    """The parts of one nucleus are 4-connected, share its pixels, and have fresh ids;
    nothing else has changed."""
    nucleus = before == number
    assert np.array_equal(before[~nucleus], after[~nucleus])
    parts = ids(after[nucleus])
    assert (after[nucleus] > 0).all()
    assert all(pieces(after == part) == 1 for part in parts)
    assert all(part == number or part >= NEXT for part in parts)
    sizes = {part: (after == part).sum() for part in parts}
    assert sizes[number] == max(sizes.values())
    return parts


def nuclei():
    """Unions of discs: round, long, bent, lobed; and a neighbour that touches some."""
    centre = st.tuples(st.integers(16, 80), st.integers(16, 80), st.integers(2, 14))
    return st.lists(centre, min_size=1, max_size=4).map(one_nucleus)


def one_nucleus(lobes):
    labels = np.zeros((96, 96), np.int32)
    for (row, column, _), (to_row, to_column, _) in pairwise(lobes):
        rows, columns = line(row, column, to_row, to_column)
        for shift in (-1, 0, 1):
            labels[rows + shift, columns] = 7
    for row, column, radius in lobes:
        labels[disk((row, column), radius)] = 7
    labels[ndimage.binary_fill_holes(labels)] = 7  # between two lines
    neighbour = np.zeros_like(labels)
    neighbour[disk((lobes[0][0], 60), 20, shape=labels.shape)] = 3
    return np.where(labels, labels, neighbour)


points = st.tuples(st.floats(-10, 106), st.floats(-10, 106))


class TestDelete:
    def test_the_nucleus_goes_and_the_others_stay(self):
        labels = discs((30, 30, 10), (30, 51, 10))

        after = delete_nucleus(labels, (30, 35)).apply(labels)

        assert np.array_equal(after, np.where(labels == 1, 0, labels))

    def test_only_the_piece_under_the_cursor_goes(self):
        labels = discs((30, 30, 8), (70, 70, 8))
        labels[labels > 0] = 4

        after = delete_nucleus(labels, (30, 30)).apply(labels)

        assert after[30, 30] == 0
        assert after[70, 70] == 4

    def test_a_pixel_that_hangs_on_by_a_corner_goes_as_well(self):
        labels = np.zeros((9, 9), np.int32)
        labels[2:4, 2:4] = labels[4, 4] = 1

        assert not delete_nucleus(labels, (2, 2)).apply(labels).any()

    def test_a_nucleus_of_any_size_goes_whole(self):
        labels = discs((150, 150, 140), shape=(300, 300))

        edit = delete_nucleus(labels, (150, 11))

        assert edit.values.size == (labels > 0).sum()
        assert not edit.apply(labels).any()

    def test_the_labels_themselves_are_not_touched(self):
        labels = discs((30, 30, 10))
        before = labels.copy()

        delete_nucleus(labels, (30, 30))

        assert np.array_equal(labels, before)

    @pytest.mark.parametrize("point", [(5, 5), (-1, 30), (30, 96), (1e9, -1e9)])
    def test_where_there_is_none_a_sentence_says_so(self, point):
        with pytest.raises(CorrectionError, match="no nucleus here"):
            delete_nucleus(discs((30, 30, 10)), point)


class TestSplitAlong:
    def test_the_line_s_pixels_are_divided(self):
        labels = discs((30, 30, 10))

        after = split_along(labels, [(30, 15), (30, 45)], NEXT).apply(labels)

        assert assert_partition(labels, after, 1) == {1, NEXT}
        assert after[25, 30] != after[35, 30]

    def test_the_larger_part_keeps_the_id(self):
        labels = discs((30, 30, 10))

        after = split_along(labels, [(25, 15), (25, 45)], NEXT).apply(labels)

        assert after[32, 30] == 1
        assert after[22, 30] == NEXT

    def test_a_bent_line_makes_several_parts(self):
        labels = discs((30, 30, 15))
        zigzag = [(10, 25), (50, 25), (50, 35), (10, 35)]

        after = split_along(labels, zigzag, NEXT).apply(labels)

        assert assert_partition(labels, after, 1) == {1, NEXT, NEXT + 1}

    def test_one_line_splits_each_nucleus_it_crosses(self):
        labels = discs((30, 25, 10), (30, 60, 10))

        edit = split_along(labels, [(30, 5), (30, 90)], NEXT)

        assert ids(edit.apply(labels)) == {1, 2, NEXT, NEXT + 1}
        assert "2 nuclei" in edit.done

    def test_a_neighbour_that_is_only_entered_stays(self):
        labels = discs((30, 25, 10), (30, 60, 10))

        after = split_along(labels, [(30, 5), (30, 55)], NEXT).apply(labels)

        assert_partition(labels, after, 1)
        assert np.array_equal(after == 2, labels == 2)

    @pytest.mark.parametrize(
        "stroke",
        [
            [(5, 5), (5, 90)],
            [(30, 30), (30, 45)],
            [(21, 15), (21, 45)],
            [(26, 26), (26, 34), (34, 34), (34, 26), (26, 26)],
            [(30, 30)],
            [],
        ],
        ids=["beside", "ends inside", "grazes", "a loop inside", "a dot", "nothing"],
    )
    def test_a_line_that_does_not_cut_is_a_sentence(self, stroke):
        with pytest.raises(CorrectionError, match="does not cut"):
            split_along(discs((30, 30, 10)), stroke, NEXT)

    @settings(max_examples=60, deadline=None)
    @given(labels=nuclei(), stroke=st.lists(points, min_size=2, max_size=6))
    def test_whatever_is_cut_the_parts_divide_it(self, labels, stroke):
        try:
            after = split_along(labels, stroke, NEXT).apply(labels)
        except CorrectionError:
            return
        first = np.where(labels == 7, after, labels)
        second = np.where(labels == 3, after, labels)
        assert_largest_piece_partition(labels, first, 7)
        assert_largest_piece_partition(labels, second, 3)


def assert_largest_piece_partition(before, after, number):
    """As `assert_partition`, where a nucleus may lie there in several pieces."""
    nucleus = before == number
    assert np.array_equal(before[~nucleus], after[~nucleus])
    assert (after[nucleus] > 0).all()
    fresh = ids(after[nucleus]) - {number}
    assert all(part >= NEXT and pieces(after == part) == 1 for part in fresh)
    assert pieces(after == number) <= pieces(nucleus)


class TestSplitByShape:
    def test_two_lobes_part_at_the_waist(self):
        labels = discs((40, 30, 10))
        labels[disk((40, 46), 10)] = 1

        after = split_by_shape(labels, (40, 30), NEXT).apply(labels)

        assert_partition(labels, after, 1)
        assert after[40, 28] != after[40, 48]
        assert ids(after[:, :37]) | ids(after[:, 40:]) == {1, NEXT}
        assert len(ids(after[:, :37])) == len(ids(after[:, 40:])) == 1

    def test_of_three_lobes_the_clearest_waist_is_cut(self):
        labels = discs((40, 20, 9))
        labels[disk((40, 33), 9)] = 1
        labels[disk((40, 53), 9)] = 1
        labels[40, 40:46] = 1

        after = split_by_shape(labels, (40, 20), NEXT).apply(labels)

        assert after[40, 20] == after[40, 33] == 1
        assert after[40, 53] == NEXT

    @pytest.mark.parametrize("angle", [0, 30, 90, 140])
    def test_without_a_waist_the_long_axis_is_halved(self, angle):
        rows, columns = np.mgrid[-48:48, -48:48]
        turn = np.deg2rad(angle)
        along = rows * np.cos(turn) + columns * np.sin(turn)
        across = columns * np.cos(turn) - rows * np.sin(turn)
        inside = (along / 20) ** 2 + (across / 9) ** 2 < 1
        labels = inside.astype(np.int32)

        after = split_by_shape(labels, (48, 48), NEXT).apply(labels)

        assert_partition(labels, after, 1)
        sizes = np.bincount(after.ravel())
        assert sizes[NEXT] > 0.4 * sizes[1]
        ends = after[(along > 12) & inside], after[(along < -12) & inside]
        assert ids(ends[0]) | ids(ends[1]) == {1, NEXT}
        assert len(ids(ends[0])) == len(ids(ends[1])) == 1

    def test_a_speck_is_too_small(self):
        with pytest.raises(CorrectionError, match="too few to be split"):
            split_by_shape(discs((30, 30, 2)), (30, 30), NEXT)

    def test_where_there_is_none_a_sentence_says_so(self):
        with pytest.raises(CorrectionError, match="no nucleus here"):
            split_by_shape(discs((30, 30, 10)), (80, 80), NEXT)

    @settings(max_examples=60, deadline=None)
    @given(labels=nuclei())
    def test_any_nucleus_falls_into_exactly_two(self, labels):
        row, column = np.argwhere(labels == 7)[0]
        try:
            after = split_by_shape(labels, (row, column), NEXT).apply(labels)
        except CorrectionError:
            assert (labels == 7).sum() < 16
            return
        assert assert_partition(labels, after, 7) == {7, NEXT}


class TestMerge:
    def test_touching_nuclei_become_one_with_the_id_of_the_largest(self):
        labels = discs((30, 30, 8), (30, 46, 11))

        edit = merge_under(labels, [(30, 28), (30, 48)])

        after = edit.apply(labels)
        assert ids(after) == {2}
        assert pieces(after) == 1
        assert edit.done == "2 nuclei joined"

    @pytest.mark.parametrize("gap", [1, 4, 10, 16])
    def test_a_gap_is_bridged(self, gap):
        labels = np.zeros((60, 96), np.int32)
        labels[20:40, 10:30] = 1
        labels[25:35, 30 + gap : 55 + gap] = 2

        after = merge_under(labels, [(30, 15), (30, 50 + gap)]).apply(labels)

        assert ids(after) == {1}
        assert pieces(after) == 1
        assert (after > 0).sum() - (labels > 0).sum() <= 20 * (gap + 2)

    def test_too_wide_a_gap_is_a_sentence(self):
        labels = discs((30, 20, 8), (30, 70, 8))

        with pytest.raises(CorrectionError, match=r"are 8\.8 µm apart, and 4 µm is"):
            merge_under(labels, [(30, 20), (30, 70)])

    @pytest.mark.parametrize(("gap", "size"), [(8, 0.5), (40, 0.1)])
    def test_how_wide_a_gap_may_be_is_told_in_micrometres(self, gap, size):
        def two(gap):
            labels = np.zeros((30, 100), np.int32)
            labels[10:20, 10:20] = 1
            labels[10:20, 20 + gap : 30 + gap] = 2
            return labels

        stroke = [(15, 15), (15, 25 + gap)]

        after = merge_under(two(gap), stroke, pixel_size=size).apply(two(gap))

        assert ids(after) == {1}
        with pytest.raises(CorrectionError, match="µm apart"):
            merge_under(two(gap + 1), stroke, pixel_size=size)

    def test_what_lies_between_is_not_painted_over(self):
        labels = discs((30, 20, 8), (30, 40, 8))
        labels[10:50, 30] = 3
        around = [(30, 20), (5, 20), (5, 40), (30, 40)]

        with pytest.raises(CorrectionError, match="lies between"):
            merge_under(labels, around)

    def test_a_ring_of_nuclei_is_filled_but_not_what_is_in_it(self):
        labels = np.zeros((60, 60), np.int32)
        labels[10:40, 10:40] = 1
        labels[15:35, 15:35] = 0
        labels[10:40, 25:40] = np.where(labels[10:40, 25:40], 2, 0)
        labels[20:25, 20:25] = 3

        after = merge_under(labels, [(12, 12), (12, 38)]).apply(labels)

        assert np.array_equal(after == 3, labels == 3)
        assert (after[10:40, 10:40] > 0).all()
        assert pieces(after == after[12, 12]) == 1

    @pytest.mark.parametrize("stroke", [[(30, 28), (30, 32)], [(80, 5), (80, 9)], []])
    def test_fewer_than_two_are_a_sentence(self, stroke):
        with pytest.raises(CorrectionError, match="fewer than two"):
            merge_under(discs((30, 30, 8), (30, 60, 8)), stroke)

    def test_nuclei_all_over_the_image_are_a_sentence(self):
        shape = (20, LARGEST_SPAN + 100)
        labels = discs((10, 10, 8), (10, shape[1] - 10, 8), shape=shape)

        with pytest.raises(CorrectionError, match="span"):
            merge_under(labels, [(10, 10), (10, shape[1] - 10)])

    @settings(max_examples=60, deadline=None)
    @given(
        nuclei=st.lists(
            st.tuples(st.integers(10, 85), st.integers(10, 85), st.integers(3, 12)),
            min_size=2,
            max_size=6,
        ),
        stroke=st.lists(points, min_size=2, max_size=5),
    )
    def test_nuclei_not_under_the_stroke_never_change(self, nuclei, stroke):
        labels = discs(*nuclei)
        try:
            after = merge_under(labels, stroke).apply(labels)
        except CorrectionError:
            return
        merged = set(labels[after != labels].tolist()) - {0}
        (kept,) = ids(after[after != labels])
        assert kept in ids(labels)
        others = ~np.isin(labels, [0, kept, *merged])
        assert np.array_equal(after[others], labels[others])
        assert pieces(after == kept) <= pieces(labels == kept)


class TestOutline:
    def test_a_nucleus_with_a_fresh_id_fills_the_outline(self):
        labels = discs((70, 70, 8))
        corners = [(10, 10), (10, 30), (25, 30), (25, 10)]

        after = add_outline(labels, corners, NEXT).apply(labels)

        assert (after[11:25, 11:30] == NEXT).all()
        assert (after == NEXT).sum() <= 16 * 21
        assert np.array_equal(after == 1, labels == 1)

    def test_existing_nuclei_keep_their_pixels(self):
        labels = discs((30, 30, 10))
        corners = [(20, 30), (20, 60), (40, 60), (40, 30)]

        after = add_outline(labels, corners, NEXT).apply(labels)

        assert np.array_equal(after == 1, labels == 1)
        assert pieces(after == NEXT) == 1

    def test_of_what_is_free_the_largest_piece_counts(self):
        labels = np.zeros((40, 60), np.int32)
        labels[:, 20:23] = 1

        after = add_outline(labels, [(10, 5), (10, 50), (30, 50), (30, 5)], NEXT)

        assert after.columns.min() > 22

    def test_an_outline_may_leave_the_image(self):
        labels = discs((70, 70, 8))

        after = add_outline(labels, [(-50, -50), (-50, 20), (20, 20), (20, -50)], NEXT)

        assert (after.apply(labels)[:20, :20] == NEXT).all()

    @pytest.mark.parametrize(
        "corners",
        [
            [],
            [(5, 5), (9, 9)],
            [(5, 5), (5, 7), (7, 7)],
            [(28, 28), (28, 32), (32, 32), (32, 28)],
            [(-9, -9), (-9, -2), (-2, -2), (-2, -9)],
        ],
        ids=["nothing", "a line", "a speck", "in a nucleus", "outside"],
    )
    def test_no_room_is_a_sentence(self, corners):
        with pytest.raises(CorrectionError, match="no room"):
            add_outline(discs((30, 30, 10)), corners, NEXT)

    @settings(max_examples=60, deadline=None)
    @given(labels=nuclei(), corners=st.lists(points, min_size=3, max_size=8))
    @example(
        labels=one_nucleus([(20, 39, 2), (16, 39, 2)]),
        corners=[(0, 0), (0, 78), (70, 89)],
    )
    def test_any_outline_adds_one_whole_piece_to_what_is_free(self, labels, corners):
        try:
            after = add_outline(labels, corners, NEXT).apply(labels)
        except CorrectionError:
            return
        added = after == NEXT
        assert not labels[added].any()
        assert np.array_equal(after[~added], labels[~added])
        assert pieces(added) == 1
        # Only what stands inside it may be a hole, with the gaps it leaves within.
        holes = ndimage.binary_fill_holes(added, np.ones((3, 3))) & ~added
        gaps = holes & (labels == 0)
        assert not (ndimage.binary_dilation(gaps) & added).any()


def maps_of(labels, level=1.0):
    """Give maps that see each disc as a smooth hill of a height."""
    distance = ndimage.distance_transform_edt(labels > 0)
    foreground = np.clip(ndimage.gaussian_filter(np.clip(distance / 3, 0, 1), 1), 0, 1)
    return NucleusMaps(
        foreground=(level * foreground).astype(np.float16),
        distance=(level * np.clip(distance / 10, 0, 1)).astype(np.float16),
    )


def overlap(found, truth):
    return (found & truth).sum() / (found | truth).sum()


class TestAddAt:
    @pytest.mark.parametrize("level", [0.9, 0.3, 0.1])
    @pytest.mark.parametrize("at", [(40, 40), (35, 44)])
    def test_however_pale_the_border_is_found(self, level, at):
        truth = discs((40, 40, 10))
        labels = np.zeros_like(truth)

        after = add_at(labels, maps_of(truth, level), at, NEXT).apply(labels)

        assert ids(after) == {NEXT}
        assert overlap(after > 0, truth > 0) > 0.75

    @pytest.mark.parametrize("pixel_size", [0.05, 0.125, 0.5])
    def test_at_any_magnification_the_border_is_found(self, pixel_size):
        def px(length):
            return round(length / pixel_size)

        shape = (px(20), px(30))
        rows, columns = np.indices(shape)
        truth = np.zeros(shape, np.int32)
        for number, column in ((1, px(7)), (2, px(14))):  # 7 µm apart, 6.4 µm wide
            disc = (rows - px(10)) ** 2 + (columns - column) ** 2 < px(3.2) ** 2
            truth[disc] = number
        maps = replace(maps_of(truth, 0.6), pixel_size=pixel_size)
        at = (px(10), px(5.5))  # beside the middle

        after = add_at(np.zeros_like(truth), maps, at, NEXT).apply(truth * 0)

        assert overlap(after == NEXT, truth == 1) > 0.6

    def test_a_neighbour_not_yet_there_is_left_out(self):
        truth = discs((40, 30, 10), (40, 49, 10))
        labels = np.zeros_like(truth)

        after = add_at(labels, maps_of(truth, 0.4), (40, 30), NEXT).apply(labels)

        assert overlap(after == NEXT, truth == 1) > 0.7

    def test_a_neighbour_that_is_there_keeps_its_pixels_and_its_rim(self):
        truth = discs((40, 30, 10), (40, 49, 10))
        labels = np.where(ndimage.binary_erosion(truth == 2), np.int32(2), 0)

        after = add_at(labels, maps_of(truth, 0.9), (40, 30), NEXT).apply(labels)

        assert np.array_equal(after == 2, labels == 2)
        assert pieces(after == NEXT) == 1
        assert overlap(after == NEXT, truth == 1) > 0.7

    def test_the_rim_of_a_nucleus_is_no_nucleus(self):
        truth = discs((40, 40, 10))
        labels = np.where(ndimage.binary_erosion(truth, iterations=2), np.int32(1), 0)

        with pytest.raises(CorrectionError, match="sees nothing"):
            add_at(labels, maps_of(truth), (31, 40), NEXT)

    def test_at_the_edge_of_the_image_there_is_a_border_too(self):
        truth = discs((3, 3, 10))
        labels = np.zeros_like(truth)

        after = add_at(labels, maps_of(truth), (2, 2), NEXT).apply(labels)

        assert after[0, 0] == NEXT
        assert labels_with_holes(after).size == 0

    def test_where_the_network_sees_nothing_a_sentence_says_so(self):
        labels = discs((40, 40, 10))

        with pytest.raises(CorrectionError, match="sees nothing"):
            add_at(np.zeros_like(labels), maps_of(labels), (80, 80), NEXT)

    def test_a_blur_without_a_border_is_no_nucleus(self):
        labels = np.zeros((300, 300), np.int32)
        everywhere = np.full(labels.shape, 0.5, np.float16)
        maps = NucleusMaps(foreground=everywhere, distance=everywhere)

        with pytest.raises(CorrectionError, match="sees nothing"):
            add_at(labels, maps, (150, 150), NEXT)

    def test_a_nucleus_is_not_added_to_a_nucleus(self):
        labels = discs((40, 40, 10))

        with pytest.raises(CorrectionError, match="nucleus already"):
            add_at(labels, maps_of(labels), (40, 40), NEXT)

    def test_outside_is_a_sentence(self):
        labels = discs((40, 40, 10))

        with pytest.raises(CorrectionError, match="outside"):
            add_at(labels, maps_of(labels), (40, 200), NEXT)

    @settings(max_examples=40, deadline=None)
    @given(
        seed=st.integers(0, 2**16),
        row=st.integers(0, 95),
        column=st.integers(0, 95),
        labels=nuclei(),
    )
    def test_whatever_the_maps_say_others_are_unchanged(
        self, seed, row, column, labels
    ):
        random = np.random.default_rng(seed)
        foreground, distance = (
            np.clip(ndimage.gaussian_filter(random.random((96, 96)), 3) * 4 - 1.5, 0, 1)
            for _ in range(2)
        )
        maps = NucleusMaps(
            foreground=foreground.astype(np.float16),
            distance=distance.astype(np.float16),
        )
        try:
            after = add_at(labels, maps, (row, column), NEXT).apply(labels)
        except CorrectionError:
            return
        added = after == NEXT
        assert not labels[added].any()
        assert np.array_equal(after[~added], labels[~added])
        assert pieces(added) == 1
