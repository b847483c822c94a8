"""Black that is no tissue is read as glass, and everything else as it is."""

import numpy as np
import pytest

from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.no_data import BLACKEST, SIDE, find_no_data
from napari_monuseg.core.stains import StainReference

WHITE = [255, 255, 255]


def pink(height=200, width=300):
    return np.full((height, width, 3), (200, 120, 160), np.uint8)


def read(rgb):
    return np.where(find_no_data(rgb)[..., None], np.uint8(255), rgb)


def test_tissue_cut_out_by_a_mask_lies_on_glass():
    tissue = pink()
    row, column = np.ogrid[:200, :300]
    outside = (row - 100) ** 2 + (column - 150) ** 2 > 80**2
    cut = np.where(outside[..., None], np.uint8(0), tissue)

    seen = read(cut)

    # Squares come near a circle everywhere but reach no further than it.
    assert (seen[~outside] == tissue[0, 0]).all()
    assert (seen[outside] == WHITE).all(-1).mean() > 0.99


@pytest.mark.parametrize("value", [0, BLACKEST])
def test_a_square_of_black_is_glass_where_it_is_as_wide_as_a_large_nucleus(value):
    rgb = pink()
    rgb[20 : 20 + SIDE, 40 : 40 + SIDE] = value
    rgb[120 : 120 + SIDE - 1, 40:200] = value

    seen = read(rgb)

    expected = rgb.copy()
    expected[20 : 20 + SIDE, 40 : 40 + SIDE] = 255
    assert np.array_equal(seen, expected)


def test_what_is_nearly_black_is_tissue():
    rgb = pink()
    rgb[20:100, 40:120] = (0, 0, BLACKEST + 1)

    assert np.array_equal(read(rgb), rgb)


def test_a_narrow_strip_along_the_edge_is_glass():
    rgb = pink()
    rgb[:, :3] = 0

    seen = read(rgb)

    assert (seen[:, :3] == WHITE).all()
    assert np.array_equal(seen[:, 3:], rgb[:, 3:])


def test_a_black_corner_is_tissue():
    rgb = pink()
    rgb[: SIDE - 1, : SIDE - 1] = 0

    assert np.array_equal(read(rgb), rgb)


def test_black_around_does_not_change_how_tissue_is_stained():
    tissue = np.random.default_rng(0).integers(90, 220, (256, 256, 3)).astype(np.uint8)
    framed = np.zeros((400, 400, 3), np.uint8)
    framed[72:328, 72:328] = tissue
    reference = StainReference(mean=(0.5,) * 3, spread=(0.3,) * 3, strength=0.7)

    tones = [TissueImage.from_array(rgb).tones(reference) for rgb in (tissue, framed)]

    assert np.array_equal(*tones)
