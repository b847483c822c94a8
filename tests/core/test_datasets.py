"""Folders of tissue with truth, in each layout that people have."""

import json

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.datasets import (
    find_samples,
    find_unpaired,
    read_split,
    select,
)
from napari_monuseg.core.errors import AnnotationError, DatasetError
from napari_monuseg.core.origin import Origin
from napari_monuseg.core.tiff_writing import write_labels

ANNOTATION = (
    "<Annotations><Annotation><Regions><Region><Vertices>"
    '<Vertex X="3" Y="2"/><Vertex X="7" Y="2"/>'
    '<Vertex X="7" Y="6"/><Vertex X="3" Y="6"/>'
    "</Vertices></Region></Regions></Annotation></Annotations>"
)


def add(folder, *names, shape=(64, 80), dtype=np.uint16):
    """Write files of these names: XML, and TIFF that is RGB unless in ``labels/``."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".xml":
            path.write_text(ANNOTATION)
        elif path.parent.name.lower() == "labels":
            labels = np.zeros(shape, dtype)
            labels[:4] = 300 if np.dtype(dtype).itemsize > 1 else 3
            tifffile.imwrite(path, labels)
        else:
            tifffile.imwrite(path, np.full((*shape, 3), 200, np.uint8))


@pytest.mark.parametrize(
    "files",
    [
        ["Tissue Images/b.tif", "Annotations/b.xml"],
        ["tissue images/b.TIF", "annotations/b.XML"],
        ["b.tif", "b.xml"],
        ["images/b.tiff", "labels/b.tif"],
        ["Images/b.tif", "Labels/b.TIFF"],
        ["images/b.tif", "annotations/b.xml"],
        ["images/b.tif", "images/b.xml"],
    ],
)
def test_every_layout_gives_the_same_sample(tmp_path, files):
    add(tmp_path, *files)

    (sample,) = find_samples(tmp_path)

    assert sample.name == "b"
    assert [sample.image_path, sample.truth_path] == [tmp_path / name for name in files]
    labels = sample.labels()
    assert labels.shape == (64, 80)
    assert labels.dtype == np.int32
    assert labels.any()
    with sample.image() as image:
        assert (image.height, image.width) == (64, 80)


def test_labels_are_preferred_to_annotations(tmp_path):
    add(tmp_path, "images/a.tif", "images/b.tif", "labels/a.tif")
    add(tmp_path, "annotations/a.xml", "annotations/b.xml")

    samples = find_samples(tmp_path)

    assert [sample.truth_path.name for sample in samples] == ["a.tif", "b.xml"]


def test_samples_come_by_name(tmp_path):
    add(tmp_path, "c.tif", "c.xml", "a.tif", "a.xml", "b.tif", "b.xml")

    assert [sample.name for sample in find_samples(str(tmp_path))] == ["a", "b", "c"]


def test_names_may_hold_points(tmp_path):
    add(tmp_path, "slide.1.tif", "slide.1.xml", "slide.2.tif", "slide.2.xml")

    assert len(find_samples(tmp_path)) == 2


def test_images_without_truth_are_left_out_and_can_be_told(tmp_path):
    add(tmp_path, "images/a.tif", "images/b.tif", "labels/a.tif", "labels/c.tif")

    assert [sample.name for sample in find_samples(tmp_path)] == ["a"]
    assert find_unpaired(tmp_path)[0] == [tmp_path / "images" / "b.tif"]


def test_truths_without_image_can_be_told(tmp_path):
    add(tmp_path, "a.tif", "a.xml", "b.xml")

    assert find_unpaired(tmp_path)[1] == [tmp_path / "b.xml"]


def test_labels_named_as_they_are_exported_are_the_truth_of_their_image(tmp_path):
    add(tmp_path, "images/a.tif", "images/b_nuclei.tif", "images/c.tif")
    add(tmp_path, "labels/a_nuclei.tif", "labels/b_nuclei.tif")
    add(tmp_path, "labels/c.tif", "labels/c_nuclei.tif", "labels/d_nuclei.tif")

    samples = find_samples(tmp_path)

    assert [(sample.name, sample.truth_path.name) for sample in samples] == [
        ("a", "a_nuclei.tif"),
        ("b_nuclei", "b_nuclei.tif"),
        ("c", "c.tif"),
    ]
    left_out = [path.name for path in find_unpaired(tmp_path)[1]]
    assert left_out == ["c_nuclei.tif", "d_nuclei.tif"]


@pytest.mark.parametrize("ending", ["svs", "ndpi", "bmp", "jp2", "webp"])
def test_other_formats_are_images_as_well(tmp_path, ending):
    add(tmp_path, "a.xml")
    (tmp_path / f"a.{ending}").touch()

    (sample,) = find_samples(tmp_path)

    assert sample.image_path.suffix == f".{ending}"


def test_what_was_segmented_into_the_folder_is_no_tissue(tmp_path):
    add(tmp_path, "a.tif", "a.xml", "b_nuclei.tif")
    write_labels(tmp_path / "a_nuclei.tif", np.ones((64, 80), np.int32))
    (tmp_path / "a_nuclei.png").touch()

    assert [sample.name for sample in find_samples(tmp_path)] == ["a"]
    assert find_unpaired(tmp_path)[0] == [tmp_path / "b_nuclei.tif"]


def test_labels_of_a_drawn_area_are_no_truth_of_the_image(tmp_path):
    add(tmp_path, "images/a.tif")
    (tmp_path / "labels").mkdir()
    path = tmp_path / "labels" / "a.tif"
    (sample,) = find_samples_after(path, tmp_path, np.tri(64, 80, dtype=bool))
    with pytest.raises(AnnotationError, match="are those of a drawn area"):
        sample.labels()

    (sample,) = find_samples_after(path, tmp_path, np.ones((64, 80), bool))
    assert sample.labels().max() == 1


def find_samples_after(path, folder, mask):
    """Write labels that know in which area they were found, and look."""
    origin = Origin(image="a", image_shape=(64, 80), model="unet", mask=mask)
    write_labels(path, np.ones((64, 80), np.int32), origin=origin)
    return find_samples(folder)


def test_other_files_and_hidden_ones_are_passed_over(tmp_path):
    add(tmp_path, "a.tif", "a.xml")
    for name in ["._a.tif", ".DS_Store", "notes.txt", "splits.json"]:
        (tmp_path / name).write_bytes(b"not an image")

    assert len(find_samples(tmp_path)) == 1
    assert find_unpaired(tmp_path)[0] == []


@pytest.mark.parametrize(
    "files", [[], ["a.tif"], ["a.xml"], ["images/a.tif", "labels/b.tif"]]
)
def test_a_folder_without_truth_is_refused_with_the_remedy(tmp_path, files):
    add(tmp_path, *files)

    with pytest.raises(DatasetError, match=r"images/ and labels \(TIFF\)"):
        find_samples(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="There is no folder"):
        find_samples(tmp_path / "gone")


def test_two_images_of_one_name_are_refused(tmp_path):
    add(tmp_path, "a.tif", "a.tiff", "a.xml")

    with pytest.raises(DatasetError, match=r"a\.tif and a\.tiff"):
        find_samples(tmp_path)


def test_labels_of_another_size_are_refused(tmp_path):
    add(tmp_path, "images/a.tif")
    add(tmp_path, "labels/a.tif", shape=(80, 64))
    (sample,) = find_samples(tmp_path)

    with pytest.raises(AnnotationError, match="80×64 px and their image is 64×80 px"):
        sample.labels()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.int32, np.uint64])
def test_any_whole_numbers_are_labels(tmp_path, dtype):
    add(tmp_path, "images/a.tif")
    add(tmp_path, "labels/a.tif", dtype=dtype)
    (sample,) = find_samples(tmp_path)

    assert sample.labels().dtype == np.int32
    assert sample.labels().max() in (3, 300)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((64, 80), np.float32),
        np.zeros((64, 80, 3), np.uint8),
        np.full((64, 80), 2**31, np.uint32),
        np.full((64, 80), -1, np.int16),
    ],
)
def test_images_that_hold_no_labels_are_refused(tmp_path, array):
    add(tmp_path, "images/a.tif", "labels/a.tif")
    tifffile.imwrite(tmp_path / "labels" / "a.tif", array)
    (sample,) = find_samples(tmp_path)

    with pytest.raises(AnnotationError, match="one plane of whole numbers"):
        sample.labels()


@pytest.mark.parametrize("content", [b"", b"not a TIFF", b"II*\x00\x08"])
def test_label_files_that_are_broken_are_refused(tmp_path, content):
    add(tmp_path, "images/a.tif", "labels/a.tif")
    (tmp_path / "labels" / "a.tif").write_bytes(content)
    (sample,) = find_samples(tmp_path)

    with pytest.raises(AnnotationError, match=r"a\.tif cannot be read"):
        sample.labels()


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_no_truth(tmp_path, value):
    """One nucleus of many pieces would be scored as all of them."""
    add(tmp_path, "images/a.tif", "labels/a.tif")
    mask = np.zeros((64, 80), np.uint8)
    mask[:4] = mask[10:20, 10:20] = value
    path = tmp_path / "labels" / "a.tif"
    (sample,) = find_samples(tmp_path)

    tifffile.imwrite(path, mask)
    with pytest.raises(AnnotationError, match="one number for all nuclei"):
        sample.labels()

    mask[4:10, 10:20] = value  # a nucleus by itself
    tifffile.imwrite(path, mask)
    assert sample.labels().max() == value


def test_labels_cut_short_are_refused(tmp_path):
    add(tmp_path, "images/a.tif", "labels/a.tif")
    path = tmp_path / "labels" / "a.tif"
    noise = np.random.default_rng(0).integers(0, 99, (64, 80), np.uint16)
    tifffile.imwrite(path, noise, compression="deflate")
    path.write_bytes(path.read_bytes()[:-1000])
    (sample,) = find_samples(tmp_path)

    with pytest.raises(AnnotationError, match=r"a\.tif cannot be read"):
        sample.labels()


def test_the_published_split_fits_the_published_images(monuseg):
    samples = find_samples(monuseg)

    split = read_split(monuseg / "splits.json")
    chosen = {part: select(samples, names) for part, names in split.items()}

    assert {part: len(found) for part, found in chosen.items()} == {
        "train": 16,
        "test_same_organ": 8,
        "test_other_organ": 6,
    }
    assert find_unpaired(monuseg)[0] == []


def test_a_selection_keeps_its_order_and_takes_each_once(tmp_path):
    add(tmp_path, "a.tif", "a.xml", "b.tif", "b.xml", "c.tif", "c.xml")

    chosen = select(find_samples(tmp_path), ["c", "a", "c"])

    assert [sample.name for sample in chosen] == ["c", "a"]


def test_unknown_names_are_told(tmp_path):
    add(tmp_path, "a.tif", "a.xml")

    with pytest.raises(DatasetError, match="named v, w, x and 2 more;"):
        select(find_samples(tmp_path), ["a", "v", "w", "x", "y", "z"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        (50_000 * "[", "is not JSON"),
        (json.dumps(["a"]), "is not a split"),
        (json.dumps({"train": "a"}), "is not a split"),
        (json.dumps({"train": [1]}), "is not a split"),
    ],
)
def test_a_foreign_split_is_refused_with_its_form(tmp_path, text, reason):
    path = tmp_path / "splits.json"
    path.write_text(text)

    with pytest.raises(DatasetError, match=reason + '.*{"train"'):
        read_split(path)


def test_a_missing_split_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"splits\.json cannot be read"):
        read_split(tmp_path / "splits.json")


def test_a_byte_order_mark_is_no_fault(tmp_path):
    (tmp_path / "splits.json").write_text('{"train": ["a"]}', encoding="utf-8-sig")

    assert read_split(tmp_path / "splits.json") == {"train": ["a"]}


def test_a_folder_that_may_not_be_listed_is_one_sentence(tmp_path, monkeypatch):
    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(tmp_path), "iterdir", refused)

    with pytest.raises(DatasetError, match=r"cannot be looked into \(Permission den"):
        find_samples(tmp_path)
