"""``napari-monuseg`` alone opens napari, ready to press Run."""

import napari
from typer.testing import CliRunner

from napari_monuseg.cli import app


def test_without_a_command_napari_opens_with_sample_and_dock(
    make_napari_viewer, installed_model, monkeypatch
):
    viewer = make_napari_viewer()
    monkeypatch.setattr(napari, "Viewer", lambda **_: viewer)
    opened = []
    monkeypatch.setattr(napari, "run", lambda: opened.append(len(viewer.layers)))

    result = CliRunner().invoke(app, [])

    assert result.exit_code == 0, result.output
    assert opened == [1]
    (dock,) = viewer.window.dock_widgets.values()
    assert dock.image.value is viewer.layers[0]
    assert dock.run_button.isEnabled()
