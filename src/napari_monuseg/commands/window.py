"""``napari-monuseg`` alone: napari with the dock and a sample tissue."""

from typing import Any

PLUGIN = "napari-monuseg"
DOCK = "Segment nuclei"
SAMPLE = "restained"


def build_window() -> tuple[Any, Any]:
    """Make a napari viewer with the sample, and the Segment dock beside it.

    Returns
    -------
    viewer : napari.Viewer
    dock : SegmentDock
    """
    import napari

    viewer = napari.Viewer(title=PLUGIN)
    viewer.open_sample(PLUGIN, SAMPLE)
    _, dock = viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
    return viewer, dock


def open_window() -> None:
    """Open napari with the Segment dock and a sample, until it is closed."""
    import napari
    from qtpy.QtCore import QTimer

    viewer, _ = build_window()
    QTimer.singleShot(0, viewer.reset_view)  # once the dock has taken its room
    napari.run()
