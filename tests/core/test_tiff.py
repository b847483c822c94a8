"""Labels go to TIFF and come back as they were."""

import json
import tracemalloc

import numpy as np
import pytest
import skimage.io
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_monuseg.core.errors import AnnotationError, ExportError
from napari_monuseg.core.tiff import is_labels_file, read_labels, read_mask
from napari_monuseg.core.tiff_writing import write_labels

in_one_folder = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
any_labels = arrays.arrays(
    dtype=st.one_of(arrays.integer_dtypes(), arrays.unsigned_integer_dtypes()),
    shape=arrays.array_shapes(min_dims=1, max_dims=7, max_side=5),
)


def with_largest(value, dtype=np.int64):
    labels = np.zeros((30, 50), dtype=dtype)
    labels[4:9, 7:20] = value
    return labels


@in_one_folder
@given(labels=any_labels)
def test_any_labels_come_back_as_they_were(tmp_path, labels):
    path = tmp_path / "a.tif"

    write_labels(path, labels)

    found = read_labels(path).labels
    assert found.shape == labels.shape
    np.testing.assert_array_equal(found, labels)
    np.testing.assert_array_equal(tifffile.imread(path).ravel(), labels.ravel())


@in_one_folder
@given(
    labels=arrays.arrays(
        dtype=arrays.integer_dtypes(sizes=(8, 16, 32)),
        shape=arrays.array_shapes(min_dims=2, max_dims=5, max_side=5),
    )
)
def test_other_readers_see_the_same_labels(tmp_path, labels):
    path = tmp_path / "a.tif"

    write_labels(path, labels)

    np.testing.assert_array_equal(tifffile.imread(path).squeeze(), labels.squeeze())
    if labels.ndim == 2:  # of stacks, scikit-image takes 3 or 4 planes for channels
        np.testing.assert_array_equal(skimage.io.imread(path), labels)


@in_one_folder
@given(
    pixel_size=st.none() | st.floats(1e-8, 1e8),
    offset=st.tuples(*[st.floats(-1e6, 1e6)] * 2),
    name=st.text(max_size=20),
)
def test_where_the_labels_lie_comes_back_exactly(tmp_path, pixel_size, offset, name):
    path = tmp_path / "a.tif"

    write_labels(path, with_largest(3), pixel_size=pixel_size, offset=offset, name=name)

    found = read_labels(path)
    assert (found.pixel_size, found.offset) == (pixel_size, offset)
    assert is_labels_file(path)


@pytest.mark.parametrize(
    ("largest", "dtype"),
    [
        (0, np.uint16),
        (65_535, np.uint16),
        (65_536, np.uint32),
        (2**32 - 1, np.uint32),
        (2**32, np.uint64),
        (-1, np.int16),
        (-(2**15) - 1, np.int32),
        (-(2**31) - 1, np.int64),
    ],
)
def test_the_type_is_the_smallest_that_holds_the_labels(tmp_path, largest, dtype):
    path = tmp_path / "a.tif"

    write_labels(path, with_largest(largest))

    np.testing.assert_array_equal(skimage.io.imread(path), with_largest(largest))
    assert tifffile.imread(path).dtype == dtype


def test_labels_come_back_as_int32_where_they_fit(tmp_path):
    for largest, dtype in ((70_000, np.int32), (2**31, np.uint32), (2**40, np.uint64)):
        write_labels(tmp_path / "a.tif", with_largest(largest))
        assert read_labels(tmp_path / "a.tif").labels.dtype == dtype


def test_a_mask_is_written_as_labels_0_and_1(tmp_path):
    write_labels(tmp_path / "a.tif", with_largest(1, bool))

    np.testing.assert_array_equal(
        read_labels(tmp_path / "a.tif").labels, with_largest(1)
    )


def test_other_programs_learn_pixel_size_and_place(tmp_path):
    path = tmp_path / "a.tif"

    write_labels(path, with_largest(9), pixel_size=0.25, offset=(8, 20), name="T & Ä")

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        image = tifffile.xml2dict(file.ome_metadata)["OME"]["Image"]
        resolution = page.get_resolution("CENTIMETER")
        assert page.compression == 8
    assert image["Name"] == "T & Ä"
    pixels = image["Pixels"]
    assert (pixels["PhysicalSizeX"], pixels["PhysicalSizeY"]) == (0.25, 0.25)
    assert (pixels["Plane"]["PositionX"], pixels["Plane"]["PositionY"]) == (5, 2)
    assert pixels["PhysicalSizeXUnit"] == pixels["Plane"]["PositionXUnit"] == "µm"
    assert resolution == (40_000, 40_000)


def test_labels_that_are_a_view_are_written_in_order(tmp_path):
    labels = np.arange(600 * 700, dtype=np.int32).reshape(600, 700)[::-2, 3:600:3].T

    write_labels(tmp_path / "a.tif", labels)

    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif").labels, labels)


def test_writing_takes_little_memory(tmp_path):
    labels = np.arange(3000 * 3000, dtype=np.int32).reshape(3000, 3000)

    tracemalloc.start()
    write_labels(tmp_path / "a.tif", labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < labels.nbytes / 4


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        (np.zeros((5, 5)), {}, "float64 numbers"),
        (np.zeros((0, 5), int), {}, "no pixels"),
        (np.zeros((5, 5), int), {"pixel_size": 0}, "pixel size of 0"),
        (np.zeros((5, 5), int), {"pixel_size": np.nan}, "pixel size of nan"),
        (np.zeros((5, 5), int), {"offset": (0, np.inf)}, "offset"),
    ],
)
def test_what_are_no_labels_is_refused(tmp_path, labels, options, sentence):
    with pytest.raises(ExportError, match=sentence):
        write_labels(tmp_path / "a.tif", labels, **options)

    assert not list(tmp_path.iterdir())


def test_an_image_in_colours_is_not_replaced(tmp_path):
    path = tmp_path / "tissue.tif"
    tissue = np.full((30, 50, 3), 200, np.uint8)
    tifffile.imwrite(path, tissue, photometric="rgb")

    with pytest.raises(ExportError, match="is an image and is not replaced"):
        write_labels(path, with_largest(5))

    assert np.array_equal(tifffile.imread(path), tissue)


def test_labels_and_what_cannot_be_read_are_replaced(tmp_path):
    path = tmp_path / "labels.tif"
    path.write_bytes(b"cut short")

    write_labels(path, with_largest(5))
    write_labels(path, with_largest(6))

    assert read_labels(path).labels.max() == 6


def test_a_folder_that_is_missing_is_told(tmp_path):
    with pytest.raises(ExportError, match="folder exists"):
        write_labels(tmp_path / "no" / "a.tif", with_largest(1))


def test_files_of_others_are_not_ours(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", with_largest(7, np.uint16))
    tifffile.imwrite(
        tmp_path / "b.tif",
        with_largest(7, np.uint16),
        extratags=[(269, "s", 0, json.dumps({"program": "another"}), True)],
    )
    (tmp_path / "c.tif").write_text("no TIFF")
    (tmp_path / "d.tif").touch()

    for name in ("a.tif", "b.tif", "c.tif", "d.tif", "missing.tif", "."):
        assert not is_labels_file(tmp_path / name)


def test_labels_of_others_are_read(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        with_largest(70_000, np.uint32),
        resolution=(40_000, 40_000),
        resolutionunit="CENTIMETER",
    )

    found = read_labels(path)

    np.testing.assert_array_equal(found.labels, with_largest(70_000))
    assert found.pixel_size == pytest.approx(0.25)
    assert found.offset == (0, 0)


def test_labels_of_others_need_no_square_pixels(tmp_path):
    tifffile.imwrite(
        tmp_path / "a.tif",
        with_largest(7, np.uint16),
        resolution=(40_000, 20_000),
        resolutionunit="CENTIMETER",
    )

    assert read_labels(tmp_path / "a.tif").pixel_size is None


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (np.zeros((9, 9), np.float32), "float32 numbers"),
        (np.zeros((9, 9), bool), "bool numbers"),
        (np.zeros((9, 9, 3), np.uint8), "colour image"),
    ],
)
def test_other_images_are_no_labels(tmp_path, image, sentence):
    tifffile.imwrite(
        tmp_path / "a.tif",
        image,
        photometric="rgb" if image.ndim == 3 else "minisblack",
    )

    with pytest.raises(AnnotationError, match=sentence):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_a_file_cut_short_is_told(tmp_path, share):
    path = tmp_path / "a.tif"
    rng = np.random.default_rng(0)
    write_labels(path, rng.integers(0, 9000, (400, 400)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])

    with pytest.raises(AnnotationError, match=r"a\.tif"):
        read_labels(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(AnnotationError, match="There is no file"):
        read_labels(tmp_path / "a.tif")


def test_a_damaged_note_is_told(tmp_path):
    note = json.dumps({"program": "napari-monuseg", "kind": "labels"})
    tifffile.imwrite(
        tmp_path / "a.tif",
        with_largest(7, np.uint16),
        extratags=[(269, "s", 0, note, True)],
    )

    with pytest.raises(AnnotationError, match="damaged"):
        read_labels(tmp_path / "a.tif")


def test_monuseg_labels_survive(monuseg, tmp_path):
    original = sorted((monuseg / "labels").iterdir())[0]
    labels = read_labels(original).labels

    write_labels(tmp_path / "a.tif", labels, pixel_size=0.25)

    np.testing.assert_array_equal(
        skimage.io.imread(tmp_path / "a.tif"), tifffile.imread(original)
    )
    assert not is_labels_file(original)


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_a_mask_of_bits_is_read_as_it_shows(tmp_path, photometric):
    mask = np.zeros((40, 50), bool)
    mask[10:20, 5:30] = True
    stored = mask if photometric == "minisblack" else ~mask  # then 0 is white
    options = {"photometric": photometric, "software": "a scanner", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", stored, **options)

    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif").labels, mask)


def test_truth_values_of_tifffile_are_read_as_they_were(tmp_path):
    """It says of them that 0 is white, and does not mean it."""
    mask = np.zeros((40, 50), bool)
    mask[10:20, 5:30] = True

    for software in (None, "my tool"):
        named = {} if software is None else {"software": software}
        tifffile.imwrite(tmp_path / "a.tif", mask, **named)
        np.testing.assert_array_equal(read_mask(tmp_path / "a.tif").labels, mask)


def test_numbers_of_a_mask_count_as_they_are(tmp_path):
    """As of ImageJ, which shows its masks of 8 bits by an inverted table."""
    mask = np.zeros((40, 50), np.uint8)
    mask[10:20, 5:30] = 255
    tifffile.imwrite(tmp_path / "a.tif", mask, photometric="miniswhite")

    np.testing.assert_array_equal(read_mask(tmp_path / "a.tif").labels, mask > 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pixel_size", "x"),
        ("pixel_size", -1),
        ("pixel_size", float("nan")),
        ("offset", ["a", "b"]),
        ("offset", [float("inf"), 0]),
        ("offset", [1]),
    ],
)
def test_facts_that_are_none_make_a_file_damaged(tmp_path, name, value):
    path = tmp_path / "a.tif"
    write_labels(path, np.ones((4, 5), np.int32), pixel_size=0.25)
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages.first.tags[269]
        tag.overwrite(json.dumps(json.loads(tag.value) | {name: value}))

    with pytest.raises(AnnotationError, match=r"a\.tif cannot be read"):
        read_labels(path)
