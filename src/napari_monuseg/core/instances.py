"""From the network's maps to one label per nucleus.

The foreground falls into connected components, and what happens inside one
depends on nothing outside it. So an image may be read in blocks, on several
threads, with the partition of one piece: components inside a block are read
there, those that cross its border in a window of their own.
"""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from napari_monuseg.core.boxes import Window, blocks, size
from napari_monuseg.core.crossing import CrossingComponent, CrossingComponents
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.separation import (
    FloatImage,
    Labels,
    Mask,
    connected_components,
    separate,
)

BLOCK = 2048
"""Side of the blocks an image is read in, px."""

LARGEST_COMPONENT = 4096
"""Side of the largest window a component that crosses blocks is read in, px.

Beyond it (a threshold near 0 makes one component of the whole image) the
component is cut at the blocks' borders.
"""

ASSUMED_PIXEL_SIZE = 0.25
"""Taken where the pixel size is unknown: 40× magnification, µm/px."""


_LARGEST = 1e9
"""No option is further from 0 than this."""


@dataclass(frozen=True, kw_only=True)
class InstanceOptions:
    """How nuclei are read from the maps.

    Parameters
    ----------
    foreground_threshold : float
        A pixel belongs to a nucleus where the foreground exceeds it.
    seed_prominence : float
        How far the distance must fall between two nuclei, from the lower of their
        tops; less separates more, and splits more.
    smallest_nucleus_um2 : float
        Anything smaller is dropped, µm².
    """

    foreground_threshold: float = 0.5
    seed_prominence: float = 0.18
    smallest_nucleus_um2: float = 4.0

    @classmethod
    def read(cls, values: dict[str, float]) -> "InstanceOptions":
        """Take the options from a file, as `dataclasses.asdict` gave them to it.

        Files from before prominence have a ``seed_threshold``, a level of the distance
        that seeds lie above. It says nothing of prominence and is left out.

        Raises
        ------
        TypeError, ValueError
            If one of them is unknown or no number.
        """
        known = {name: values[name] for name in values if name != "seed_threshold"}
        for name, value in known.items():
            if isinstance(value, str) or not abs(value) <= _LARGEST:  # nan, too
                raise ValueError(f"{name} is {value!r}")
        return cls(**known)

    def smallest_nucleus_px(self, pixel_size: float) -> int:
        """Return the smallest area in px at a pixel size in µm/px."""
        return max(1, round(self.smallest_nucleus_um2 / pixel_size**2))


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
    reader = _BlockReader(maps, options)
    windows = list(blocks(maps.shape, block))
    for number, window in enumerate(windows):
        yield Progress(message="Reading nuclei", done=number, total=len(windows))
        reader.read_block(window)
    reader.read_crossing()
    if len(windows) > 1:
        _close_gaps(reader.labels, windows, reader.count)
    return reader.labels


class _BlockReader:
    """Collects nuclei block by block, and the components that cross blocks."""

    def __init__(self, maps: NucleusMaps, options: InstanceOptions) -> None:
        self.maps = maps
        self.options = options
        self.threshold = np.float32(options.foreground_threshold)
        self.smallest_px = options.smallest_nucleus_px(
            maps.pixel_size_or(ASSUMED_PIXEL_SIZE)
        )
        self.labels: Labels = np.zeros(maps.shape, np.int32)
        self.count = 0
        self._crossing = CrossingComponents(maps.shape)

    def read_block(self, window: Window) -> None:
        """Read the components inside the block and remember those that cross it."""
        foreground, distance = self.maps.read(window)
        inside = foreground > self.threshold
        if size(window) != self.maps.shape:  # in one piece nothing crosses
            components = connected_components(inside)
            crossing = self._crossing.add(components, window)
            inside = (components > 0) & ~np.isin(components, crossing)
        self._write(inside, distance, window)

    def read_crossing(self) -> None:
        """Read the components that cross blocks, each in its own window."""
        for group in self._crossing.groups():
            if max(size(group.window)) <= LARGEST_COMPONENT:
                foreground, distance = self.maps.read(group.window)
                components = connected_components(foreground > self.threshold)
                row, column = group.pixel
                own = components[
                    row - group.window[0].start, column - group.window[1].start
                ]
                self._write(components == own, distance, group.window)
            else:
                self._read_in_parts(group)

    def _read_in_parts(self, group: CrossingComponent) -> None:
        for part in group.parts:
            foreground, distance = self.maps.read(part.window)
            components = connected_components(foreground > self.threshold)
            own = np.isin(components, part.components)
            self._write(own, distance, part.window)

    def _write(self, foreground: Mask, distance: FloatImage, window: Window) -> None:
        nuclei, count = separate(
            foreground, distance, self.options.seed_prominence, self.smallest_px
        )
        written = self.labels[window]
        if not self.count:  # nothing to keep clear of
            written[:] = nuclei
            self.count = count
            return
        # Two components meet only where one lies in a filled hole of the other.
        # The outer one stays: it covers the inner, or already stands around it.
        free = np.bincount(nuclei[written == 0], minlength=count + 1)
        nuclei[(free == 0)[nuclei]] = 0
        np.copyto(written, nuclei + self.count, where=nuclei > 0)
        self.count += count


def _close_gaps(labels: Labels, windows: list[Window], count: int) -> None:
    """Renumber the nuclei, in place, where covered ones left gaps."""
    present = np.zeros(count + 1, bool)
    for window in windows:
        present[np.unique(labels[window])] = True
    present[0] = False
    numbers = np.cumsum(present, dtype=np.int32) * present
    if numbers[-1] == count:
        return
    for window in windows:
        labels[window] = numbers[labels[window]]
