"""The ways to correct nuclei: what each makes of the points that were drawn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from napari.layers import Labels as LabelsLayer

from napari_monuseg.core import corrections
from napari_monuseg.core.edits import Edit
from napari_monuseg.core.errors import CorrectionError
from napari_monuseg.core.instances import ASSUMED_PIXEL_SIZE
from napari_monuseg.docks.result import Result

Points = Sequence[Sequence[float]]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A way to correct nuclei.

    Parameters
    ----------
    name : str
        As its button says it.
    key : str
        One that napari has no use for on a labels layer.
    make : callable
        Gives the edit for a result and the points (row, column) drawn, px.
    hint : str
        What to do with the mouse.
    stroke : bool
        Whether it needs a stroke; otherwise a point is enough, and its key acts
        where the cursor is.
    closed : bool
        Whether the stroke is an outline.
    on_nucleus : bool
        Whether the point must lie on a nucleus.
    """

    name: str
    key: str
    make: Callable[[Result, Points], Edit]
    hint: str
    stroke: bool = False
    closed: bool = False
    on_nucleus: bool = False


def _delete(result: Result, points: Points) -> Edit:
    return corrections.delete_nucleus(layer_of(result).data, points[-1])


def _split_by_shape(result: Result, points: Points) -> Edit:
    labels = layer_of(result).data
    return corrections.split_by_shape(labels, points[-1], result.next_id())


def _add(result: Result, points: Points) -> Edit:
    if result.maps is None:
        raise CorrectionError(
            "What the network saw here is not kept; run it again, or draw the outline."
        )
    labels = layer_of(result).data
    return corrections.add_at(labels, result.maps, points[-1], result.next_id())


def _split_along(result: Result, points: Points) -> Edit:
    return corrections.split_along(layer_of(result).data, points, result.next_id())


def _merge(result: Result, points: Points) -> Edit:
    size = result.pixel_size or result.assumed_pixel_size or ASSUMED_PIXEL_SIZE
    return corrections.merge_under(layer_of(result).data, points, pixel_size=size)


def _outline(result: Result, points: Points) -> Edit:
    return corrections.add_outline(layer_of(result).data, points, result.next_id())


def layer_of(result: Result) -> LabelsLayer:
    """Give the layer of a result.

    Raises
    ------
    CorrectionError
        If it is gone.
    """
    if result.layer is None:
        raise CorrectionError("The nuclei are gone; press Run to find them again.")
    return result.layer


TOOLS = (
    Tool(
        name="Delete",
        key="D",
        make=_delete,
        hint="Click on a nucleus to delete it",
        on_nucleus=True,
    ),
    Tool(
        name="Split in two",
        key="S",
        make=_split_by_shape,
        hint="Click on a nucleus to split it where its shape suggests it",
        on_nucleus=True,
    ),
    Tool(
        name="Add",
        key="A",
        make=_add,
        hint="Click on a nucleus that was missed; the network suggests its border",
    ),
    Tool(
        name="Cut",
        key="C",
        make=_split_along,
        hint="Draw across a nucleus to split it along the line",
        stroke=True,
    ),
    Tool(
        name="Join",
        key="J",
        make=_merge,
        hint="Draw from nucleus to nucleus to join them",
        stroke=True,
    ),
    Tool(
        name="Add outline",
        key="O",
        make=_outline,
        hint="Draw around a nucleus that was missed",
        stroke=True,
        closed=True,
    ),
)
"""In the order of the dock: those for the cursor, then those for a stroke."""
