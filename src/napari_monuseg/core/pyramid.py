"""The level of a TIFF that is nearest to a pixel size; plain files have one level."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from napari_monuseg.core.calibration import Calibration, find_calibration
from napari_monuseg.core.colour import Encoding, RgbPixels
from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.files import reading
from napari_monuseg.core.pixels import ArrayPixels, GreyWithAlpha
from napari_monuseg.core.segments import CACHE_BYTES, SegmentPixels, page_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_monuseg.core.pixels import Pixels

_APERIO_YCBCR = 33003
_JPEG = {6, 7, 34892, 33007}
_ALPHA = {1: "premultiplied", 2: "straight"}  # the ExtraSamples tag
_ALPHAS = {(kind,) for kind in _ALPHA}


def open_tiff(
    path: Path, calibration: Calibration, wanted_pixel_size: float
) -> tuple[RgbPixels, Calibration]:
    """Open the level of a TIFF that is nearest to a pixel size.

    Parameters
    ----------
    path : Path
        TIFF, BigTIFF, OME-TIFF, SVS and what else tifffile knows.
    calibration : Calibration
        Pixel size of the largest level, in place of the file's own; unknown to
        read the file's.
    wanted_pixel_size : float
        µm/px. Without a calibration the largest level is taken.

    Returns
    -------
    pixels : RgbPixels
    calibration : Calibration
        Of the level.

    Raises
    ------
    ImageError
        If the file cannot be read, or is not a plane of tissue.
    """
    with reading(path), tifffile.TiffFile(path) as file:
        series = _largest_series(file, path.name)
        if calibration.pixel_size is None:
            page = series.keyframe
            calibration = find_calibration(page, file.ome_metadata, path.name)
        levels = _levels(series, file.series)
        level, calibration = _nearest(levels, calibration, wanted_pixel_size)
        _check_plane(level, path.name)
        encoding = _encoding(level, path.name)
        stored = _pixels(level)
        if _is_grey_with_alpha(level.keyframe):
            stored = GreyWithAlpha(stored)
        pixels = RgbPixels(stored, encoding, path.name)
    return pixels, calibration


def _sides(series: Any) -> tuple[int, int]:
    height, width = (series.shape[series.axes.index(axis)] for axis in "YX")
    return int(height), int(width)


def _largest_series(file: Any, name: str) -> Any:
    """Find the tissue among thumbnails, labels and overviews."""
    images = [series for series in file.series if {"Y", "X"} <= set(series.axes)]
    if not images:
        raise ImageError(f"{name} holds no image; export it again as RGB TIFF.")
    largest = max(images, key=lambda series: math.prod(_sides(series)))
    alike = sum(_sides(series) == _sides(largest) for series in images)
    if alike > 1:
        raise ImageError(
            f"{name} holds {alike} images of the same size; export the one you need "
            "as a TIFF of its own."
        )
    return largest


def _levels(series: Any, others: Any) -> list[Any]:
    """Find the levels, and in plain TIFFs also those that are marked as smaller.

    tifffile takes for levels what halves from page to page.
    """
    levels = list(series.levels)
    height, width = _sides(series)
    for other in others if series.kind == "generic" else ():
        low, narrow = _sides(other)
        same_view = abs(height * narrow - width * low) <= max(height, width)
        if other is not series and other.keyframe.is_reduced and same_view:
            levels.append(other)
    return levels


def _nearest(
    levels: list[Any], calibration: Calibration, wanted: float
) -> tuple[Any, Calibration]:
    """Choose by ratio, the finer one of two that are as near."""
    size = calibration.pixel_size
    if size is None:
        return levels[0], calibration
    width = _sides(levels[0])[1]
    sizes = [size * (width / _sides(level)[1]) for level in levels]
    best = min(range(len(sizes)), key=lambda n: abs(math.log(sizes[n] / wanted)))
    return levels[best], Calibration(sizes[best], calibration.source)


def _check_plane(level: Any, name: str) -> None:
    sides = zip(level.axes, level.shape, strict=True)
    stacked = {axis: side for axis, side in sides if side > 1 and axis not in "YX"}
    if len(stacked) > 1 or not set(stacked) <= set("SCQ"):
        planes = math.prod(side for axis, side in stacked.items() if axis != "S")
        raise ImageError(
            f"{name} is a stack of {planes} planes; nuclei are found in a single one: "
            "export it as a TIFF of its own."
        )
    channels, page = math.prod(stacked.values()), level.keyframe
    if _is_grey_with_alpha(page) and channels == 2:
        return
    if channels not in {1, 3, 4} or (channels == 4 and page.photometric < 2):
        raise ImageError(
            f"{name} has {channels} channels, as fluorescence images and stacks do; "
            "export it as RGB or as a single channel."
        )


def _is_grey_with_alpha(page: Any) -> bool:
    extra = tuple(map(int, page.extrasamples))
    return page.photometric == 1 and page.samplesperpixel == 2 and extra[:1] in _ALPHAS


def _encoding(level: Any, name: str) -> Encoding:
    """Read what the samples mean from the tags."""
    page = level.keyframe
    bits = page.bitspersample if isinstance(page.bitspersample, int) else None
    if page.photometric == 3 and page.colormap is not None:
        if page.colormap.ndim != 2:
            raise ImageError(f"The colour map of {name} is damaged; get it again.")
        return Encoding(palette=_palette(page.colormap))
    if page.photometric == 6 and page.compression in _JPEG:
        # Decoders make it RGB, where the three channels lie together.
        return Encoding(bits=bits, ycbcr=page.planarconfig == 2)
    if page.compression == _APERIO_YCBCR:
        return Encoding(ycbcr=not _is_subsampled(page))
    if page.photometric not in {0, 1, 2}:
        kind = getattr(page.photometric, "name", page.photometric)
        raise ImageError(f"{name} stores its colours as {kind}; export it as RGB TIFF.")
    extra = page.extrasamples[0] if page.extrasamples else 0
    return Encoding(
        alpha=_ALPHA.get(int(extra), "ignored"),  # type: ignore[arg-type]
        inverted=page.photometric == 0,
        bits=bits,
    )


def _palette(colours: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn a colour map, (3, n) of 16 or, by mistake, 8 bits, into (n, 3) uint8.

    Programs widen 8 bits to 16 by 257 or by 256; the high byte is right for both.
    """
    colours = colours.T
    return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8)


def _is_subsampled(page: Any) -> bool:
    """Tell whether an Aperio JPEG 2000 has coarser colour, which is made RGB.

    OpenJPEG takes three components of different sizes for YCbCr and converts
    them; those of one size it leaves. The sizes are in the SIZ segment that
    starts a codestream: byte 46 is the horizontal step of the second component.
    """
    counts = page.databytecounts
    number = next((n for n, count in enumerate(counts) if count), None)
    if number is None:
        return False
    page.parent.filehandle.seek(page.dataoffsets[number])
    header = page.parent.filehandle.read(64)
    start = header.index(b"\xff\x4f\xff\x51")
    return bool(header[start + 46] != 1)


def _pixels(level: Any) -> Pixels:
    page = level.keyframe
    if len(level.pages) == 1 and page.nbytes > CACHE_BYTES and page.is_memmappable:
        return _mapped(page)
    planes = []
    for each in level.pages:
        if each is None:
            raise EOFError("a file of the set is missing")
        planes += page_planes(each)
    _, _, height, width, samples = page.shaped
    pixels = SegmentPixels(
        planes, height=height, width=width, samples=samples, dtype=page.dtype
    )
    if pixels.channels != math.prod(level.shape) // math.prod(_sides(level)):
        raise EOFError("planes of the image are not in the file")
    return pixels


def _mapped(page: Any) -> ArrayPixels:
    """Map an uncompressed image into memory, where a strip may be all of it."""
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    offset = page.dataoffsets[0]
    stored = np.memmap(
        page.parent.filehandle.path, dtype, "r", offset, tuple(page.shaped)
    )
    if page.shaped[0] == 1:
        return ArrayPixels(stored[0, 0], "YXC")
    return ArrayPixels(stored[:, 0, :, :, 0], "CYX")
