"""Nuclei that are seen where one points, and are of another layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer

from napari_monuseg.docks.bindings import NOBODY, origin_facts
from napari_monuseg.outlines import to_pixels


def owner_at(
    layer: LabelsLayer, point: Sequence[float], layers: Any
) -> LabelsLayer | None:
    """Find the layer that shows a nucleus where another one shows none.

    Parameters
    ----------
    layer : Labels
        The one that has the tools.
    point : (row, column)
        On its grid, px.
    layers : LayerList
        Of a viewer.

    Returns
    -------
    Labels or None
        The uppermost; None if there is none, or the layer has a nucleus there itself.
    """
    world = layer.data_to_world(point)
    if _nucleus(layer, world, layer.units):
        return None
    others = (
        other
        for other in reversed(layers)
        if isinstance(other, LabelsLayer)
        and other is not layer
        and other.visible
        and origin_facts(other) != NOBODY
    )
    return next(
        (other for other in others if _nucleus(other, world, layer.units)), None
    )


def _nucleus(layer: LabelsLayer, world: Sequence[float], units: Any) -> bool:
    if layer.ndim != 2 or layer.multiscale:
        return False
    at = np.floor(to_pixels(layer, world, units) + 0.5).astype(int)
    inside = (at >= 0).all() and (at < layer.data.shape).all()
    return bool(inside and layer.data[tuple(at)])
