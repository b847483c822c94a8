"""What labels were made of, written and read again."""

import base64
import json
import zlib
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import array_shapes, arrays

from napari_monuseg.core.errors import AnnotationError
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff import read_labels
from napari_monuseg.core.tiff_writing import write_labels


def origin(mask=None):
    return Origin(image="colon", image_shape=(90, 70), model="unet", mask=mask)


@given(
    mask=array_shapes(min_dims=2, max_dims=2, max_side=40).flatmap(
        lambda shape: arrays(bool, shape)
    ),
    name=some.text(max_size=20),
)
def test_it_comes_back_through_json(mask, name):
    made = Origin(image=name, image_shape=(90, 70), model="unet", mask=mask)
    text = json.dumps(made.as_json())
    read = Origin.from_json(json.loads(text), mask.shape)

    assert text.isascii()
    assert read == made
    assert read.mask.dtype == bool
    assert np.array_equal(read.mask, mask)


def test_it_comes_back_through_a_file(tmp_path):
    labels = np.zeros((50, 30), np.int32)
    labels[10:20, 5:15] = 7
    mask = np.tri(50, 30, dtype=bool)
    path = tmp_path / "nuclei.tif"
    write_labels(path, labels, offset=(5, 9), origin=origin(mask))

    read = read_labels(path).origin

    assert read == origin()
    assert np.array_equal(read.mask, mask)
    assert np.array_equal(tifffile.imread(path), labels)


def test_what_was_made_by_hand_comes_back_through_a_file(tmp_path):
    labels, hand = np.eye(9, dtype=int), np.tri(9, dtype=bool)
    made = replace(origin(), hand=hand)
    write_labels(tmp_path / "a.tif", labels, origin=made)
    write_labels(tmp_path / "b.tif", labels[:5], origin=made)

    assert np.array_equal(read_labels(tmp_path / "a.tif").origin.hand, hand)
    assert read_labels(tmp_path / "b.tif").origin.hand is None


def test_without_a_mask_none_is_read(tmp_path):
    write_labels(tmp_path / "nuclei.tif", np.eye(9, dtype=int), origin=origin())

    assert read_labels(tmp_path / "nuclei.tif").origin.mask is None


@pytest.mark.parametrize("shape", [(30, 50), (49, 30)])
def test_the_mask_of_other_labels_is_left_out(tmp_path, shape):
    mask = np.tri(50, 30, dtype=bool)

    write_labels(tmp_path / "nuclei.tif", np.ones(shape, int), origin=origin(mask))

    read = read_labels(tmp_path / "nuclei.tif").origin
    assert read == origin()
    assert read.mask is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda labels: labels[:20], id="cut"),
        pytest.param(np.rot90, id="turned"),
        pytest.param(lambda labels: labels[::2, ::2], id="halved"),
    ],
)
def test_what_another_program_has_changed_is_its_own(tmp_path, change):
    path = tmp_path / "nuclei.tif"
    labels = np.arange(1500, dtype=np.int32).reshape(50, 30)
    made_of = origin(np.tri(50, 30, dtype=bool))
    write_labels(path, labels, pixel_size=0.25, offset=(5, 9), origin=made_of)
    with tifffile.TiffFile(path) as file:
        name = file.pages.first.tags.valueof(269)
    changed = np.ascontiguousarray(change(labels))
    tifffile.imwrite(path, changed, extratags=[(269, "s", 0, name, True)])

    read = read_labels(path)

    assert np.array_equal(read.labels, changed)
    assert (read.pixel_size, read.offset, read.origin) == (None, (0, 0), None)


def test_a_large_area_takes_little_room():
    mask = np.tri(4000, dtype=bool)

    assert len(json.dumps(origin(mask).as_json())) < 40_000


def packed(count):
    return base64.b64encode(zlib.compress(bytes(count))).decode()


@pytest.mark.parametrize(
    "mask",
    [
        pytest.param("not base 64 at all!", id="letters"),
        pytest.param(base64.b64encode(b"no bits").decode(), id="bytes"),
        pytest.param(packed(3), id="too few"),
        pytest.param(packed(2**24), id="too many"),
    ],
)
def test_a_damaged_mask_is_a_sentence(tmp_path, monkeypatch, mask):
    path = tmp_path / "nuclei.tif"
    honest = Origin.as_json
    monkeypatch.setattr(Origin, "as_json", lambda one: {**honest(one), "mask": mask})
    write_labels(path, np.eye(9, dtype=int), origin=origin())

    with pytest.raises(AnnotationError, match=r"nuclei\.tif cannot be read"):
        read_labels(path)
