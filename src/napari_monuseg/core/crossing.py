"""Foreground components that cross the borders between blocks.

Blocks come row by row. What touches a border is remembered with its bounding
box; what meets across a border is joined.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import Window


@dataclass(frozen=True)
class ComponentPart:
    """Components of one block that belong to one crossing component."""

    window: Window
    components: npt.NDArray[np.int32]


@dataclass(frozen=True)
class CrossingComponent:
    """One crossing component: its bounding window, one of its pixels, its parts."""

    window: Window
    pixel: tuple[int, int]
    parts: list[ComponentPart]


class CrossingComponents:
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

    def groups(self) -> Iterator[CrossingComponent]:
        """Yield the joined components, in the order of their first blocks."""
        members: dict[int, list[int]] = {}
        for node in range(len(self._parents)):
            members.setdefault(self._root(node), []).append(node)
        for nodes in members.values():
            boxes = np.array([self._boxes[node] for node in nodes])
            top, left = boxes[:, 0].min(), boxes[:, 2].min()
            bottom, right = boxes[:, 1].max(), boxes[:, 3].max()
            yield CrossingComponent(
                (slice(int(top), int(bottom)), slice(int(left), int(right))),
                self._pixels[nodes[0]],
                [
                    ComponentPart(window, np.array([number], np.int32))
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
