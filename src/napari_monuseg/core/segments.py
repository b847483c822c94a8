"""The strips and tiles of a TIFF, decoded only where a window touches them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_monuseg.core.errors import ImageError
from napari_monuseg.core.files import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Segment = NDArray[Any]

CACHE_BYTES = 256 * 2**20


@dataclass(frozen=True, kw_only=True)
class Plane:
    """One plane of a TIFF page: where its segments lie, and how to decode them.

    Parameters
    ----------
    path : Path
        File, opened anew for each reading: nothing has to be closed, and a file
        that waits to be read does not count among the open ones.
    offsets, byte_counts : tuple of int
        Of each segment of the page; a count of 0 is a segment left out.
    first : int
        Number of the plane's first segment in its page.
    length, width : int
        Size of a segment, px.
    down, across : int
        Segments per column and row of the plane.
    decode
        From bytes and number to a (length, width, samples) array.
    missing : int
        Value of the pixels of a segment left out.
    """

    path: Path
    offsets: tuple[int, ...]
    byte_counts: tuple[int, ...]
    first: int
    length: int
    width: int
    down: int
    across: int
    decode: Callable[[bytes, int], Segment]
    missing: int

    def touched(self, rows: slice, columns: slice) -> Iterator[tuple[int, int, int]]:
        """Yield number, top and left of each segment that a window touches."""
        for y in range(rows.start // self.length, -(-rows.stop // self.length)):
            for x in range(columns.start // self.width, -(-columns.stop // self.width)):
                number = self.first + y * self.across + x
                yield number, y * self.length, x * self.width

    def load(self, number: int) -> Segment | None:
        """Read and decode one segment, (length, width, samples); None if left out."""
        count = self.byte_counts[number]
        if not count:
            return None
        with reading(self.path), self.path.open("rb") as file:
            file.seek(self.offsets[number])
            data = file.read(count)
            if len(data) < count:
                raise EOFError("the file ends too early")
            return self.decode(data, number)


class SegmentPixels:
    """Pixels of a TIFF whose decoded segments are kept, up to `CACHE_BYTES`.

    So an image that fits is decoded once, whatever its strips; of a larger one,
    the segments that neighbouring windows share.

    Parameters
    ----------
    planes : sequence of Plane
        Planes of the same size; their samples, one after another, are the channels.
    height, width : int
        Size, px.
    samples : int
        Samples per pixel of each plane.
    dtype : dtype
        Of the samples.
    """

    def __init__(
        self,
        planes: Sequence[Plane],
        *,
        height: int,
        width: int,
        samples: int,
        dtype: np.dtype[Any],
    ) -> None:
        self.height, self.width = height, width
        self.channels = samples * len(planes)
        self.dtype = dtype
        self._planes = planes
        self._samples = samples
        self._kept: OrderedDict[tuple[int, int], Segment | None] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def read(self, rows: slice, columns: slice) -> NDArray[Any]:
        """Read a window, (h, w, channels).

        Raises
        ------
        ImageError
            If the file is damaged or gone.
        """
        shape = (rows.stop - rows.start, columns.stop - columns.start, self.channels)
        window = np.empty(shape, self.dtype)
        with self._lock:
            for index in range(len(self._planes)):
                channel = index * self._samples
                part = window[..., channel : channel + self._samples]
                self._read_plane(index, part, rows.start, columns.start)
        return window

    def _read_plane(self, index: int, part: Segment, top: int, left: int) -> None:
        plane = self._planes[index]
        rows = slice(top, top + part.shape[0])
        columns = slice(left, left + part.shape[1])
        for number, y, x in plane.touched(rows, columns):
            target = part[
                max(y - top, 0) : y + plane.length - top,
                max(x - left, 0) : x + plane.width - left,
            ]
            segment = self._segment(index, number)
            if segment is None:
                target[:] = plane.missing
                continue
            source = segment[max(top - y, 0) :, max(left - x, 0) :]
            source = source[: target.shape[0], : target.shape[1]]
            if source.shape != target.shape:
                raise ImageError(
                    f"{plane.path.name} is damaged: a part of it has the wrong size; "
                    "get the file again."
                )
            target[:] = source

    def _segment(self, index: int, number: int) -> Segment | None:
        key = (index, number)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        segment = self._planes[index].load(number)
        self._kept[key] = segment
        self._kept_bytes += 0 if segment is None else segment.nbytes
        # The one just decoded stays, however large: the next window needs it too.
        while self._kept_bytes > CACHE_BYTES and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= 0 if oldest is None else oldest.nbytes
        return segment

    def close(self) -> None:
        """Forget the decoded segments."""
        with self._lock:
            self._kept.clear()
            self._kept_bytes = 0


def page_planes(page: Any) -> list[Plane]:
    """Describe the planes of a TIFF page, so that its file can be closed.

    Parameters
    ----------
    page : tifffile.TiffPage or tifffile.TiffFrame
        One page of an open file.

    Raises
    ------
    ImageError
        If the file ends before the page does.
    """
    key = page.keyframe
    file = page.parent.filehandle
    count, _, height, width, _ = key.shaped
    length, across = key.rowsperstrip, 1
    if key.is_tiled:
        length, across = key.tilelength, -(-width // key.tilewidth)
    down = -(-height // length)
    offsets, byte_counts = tuple(page.dataoffsets), tuple(page.databytecounts)
    _check_complete(offsets, byte_counts, count * down * across, file)
    decode, tables, header = key.decode, page.jpegtables, key.jpegheader

    def decode_segment(data: bytes, number: int) -> Segment:
        decoded, *_ = decode(data, number, jpegtables=tables, jpegheader=header)
        segment: Segment = decoded[0]  # of one in depth
        return segment

    return [
        Plane(
            path=Path(file.path),
            offsets=offsets,
            byte_counts=byte_counts,
            first=index * down * across,
            length=length,
            width=key.tilewidth if key.is_tiled else width,
            down=down,
            across=across,
            decode=decode_segment,
            missing=_missing(key),
        )
        for index in range(count)
    ]


def _check_complete(
    offsets: tuple[int, ...], byte_counts: tuple[int, ...], needed: int, file: Any
) -> None:
    if min(len(offsets), len(byte_counts)) < needed:
        raise EOFError("parts of the image are not in the file")
    parts = zip(offsets[:needed], byte_counts[:needed], strict=True)
    end = max((offset + count for offset, count in parts if count), default=0)
    if end > file.size:
        raise EOFError(f"{end - file.size} bytes are missing at its end")


def _missing(page: Any) -> int:
    """Give the value of parts that a scanner left out: white, where it can be."""
    is_colour = page.photometric in {2, 6} and page.dtype == np.uint8
    return 255 if is_colour else int(page.nodata)
