"""PNG, JPEG and their like are read whole, as they are stored."""

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage

ALL = slice(None)


def opened(path, content):
    path.write_bytes(content)
    return TissueImage.open(path).read(ALL, ALL)


@pytest.mark.parametrize(
    ("ending", "encode"),
    [
        ("png", imagecodecs.png_encode),
        ("bmp", imagecodecs.bmp_encode),
        ("jp2", lambda rgb: imagecodecs.jpeg2k_encode(rgb, reversible=True)),
        ("webp", lambda rgb: imagecodecs.webp_encode(rgb, lossless=True)),
    ],
)
def test_lossless_pictures_give_their_pixels(tmp_path, tissue, ending, encode):
    rgb = opened(tmp_path / f"a.{ending}", encode(tissue[0]))

    np.testing.assert_array_equal(rgb, tissue[0])


def test_the_content_counts_not_the_ending(tmp_path, tissue):
    rgb = opened(tmp_path / "a.tif", imagecodecs.png_encode(tissue[0]))

    np.testing.assert_array_equal(rgb, tissue[0])


def test_a_jpeg_gives_nearly_its_pixels(tmp_path):
    colour = np.full((40, 50, 3), (200, 80, 160), dtype=np.uint8)

    rgb = opened(tmp_path / "a.jpg", imagecodecs.jpeg_encode(colour, level=95))

    np.testing.assert_allclose(rgb, colour, atol=2)


def test_a_png_of_16_bits_keeps_them(tmp_path):
    wide = np.full((4, 5, 3), 4095, dtype=np.uint16)
    wide[0] = 2047

    rgb = opened(tmp_path / "a.png", imagecodecs.png_encode(wide))

    assert (rgb[0] == 127).all()
    assert (rgb[1:] == 255).all()


@pytest.mark.parametrize(
    ("channels", "encode"),
    [
        (2, imagecodecs.png_encode),
        (4, imagecodecs.png_encode),
        (4, lambda rgba: imagecodecs.webp_encode(rgba, lossless=True)),
    ],
)
def test_transparent_pixels_are_white(tmp_path, channels, encode):
    picture = np.full((16, 16, channels), 90, dtype=np.uint8)
    picture[:8, :, -1] = 255
    picture[8:, :, -1] = 0

    rgb = opened(tmp_path / "a.png", encode(picture))

    assert (rgb[:8] == 90).all()
    assert (rgb[8:] == 255).all()


def test_a_grey_png_is_rgb(tmp_path):
    grey = np.arange(20, dtype=np.uint8).reshape(4, 5)

    rgb = opened(tmp_path / "a.png", imagecodecs.png_encode(grey))

    np.testing.assert_array_equal(rgb, np.stack([grey] * 3, axis=-1))


def test_a_mask_is_refused_and_black_and_white_tissue_is_not(tmp_path):
    mask = np.arange(20).reshape(4, 5) % 3 == 0
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(tmp_path / "grey.png")

    with pytest.raises(ImageError, match=r"mask\.png is a mask, true or false"):
        TissueImage.open(tmp_path / "mask.png")
    rgb = TissueImage.open(tmp_path / "grey.png").read(ALL, ALL)
    assert ((rgb == 255) == mask[..., None]).all()


def test_a_jpeg_for_print_is_refused(tmp_path):
    ink = np.zeros((16, 16, 4), dtype=np.uint8)
    content = imagecodecs.jpeg_encode(ink, colorspace="CMYK", outcolorspace="CMYK")

    with pytest.raises(ImageError, match=r"a\.jpg is stored as CMYK"):
        opened(tmp_path / "a.jpg", content)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
@pytest.mark.parametrize(
    "encode",
    [
        imagecodecs.png_encode,
        imagecodecs.jpeg_encode,
        imagecodecs.bmp_encode,
        imagecodecs.webp_encode,
        imagecodecs.jpeg2k_encode,
    ],
)
def test_a_picture_cut_short_is_refused(tmp_path, tissue, encode, share):
    content = encode(tissue[0])

    with pytest.raises(ImageError, match="picture"):
        opened(tmp_path / "picture", content[: int(len(content) * share)])


@pytest.mark.parametrize("place", [18, 22])
@pytest.mark.parametrize("side", [0, -64, 6400, -48000])
def test_a_bmp_that_states_other_sides_is_refused(tmp_path, place, side):
    # imagecodecs reads beyond the end of such a file, or crashes.
    content = bytearray(imagecodecs.bmp_encode(np.zeros((48, 64, 3), np.uint8)))
    content[place : place + 4] = side.to_bytes(4, "little", signed=True)
    if place == 22 and side == -64:
        content = content[:-1]

    with pytest.raises(ImageError, match="picture"):
        opened(tmp_path / "picture", bytes(content))


@pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 4), (np.uint16, 12)])
def test_jpeg_2000_of_few_bits_is_as_bright_as_it_was(tmp_path, dtype, bits):
    full = 2**bits - 1
    stored = np.linspace(0, full, 64 * 64).reshape(64, 64).astype(dtype)
    content = imagecodecs.jpeg2k_encode(stored, reversible=True, bitspersample=bits)

    rgb = opened(tmp_path / "a.jp2", content)

    expected = np.rint(stored * (255 / full))
    assert np.abs(rgb[..., 0] - expected).max() <= 1
