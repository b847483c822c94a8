"""``napari-monuseg`` alone: napari with the dock and a sample tissue."""

PLUGIN = "napari-monuseg"
DOCK = "Segment nuclei"
SAMPLE = "restained"


def open_window() -> None:
    """Open napari with the Segment dock and a sample, until it is closed."""
    import napari

    viewer = napari.Viewer(title="napari-monuseg")
    viewer.open_sample(PLUGIN, SAMPLE)
    viewer.window.add_plugin_dock_widget(PLUGIN, DOCK)
    napari.run()
