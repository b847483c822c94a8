"""Tissue under File ▸ Open Sample."""

from typing import Any

from napari_monuseg.core.samples import (
    SYNTHETIC_PIXEL_SIZE,
    immunohistochemistry_restained,
    synthetic_tissue,
)

LayerData = tuple[Any, dict[str, Any], str]


def colon() -> list[LayerData]:
    """Give real tissue, restained; its pixel size is unknown, about 0.25 µm/px."""
    rgb = immunohistochemistry_restained()
    return [(rgb, {"name": "restained colon", "rgb": True}, "image")]


def synthetic() -> list[LayerData]:
    """Give synthetic tissue and its true nuclei, which are hidden at first."""
    rgb, labels = synthetic_tissue()
    place = {
        "scale": (SYNTHETIC_PIXEL_SIZE, SYNTHETIC_PIXEL_SIZE),
        "units": ("µm", "µm"),
    }
    truth = {"name": "synthetic true nuclei", "visible": False, **place}
    return [
        (rgb, {"name": "synthetic", "rgb": True, **place}, "image"),
        (labels, truth, "labels"),
    ]
