"""The strips and tiles of a TIFF are decoded right, whatever their compression."""

import base64

import numpy as np
import pytest
import tifffile

from napari_monuseg.core.image import TissueImage

ALL = slice(None)


@pytest.mark.parametrize(
    "compression",
    ["lzw", "zlib", "packbits", "zstd", "lzma", "jpeg2000", "png", "webp", "jpegxl"],
)
@pytest.mark.parametrize("layout", [{"tile": (64, 64)}, {"rowsperstrip": 32}])
def test_any_lossless_compression_is_read(tmp_path, tissue, compression, layout):
    options = {"lossless": True} if compression in {"webp", "jpegxl"} else {}
    tifffile.imwrite(
        tmp_path / "a.tif",
        tissue[0],
        photometric="rgb",
        compression=compression,
        compressionargs=options,
        **layout,
    )

    found = TissueImage.open(tmp_path / "a.tif").read(slice(20, 200), slice(3, 99))

    np.testing.assert_array_equal(found, tissue[0][20:200, 3:99])


@pytest.mark.parametrize("stored_as", ["YCbCr", "RGB"])
def test_jpeg_compression_gives_rgb(tmp_path, stored_as):
    colour = np.full((128, 128, 3), (200, 80, 160), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif",
        colour,
        photometric="rgb",
        compression="jpeg",
        compressionargs={"outcolorspace": stored_as},
        tile=(64, 64),
    )

    found = TissueImage.open(tmp_path / "a.tif").read(ALL, ALL)

    np.testing.assert_allclose(found, colour, atol=2)


def test_jpeg_compression_by_channel_gives_rgb(tmp_path):
    stored = np.empty((3, 128, 128), dtype=np.uint8)
    stored[:] = np.reshape((124, 147, 181), (3, 1, 1))
    tifffile.imwrite(
        tmp_path / "a.tif",
        stored,
        photometric="rgb",
        planarconfig="separate",
        compression="jpeg",
        tile=(64, 64),
        extratags=[(530, "H", 2, (1, 1), True)],  # colour at full resolution
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["PhotometricInterpretation"].overwrite(6)

    found = TissueImage.open(tmp_path / "a.tif").read(ALL, ALL)

    np.testing.assert_allclose(found, np.full_like(found, (198, 80, 158)), atol=2)


# One tile of 16 × 16 px of YCbCr 124, 147, 181, at half resolution in colour.
SUBSAMPLED = base64.b64decode(
    "/0//UQAvAAAAAAAQAAAAEAAAAAAAAAAAAAAAEAAAABAAAAAAAAAAAAADBwEBBwICBwIC/1IADAAA"
    "AAEAAAQEAAH/XAAEQED/ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjD/kAAK"
    "AAAAAAA+AAH/k8D4RhFQVK/0x8PnGBQAXKNlXbAAAwkJf8fUKhQAXK/5zYAAAYSEaoUMJCQgNAMJ"
    "CP/Z"
)


def as_aperio(path):
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(33003)


def test_ycbcr_of_aperio_becomes_rgb(tmp_path):
    path = tmp_path / "a.svs"
    stored = np.full((128, 128, 3), (124, 147, 181), dtype=np.uint8)
    options = {"photometric": "rgb", "tile": (64, 64), "compressionargs": {"mct": 0}}
    tifffile.imwrite(path, stored, compression="jpeg2000", metadata=None, **options)
    as_aperio(path)

    found = TissueImage.open(path).read(ALL, ALL)

    np.testing.assert_allclose(found, np.full_like(found, (198, 80, 158)), atol=1)


def test_subsampled_ycbcr_of_aperio_is_converted_once(tmp_path):
    path = tmp_path / "a.svs"
    tifffile.imwrite(
        path,
        iter([SUBSAMPLED] * 4),
        shape=(32, 32, 3),
        dtype=np.uint8,
        photometric="rgb",
        tile=(16, 16),
        compression="jpeg2000",
        metadata=None,
    )
    as_aperio(path)

    found = TissueImage.open(path).read(ALL, ALL)

    np.testing.assert_allclose(found, np.full_like(found, (198, 80, 158)), atol=1)


def test_tiles_that_a_scanner_left_out_are_white(tmp_path, tissue):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, tissue[0], photometric="rgb", tile=(128, 128))
    with tifffile.TiffFile(path, mode="r+") as file:
        tags = file.pages.first.tags
        for name in ("TileOffsets", "TileByteCounts"):
            tags[name].overwrite((0, *tags[name].value[1:]))

    found = TissueImage.open(path).read(ALL, ALL)

    assert (found[:128, :128] == 255).all()
    np.testing.assert_array_equal(found[128:], tissue[0][128:])
