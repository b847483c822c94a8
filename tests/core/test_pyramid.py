"""Of a pyramid the level nearest to the wanted pixel size; of a stack nothing."""

import numpy as np
import pytest
import tifffile

from napari_monuseg.core import pyramid
from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.image import TissueImage

ALL = slice(None)
APERIO = "Aperio Image Library v11\n512x512 (64x64) Q=70|AppMag = 40|MPP = 0.25"


def level_images(rgb):
    return [rgb, rgb[::2, ::2].copy(), rgb[::8, ::8].copy()]


def write_svs(path, rgb):
    large, middle, small = level_images(rgb)
    options = {"photometric": "rgb", "metadata": None, "compression": "zlib"}
    with tifffile.TiffWriter(path) as file:
        file.write(large, description=APERIO, tile=(64, 64), **options)
        file.write(small, description=APERIO, **options)  # thumbnail
        file.write(middle, description=APERIO, tile=(64, 64), **options)
        file.write(small, description=APERIO, tile=(64, 64), **options)
        file.write(small, description="Aperio label", subfiletype=1, **options)
        file.write(small, description="Aperio macro", subfiletype=9, **options)


def write_ome(path, rgb):
    large, *others = level_images(rgb)
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    options = {"photometric": "rgb", "tile": (64, 64), "compression": "lzw"}
    with tifffile.TiffWriter(path, ome=True) as file:
        file.write(large, subifds=2, metadata=metadata, **options)
        for other in others:
            file.write(other, subfiletype=1, **options)


def write_plain(path, rgb):
    with tifffile.TiffWriter(path) as file:
        for number, image in enumerate(level_images(rgb)):
            file.write(
                image,
                photometric="rgb",
                tile=(64, 64),
                subfiletype=int(number > 0),
                resolution=(40_000 / 2**number,) * 2,
                resolutionunit="CENTIMETER",
                metadata=None,
            )


@pytest.fixture(params=[write_svs, write_ome, write_plain])
def slide(request, tmp_path, tissue):
    """Give a pyramid of 0.25, 0.5 and 2 µm/px, and its levels."""
    rgb = np.tile(tissue[0], (2, 2, 1))
    path = tmp_path / "slide.tif"
    request.param(path, rgb)
    return path, level_images(rgb)


@pytest.mark.parametrize(
    ("wanted", "level", "pixel_size"),
    [
        (0.01, 0, 0.25),
        (0.25, 0, 0.25),
        (0.34, 0, 0.25),
        (0.36, 1, 0.5),
        (0.5, 1, 0.5),
        (0.9, 1, 0.5),
        (1.1, 2, 2.0),
        (9.0, 2, 2.0),
    ],
)
def test_the_nearest_level_is_taken(slide, wanted, level, pixel_size):
    path, levels = slide

    image = TissueImage.open(path, wanted_pixel_size=wanted)

    assert image.pixel_size == pytest.approx(pixel_size)
    np.testing.assert_array_equal(image.read(ALL, ALL), levels[level])
    np.testing.assert_array_equal(
        image.read(slice(30, 60), slice(7, 64)), levels[level][30:60, 7:64]
    )


def test_a_given_pixel_size_is_that_of_the_largest_level(slide):
    path, levels = slide

    image = TissueImage.open(path, pixel_size=0.125, wanted_pixel_size=0.25)

    assert (image.pixel_size, image.pixel_size_source) == (0.25, "given")
    assert (image.height, image.width) == levels[1].shape[:2]


@pytest.mark.parametrize("size", [0.05, 0.37])
@pytest.mark.parametrize("width", [43, 192])
def test_a_given_pixel_size_is_taken_to_the_last_digit(tmp_path, size, width):
    rgb = np.full((40, width, 3), 200, np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")

    assert TissueImage.open(tmp_path / "a.tif", pixel_size=size).pixel_size == size


def test_the_largest_level_is_taken_where_nothing_is_asked_for(slide):
    path, levels = slide

    image = TissueImage.open(path, pixel_size=0.12)

    assert image.pixel_size == 0.12
    assert (image.height, image.width) == levels[0].shape[:2]


def test_without_a_pixel_size_the_largest_level_is_taken(tmp_path, tissue):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(tissue[0], subifds=1, photometric="rgb")
        file.write(tissue[0][::2, ::2], photometric="rgb", subfiletype=1)

    image = TissueImage.open(tmp_path / "a.tif", wanted_pixel_size=4)

    assert (image.height, image.pixel_size) == (256, None)


def test_the_tissue_is_found_behind_an_overview(tmp_path, tissue):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(tissue[0][:50, :40], photometric="rgb", metadata=None)
        file.write(tissue[0], photometric="rgb", metadata=None)

    image = TissueImage.open(tmp_path / "a.tif")

    np.testing.assert_array_equal(image.read(ALL, ALL), tissue[0])


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_a_large_plain_image_is_mapped(
    tmp_path, tissue, monkeypatch, planar, byteorder
):
    monkeypatch.setattr(pyramid, "CACHE_BYTES", 1000)
    wide = tissue[0].astype(np.uint16) * 257
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.moveaxis(wide, -1, 0) if planar else wide,
        photometric="rgb",
        planarconfig="separate" if planar else "contig",
        byteorder=byteorder,
    )

    found = TissueImage.open(tmp_path / "a.tif").read(slice(9, 70), slice(20, 30))

    np.testing.assert_array_equal(found, tissue[0][9:70, 20:30])


def test_three_planes_that_are_channels_are_rgb(tmp_path, tissue):
    planes = np.moveaxis(tissue[0], -1, 0)
    for name, options in {
        "a.ome.tif": {"metadata": {"axes": "CYX"}, "photometric": "minisblack"},
        "b.tif": {"photometric": "minisblack", "compression": "zlib"},
        "c.tif": {"photometric": "minisblack", "imagej": True},
    }.items():
        metadata = options.pop("metadata", {"axes": "CYX"})
        tifffile.imwrite(tmp_path / name, planes, metadata=metadata, **options)

        found = TissueImage.open(tmp_path / name).read(ALL, slice(5, 9))

        np.testing.assert_array_equal(found, tissue[0][:, 5:9])


@pytest.mark.parametrize(
    ("shape", "options", "sentence"),
    [
        ((5, 30, 40), {"metadata": {"axes": "ZYX"}}, "stack of 5 planes"),
        ((3, 30, 40), {"metadata": {"axes": "TYX"}}, "stack of 3 planes"),
        ((3, 30, 40), {"metadata": {"axes": "ZYX"}, "imagej": True}, "stack of 3"),
        ((3, 30, 40), {"metadata": None}, "stack of 3 planes"),
        ((2, 3, 30, 40), {"metadata": {"axes": "ZCYX"}}, "stack of 6 planes"),
        ((6, 30, 40, 3), {"photometric": "rgb"}, "stack of 6 planes"),
        ((2, 30, 40), {"metadata": {"axes": "CYX"}}, "has 2 channels, as fluor"),
        ((4, 30, 40), {"metadata": {"axes": "CYX"}}, "has 4 channels"),
        ((7, 30, 40), {"metadata": {"axes": "CYX"}}, "has 7 channels"),
        ((30, 40, 6), {"photometric": "rgb"}, "has 6 channels"),
        ((30, 40, 4), {"photometric": "separated"}, "stores its colours as SEPARATED"),
        ((30, 40, 3), {"photometric": "cielab"}, "stores its colours as CIELAB"),
    ],
)
def test_what_is_no_plane_of_tissue_is_refused(tmp_path, shape, options, sentence):
    options = {"photometric": "minisblack"} | options
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros(shape, np.uint8), **options)

    with pytest.raises(ImageError, match=rf"a\.tif .*{sentence}"):
        TissueImage.open(path)


def test_two_images_of_one_size_are_refused(tmp_path, tissue):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as file:
        file.write(tissue[0], photometric="rgb")
        file.write(tissue[0], photometric="rgb")

    with pytest.raises(ImageError, match="2 images of the same size"):
        TissueImage.open(tmp_path / "a.ome.tif")


def test_labels_and_masks_are_no_tissue(tmp_path):
    for dtype in (np.uint32, np.int32, bool):
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), dtype))

        with pytest.raises(ImageError, match=r"^a\.tif "):
            TissueImage.open(tmp_path / "a.tif")


def test_channels_in_other_files_must_be_there(tmp_path, tissue):
    planes = np.moveaxis(tissue[0], -1, 0)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "CYX"})
    content = path.read_bytes().replace(b'PlaneCount="3"', b'PlaneCount="2"')
    path.write_bytes(content)

    with pytest.raises(ImageError, match=r"a\.ome\.tif cannot be read"):
        TissueImage.open(path)


def test_grey_with_alpha_is_seen_over_white(tmp_path):
    grey = np.full((20, 30), 90, np.uint8)
    alpha = np.full((20, 30), 255, np.uint8)
    alpha[:, 15:] = 0
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.dstack([grey, alpha]),
        extrasamples=["unassalpha"],
        **options,
    )
    tifffile.imwrite(tmp_path / "b.tif", np.dstack([grey, alpha]), **options)

    rgb = TissueImage.open(tmp_path / "a.tif").read(ALL, ALL)

    assert (rgb[:, :15] == 90).all()
    assert (rgb[:, 15:] == 255).all()
    with pytest.raises(ImageError, match="has 2 channels"):
        TissueImage.open(tmp_path / "b.tif")

    options["photometric"] = "miniswhite"
    tifffile.imwrite(
        tmp_path / "c.tif",
        np.dstack([grey, alpha]),
        extrasamples=["unassalpha"],
        **options,
    )
    with pytest.raises(ImageError, match="has 2 channels"):
        TissueImage.open(tmp_path / "c.tif")
