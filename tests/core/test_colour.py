"""Any tissue image becomes RGB of 8 bits, by one rule for all of its windows."""

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage

ALL = slice(None)


def shown(array):
    return TissueImage.from_array(array).read(ALL, ALL)


def opened(path, array, **options):
    tifffile.imwrite(path, array, **options)
    return TissueImage.open(path).read(ALL, ALL)


def test_rgb_stays_itself(tissue):
    np.testing.assert_array_equal(shown(tissue[0]), tissue[0])


def test_what_is_read_is_a_copy(tissue):
    rgb = tissue[0]
    before = rgb.copy()

    window = shown(rgb)
    window[:] = 0

    assert window.flags.c_contiguous
    np.testing.assert_array_equal(rgb, before)


def test_channels_may_come_first(tissue):
    rgb = tissue[0]

    np.testing.assert_array_equal(shown(np.moveaxis(rgb, -1, 0)), rgb)


def test_greyscale_becomes_three_equal_channels():
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)

    for array in (grey, grey[..., np.newaxis], grey[np.newaxis]):
        np.testing.assert_array_equal(shown(array), np.stack([grey] * 3, axis=-1))


def test_transparent_pixels_are_white_and_half_transparent_ones_lighter():
    rgba = np.array([[[100, 50, 0, 255], [100, 50, 0, 0], [100, 50, 0, 51]]], np.uint8)

    np.testing.assert_array_equal(
        shown(rgba), [[[100, 50, 0], [255, 255, 255], [224, 214, 204]]]
    )


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_16_bits_are_scaled_by_the_depth_in_use(bits):
    white = 2**bits - 1
    image = np.full((3, 4, 3), white // 3, dtype=np.uint16)
    image[0, 0, 0] = white

    rgb = shown(image)

    assert rgb[0, 0, 0] == 255
    assert (rgb[1] == 85).all()


def test_signed_16_bits_have_15():
    image = np.full((3, 4, 3), 2**15 - 1, dtype=np.int16)

    assert (shown(image) == 255).all()


@pytest.mark.parametrize("dtype", [">u2", "<u2", ">f4", "<f8", "f2"])
def test_byte_order_makes_no_difference(dtype):
    image = np.ones((3, 4, 3), dtype=dtype)

    assert (shown(image) == (255 if "f" in dtype else 1)).all()


def test_the_depth_is_that_of_the_whole_image_in_every_window():
    image = np.full((5000, 30), 200, dtype=np.uint16)
    image[4990, 3:9] = 4000
    tissue = TissueImage.from_array(image)

    top = tissue.read(slice(0, 10), slice(0, 10))
    inner = tissue.crop(slice(0, 20), slice(0, 20)).crop(slice(0, 9), slice(0, 9))

    assert (top == round(200 * 255 / 4095)).all()
    assert (inner.read(ALL, ALL) == top[0, 0]).all()


@pytest.mark.parametrize("largest", [4096, 65535])
def test_a_hot_pixel_does_not_darken_an_image(largest):
    image = np.full((400, 500, 3), 3000, dtype=np.uint16)
    image[7, 8] = largest

    rgb = shown(image)

    assert (rgb[0] == round(3000 * 255 / 4095)).all()
    assert (rgb[7, 8] == 255).all()


def test_what_is_bright_in_places_is_no_hot_pixel():
    image = np.full((400, 500, 3), 3000, dtype=np.uint16)
    image[7, 8:11] = 5000  # a hundred-thousandth of the image is two pixels

    assert (shown(image)[0] == round(3000 * 255 / (2**14 - 1))).all()


def test_the_depth_is_found_once():
    class Counting:
        shape, dtype, ndim, reads = (64, 64, 3), np.dtype(np.uint16), 3, 0

        def __getitem__(self, window):
            Counting.reads += 1
            return np.full(self.shape, 1000, np.uint16)[window]

    tissue = TissueImage.from_array(Counting())

    assert Counting.reads == 0
    for _ in range(5):
        tissue.read(slice(0, 8), slice(0, 8))
    assert Counting.reads == 6


def test_colours_show_where_alpha_is_0_everywhere():
    rgba = np.full((2, 3, 4), (100, 50, 0, 0), np.uint8)

    assert (shown(rgba) == (100, 50, 0)).all()


def test_opaque_alpha_of_16_bits_does_not_darken_12_bit_colours():
    rgba = np.full((2, 2, 4), 4095, dtype=np.uint16)
    rgba[..., 3] = 65535

    assert (shown(rgba) == 255).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_run_from_0_to_1(dtype):
    image = np.array([[0, 0.2, 1, 1.001, -0.001]], dtype=dtype)

    np.testing.assert_array_equal(shown(image)[0, :, 0], [0, 51, 255, 255, 0])


@given(value=st.integers(0, 255))
def test_8_bits_survive_as_floats_and_as_16_bits(value):
    grey = np.full((1, 2), value, dtype=np.uint8)
    grey[0, 1] = 255
    wide = grey.astype(np.uint16) * 257

    assert (shown(grey / np.float32(255)) == shown(grey)).all()
    assert (shown(wide) == shown(grey)).all()


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.full((4, 4), np.nan), "values that are no numbers"),
        (np.full((4, 4), np.inf), "floats from inf"),
        (np.full((4, 4, 3), 255.0), "floats from 255 to 255; they must run from 0 to"),
        (np.full((4, 4), -0.1), "floats from -0.1"),
        (np.full((4, 4), -3, np.int16), "negative"),
        (np.ones((4, 4), bool), "a mask"),
        (np.ones((4, 4), np.int8), "int8"),
        (np.ones((4, 4), np.int32), "holds int32 values, as labels"),
        (np.ones((4, 4), np.uint64), "uint64"),
        (np.ones((4, 4), complex), "complex128"),
        (np.array([["a", "b"]]), "<U1"),
        (np.ones((0, 4, 3), np.uint8), r"empty \(0×4 px\)"),
        (np.ones((4, 0), np.uint8), "empty"),
    ],
)
def test_what_is_no_tissue_is_refused_in_a_sentence(array, sentence):
    with pytest.raises(ImageError, match=f"^image .*{sentence}"):
        shown(array)


def test_one_value_out_of_range_is_enough():
    image = np.full((9, 9, 3), 0.5, dtype=np.float32)
    image[4, 4, 1] = np.nan

    with pytest.raises(ImageError):
        shown(image)


def test_white_is_zero_is_inverted(tmp_path):
    grey = np.array([[0, 255, 200]], np.uint8)

    rgb = opened(tmp_path / "a.tif", grey, photometric="miniswhite")

    np.testing.assert_array_equal(rgb[0, :, 0], [255, 0, 55])


@pytest.mark.parametrize("widened", [257, 256, 1])
def test_a_palette_gives_its_colours(tmp_path, widened):
    colours = np.zeros((3, 256), dtype=np.uint16)
    colours[:, 7] = np.array([200, 100, 50]) * widened
    grey = np.full((4, 4), 7, dtype=np.uint8)

    rgb = opened(tmp_path / "a.tif", grey, photometric="palette", colormap=colours)

    assert (rgb == (200, 100, 50)).all()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("unassalpha", 214), ("assocalpha", 254), ("unspecified", 50)],
)
def test_the_fourth_channel_of_a_tiff_is_what_the_file_says(tmp_path, kind, expected):
    rgba = np.full((4, 4, 4), (50, 50, 50, 51), dtype=np.uint8)

    rgb = opened(
        tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=[kind], planarconfig=1
    )

    assert (rgb == expected).all()


def test_bits_that_a_tiff_states_are_believed(tmp_path):
    dark = np.full((8, 8 * 3, 1), 100)
    bits = (dark >> np.arange(11, -1, -1) & 1).astype(np.uint8)  # the highest first
    packed = np.packbits(bits.reshape(8, -1), axis=1).tobytes()
    form = {"shape": (8, 8, 3), "dtype": np.uint16, "bitspersample": 12}

    rgb = opened(tmp_path / "a.tif", iter([packed]), photometric="rgb", **form)

    assert rgb.shape == (8, 8, 3)
    assert (rgb == round(100 * 255 / 4095)).all()
