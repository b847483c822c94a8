"""Corrected labels are read with their image, and refused where they do not fit."""

import numpy as np
import pytest
import tifffile

from napari_monuseg.commands.corrected_labels import read_corrections
from napari_monuseg.core.counting import cut_off
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff_writing import write_labels


def test_labels_of_one_plane_may_have_more_axes(tissue_folder, tmp_path):
    image = tissue_folder / "images" / "one.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    write_labels(tmp_path / "plane.tif", truth[None])
    write_labels(tmp_path / "planes.tif", np.stack([truth, truth]))

    (one,) = read_corrections([image], [tmp_path / "plane.tif"], [], None)

    assert np.array_equal(one.labels, truth)
    with pytest.raises(TrainingError, match="more than one plane"):
        read_corrections([image], [tmp_path / "planes.tif"], [], None)


def test_a_mask_of_the_image_is_placed_on_labels_of_a_part(tissue_folder, tmp_path):
    image = tissue_folder / "images" / "one.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    labels, mask, part = (tmp_path / f"{name}.tif" for name in "abc")
    write_labels(labels, truth[20:120, 10:90], offset=(20, 10))
    seen = np.zeros_like(truth)
    seen[50:70, 30:60] = 1
    write_labels(mask, seen)
    write_labels(part, seen[40:140, 20:100], offset=(40, 20))

    for path in (mask, part):
        (one,) = read_corrections([image], [labels], [path], None)

        expected = np.zeros((100, 80), bool)
        expected[30:50, 20:50] = True
        expected &= ~cut_off(truth[20:120, 10:90], (20, 10), truth.shape)
        assert np.array_equal(one.reviewed, expected)


def test_a_mask_lies_where_it_says_in_the_corner_as_well(tissue_folder, tmp_path):
    image = tissue_folder / "images" / "one.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    origin = Origin(image="one", image_shape=truth.shape, model="unet")
    labels, mask = tmp_path / "labels.tif", tmp_path / "mask.tif"
    write_labels(labels, truth[100:200, 100:200], offset=(100, 100), origin=origin)
    write_labels(mask, np.ones((100, 100), np.int32), origin=origin)

    (one,) = read_corrections([image], [labels], [mask], None)

    assert not one.reviewed.any()


@pytest.mark.parametrize(
    ("dtype", "value"), [(bool, True), (np.int8, -1), (np.uint32, 2**32 - 1)]
)
def test_a_mask_is_whatever_is_not_0(tissue_folder, tmp_path, dtype, value):
    image = tissue_folder / "images" / "one.tif"
    labels = tissue_folder / "labels" / "one.tif"
    shape = tifffile.imread(labels).shape
    reviewed = np.zeros(shape, dtype)
    reviewed[40:90, 60:120] = value
    tifffile.imwrite(tmp_path / "mask.tif", reviewed)

    (one,) = read_corrections([image], [labels], [tmp_path / "mask.tif"], None)

    assert np.array_equal(one.reviewed, reviewed != 0)


@pytest.mark.parametrize("side", [96, 384])
def test_a_mask_of_another_size_is_refused(tissue_folder, tmp_path, side):
    image = tissue_folder / "images" / "one.tif"
    labels = tissue_folder / "labels" / "one.tif"
    tifffile.imwrite(tmp_path / "mask.tif", np.ones((side, side), np.uint8))

    with pytest.raises(TrainingError, match=f"{side}×{side} px and the labels"):
        read_corrections([image], [labels], [tmp_path / "mask.tif"], None)


def test_an_image_has_the_pixel_size_that_its_labels_know(tissue_folder, tmp_path):
    image, labels = tissue_folder / "images" / "one.tif", tmp_path / "one_nuclei.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    write_labels(labels, truth, pixel_size=0.5)

    (known,) = read_corrections([image], [labels], [], None)
    (given,) = read_corrections([image], [labels], [], 0.25)

    assert known.image.pixel_size == 0.5
    assert given.image.pixel_size == 0.25


def test_of_a_drawn_area_only_what_lies_in_it_counts(tissue_folder, tmp_path):
    image, labels = tissue_folder / "images" / "one.tif", tmp_path / "one_nuclei.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    mask = np.tri(*truth.shape, dtype=bool)
    origin = Origin(image="one", image_shape=truth.shape, model="unet", mask=mask)
    write_labels(labels, truth, origin=origin)
    reviewed = np.zeros_like(truth)
    reviewed[:100] = 1
    write_labels(tmp_path / "reviewed.tif", reviewed)

    (everything,) = read_corrections([image], [labels], [], None)
    (part,) = read_corrections([image], [labels], [tmp_path / "reviewed.tif"], None)

    assert np.array_equal(everything.reviewed, mask)
    assert np.array_equal(part.reviewed, mask & (reviewed > 0))


def test_labels_of_a_part_that_nothing_places_are_refused(tissue_folder, tmp_path):
    image = tissue_folder / "images" / "one.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    tifffile.imwrite(tmp_path / "part.tif", truth[40:200, 60:200])

    with pytest.raises(TrainingError, match="nothing says where they lie"):
        read_corrections([image], [tmp_path / "part.tif"], [], None)


def test_what_was_checked_twice_counts_once(tissue_folder, tmp_path, capsys):
    image = tissue_folder / "images" / "one.tif"
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    a, b = tmp_path / "a.tif", tmp_path / "b.tif"
    write_labels(a, truth[20:120, 10:90], offset=(20, 10))
    write_labels(b, truth[60:200, 40:200], offset=(60, 40))

    first, second = read_corrections([image, image], [a, b], [], None)

    known = [
        ~cut_off(labels, offset, truth.shape)
        for labels, offset in (
            (truth[20:120, 10:90], (20, 10)),
            (truth[60:, 40:], (60, 40)),
        )
    ]
    assert np.array_equal(first.reviewed, known[0])
    known[1][:60, :50] &= ~known[0][40:, 30:]
    assert np.array_equal(second.reviewed, known[1])
    assert "a.tif and b.tif share a part of one.tif" in capsys.readouterr().err
    with pytest.raises(TrainingError, match=r"All that was checked in a\.tif"):
        read_corrections([image, image], [a, a], [], None)


def test_labels_that_are_of_another_image_are_refused(tissue_folder, tmp_path, capsys):
    one, two = (tissue_folder / "images" / f"{name}.tif" for name in ("one", "two"))
    truth = tifffile.imread(tissue_folder / "labels" / "one.tif")
    of_one, of_two, larger = (tmp_path / f"{name}.tif" for name in "abc")
    for path, image, shape in (
        (of_one, "one", truth.shape),
        (of_two, "two", truth.shape),
        (larger, "one", (1000, 1000)),
    ):
        origin = Origin(image=image, image_shape=shape, model="unet")
        write_labels(path, truth, origin=origin)

    assert len(read_corrections([one, two], [of_one, of_two], [], None)) == 2
    for images, labels in (([one, two], [of_two, of_one]), ([one], [larger])):
        with pytest.raises(TrainingError, match="--image and --labels in the same"):
            read_corrections(images, labels, [], None)
    assert not capsys.readouterr().err
    assert len(read_corrections([two], [of_one], [], None)) == 1
    assert "a.tif says that it is of one" in capsys.readouterr().err
