"""Nuclei drawn by hand: MoNuSeg / Aperio XML polygons and the labels they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError, XMLParser

import numpy as np
from skimage.draw import polygon

from napari_monuseg.core.errors import AnnotationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDE, MOST_WITHIN = 3, 3
"""An outline so many times as wide and high as most, around more others than this, is
none of a nucleus."""

Region = list[tuple[float, float]]
"""Rows and columns of vertices, px."""

_HALF_OPEN = 1e-4
_LARGEST_COORDINATE = 1e9


def read_annotations(path: str | Path, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Read an Aperio XML file as labels.

    Parameters
    ----------
    path : str or Path
        XML file with ``Annotations/Annotation/Regions/Region/Vertices/Vertex``.
    shape : (int, int)
        Height and width of the image the nuclei were drawn on, px.

    Returns
    -------
    (H, W) int32 array
        Labels as `rasterise` makes them, without what negative regions leave out.

    Raises
    ------
    AnnotationError
        If the file cannot be read as Aperio XML, or an outline is drawn around
        others, as no nucleus is.
    """
    found = _read_regions(Path(path))
    polygons = _polygons(found.regions)
    labels = rasterise(polygons, shape)
    _require_nuclei(polygons, labels, Path(path).name)
    holes = [rasterise([one], shape) > 0 for one in _polygons(found.left_out)]
    return _with_holes(polygons, holes, shape) if holes else labels


def _with_holes(
    polygons: Sequence[NDArray[np.float64]],
    holes: Sequence[NDArray[np.bool_]],
    shape: tuple[int, int],
) -> NDArray[np.int32]:
    """Draw polygons as `rasterise` does, each without the holes it reaches beyond."""
    labels = np.zeros(shape, dtype=np.int32)
    for label in range(len(polygons), 0, -1):
        covered = rasterise(polygons[label - 1 : label], shape) > 0
        for hole in holes:
            if (covered & ~hole).any():  # else it lies in the hole, a nucleus there
                covered &= ~hole
        labels[covered] = label
    return labels


def read_polygons(path: str | Path) -> list[NDArray[np.float64]]:
    """Read the outlines of an Aperio XML file, in the file's order.

    The coordinates in the file count pixel centres from 1, as MATLAB does; those
    returned count from 0. Regions with fewer than 3 vertices (dots, rulers) are
    skipped, and so are negative ones, which leave out a part of others.

    Parameters
    ----------
    path : str or Path
        XML file.

    Returns
    -------
    list of (n, 2) float64 arrays
        Row and column of each vertex, px; the first pixel's centre is (0, 0).

    Raises
    ------
    AnnotationError
        If the file is missing, is broken or foreign XML, or defines a document type.
    """
    return _polygons(_read_regions(Path(path)).regions)


def _polygons(regions: list[Region]) -> list[NDArray[np.float64]]:
    return [np.array(region, dtype=np.float64) for region in regions if region[2:]]


def rasterise(
    polygons: Sequence[NDArray[np.float64]], shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Draw polygons as labels, by the rule of the MoNuSeg challenge.

    Edges are half-open, as in MATLAB's ``poly2mask``: a square from a to b in the
    XML's whole numbers covers the array's rows and columns a to b - 1. Where
    polygons overlap, the earlier one keeps the pixel. What lies outside the image
    is cut off.

    Parameters
    ----------
    polygons : sequence of (n, 2) arrays
        Row and column of each vertex, px, as `read_polygons` returns them.
    shape : (int, int)
        Height and width of the image, px.

    Returns
    -------
    (H, W) int32 array
        0 is background; polygon ``polygons[i]`` has the label ``i + 1``.
    """
    labels = np.zeros(shape, dtype=np.int32)
    # Last first, so that the earlier polygon is drawn over the later one.
    for label in range(len(polygons), 0, -1):
        rows, columns = np.transpose(polygons[label - 1]) + _HALF_OPEN
        labels[polygon(rows, columns, shape)] = label
    return labels


def _require_nuclei(
    polygons: Sequence[NDArray[np.float64]], labels: NDArray[np.int32], name: str
) -> None:
    """Refuse outlines around others: of tissue or of an area, they hide its nuclei."""
    if not polygons:
        return
    boxes = np.array([[one.min(0), one.max(0)] for one in polygons])
    spans = np.ptp(boxes, axis=1)
    wide = (spans > WIDE * np.median(spans, axis=0)).all(1)
    for number in map(int, np.flatnonzero(wide)):
        low, high = boxes[number]
        within = (boxes[:, 0] >= low).all(1) & (boxes[:, 1] <= high).all(1)
        covered = set(np.flatnonzero(within) + 1) - {number + 1}
        rows, columns = np.transpose(polygons[number]) + _HALF_OPEN
        seen = labels[polygon(rows, columns, labels.shape)]
        hidden = covered - set(np.unique(labels))
        around = (covered & set(np.unique(seen))) | hidden
        if len(around) > MOST_WITHIN:
            raise AnnotationError(
                f"Outline {number + 1} of {name} is drawn around {len(around)} others, "
                "as no nucleus is; delete it and export the rest again."
            )


class _RegionReader:
    """Collect the vertices of each region while an XML file is being parsed."""

    def __init__(self) -> None:
        self.root = ""
        self.regions: list[Region] = []
        self.left_out: list[Region] = []
        self._open: Region | None = None

    def doctype(self, *_: str | None) -> None:
        # Called before any entity is read: what is refused here cannot expand.
        raise _ForeignXMLError("it defines a document type, as Aperio XML never does")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self.root:
            self._check_root(tag)
        elif tag == "Region":
            negative = attributes.get("NegativeROA", "0").strip() == "1"
            self._open = []
            (self.left_out if negative else self.regions).append(self._open)
        elif tag == "Vertex" and self._open is not None:
            self._open.append(_place(attributes))

    def _check_root(self, tag: str) -> None:
        if tag != "Annotations":
            raise _ForeignXMLError(f"its root is <{tag[:40]}>, not <Annotations>")
        self.root = tag


class _ForeignXMLError(Exception):
    """XML that is well-formed but not Aperio's."""


def _read_regions(path: Path) -> _RegionReader:
    # Safe: the reader refuses document types, and with them every entity.
    reader = _RegionReader()
    parser = XMLParser(target=reader)  # noqa: S314
    try:
        parser.feed(path.read_bytes())
        parser.close()
    except OSError as error:
        raise AnnotationError(
            f"{path} cannot be read ({error.strerror}); check that it is there."
        ) from error
    except _ForeignXMLError as error:
        raise AnnotationError(
            f"{path.name} is not an Aperio annotation: {error}; "
            "choose the XML that MoNuSeg or ImageScope wrote."
        ) from error
    # An encoding that Python does not know is a LookupError.
    except (ParseError, ValueError, LookupError) as error:
        raise AnnotationError(
            f"{path.name} is broken or no XML ({error}); copy or export it again."
        ) from error
    return reader


def _place(attributes: dict[str, str]) -> tuple[float, float]:
    """Return the row and column of a vertex, counted from 0."""
    try:
        row, column = float(attributes["Y"]) - 1, float(attributes["X"]) - 1
    except (KeyError, ValueError) as error:
        raise _ForeignXMLError("a vertex has no numbers X and Y") from error
    if not (abs(row) < _LARGEST_COORDINATE and abs(column) < _LARGEST_COORDINATE):
        raise _ForeignXMLError("a vertex is no place in an image")
    return row, column
