"""The loop the plugin is for: segment, correct, review, teach, judge, go on."""

import numpy as np
import pytest
from hands import press
from napari.layers import Labels

from napari_monuseg.core.registry import find_model
from napari_monuseg.docks.bindings import METADATA


@pytest.fixture
def segment(viewer, installed_model):
    _, dock = viewer.window.add_plugin_dock_widget("napari-monuseg", "Segment nuclei")
    return dock


@pytest.fixture
def train(viewer, installed_model, monkeypatch):
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )
    recipe = dict(dock.options.value) | {"steps": 3, "crop": 96}
    monkeypatch.setattr(type(dock.options), "value", recipe)
    return dock


def _rounds(train, name):
    train.model.choice.value = find_model(name).path
    return train.rounds.text()


def run(qtbot, viewer, dock):
    """Press Run and give the labels layer that appears."""
    before = len(viewer.layers)
    press(qtbot, dock.run_button)
    qtbot.waitUntil(lambda: not dock.running, timeout=60_000)
    assert len(viewer.layers) == before + 1
    assert isinstance(viewer.layers[-1], Labels)
    return viewer.layers[-1]


def test_from_a_tissue_to_a_better_model_with_the_hand_work_kept(
    qtbot, viewer, image, segment, train
):
    # Segment, delete a nucleus, paint another one.
    nuclei = run(qtbot, viewer, segment)
    deleted = int(np.unique(nuclei.data)[3])
    gone = nuclei.data == deleted
    nuclei.fill(tuple(np.argwhere(gone)[0]), 0)
    nuclei.data_setitem((np.arange(2, 8), np.arange(2, 8)), 900)
    by_hand = np.array(nuclei.data == 900)

    # Another threshold changes the program's nuclei, not those.
    segment.results.sliders.foreground.setValue(0.3)
    qtbot.waitUntil(lambda: not segment.results._reading.busy)
    assert np.array_equal(nuclei.data == 900, by_hand)
    assert not (nuclei.data[gone] == deleted).any()

    # Review what is in view, train, look, accept.
    viewer.layers.selection.active = nuclei
    press(qtbot, segment.results.hand.mark_button)
    qtbot.waitUntil(lambda: train.areas.list.count() == 1)
    qtbot.waitUntil(lambda: bool(nuclei.metadata[METADATA].get("corrected")))
    press(qtbot, train.train_button)
    qtbot.waitUntil(lambda: not train.running, timeout=60_000)
    assert train.curves.axes[0].lines
    assert not train.gate.isHidden()
    train.gate.name.setText("round one")
    press(qtbot, train.gate.accept_button)
    qtbot.waitUntil(lambda: not train.running, timeout=60_000)

    # The new model is to choose in the Segment dock; run with it.
    assert find_model("round one").info.parent == "tiny"
    assert find_model("round one").info.recipe["corrections_per_100"] > 0
    assert "corrections per 100" in _rounds(train, "round one")
    segment.model.choice.value = find_model("round one").path
    assert segment.model.value.name == "round one"
    checked = np.array(nuclei.data)
    viewer.layers.selection.active = image
    again = run(qtbot, viewer, segment)

    assert again is not nuclei
    assert np.array_equal(nuclei.data, checked)
    assert np.array_equal(again.data == 900, by_hand)
