"""Nuclei are whole, without holes, and the same however the image is cut."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core import instances as instances_module
from napari_monuseg.core.instances import InstanceOptions, find_nuclei
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.progress import finish
from napari_monuseg.core.separation import labels_with_holes

EVERYTHING = InstanceOptions(smallest_nucleus_um2=0)


def maps_of(foreground, distance=None, pixel_size=None):
    given_distance = foreground if distance is None else distance
    return NucleusMaps(
        foreground=np.asarray(foreground, np.float16),
        distance=np.asarray(given_distance, np.float16),
        pixel_size=pixel_size,
    )


def random_maps(seed, shape=(120, 140), grain=3.0):
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=shape), grain)
    rough = ndimage.gaussian_filter(random.normal(size=shape), 1)
    logits = smooth / smooth.std()
    distance = logits + 0.4 * rough / rough.std()
    return maps_of(1 / (1 + np.exp(-2 * logits)), 1 / (1 + np.exp(-distance)))


def partition(labels):
    """Return labels named by their first pixels, so that numbering is no matter."""
    numbers, first, place = np.unique(labels, return_index=True, return_inverse=True)
    named = np.where(numbers == 0, -1, first)
    return named[place.reshape(labels.shape)]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    block=st.integers(16, 140),
    threshold=st.sampled_from([0.2, 0.5, 0.7]),
    grain=st.sampled_from([1.5, 3.0, 6.0]),
)
def test_partition_does_not_depend_on_the_blocks(seed, block, threshold, grain):
    maps = random_maps(seed, grain=grain)
    options = InstanceOptions(foreground_threshold=threshold, seed_prominence=0.1)

    whole = finish(find_nuclei(maps, options))
    cut = finish(find_nuclei(maps, options, block=block))

    assert np.array_equal(partition(whole), partition(cut))
    assert np.array_equal(np.unique(cut), np.arange(cut.max() + 1))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6))
def test_every_nucleus_is_one_piece_without_holes(seed):
    labels = finish(find_nuclei(random_maps(seed), EVERYTHING))

    for number in range(1, labels.max() + 1):
        own = labels == number
        assert ndimage.label(own)[1] == 1
        assert np.array_equal(ndimage.binary_fill_holes(own, np.ones((3, 3))), own)


def test_plateaus_are_divided_alike_however_they_are_cut():
    # Equal values everywhere: only the order of flooding decides.
    foreground = np.ones((60, 60))
    distance = np.zeros((60, 60))
    distance[10:14, 10:14] = distance[40:44, 44:48] = distance[12:15, 50:53] = 1
    maps = maps_of(foreground, distance)

    whole = finish(find_nuclei(maps, EVERYTHING))
    cut = finish(find_nuclei(maps, EVERYTHING, block=17))

    assert whole.max() == 3
    assert np.array_equal(partition(whole), partition(cut))


def test_touching_nuclei_are_separated_where_the_distance_falls():
    rows, columns = np.mgrid[:40, :80]
    left = np.hypot(rows - 20, columns - 25)
    right = np.hypot(rows - 20, columns - 55)
    foreground = (np.minimum(left, right) < 17).astype(float)
    distance = np.clip(1 - np.minimum(left, right) / 17, 0, 1)

    labels = finish(find_nuclei(maps_of(foreground, distance), EVERYTHING))

    assert labels.max() == 2
    assert labels[20, 25] != labels[20, 55]
    assert labels[20, 39] == labels[20, 25]
    assert labels[20, 41] == labels[20, 55]


def test_foreground_without_a_seed_is_still_a_nucleus():
    foreground = np.zeros((20, 20))
    foreground[5:15, 5:15] = 0.9

    labels = finish(find_nuclei(maps_of(foreground, foreground * 0), EVERYTHING))

    assert labels.max() == 1
    assert (labels > 0).sum() == 100


@pytest.mark.parametrize(
    ("pixel_size", "kept"), [(None, True), (0.25, True), (0.5, True), (0.1, False)]
)
def test_smallest_nucleus_is_an_area_in_square_micrometres(pixel_size, kept):
    foreground = np.zeros((20, 20))
    foreground[5:13, 5:13] = 1  # 64 px: 4 µm² at 0.25 µm/px
    options = InstanceOptions(smallest_nucleus_um2=4.0)

    labels = finish(find_nuclei(maps_of(foreground, pixel_size=pixel_size), options))

    assert bool(labels.any()) is kept


def test_a_nucleus_inside_another_goes_with_its_hole():
    foreground = np.zeros((40, 40))
    foreground[4:36, 4:36] = 1
    foreground[8:32, 8:32] = 0
    foreground[16:24, 16:24] = 1
    maps = maps_of(foreground, foreground * 0)

    whole = finish(find_nuclei(maps, EVERYTHING))
    cut = finish(find_nuclei(maps, EVERYTHING, block=13))

    assert whole.max() == cut.max() == 1
    assert (whole[4:36, 4:36] == 1).all()
    assert np.array_equal(whole, cut)


def test_components_beyond_the_stated_size_are_cut_at_the_blocks(monkeypatch):
    monkeypatch.setattr(instances_module, "LARGEST_COMPONENT", 50)
    maps = maps_of(np.ones((100, 100)))

    labels = finish(find_nuclei(maps, EVERYTHING, block=40))

    assert (labels > 0).all()
    assert labels.max() == 9


def test_empty_maps_have_no_nuclei():
    labels = finish(find_nuclei(maps_of(np.zeros((30, 50))), InstanceOptions()))

    assert labels.shape == (30, 50)
    assert labels.dtype == np.int32
    assert not labels.any()


def test_labels_with_holes_are_told_by_their_euler_number():
    labels = np.zeros((30, 60), np.int32)
    labels[2:12, 2:12] = 1
    labels[14:28, 2:16] = 2
    labels[18:22, 6:10] = 0
    labels[4:20, 30:50] = 3
    labels[8:12, 36:40] = 4

    assert labels_with_holes(labels).tolist() == [2, 3]
