"""A tissue image is read by window, from arrays and files alike."""

from contextlib import suppress
from pathlib import Path

import dask.array
import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_monuseg.core import segments
from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage
from napari_monuseg.core.segments import Plane

ALL = slice(None)


def read_all(image):
    return image.read(slice(0, image.height), slice(0, image.width))


def windows(height, width):
    def side(size):
        return st.tuples(st.integers(0, size - 1), st.integers(1, size)).map(
            lambda ends: slice(ends[0], max(ends[0] + 1, ends[1]))
        )

    return st.tuples(side(height), side(width))


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Give one image, stored in all the ways that must read alike."""
    folder = tmp_path_factory.mktemp("sources")
    rgb = np.random.default_rng(0).integers(0, 256, (97, 141, 3), dtype=np.uint8)
    layouts = {
        "strips": {"compression": "lzw", "predictor": True, "rowsperstrip": 7},
        "one strip": {"compression": "lzw", "rowsperstrip": 97},
        "plain": {"rowsperstrip": 10},
        "planar": {"compression": "zlib", "planarconfig": "separate", "tile": (32, 48)},
        "tiles": {"compression": "packbits", "tile": (16, 64)},
        "big-endian": {"byteorder": ">", "bigtiff": True, "tile": (64, 16)},
    }
    images = {
        "numpy": TissueImage.from_array(rgb),
        "dask": TissueImage.from_array(dask.array.from_array(rgb, chunks=(40, 50, 3))),
        "zarr": TissueImage.from_array(zarr.array(rgb, chunks=(40, 50, 3))),
        "crop": TissueImage.from_array(np.pad(rgb, [(5, 3), (9, 2), (0, 0)])).crop(
            slice(5, 102), slice(9, 150)
        ),
    }
    for name, layout in layouts.items():
        stored = np.moveaxis(rgb, -1, 0) if name == "planar" else rgb
        tifffile.imwrite(folder / f"{name}.tif", stored, photometric="rgb", **layout)
        images[name] = TissueImage.open(folder / f"{name}.tif")
    return rgb, images


@settings(deadline=None)
@given(window=windows(97, 141))
def test_every_source_gives_the_same_window(sources, window):
    rgb, images = sources

    for name, image in images.items():
        found = image.read(*window)
        assert found.flags.c_contiguous
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, rgb[window], err_msg=name)


@settings(deadline=None)
@given(data=st.data())
def test_a_crop_of_a_crop_is_a_window(sources, data):
    rgb, images = sources
    image, expected = images["tiles"], rgb
    for _ in range(2):
        window = data.draw(windows(image.height, image.width))
        image, expected = image.crop(*window), expected[window]

    np.testing.assert_array_equal(read_all(image), expected)


@pytest.mark.parametrize(
    "window",
    [slice(-1, 3), slice(3, 3), slice(5, 2), slice(0, 11), slice(0, 4, 2)],
)
def test_a_window_outside_the_image_is_a_mistake(window):
    image = TissueImage.from_array(np.zeros((10, 10, 3), np.uint8))

    for call in (image.read, image.crop):
        with pytest.raises(ValueError, match="not inside"):
            call(window, ALL)
        with pytest.raises(ValueError, match="not inside"):
            call(ALL, window)


def test_name_and_pixel_size_travel():
    rgb = np.zeros((10, 20, 3), np.uint8)

    image = TissueImage.from_array(
        rgb, name="liver", pixel_size=0.5, pixel_size_source="the layer's scale"
    )
    crop = image.crop(slice(2, 5), ALL)
    other = crop.with_pixel_size(0.25, "a guess")
    unknown = image.with_pixel_size(None)

    assert (crop.height, crop.width, crop.name) == (3, 20, "liver")
    assert (crop.pixel_size, crop.pixel_size_source) == (0.5, "the layer's scale")
    assert (other.pixel_size, other.pixel_size_source) == (0.25, "a guess")
    assert (unknown.pixel_size, unknown.pixel_size_source) == (None, "")
    assert image.pixel_size == 0.5
    assert repr(other) == "<TissueImage liver: 3×20 px, 0.25 µm/px>"


@pytest.mark.parametrize(
    "shape",
    [(5,), (5, 9, 9), (2, 9, 9), (9, 9, 5), (2, 9, 9, 3), (1, 2, 9, 9, 3)],
)
def test_stacks_and_other_channels_are_refused(shape):
    with pytest.raises(ImageError, match="has the shape"):
        TissueImage.from_array(np.zeros(shape, np.uint8))


def test_leading_axes_of_length_1_are_passed_over(tissue):
    image = TissueImage.from_array(tissue[0][np.newaxis, np.newaxis])

    np.testing.assert_array_equal(read_all(image), tissue[0])


def test_an_array_of_unknown_size_is_refused():
    array = dask.array.from_array(np.zeros((9, 9), np.uint8))
    array = array[array[:, 0] > 0]

    with pytest.raises(ImageError, match="not known yet"):
        TissueImage.from_array(array)


def test_nested_lists_are_an_array():
    image = TissueImage.from_array([[0.0, 1.0], [0.2, 0.4]])

    np.testing.assert_array_equal(read_all(image)[..., 0], [[0, 255], [51, 102]])


@pytest.fixture
def loaded(monkeypatch):
    """Count the segments that are read and decoded."""
    numbers, load = [], Plane.load
    monkeypatch.setattr(
        Plane, "load", lambda *plane: numbers.append(plane[1]) or load(*plane)
    )
    return numbers


def test_an_image_that_fits_is_decoded_once(tmp_path, tissue, loaded):
    tifffile.imwrite(tmp_path / "a.tif", tissue[0], compression="lzw", rowsperstrip=64)
    image = TissueImage.open(tmp_path / "a.tif")

    for left in range(0, 256, 8):
        image.read(ALL, slice(left, left + 8))

    assert loaded == [0, 1, 2, 3]


def test_of_a_tiled_image_only_what_a_window_touches_is_decoded(
    tmp_path, tissue, loaded
):
    tifffile.imwrite(tmp_path / "a.tif", tissue[0], tile=(64, 64))

    TissueImage.open(tmp_path / "a.tif").read(slice(60, 128), slice(130, 140))

    assert loaded == [2, 6]


def test_a_larger_image_keeps_what_was_read_last(tmp_path, tissue, loaded, monkeypatch):
    monkeypatch.setattr(segments, "CACHE_BYTES", 2 * 64 * 64 * 3)
    tifffile.imwrite(tmp_path / "a.tif", tissue[0], tile=(64, 64))
    image = TissueImage.open(tmp_path / "a.tif")

    for top in (0, 64, 60, 128, 0):
        image.read(slice(top, top + 8), slice(0, 8))

    assert loaded == [0, 4, 8, 0]


def test_a_file_is_not_kept_open(tmp_path, tissue):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tissue[0])

    image = TissueImage.open(path)
    path.rename(tmp_path / "b.tif")

    with pytest.raises(ImageError, match="There is no file"):
        read_all(image)


def test_closing_gives_memory_back_and_reading_goes_on(tmp_path, tissue):
    tifffile.imwrite(tmp_path / "a.tif", tissue[0])

    with TissueImage.open(str(tmp_path / "a.tif")) as image:
        read_all(image)

    np.testing.assert_array_equal(read_all(image), tissue[0])
    assert image.name == "a"


def test_what_is_no_image_is_refused(tmp_path):
    (tmp_path / "empty.tif").touch()
    (tmp_path / "text.tif").write_text("This is no image.")
    (tmp_path / "head.tif").write_bytes(b"II*\0")
    for name, sentence in {
        "missing.tif": "There is no file .*missing.tif",
        "empty.tif": "is empty",
        "text.tif": "no image of a known kind",
        "head.tif": "cannot be read",
        ".": "is a folder",
    }.items():
        with pytest.raises(ImageError, match=sentence):
            TissueImage.open(tmp_path / name)


def test_a_folder_that_may_not_be_entered_is_one_sentence(tmp_path, monkeypatch):
    def refused(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", refused)

    with pytest.raises(ImageError, match=r"a\.tif may not be read"):
        TissueImage.open(tmp_path / "a.tif")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.99])
def test_a_file_cut_short_is_refused(tmp_path, sources, share):
    rgb, _ = sources
    tifffile.imwrite(tmp_path / "a.tif", rgb, compression="lzw")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[: int(len(data) * share)])

    with pytest.raises(ImageError, match=r"a\.tif"):
        TissueImage.open(tmp_path / "a.tif")


def test_a_file_that_shrinks_or_is_damaged_later_is_told(tmp_path, sources):
    rgb, _ = sources
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rgb, compression="lzw")
    image = TissueImage.open(path)
    data = path.read_bytes()

    for broken in (data[:-2000], data[:2000] + bytes([255]) * (len(data) - 2000)):
        path.write_bytes(broken)
        with pytest.raises(ImageError, match=r"a\.tif"):
            read_all(image)


@pytest.fixture(scope="module")
def small_tiff(tmp_path_factory):
    path = tmp_path_factory.mktemp("damaged") / "a.tif"
    tifffile.imwrite(path, np.zeros((20, 30, 3), np.uint8), compression="zlib")
    return path, path.read_bytes()


@settings(deadline=None)
@given(
    damage=st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_a_damaged_header_gives_pixels_or_a_sentence(small_tiff, damage):
    path, content = small_tiff
    content = bytearray(content)
    for place, value in damage:
        content[place % len(content)] = value
    path.write_bytes(content)

    with suppress(ImageError):
        window = TissueImage.open(path).read(slice(0, 1), slice(0, 1))
        assert window.shape == (1, 1, 3)


def test_monuseg_reads_as_in_tifffile(monuseg):
    for path in sorted((monuseg / "images").iterdir())[:5]:
        image = TissueImage.open(path)

        window = image.read(slice(300, 777), slice(5, 999))

        np.testing.assert_array_equal(window, tifffile.imread(path)[300:777, 5:999])
        assert (image.pixel_size, image.name) == (None, path.stem)
