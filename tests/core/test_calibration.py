"""The pixel size is what a file states, and never a placeholder."""

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage

RGB = np.zeros((40, 60, 3), dtype=np.uint8)


def calibration(path):
    image = TissueImage.open(path)
    return image.pixel_size, image.pixel_size_source


def write(path, *, resolution=None, unit=None, **options):
    if resolution:
        options |= {"resolution": resolution, "resolutionunit": unit}
    tifffile.imwrite(path, RGB, photometric="rgb", **options)


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (0.25, "µm"),
        (0.25, "\u03bcm"),
        (0.25, None),
        (250, "nm"),
        (0.00025, "mm"),
        (0.000025, "cm"),
        (2500, "Å"),
    ],
)
def test_ome_sizes_are_read_in_their_unit(tmp_path, value, unit):
    metadata = {"axes": "YXS", "PhysicalSizeX": value, "PhysicalSizeY": value}
    if unit:
        metadata |= {"PhysicalSizeXUnit": unit, "PhysicalSizeYUnit": unit}

    write(tmp_path / "a.ome.tif", metadata=metadata)

    size, source = calibration(tmp_path / "a.ome.tif")
    assert size == pytest.approx(0.25)
    assert source == "OME metadata"


def test_the_ome_sizes_of_the_tissue_count_not_those_of_the_label(tmp_path):
    path = tmp_path / "a.ome.tif"
    sizes = {
        "label": {"PhysicalSizeX": 15, "PhysicalSizeY": 15},
        "tissue": {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5},
    }
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(RGB[:9, :9], photometric="rgb", metadata=sizes["label"])
        file.write(RGB, photometric="rgb", metadata=sizes["tissue"])

    assert calibration(path) == (0.5, "OME metadata")


def test_ome_in_pixels_is_no_calibration(tmp_path):
    write(
        tmp_path / "a.ome.tif",
        metadata={
            "PhysicalSizeX": 1,
            "PhysicalSizeY": 1,
            "PhysicalSizeXUnit": "pixel",
            "PhysicalSizeYUnit": "pixel",
        },
    )

    assert calibration(tmp_path / "a.ome.tif") == (None, "")


def test_aperio_states_it_in_its_description(tmp_path):
    write(
        tmp_path / "a.svs",
        description="Aperio Image Library v11\n60x40|AppMag = 40|MPP = 0.2520|Left = 1",
        metadata=None,
        tile=(16, 16),
        resolution=(72, 72),
        unit="INCH",
    )

    assert calibration(tmp_path / "a.svs") == (0.252, "Aperio description")


@pytest.mark.parametrize(
    ("unit", "per_unit"), [("micron", 4), ("um", 4), ("mm", 4000), ("\\u00B5m", 4)]
)
def test_imagej_states_unit_and_resolution(tmp_path, unit, per_unit):
    write(
        tmp_path / "a.tif",
        imagej=True,
        resolution=(per_unit, per_unit),
        unit="NONE",
        metadata={"unit": unit},
    )

    assert calibration(tmp_path / "a.tif") == (0.25, "ImageJ metadata")


def test_imagej_in_pixels_is_no_calibration(tmp_path):
    write(
        tmp_path / "a.tif",
        imagej=True,
        resolution=(1, 1),
        unit="NONE",
        metadata={"unit": "pixel"},
    )

    assert calibration(tmp_path / "a.tif") == (None, "")


@pytest.mark.parametrize(
    ("unit", "resolution"), [("CENTIMETER", 40_000), ("INCH", 101_600)]
)
def test_resolution_tags_are_read_in_their_unit(tmp_path, unit, resolution):
    write(tmp_path / "a.tif", resolution=(resolution, resolution), unit=unit)

    size, source = calibration(tmp_path / "a.tif")
    assert size == pytest.approx(0.25)
    assert source == "resolution tags"


@pytest.mark.parametrize(
    ("unit", "resolution"),
    [
        *[("INCH", dpi) for dpi in (1, 72, 96, 100, 150, 300, 600, 1200, 2400)],
        *[("CENTIMETER", count) for count in (1, 28, 38, 118, 236)],
        ("NONE", 1),
        ("NONE", 40_000),
        ("INCH", 10_000_000),
    ],
)
def test_placeholders_are_no_calibration(tmp_path, unit, resolution):
    write(tmp_path / "a.tif", resolution=(resolution, resolution), unit=unit)

    assert calibration(tmp_path / "a.tif") == (None, "")


def test_a_file_that_says_nothing_has_no_pixel_size(tmp_path):
    write(tmp_path / "a.tif")

    assert calibration(tmp_path / "a.tif") == (None, "")


def test_a_resolution_of_zero_is_no_calibration(tmp_path):
    write(tmp_path / "a.tif", resolution=(40_000, 40_000), unit="CENTIMETER")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["XResolution"].overwrite((40_000, 0))

    assert calibration(tmp_path / "a.tif") == (None, "")


def test_pixels_that_are_nearly_square_are_averaged(tmp_path):
    write(
        tmp_path / "a.ome.tif",
        metadata={"PhysicalSizeX": 0.2500, "PhysicalSizeY": 0.2520},
    )

    assert calibration(tmp_path / "a.ome.tif")[0] == pytest.approx(0.251)


def test_pixels_that_are_not_square_are_refused_unless_a_size_is_given(tmp_path):
    path = tmp_path / "a.ome.tif"
    write(path, metadata={"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5})

    with pytest.raises(ImageError, match=r"0\.5×0\.25 µm; they must be square"):
        TissueImage.open(path)
    assert TissueImage.open(path, pixel_size=0.3).pixel_size == 0.3


@pytest.mark.parametrize("pixel_size", [0, -1, float("nan"), float("inf")])
def test_an_impossible_pixel_size_is_refused(tmp_path, pixel_size):
    write(tmp_path / "a.tif")
    image = TissueImage.from_array(RGB)

    for make in (
        lambda: TissueImage.from_array(RGB, pixel_size=pixel_size),
        lambda: TissueImage.open(tmp_path / "a.tif", pixel_size=pixel_size),
        lambda: image.with_pixel_size(pixel_size),
    ):
        with pytest.raises(ImageError, match="not possible"):
            make()


def test_only_the_number_of_that_name_counts(tmp_path):
    write(tmp_path / "a.svs", description="Aperio Image|OriginalMPP = 0.5|MPP = 0.25")

    assert calibration(tmp_path / "a.svs") == (0.25, "Aperio description")


@pytest.mark.parametrize("number", ["2.5e-1", "0,25", ".25", "0.250 ", "25E-2"])
def test_aperio_writes_its_number_in_several_ways(tmp_path, number):
    write(tmp_path / "a.svs", description=f"Aperio Image|MPP = {number}|Left = 1,5")

    assert calibration(tmp_path / "a.svs") == (0.25, "Aperio description")


def test_ome_attributes_may_stand_in_single_quotes(tmp_path):
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.5}
    write(tmp_path / "a.ome.tif", metadata=metadata)
    text = tifffile.tiffcomment(tmp_path / "a.ome.tif")

    tifffile.tiffcomment(tmp_path / "a.ome.tif", text.replace('"', "'").encode())

    assert calibration(tmp_path / "a.ome.tif") == (0.5, "OME metadata")
