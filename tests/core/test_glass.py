"""What is no tissue is glass to the network, whatever window it is read in."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_monuseg.core.image import TissueImage

TISSUE, PEN = (200, 120, 160), (20, 40, 170)
ALL = slice(None), slice(None)


def blots(seed, shape, size):
    noise = np.random.default_rng(seed).random(shape)
    return (ndimage.gaussian_filter(noise, size) > 0.5)[..., None]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    rows=st.tuples(st.integers(0, 150), st.integers(1, 60)),
    columns=st.tuples(st.integers(0, 138), st.integers(1, 60)),
)
def test_a_pixel_does_not_depend_on_the_window(seed, rows, columns):
    shape = (151, 139)
    drawn = np.where(blots(seed, shape, 2), PEN, TISSUE)
    rgb = np.where(blots(seed + 1, shape, 12), 0, drawn).astype(np.uint8)
    window = tuple(
        slice(start, min(side, start + length))
        for side, (start, length) in zip(shape, (rows, columns), strict=True)
    )
    image = TissueImage.from_array(rgb).for_network(None)

    assert np.array_equal(image.read(*window), image.read(*ALL)[window])


def test_the_image_itself_is_left_as_it_is():
    rgb = np.full((200, 300, 3), TISSUE, np.uint8)
    rgb[:50], rgb[80:90, 40:200] = 0, PEN
    before = rgb.copy()
    image = TissueImage.from_array(rgb)

    seen = image.for_network(None).read(*ALL)

    assert (seen[:50] == 255).all()
    assert (seen[80:90, 40:200] == 255).all()
    assert np.array_equal(rgb, before)
    assert np.array_equal(image.read(*ALL), before)
