"""From the network's maps to one label per nucleus.

The foreground falls into connected components, and what happens inside one
depends on nothing outside it. So an image may be read in blocks, on several
threads, with the partition of one piece: components inside a block are read
there, those that cross its border in a window of their own.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.maps import NucleusMaps, Window
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.separation import FloatImage, Labels, separate

BLOCK = 2048
"""Side of the blocks an image is read in, px."""

LARGEST_COMPONENT = 4096
"""Side of the largest window a component that crosses blocks is read in, px.

Beyond it (a threshold near 0 makes one component of the whole image) the
component is cut at the blocks' borders.
"""

ASSUMED_PIXEL_SIZE = 0.25
"""Taken where the pixel size is unknown: 40× magnification, µm/px."""


@dataclass(frozen=True, kw_only=True)
class InstanceOptions:
    """How nuclei are read from the maps.

    Parameters
    ----------
    foreground_threshold : float
        A pixel belongs to a nucleus where the foreground exceeds it.
    seed_threshold : float
        Each connected region in which the distance exceeds it becomes a nucleus
        of its own; higher separates more, and splits more.
    smallest_nucleus_um2 : float
        Anything smaller is dropped, µm².
    """

    foreground_threshold: float = 0.5
    seed_threshold: float = 0.5
    smallest_nucleus_um2: float = 4.0

    def smallest_nucleus_px(self, pixel_size: float | None) -> int:
        """Return the smallest area in px at a pixel size in µm/px."""
        side = pixel_size or ASSUMED_PIXEL_SIZE
        return max(1, round(self.smallest_nucleus_um2 / side**2))


def find_nuclei(
    maps: NucleusMaps, options: InstanceOptions, *, block: int = BLOCK
) -> Generator[Progress, None, Labels]:
    """Read the nuclei from the maps.

    Parameters
    ----------
    maps : NucleusMaps
        Foreground and distance ``(H, W)``.
    options : InstanceOptions
        Thresholds and smallest area.
    block : int
        Side of the blocks the image is read in, px.

    Yields
    ------
    Progress
        A step per block.

    Returns
    -------
    labels : (H, W) int32
        0 is background; nuclei are numbered from 1 without gaps, each one
        4-connected component without holes. The partition does not depend on
        `block` as long as no component is larger than `LARGEST_COMPONENT`.
    """
    reader = _BlockReader(maps, options, block)
    windows = list(_blocks(maps.shape, block))
    for number, window in enumerate(windows):
        yield Progress(message="Reading nuclei", done=number, total=len(windows))
        reader.read_block(window)
    reader.read_crossing()
    if len(windows) > 1:
        _close_gaps(reader.labels, windows, reader.count)
    return reader.labels


class _BlockReader:
    """Collects nuclei block by block, and the components that cross blocks."""

    def __init__(self, maps: NucleusMaps, options: InstanceOptions, block: int) -> None:
        self.maps = maps
        self.options = options
        self.block = block
        self.smallest_px = options.smallest_nucleus_px(maps.pixel_size)
        self.labels: Labels = np.zeros(maps.shape, np.int32)
        self.count = 0
        self._crossing = _Crossing(maps.shape)

    def read_block(self, window: Window) -> None:
        """Read the components inside the block and remember those that cross it."""
        foreground, distance = self.maps.read(window)
        mask = foreground > self.options.foreground_threshold
        components, _ = ndimage.label(mask)
        crossing = self._crossing.add(components, window)
        inside = mask if not crossing.size else mask & ~np.isin(components, crossing)
        self._write(inside, distance, window)

    def read_crossing(self) -> None:
        """Read the components that cross blocks, each in its own window."""
        for group in self._crossing.groups():
            if max(_size(group.window)) <= LARGEST_COMPONENT:
                foreground, distance = self.maps.read(group.window)
                mask = foreground > self.options.foreground_threshold
                components, _ = ndimage.label(mask)
                row, column = group.pixel
                own = components[
                    row - group.window[0].start, column - group.window[1].start
                ]
                self._write(components == own, distance, group.window)
            else:
                self._read_in_parts(group)

    def _read_in_parts(self, group: "_Group") -> None:
        for part in group.parts:
            foreground, distance = self.maps.read(part.window)
            mask = foreground > self.options.foreground_threshold
            components, _ = ndimage.label(mask)
            self._write(np.isin(components, part.components), distance, part.window)

    def _write(
        self, mask: npt.NDArray[np.bool_], distance: FloatImage, window: Window
    ) -> None:
        nuclei, count = separate(
            mask, distance, self.options.seed_threshold, self.smallest_px
        )
        written = self.labels[window]
        # Two components meet only where one lies in a filled hole of the other.
        # The outer one stays: it covers the inner, or already stands around it.
        free = np.bincount(nuclei[written == 0], minlength=count + 1)
        nuclei[(free == 0)[nuclei]] = 0
        np.copyto(written, nuclei + self.count, where=nuclei > 0)
        self.count += count


@dataclass(frozen=True)
class _Part:
    """Components of one block that belong to one crossing component."""

    window: Window
    components: npt.NDArray[np.int32]


@dataclass(frozen=True)
class _Group:
    """One crossing component: its bounding window, one of its pixels, its parts."""

    window: Window
    pixel: tuple[int, int]
    parts: list[_Part]


class _Crossing:
    """Joins the components that meet at the borders between blocks."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._shape = shape
        self._parents: list[int] = []
        self._boxes: list[tuple[int, int, int, int]] = []
        self._pixels: list[tuple[int, int]] = []
        self._places: list[tuple[Window, int]] = []
        self._below: dict[tuple[int, int], int] = {}
        self._right: dict[tuple[int, int], int] = {}

    def add(
        self, components: npt.NDArray[np.int32], window: Window
    ) -> npt.NDArray[np.int32]:
        """Join a block's components to its upper and left neighbours'.

        Returns the numbers of the components that touch an inner border.
        """
        rows, columns = window
        height, width = self._shape
        edges = []
        if rows.start > 0:
            edges.append(components[0])
        if rows.stop < height:
            edges.append(components[-1])
        if columns.start > 0:
            edges.append(components[:, 0])
        if columns.stop < width:
            edges.append(components[:, -1])
        numbers = np.unique(np.concatenate(edges)) if edges else np.empty(0, np.int32)
        numbers = numbers[numbers > 0].astype(np.int32)
        if not numbers.size:
            return numbers
        nodes = self._nodes(components, numbers, window)
        self._join(components, nodes, window)
        return numbers

    def _nodes(
        self,
        components: npt.NDArray[np.int32],
        numbers: npt.NDArray[np.int32],
        window: Window,
    ) -> dict[int, int]:
        rows, columns = window
        boxes = ndimage.find_objects(components)
        nodes = {}
        for number in numbers.tolist():
            down, across = boxes[number - 1]
            nodes[number] = len(self._parents)
            self._parents.append(len(self._parents))
            self._boxes.append(
                (
                    rows.start + down.start,
                    rows.start + down.stop,
                    columns.start + across.start,
                    columns.start + across.stop,
                )
            )
            first = np.argmax(components[down.start, across] == number)
            self._pixels.append(
                (rows.start + down.start, columns.start + across.start + int(first))
            )
            self._places.append((window, number))
        return nodes

    def _join(
        self,
        components: npt.NDArray[np.int32],
        nodes: dict[int, int],
        window: Window,
    ) -> None:
        rows, columns = window
        for column in np.flatnonzero(components[0]).tolist():
            above = self._below.get((rows.start, columns.start + column))
            if above is not None:
                self._union(above, nodes[int(components[0, column])])
        for row in np.flatnonzero(components[:, 0]).tolist():
            left = self._right.get((rows.start + row, columns.start))
            if left is not None:
                self._union(left, nodes[int(components[row, 0])])
        if rows.stop < self._shape[0]:
            for column in np.flatnonzero(components[-1]).tolist():
                node = nodes[int(components[-1, column])]
                self._below[rows.stop, columns.start + column] = node
        if columns.stop < self._shape[1]:
            for row in np.flatnonzero(components[:, -1]).tolist():
                node = nodes[int(components[row, -1])]
                self._right[rows.start + row, columns.stop] = node

    def groups(self) -> Iterator[_Group]:
        """Yield the joined components, in the order of their first blocks."""
        members: dict[int, list[int]] = {}
        for node in range(len(self._parents)):
            members.setdefault(self._root(node), []).append(node)
        for nodes in members.values():
            boxes = np.array([self._boxes[node] for node in nodes])
            top, left = boxes[:, 0].min(), boxes[:, 2].min()
            bottom, right = boxes[:, 1].max(), boxes[:, 3].max()
            yield _Group(
                (slice(int(top), int(bottom)), slice(int(left), int(right))),
                self._pixels[nodes[0]],
                [
                    _Part(window, np.array([number], np.int32))
                    for window, number in (self._places[node] for node in nodes)
                ],
            )

    def _root(self, node: int) -> int:
        while self._parents[node] != node:
            self._parents[node] = self._parents[self._parents[node]]
            node = self._parents[node]
        return node

    def _union(self, one: int, other: int) -> None:
        first, second = sorted((self._root(one), self._root(other)))
        self._parents[second] = first


def _close_gaps(labels: Labels, windows: list[Window], count: int) -> None:
    """Number the nuclei again, in place, where covered ones left gaps."""
    present = np.zeros(count + 1, bool)
    for window in windows:
        present[np.unique(labels[window])] = True
    present[0] = False
    numbers = np.cumsum(present, dtype=np.int32) * present
    if numbers[-1] == count:
        return
    for window in windows:
        labels[window] = numbers[labels[window]]


def _blocks(shape: tuple[int, int], block: int) -> Iterator[Window]:
    height, width = shape
    for top in range(0, height, block):
        for left in range(0, width, block):
            yield (
                slice(top, min(top + block, height)),
                slice(left, min(left + block, width)),
            )


def _size(window: Window) -> tuple[int, int]:
    rows, columns = window
    return rows.stop - rows.start, columns.stop - columns.start
