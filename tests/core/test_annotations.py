"""Aperio XML becomes the labels that the challenge would draw."""

from itertools import pairwise

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.annotations import (
    rasterise,
    read_annotations,
    read_polygons,
)
from napari_monuseg.core.errors import AnnotationError

SQUARE = [(3, 2), (7, 2), (7, 6), (3, 6)]


def aperio(*regions):
    """Return the XML of regions given as (X, Y) vertices, as the file counts them."""
    text = "".join(
        "<Region><Vertices>"
        + "".join(f'<Vertex X="{x}" Y="{y}"/>' for x, y in region)
        + "</Vertices></Region>"
        for region in regions
    )
    return (
        f"<Annotations><Annotation><Regions>{text}</Regions></Annotation></Annotations>"
    )


@pytest.fixture
def write(tmp_path):
    def write_xml(text):
        path = tmp_path / "nuclei.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_xml


def same_partition(one, other):
    """Tell whether two label images differ in their numbers only."""
    pairs = np.unique(one.astype(np.int64) * 2**32 + other)
    ones, others = np.divmod(pairs, 2**32)
    background = ((ones == 0) == (others == 0)).all()
    return background and pairs.size == np.unique(ones).size == np.unique(others).size


def test_monuseg_annotations_give_the_published_labels(monuseg):
    paths = sorted((monuseg / "annotations").glob("*.xml"))
    assert len(paths) == 13

    for path in paths:
        published = tifffile.imread(monuseg / "labels" / f"{path.stem}.tif")
        labels = read_annotations(path, published.shape)

        assert labels.dtype == np.int32
        assert same_partition(labels, published), path.stem


def test_a_square_covers_half_open_pixels(write):
    labels = read_annotations(write(aperio(SQUARE)), (8, 9))

    expected = np.zeros((8, 9), dtype=np.int32)
    expected[2:6, 3:7] = 1
    np.testing.assert_array_equal(labels, expected)


def test_squares_that_share_edges_neither_overlap_nor_leave_a_gap():
    corners = list(pairwise([0, 4, 8, 12]))
    squares = [
        np.array([(top, left), (top, right), (bottom, right), (bottom, left)]) - 1.0
        for top, bottom in corners
        for left, right in corners
    ]

    labels = rasterise(squares, (12, 12))

    expected = np.arange(1, 10).reshape(3, 3).repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_array_equal(labels, expected)


def test_polygons_count_from_zero_row_first(write):
    (polygon,) = read_polygons(write(aperio(SQUARE)))

    np.testing.assert_array_equal(polygon, [(1, 2), (1, 6), (5, 6), (5, 2)])


def test_the_earlier_region_keeps_the_pixel(write):
    shifted = [(x + 2, y + 2) for x, y in SQUARE]

    labels = read_annotations(write(aperio(SQUARE, shifted)), (10, 10))

    assert (labels[2:6, 3:7] == 1).all()
    assert np.count_nonzero(labels == 2) == 16 - 4


@pytest.mark.parametrize("first", [False, True])
def test_a_negative_region_is_a_hole_and_no_nucleus(write, first):
    hole = aperio([(4, 3), (6, 3), (6, 5), (4, 5)]).split("<Regions>")[1]
    hole = hole.split("</Regions>")[0].replace("<Region>", '<Region NegativeROA="1">')
    place = "<Regions>" if first else "</Regions>"
    inserted = place + hole if first else hole + place
    xml = aperio(SQUARE).replace(place, inserted)

    labels = read_annotations(write(xml), (8, 9))

    expected = np.zeros((8, 9), dtype=np.int32)
    expected[2:6, 3:7] = 1
    expected[3:5, 4:6] = 0
    np.testing.assert_array_equal(labels, expected)
    assert len(read_polygons(write(xml))) == 1


def test_a_nucleus_inside_a_hole_stays(write):
    hole = '<Region NegativeROA="1">'
    xml = aperio(square(1, 1, 18), square(5, 5, 10), square(8, 8, 3))
    first, second, third = xml.split("<Region>")[1:]
    begin = xml.split("<Region>")[0]

    labels = read_annotations(
        write(f"{begin}<Region>{first}{hole}{second}<Region>{third}"), (20, 20)
    )

    assert np.count_nonzero(labels == 1) == 18**2 - 10**2
    assert np.count_nonzero(labels == 2) == 3**2


def square(left, top, side):
    right, bottom = left + side, top + side
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


@pytest.mark.parametrize("first", [True, False])
def test_an_outline_around_others_is_refused(write, first):
    nuclei = [square(x, y, 4) for x in (5, 15, 25) for y in (5, 15)]
    tissue = square(2, 2, 40)
    outlines = [tissue, *nuclei] if first else [*nuclei, tissue]
    number = 1 if first else 7

    with pytest.raises(
        AnnotationError, match=f"Outline {number} of .* around 6 others"
    ):
        read_annotations(write(aperio(*outlines)), (50, 50))


def test_a_large_nucleus_among_small_ones_is_one(write):
    nuclei = [square(x, y, 4) for x in (5, 15, 25) for y in (5, 15)]
    beside = square(31, 2, 18)
    within = [square(33, 4, 4), square(40, 4, 4)]

    labels = read_annotations(write(aperio(*nuclei, *within, beside)), (50, 50))

    assert set(np.unique(labels)) == set(range(10))


def test_regions_without_an_area_are_skipped(write):
    xml = aperio([], [(1, 1)], [(1, 1), (5, 5)], SQUARE)

    assert len(read_polygons(write(xml))) == 1


def test_an_annotation_without_regions_has_no_nuclei(write):
    assert not read_annotations(write(aperio()), (4, 4)).any()


def test_what_lies_outside_the_image_is_cut_off(write):
    outside = [(x + 100, y - 100) for x, y in SQUARE]
    across = [(x - 4, y - 4) for x, y in SQUARE]

    labels = read_annotations(write(aperio(outside, across)), (8, 8))

    expected = np.zeros((8, 8), dtype=np.int32)
    expected[:2, :3] = 2
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (aperio(SQUARE)[:-20], "broken or no XML"),
        ("", "broken or no XML"),
        (b"II*\x00\x08\x00", "broken or no XML"),
        ('<?xml version="1.0" encoding="klingon"?><Annotations/>', "broken or no XML"),
        ('<?xml version="1.0" encoding="utf-7"?><Annotations/>', "broken or no XML"),
        ("<annotation><object/></annotation>", "root is <annotation>"),
        (aperio(SQUARE).replace("Y=", "y=", 1), "no numbers X and Y"),
        (aperio([("three", 2), *SQUARE]), "no numbers X and Y"),
        (aperio([("nan", 2), *SQUARE]), "no place in an image"),
        (aperio([(2, "nan"), *SQUARE]), "no place in an image"),
        (aperio([("-inf", 2), *SQUARE]), "no place in an image"),
        (aperio([(2, 1e300), *SQUARE]), "no place in an image"),
    ],
)
def test_foreign_and_broken_files_are_refused_in_one_sentence(write, text, reason):
    with pytest.raises(AnnotationError, match=reason) as caught:
        read_polygons(write(text))

    message = str(caught.value)
    assert message.startswith("nuclei.xml")
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(
    "subset",
    [
        "",
        '<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">',
        '<!ENTITY a SYSTEM "file:///etc/passwd">',
    ],
)
def test_document_types_are_refused_before_any_entity_is_read(write, subset):
    xml = f"<!DOCTYPE Annotations [{subset}]>" + aperio(SQUARE)

    with pytest.raises(AnnotationError, match="document type"):
        read_polygons(write(xml))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AnnotationError, match=r"gone\.xml cannot be read"):
        read_polygons(tmp_path / "gone.xml")
