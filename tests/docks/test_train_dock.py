"""The training dock: gather, train, watch, judge, keep or discard."""

import re
import shutil
import threading
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hands import press, turn_wheel
from matplotlib.colors import to_rgb
from napari.layers import Image, Shapes
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_monuseg.core import finetuning, registry
from napari_monuseg.core.counting import nuclei_inside
from napari_monuseg.core.errors import DeviceError, TrainingError
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.holding_out import FEWEST_TO_JUDGE, propose
from napari_monuseg.core.learned import Learned, Place
from napari_monuseg.core.lessons import Lesson
from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.docks import gathered, train_dock, training_job
from napari_monuseg.docks.bindings import METADATA
from napari_monuseg.docks.held_out import HELD_OUT
from napari_monuseg.docks.pixel_size import PixelSize
from napari_monuseg.docks.reviewed import adopt, is_reviewed_layer
from napari_monuseg.docks.reviewed_areas import find_areas
from napari_monuseg.layers import placement
from napari_monuseg.outlines import covered


def done(qtbot, dock):
    qtbot.waitUntil(lambda: not dock.running, timeout=60_000)


@pytest.fixture(scope="module")
def large():
    """Tissue, and its nuclei, of which more than a hundred lie in it."""
    return synthetic_tissue((512, 512), seed=4)


@pytest.fixture
def slide(viewer, large):
    return viewer.add_image(
        large[0], rgb=True, name="slide", scale=(0.25, 0.25), units=("µm", "µm")
    )


@pytest.fixture
def nuclei(viewer, slide, large):
    return viewer.add_labels(large[1].copy(), name="slide nuclei", **placement(slide))


@pytest.fixture
def reviewed(viewer, slide, nuclei):
    corners = [[-0.5, -0.5], [-0.5, 511.5], [419.5, 511.5], [419.5, -0.5]]
    return viewer.add_shapes(
        [np.array(corners)],
        shape_type="rectangle",
        name="Reviewed",
        **placement(slide),
    )


@pytest.fixture
def train(viewer, installed_model):
    _, dock = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )
    return dock


@pytest.fixture
def quick(monkeypatch, train):
    """Let a training take few steps on small crops, each of which helps."""
    choices = dict(train.options.value) | {"steps": 3, "crop": 96}
    monkeypatch.setattr(type(train.options), "value", choices)
    let_loss(monkeypatch, fall=True)


def let_loss(monkeypatch, *, fall):
    """Let every look at what is held out find a lower loss, or a higher one."""
    look = finetuning.look
    numbers = count(1)

    def seen(*arguments):
        there = yield from look(*arguments)
        number = next(numbers)
        return replace(there, loss=1 / number if fall else number)

    monkeypatch.setattr(finetuning, "look", seen)


@pytest.fixture
def endless(monkeypatch, train):
    """Let a training go on and on, and every look find a lower loss."""
    losses = (1 / number for number in count(1))

    def falling(*_):
        yield from ()
        return finetuning.Look(loss=next(losses), dice=0.5, aji=0.5)

    monkeypatch.setattr(finetuning, "look", falling)
    recipe = dict(train.options.value)
    recipe |= {"steps": 100_000, "crop": 96, "looks": 100_000}
    monkeypatch.setattr(type(train.options), "value", recipe)


def begin(qtbot, train):
    """Train until something was learned."""
    press(qtbot, train.train_button)
    lesson = lambda: train._job.lesson  # noqa: E731
    qtbot.waitUntil(
        lambda: lesson() is not None and len(lesson().history) > 3, timeout=60_000
    )


@pytest.fixture
def slow_to_judge(monkeypatch):
    """Let a comparison wait until it is told to go on."""
    go_on = threading.Event()
    judge = Lesson._judge_on

    def slowly(lesson, *arguments):
        while not go_on.wait(0.01):
            yield Progress(message="Comparing before and after")
        return (yield from judge(lesson, *arguments))

    monkeypatch.setattr(Lesson, "_judge_on", slowly)
    yield go_on
    go_on.set()


def test_both_docks_are_tabs_of_one_place_and_nothing_is_cut_off(
    qtbot, viewer, installed_model, train
):
    viewer.window.show()
    _, segment = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Segment nuclei"
    )
    frames = [dock._frame() for dock in (train, segment)]
    window = viewer.window._qt_window

    qtbot.waitUntil(lambda: window.tabifiedDockWidgets(frames[0]) == [frames[1]])
    for dock in (train, segment):
        dock._frame().raise_()
        view = dock._scrolling
        qtbot.waitUntil(
            lambda view=view: view.widget().width() <= view.viewport().width()
        )


def test_behind_the_other_tab_it_does_not_look_at_every_stroke(
    qtbot, viewer, reviewed, nuclei, train
):
    viewer.window.show()
    _, segment = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Segment nuclei"
    )
    areas = train.areas
    window = viewer.window._qt_window
    qtbot.waitUntil(lambda: bool(window.tabifiedDockWidgets(train._frame())))
    train._frame().raise_()
    qtbot.waitUntil(lambda: areas.list.count() == 1 and not areas._pause.isActive())
    before = areas.list.item(0).text()
    segment._frame().raise_()
    qtbot.wait(100)

    nuclei.data_setitem(np.nonzero(nuclei.data == nuclei.data[200, 200:].max()), 0)
    assert areas._pause.isActive()
    qtbot.waitUntil(lambda: not areas._pause.isActive())
    assert areas.list.item(0).text() == before

    train._frame().raise_()
    qtbot.waitUntil(lambda: areas.list.item(0).text() != before)


def test_without_anything_reviewed_it_says_what_to_do(train, viewer):
    assert not train.train_button.isEnabled()
    assert "“Mark view as reviewed”" in train.areas.note.text()


def test_without_nuclei_under_what_was_reviewed_it_says_so(
    qtbot, viewer, reviewed, nuclei, train
):
    viewer.layers.remove(nuclei)
    qtbot.waitUntil(lambda: "has no nuclei under it" in train.areas.note.text())


@pytest.mark.usefixtures("reviewed")
def test_nuclei_of_nobody_knows_which_image_are_named(
    qtbot, viewer, slide, nuclei, train
):
    viewer.add_image(slide.data, rgb=True, name="other", **placement(slide))
    nuclei.name = "mine"
    qtbot.waitUntil(lambda: "the nuclei of “mine” are of" in train.areas.note.text())


@pytest.mark.usefixtures("nuclei", "reviewed")
def test_nuclei_left_out_beside_others_are_named(qtbot, viewer, large, train):
    away = {"scale": (0.25, 0.25), "translate": (200, 0), "units": ("µm", "µm")}
    viewer.add_image(large[0][:400], rgb=True, name="second", **away)
    corners = [[-0.5, -0.5], [-0.5, 99.5], [99.5, 99.5], [99.5, -0.5]]
    viewer.add_shapes(
        [np.array(corners)], shape_type="rectangle", name="Reviewed too", **away
    )
    half = viewer.add_labels(large[1][:400:2, ::2].copy(), name="half", **away)
    half.scale = (0.5, 0.5)

    said = "the nuclei of “half” are of"
    qtbot.waitUntil(lambda: said in train.areas.note.text())
    assert train.areas.list.count() == 1
    assert train.train_button.isEnabled()

    half.visible = False
    qtbot.waitUntil(lambda: said not in train.areas.note.text())
    half.visible = True
    half.translate = (0, 0)  # where only the listed nuclei were reviewed
    qtbot.waitUntil(lambda: train.areas.list.count() == 1)
    train.areas.refresh()
    assert said not in train.areas.note.text()


def test_what_was_reviewed_beside_the_nuclei_is_said(qtbot, reviewed, nuclei, train):
    reviewed.data = [np.array([[600, 600], [600, 700], [700, 700], [700, 600]])]
    qtbot.waitUntil(lambda: "lies beside all nuclei" in train.areas.note.text())


def test_reviewed_areas_are_listed_with_their_nuclei(qtbot, reviewed, train):
    assert train.areas.list.count() == 1
    text = train.areas.list.item(0).text()
    assert text.startswith("slide: ")
    assert int(text.split()[1]) > 50
    assert train.train_button.isEnabled()


def test_areas_are_followed_as_they_are_drawn(qtbot, viewer, reviewed, train):
    before = train.areas.list.item(0).text()

    reviewed.data = [np.array([[0, 0], [0, 200], [200, 200], [200, 0]])]
    qtbot.waitUntil(lambda: train.areas.list.item(0).text() != before)
    viewer.layers.remove(reviewed)

    qtbot.waitUntil(lambda: not train.areas.list.count())
    assert not train.train_button.isEnabled()


def test_of_two_layers_on_one_place_the_uppermost_shown_counts(
    qtbot, viewer, reviewed, nuclei, train
):
    above = viewer.add_labels(
        nuclei.data // 2, name="second run", **placement(viewer.layers["slide"])
    )
    train.areas.refresh()

    assert train.areas.list.count() == 1
    assert "second run" in train.areas.list.item(0).toolTip()

    above.visible = False
    qtbot.waitUntil(lambda: "slide nuclei" in train.areas.list.item(0).toolTip())
    assert train.areas.list.count() == 1


def test_what_was_reviewed_of_hidden_nuclei_is_no_longer_listed(
    qtbot, reviewed, nuclei, train
):
    train.areas.refresh()
    assert "hidden" not in train.areas.note.text()

    nuclei.visible = False

    qtbot.waitUntil(lambda: train.areas.list.count() == 0)
    assert "hidden" in train.areas.note.text()
    with pytest.raises(TrainingError, match="hidden"):
        train.areas.corrections()

    nuclei.visible = True
    qtbot.waitUntil(lambda: train.areas.list.count() == 1)
    assert "hidden" not in train.areas.note.text()


def test_the_list_counts_what_is_painted_and_erased(qtbot, reviewed, nuclei, train):
    train.areas.refresh()
    before = train.areas.list.item(0).text()
    row, column = np.argwhere(nuclei.data[:400, :400] > 0)[0]

    nuclei.fill((row, column), 0)

    qtbot.waitUntil(lambda: train.areas.list.item(0).text() != before)


def test_it_says_what_was_corrected_and_that_nothing_was(
    qtbot, reviewed, nuclei, train
):
    assert "corrected" not in train.areas.list.item(0).text()  # nobody knows
    assert "own mistakes" not in train.areas.note.text()

    nothing = HandWork.restored(nuclei.data, np.zeros(nuclei.data.shape, bool))
    facts = {"image": "slide", "corrected": (), "hand": nothing}
    nuclei.metadata[METADATA] = facts
    nuclei.events.metadata()
    qtbot.waitUntil(lambda: "own mistakes" in train.areas.note.text())
    assert train.areas.list.item(0).text().endswith("nuclei, 0 corrected since the run")

    # Hand work that another run took over was not made since.
    facts["hand"] = HandWork.restored(
        nuclei.data, nuclei.data == nuclei.data[5:9].max()
    )
    nuclei.events.metadata()
    qtbot.waitUntil(lambda: "own mistakes" not in train.areas.note.text())


def test_it_says_how_few_nuclei_will_judge(qtbot, viewer, nuclei, reviewed, train):
    train.areas.refresh()
    (correction,) = train.areas.corrections()
    judge = propose(correction.reviewed, stop=True).judge
    judging = nuclei_inside(nuclei.data, judge).inside
    assert 0 < judging < FEWEST_TO_JUDGE
    assert train.areas.note.text().startswith("Nuclei held out to judge")
    assert f" {judging}. " in train.areas.note.text()

    press(qtbot, train.areas.show_button)
    viewer.layers.remove(HELD_OUT["judge"])
    qtbot.waitUntil(lambda: "Nothing is held out to judge" in train.areas.note.text())

    viewer.layers.remove(HELD_OUT["stop"])
    press(qtbot, train.areas.show_button)
    height, width = (0.25 * side for side in nuclei.data.shape)
    viewer.layers[HELD_OUT["judge"]].data = [
        np.array([[0, 0], [0, width], [height, width], [height, 0]])
    ]
    qtbot.waitUntil(lambda: "judge" not in train.areas.note.text())


def test_what_was_reviewed_on_one_image_is_not_on_another(
    viewer, slide, nuclei, large, reviewed
):
    other = viewer.add_image(large[0], rgb=True, name="other", **placement(slide))
    raw = viewer.add_labels(large[1].copy(), name="raw", **placement(slide))
    for layer, image in ((nuclei, slide), (raw, other)):
        layer.metadata[METADATA] = {"image": image.name, "offset": (0, 0)}
    adopt(viewer, reviewed, slide)

    assert [area.image for area in find_areas(viewer.layers)] == [slide]

    second = viewer.add_shapes(
        reviewed.data, shape_type="rectangle", name="Reviewed 2", **placement(slide)
    )
    adopt(viewer, second, other)
    assert [area.image for area in find_areas(viewer.layers)] == [slide, other]


def test_layers_on_different_places_all_count(viewer, reviewed, nuclei, train):
    nuclei.data = nuclei.data[:, :200]
    nuclei.metadata["napari-monuseg"] = {"image": "slide"}
    labels = np.zeros((512, 100), np.int32)
    labels[200:220, 40:60] = 1
    right = viewer.add_labels(labels, **placement(viewer.layers["slide"]))
    right.translate = (0, 300 * 0.25)
    right.metadata["napari-monuseg"] = {"image": "slide", "offset": (0, 300)}
    train.areas.refresh()

    assert train.areas.list.count() == 2
    assert [area.shape for area in _reviewed(train)] == [(512, 200), (512, 100)]


def _reviewed(train):
    return [correction.reviewed for correction in train.areas.corrections()]


def test_an_area_can_be_left_out(reviewed, train):
    train.areas.list.item(0).setCheckState(Qt.CheckState.Unchecked)

    assert not train.train_button.isEnabled()
    with pytest.raises(TrainingError, match="tick at least one"):
        train.areas.corrections()

    assert "tick at least one" in train.areas.note.text()
    train.areas.list.item(0).setCheckState(Qt.CheckState.Checked)
    assert train.train_button.isEnabled()


@pytest.mark.usefixtures("reviewed")
def test_what_is_left_out_stays_so_when_its_nuclei_are_found_anew(
    qtbot, viewer, slide, nuclei, train
):
    train.areas.list.item(0).setCheckState(Qt.CheckState.Unchecked)

    viewer.add_labels(nuclei.data.copy(), name="second run", **placement(slide))
    qtbot.waitUntil(lambda: "second run" in train.areas.list.item(0).toolTip())

    assert train.areas.list.item(0).checkState() == Qt.CheckState.Unchecked
    assert not train.train_button.isEnabled()


def test_what_was_reviewed_is_copied_with_its_place(reviewed, nuclei, train, large):
    (correction,) = train.areas.corrections()
    nuclei.data[:] = 0

    assert np.array_equal(correction.labels, large[1])
    assert correction.image.pixel_size == pytest.approx(0.25)
    assert correction.reviewed[:420].all()
    assert not correction.reviewed[420:].any()
    assert correction.held_out is None


def test_a_typed_pixel_size_is_learned_by(qtbot, slide, reviewed, train):
    slide.units, slide.scale = ("pixel", "pixel"), (1, 1)
    pixel_size = PixelSize()
    qtbot.addWidget(pixel_size)
    pixel_size.show_image(slide)
    pixel_size.field.setValue(0.5)

    (correction,) = train.areas.corrections()

    assert correction.image.pixel_size == 0.5


def test_what_was_guessed_of_an_image_is_learned_by(reviewed, nuclei, train):
    nuclei.metadata[METADATA] = {"pixel_size": None, "assumed_pixel_size": 0.5}
    for layer in train._viewer.layers:
        if isinstance(layer, Image):
            layer.units = ("pixel", "pixel")
            layer.scale = (1, 1)

    (correction,) = train.areas.corrections()

    assert correction.image.pixel_size is None
    assert correction.image.pixel_size_or(0.25) == 0.5


def test_what_is_held_out_is_shown_and_can_be_changed(qtbot, viewer, reviewed, train):
    press(qtbot, train.areas.show_button)
    judge, stop = (viewer.layers[HELD_OUT[role]] for role in ("judge", "stop"))
    assert isinstance(judge, Shapes)
    proposed = covered(viewer.layers["slide nuclei"], judge)
    assert stop.nshapes == 1
    viewer.layers.remove(stop)
    judge.data = [np.array([[0, 0], [0, 25], [25, 25], [25, 0]])]
    (changed,) = train.areas.corrections()

    assert proposed.mean() == pytest.approx(0.2 * 420 / 512, abs=0.01)
    assert changed.held_out.judge[:100, :100].all()
    assert changed.held_out.judge.sum() < 102 * 102
    assert not changed.held_out.stop.any()


def test_what_is_held_out_follows_what_is_reviewed(qtbot, viewer, reviewed, train):
    press(qtbot, train.areas.show_button)
    before = viewer.layers[HELD_OUT["judge"]].data[0].copy()
    viewer.layers.selection.active = reviewed

    reviewed.data = [np.array([[0, 0], [0, 40], [128, 40], [128, 0]])]
    qtbot.waitUntil(
        lambda: not np.allclose(viewer.layers[HELD_OUT["judge"]].data[0], before)
    )

    (correction,) = train.areas.corrections()
    assert correction.held_out is None  # as proposed
    assert viewer.layers.selection.active is reviewed


def test_a_strip_that_is_moved_as_a_layer_is_held_out_where_it_is_seen(
    qtbot, viewer, nuclei, reviewed, train
):
    press(qtbot, train.areas.show_button)
    judge = viewer.layers[HELD_OUT["judge"]]
    before = covered(nuclei, judge)
    moved = np.eye(3)
    moved[1, 2] = 50  # as napari's transform tool does

    judge.affine = moved
    train.areas.refresh()
    (correction,) = train.areas.corrections()

    shown = covered(nuclei, judge)
    assert not (shown & before).any()
    assert np.array_equal(correction.held_out.judge, shown & correction.reviewed)


def test_what_is_reviewed_is_listed_where_it_was_moved_to(qtbot, reviewed, train):
    qtbot.waitUntil(lambda: not train.areas._pause.isActive())
    before = train.areas.list.item(0).text()

    reviewed.translate = (0, 60)

    qtbot.waitUntil(lambda: bool(train.areas.list.item(0).text() != before))


def test_nuclei_of_one_of_several_images_are_named_with_what_to_do(
    qtbot, viewer, nuclei, reviewed, train
):
    image = viewer.layers["slide"]
    nuclei.metadata, nuclei.name = {}, "here"  # of nobody any more
    place = {"scale": image.scale, "units": image.units, "translate": (0, 500)}
    viewer.add_image(image.data, rgb=True, name="other", **place)
    viewer.add_labels(nuclei.data, name="there", **place)

    qtbot.waitUntil(lambda: "Nothing tells" in train.areas.note.text())
    assert train.areas.note.text() == (
        "Nothing tells which of 2 images of their size the nuclei of “here” are of: "
        "hide the others, and press “Correct these labels” in the Segment dock."
    )


def test_what_is_shown_as_held_out_goes_by_the_seed(qtbot, viewer, reviewed, train):
    press(qtbot, train.areas.show_button)
    before = viewer.layers[HELD_OUT["judge"]].data[0].copy()

    train.options.seed.setValue(1)

    shown = covered(viewer.layers["slide nuclei"], viewer.layers[HELD_OUT["judge"]])
    assert not np.allclose(viewer.layers[HELD_OUT["judge"]].data[0], before)
    (correction,) = train.areas.corrections()
    used = propose(correction.reviewed, stop=True, seed=1).judge
    assert np.array_equal(shown & correction.reviewed, used)


def test_what_is_held_out_follows_without_taking_the_tool_from_the_hand(
    qtbot, viewer, nuclei, reviewed, train
):
    press(qtbot, train.areas.show_button)
    viewer.layers.selection.active = nuclei
    actives = []
    viewer.layers.selection.events.active.connect(lambda e: actives.append(e.value))

    reviewed.data = [0.5 * reviewed.data[0]]
    train.areas.refresh()

    assert actives == []
    assert viewer.layers.selection.active is nuclei


def test_what_the_model_learned_from_is_not_shown_to_judge_it(
    qtbot, viewer, nuclei, reviewed, train
):
    press(qtbot, train.areas.show_button)
    top = np.zeros((512, 512), bool)
    top[:100] = True
    there = Place(image="slide", image_shape=(512, 512), offset=(0, 0))

    train.areas.judge_for((Learned.of(there, top),))

    shown = covered(nuclei, viewer.layers[HELD_OUT["judge"]])
    assert shown.mean() == pytest.approx(0.2 * 420 / 512, abs=0.01)
    assert not (shown & top).any()
    (correction,) = train.areas.corrections()
    assert correction.held_out is None  # as proposed


def test_where_the_model_learned_from_all_it_says_that_nothing_judges(
    qtbot, monkeypatch, viewer, reviewed, train
):
    said = []
    monkeypatch.setattr(gathered, "show_info", said.append)
    press(qtbot, train.areas.show_button)
    assert said == []
    there = Place(image="slide", image_shape=(512, 512), offset=(0, 0))

    train.areas.judge_for((Learned.of(there, np.ones((512, 512), bool)),))
    press(qtbot, train.areas.show_button)

    assert HELD_OUT["judge"] not in viewer.layers
    assert HELD_OUT["stop"] in viewer.layers
    assert said == [gathered.NOTHING_JUDGES]


def test_why_nothing_judges_is_said_where_the_strip_was_removed(
    qtbot, monkeypatch, viewer, reviewed, train
):
    said = []
    monkeypatch.setattr(gathered, "show_info", said.append)
    press(qtbot, train.areas.show_button)
    viewer.layers.remove(HELD_OUT["judge"])

    press(qtbot, train.areas.show_button)

    assert said == [gathered.NO_JUDGE]


def test_what_is_held_out_by_hand_stays(qtbot, viewer, reviewed, train):
    press(qtbot, train.areas.show_button)
    judge = viewer.layers[HELD_OUT["judge"]]
    judge.data = [np.array([[0, 0], [0, 25], [25, 25], [25, 0]])]

    reviewed.data = [np.array([[0, 0], [0, 40], [128, 40], [128, 0]])]
    train.areas.refresh()

    assert viewer.layers[HELD_OUT["judge"]] is judge
    (correction,) = train.areas.corrections()
    assert correction.held_out.judge.any()
    judge.visible = False

    press(qtbot, train.areas.show_button)

    assert viewer.layers[HELD_OUT["judge"]] is judge
    assert judge.visible
    np.testing.assert_array_equal(judge.data[0].max(0), (25, 25))


def test_a_dock_that_is_opened_again_still_follows(qtbot, viewer, reviewed, train):
    press(qtbot, train.areas.show_button)
    viewer.window.remove_dock_widget(train)
    _, again = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )

    (correction,) = again.areas.corrections()

    assert correction.held_out is None  # as proposed


def test_what_is_shown_of_what_is_held_out_outlasts_a_moment_without(
    qtbot, viewer, reviewed, train
):
    press(qtbot, train.areas.show_button)
    viewer.layers.selection = {reviewed, viewer.layers["slide"]}
    shapes = reviewed.data
    reviewed.data = []
    train.areas.refresh()
    reviewed.data = [0.5 * shapes[0]]
    train.areas.refresh()

    judge = viewer.layers[HELD_OUT["judge"]].data[0]
    assert judge.max() <= 0.5 * shapes[0].max() + 1
    assert viewer.layers.selection == {reviewed, viewer.layers["slide"]}


def test_the_whole_way_to_a_model_of_ones_own(qtbot, reviewed, train, quick):
    press(qtbot, train.train_button)
    assert train.running
    assert not train.train_button.isEnabled()
    done(qtbot, train)
    losses, scores = train.curves.axes
    assert [len(line.get_xdata()) for line in losses.lines] == [3, 4]
    assert scores.get_visible()
    assert not train.gate.isHidden()
    assert train.gate.judgement.changes
    assert "AJI" in train.gate.sentence.text()
    assert not train.train_button.isEnabled()

    press(qtbot, train.gate.look_button)
    first = train.gate._comparison
    press(qtbot, train.gate.look_button)
    assert not first.isVisible()
    assert train.gate._comparison.isVisible()
    plots = train.gate._comparison.figure.axes
    assert len(plots) == 2
    for plot, when in zip(plots, ("Before", "After"), strict=True):
        assert re.fullmatch(
            rf"{when}: \d+ found, \d+ false, \d+ missed", plot.get_title()
        )
    train.gate.name.setText("mine")
    press(qtbot, train.gate.accept_button)
    done(qtbot, train)

    assert find_model("mine").info.parent == "tiny"
    offered = [
        train.model.choice.itemText(i) for i in range(train.model.choice.count())
    ]
    assert "mine" in offered
    assert train.model.value.name == "mine"
    assert "choose it in the Segment dock" in train.progress.text.text()
    assert train.gate.isHidden()
    assert train.train_button.isEnabled()


def test_the_gate_comes_into_view(qtbot, viewer, reviewed, train, quick):
    viewer.window.resize(1366, 768)
    viewer.window.show()

    press(qtbot, train.train_button)
    done(qtbot, train)

    buttons = train.gate.accept_button, train.gate.discard_button
    qtbot.waitUntil(
        lambda: not any(button.visibleRegion().isEmpty() for button in buttons)
    )


def test_a_comparison_that_fails_loses_nothing(
    qtbot, monkeypatch, reviewed, train, quick
):
    def fail(*_):
        yield from ()
        raise DeviceError("There is no memory left.")

    monkeypatch.setattr(Lesson, "_judge_on", fail)
    press(qtbot, train.train_button)
    done(qtbot, train)

    assert train.gate.sentence.text() == "Not compared: There is no memory left."
    train.gate.name.setText("mine")
    press(qtbot, train.gate.accept_button)
    done(qtbot, train)
    assert find_model("mine").info.parent == "tiny"


def test_a_dock_that_is_closed_at_the_gate_asks_again(
    qtbot, viewer, reviewed, train, quick
):
    press(qtbot, train.train_button)
    done(qtbot, train)
    sentence = train.gate.sentence.text()
    viewer.window.remove_dock_widget(train)

    _, again = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )

    assert not again.gate.isHidden()
    assert again.gate.sentence.text() == sentence
    assert not again.train_button.isEnabled()
    again.gate.name.setText("mine")
    press(qtbot, again.gate.accept_button)
    done(qtbot, again)
    assert find_model("mine").info.parent == "tiny"
    assert again.train_button.isEnabled()


def test_no_model_is_renamed_while_one_learns(qtbot, reviewed, train, quick):
    train._models.expand(animate=False)
    press(qtbot, train.train_button)
    assert not train.manager.isEnabled()

    done(qtbot, train)
    assert not train.manager.isEnabled()  # by its name the new one knows its parent

    press(qtbot, train.gate.discard_button)
    assert train.manager.isEnabled()


def test_a_name_that_is_taken_keeps_the_gate_open(qtbot, reviewed, train, quick):
    press(qtbot, train.train_button)
    done(qtbot, train)
    train.gate.name.setText("tiny")
    summary = train.progress.text.text()
    assert summary
    press(qtbot, train.gate.accept_button)
    done(qtbot, train)

    assert "already" in train.gate.error.text()
    assert train.progress.text.text() == summary
    assert not train.gate.isHidden()
    assert train.gate.accept_button.isEnabled()

    press(qtbot, train.gate.discard_button)
    assert train.gate.isHidden()
    assert train.train_button.isEnabled()


def test_a_second_round_is_told(qtbot, reviewed, train, quick):
    for name in ("first", "second"):
        press(qtbot, train.train_button)
        done(qtbot, train)
        train.gate.name.setText(name)
        press(qtbot, train.gate.accept_button)
        done(qtbot, train)
        train.model.choice.value = find_model(name).path

    assert "Round 1" in train.rounds.text()
    judged = train_judged(find_model("second"))
    assert train.rounds.text().splitlines()[1].endswith(f" on {judged} of them")
    assert read_info(find_model("second").path).parent == "first"


def train_judged(model):
    return model.info.scores["held out"]["nuclei"]


def test_cancel_offers_the_best_so_far(qtbot, reviewed, train, endless):
    begin(qtbot, train)

    press(qtbot, train.cancel_button)
    done(qtbot, train)

    assert not train.gate.isHidden()
    assert 1 <= train._taught.tuned.step < 100_000
    assert train.gate.judgement.changes


@pytest.mark.usefixtures("reviewed", "endless")
def test_a_double_click_on_cancel_is_one(qtbot, monkeypatch, train, slow_to_judge):
    begin(qtbot, train)
    monkeypatch.setattr(training_job, "monotonic", lambda: 5.0)

    press(qtbot, train.cancel_button)
    press(qtbot, train.cancel_button)
    assert train.running
    qtbot.waitUntil(
        lambda: train.progress.text.text().startswith("Cancelled: Comparing")
    )
    slow_to_judge.set()
    done(qtbot, train)

    assert train.gate.judgement.changes


def test_a_second_cancel_leaves_out_the_comparison_and_loses_nothing(
    qtbot, reviewed, train, endless, slow_to_judge
):
    begin(qtbot, train)

    press(qtbot, train.cancel_button)
    qtbot.wait(QApplication.doubleClickInterval() + 50)
    press(qtbot, train.cancel_button)

    assert not train.running
    assert train.gate.sentence.text() == "Not compared: that was cancelled."
    train.gate.name.setText("mine")
    press(qtbot, train.gate.accept_button)
    done(qtbot, train)
    assert find_model("mine").info.parent == "tiny"


def test_a_comparison_that_is_cancelled_loses_nothing(
    qtbot, reviewed, train, quick, slow_to_judge
):
    press(qtbot, train.train_button)
    qtbot.waitUntil(lambda: "Comparing" in train.progress.text.text(), timeout=60_000)

    press(qtbot, train.cancel_button)

    assert train.gate.sentence.text() == "Not compared: that was cancelled."


def test_a_dock_that_is_closed_in_training_asks_about_the_best_so_far(
    qtbot, viewer, reviewed, train, endless
):
    begin(qtbot, train)
    viewer.window.remove_dock_widget(train)

    _, again = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )

    assert not again.gate.isHidden()
    assert "the dock was closed meanwhile" in again.gate.sentence.text()
    assert "the best was step" in again.progress.text.text()


def test_an_error_in_training_offers_the_best_so_far(
    qtbot, monkeypatch, reviewed, train, endless
):
    begin(qtbot, train)

    def fail(*_):
        raise DeviceError("The device is gone.")

    monkeypatch.setattr(finetuning.Learner, "step", fail)
    done(qtbot, train)

    assert train.progress.text.text() == "The device is gone."
    assert "ended with an error" in train.gate.sentence.text()


def test_where_nothing_was_better_there_is_nothing_to_decide(
    qtbot, monkeypatch, reviewed, train, quick
):
    let_loss(monkeypatch, fall=False)

    press(qtbot, train.train_button)
    done(qtbot, train)

    assert "the model stays as it was" in train.progress.text.text()
    assert train.gate.isHidden()
    assert train.train_button.isEnabled()


def test_without_a_strip_to_stop_by_the_last_step_is_kept_and_that_is_said(
    qtbot, reviewed, train, quick
):
    reviewed.data = [np.array([[0, 0], [0, 60], [50, 60], [50, 0]])]

    press(qtbot, train.train_button)
    done(qtbot, train)

    assert "this is the model after step 3" in train.progress.text.text()
    assert not train.curves.axes[1].get_visible()


def test_a_model_that_is_being_written_is_kept_when_the_dock_closes(
    qtbot, viewer, reviewed, train, quick
):
    press(qtbot, train.train_button)
    done(qtbot, train)
    train.gate.name.setText("mine")
    heard = []
    unsubscribe = registry.subscribe(lambda: heard.append(True))

    press(qtbot, train.gate.accept_button)
    viewer.window.remove_dock_widget(train)

    assert find_model("mine").info.parent == "tiny"
    assert heard
    unsubscribe()
    _, again = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )
    assert again.gate.isHidden()


def test_a_model_that_cannot_be_written_as_the_dock_closes_is_asked_about_again(
    qtbot, viewer, reviewed, train, quick
):
    press(qtbot, train.train_button)
    done(qtbot, train)
    train.gate.name.setText("tiny")  # which is taken

    press(qtbot, train.gate.accept_button)
    viewer.window.remove_dock_widget(train)

    _, again = viewer.window.add_plugin_dock_widget(
        "napari-monuseg", "Train on corrections"
    )
    assert not again.gate.isHidden()


@pytest.mark.usefixtures("reviewed", "quick")
@pytest.mark.parametrize("answer", ["Yes", "No"])
def test_what_was_learned_for_long_is_not_discarded_unasked(
    qtbot, monkeypatch, train, answer
):
    press(qtbot, train.train_button)
    done(qtbot, train)
    asked = []

    def question(*arguments):
        asked.append(arguments)
        return getattr(QMessageBox.StandardButton, answer)

    monkeypatch.setattr(QMessageBox, "question", question)
    monkeypatch.setattr(train_dock, "LONG", 0.0)

    press(qtbot, train.gate.discard_button)

    assert len(asked) == 1
    assert train.gate.isHidden() is (answer == "Yes")


def test_a_long_name_leaves_room_for_the_number(
    qtbot, reviewed, train, quick, installed_model
):
    shutil.copy(installed_model, installed_model.with_name(f"{'x' * 60}.safetensors"))
    registry.notify()
    train.model.choice.value = installed_model.with_name(f"{'x' * 60}.safetensors")
    press(qtbot, train.train_button)
    done(qtbot, train)

    assert train.gate.name.text().endswith("xx round 1")
    press(qtbot, train.gate.accept_button)
    done(qtbot, train)
    assert train.gate.isHidden()


def test_there_are_no_curves_before_there_is_a_point(qtbot, reviewed, train, quick):
    assert train.curves.isHidden()
    press(qtbot, train.train_button)
    assert train.curves.isHidden()
    done(qtbot, train)
    assert not train.curves.isHidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curves_can_be_read_in_every_theme(viewer, train, theme):
    viewer.theme = theme
    train.curves.show_history([{"step": 1, "loss": 0.5}])

    text = get_theme(theme).text.as_rgb_tuple()[:3]
    axes = train.curves.axes[0]
    drawn = [
        axes.xaxis.label.get_color(),
        axes.get_xticklabels()[0].get_color(),
        axes.spines["left"].get_edgecolor(),
        axes.get_legend().get_texts()[0].get_color(),
    ]
    for colour in drawn:
        assert np.allclose(np.multiply(to_rgb(colour), 255), text, atol=1)


def test_the_curves_leave_the_wheel_to_the_dock_that_scrolls(train):
    assert not turn_wheel(train.curves.canvas, -120)


def test_an_early_cancel_is_just_that(qtbot, reviewed, train, quick):
    press(qtbot, train.train_button)
    press(qtbot, train.cancel_button)

    assert not train.running
    assert train.progress.text.text().startswith("Cancelled")
    assert train.train_button.isEnabled()
    assert train.gate.isHidden()


def test_an_error_leaves_the_dock_ready(qtbot, monkeypatch, reviewed, train):
    def fail(*_):
        yield from ()
        raise TrainingError("The disk is full; make room and train again.")

    monkeypatch.setattr(training_job, "teach", fail)
    press(qtbot, train.train_button)
    done(qtbot, train)

    assert train.progress.text.text().startswith("The disk is full")
    assert train.train_button.isEnabled()


def test_training_on_with_less_memory_is_said(
    qtbot, monkeypatch, reviewed, train, quick
):
    step = finetuning.Learner.step

    def starved(learner, share):
        if learner.options.batch > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")
        return step(learner, share)

    monkeypatch.setattr(finetuning.Learner, "step", starved)
    press(qtbot, train.train_button)
    done(qtbot, train)

    assert "Out of memory: on with 2 crops of 96 px" in train.notice.text()
    assert not train.gate.isHidden()


def test_layers_removed_during_the_training_do_no_harm(
    qtbot, viewer, reviewed, train, quick
):
    press(qtbot, train.train_button)
    viewer.layers.clear()
    done(qtbot, train)

    assert not train.gate.isHidden()


def test_the_dock_closed_during_the_training_stops_it(
    qtbot, viewer, reviewed, train, quick
):
    press(qtbot, train.train_button)
    viewer.window.remove_dock_widget(train)

    assert not train.running


def test_only_shapes_named_reviewed_count(viewer, slide, nuclei):
    other = viewer.add_shapes(name="arrows")
    marked = viewer.add_shapes(name="Reviewed [1]")

    assert not is_reviewed_layer(other)
    assert not is_reviewed_layer(nuclei)
    assert is_reviewed_layer(marked)


def test_one_point_at_the_beginning_is_shown_on_whole_steps(train):
    train.curves.show_history([{"step": 0, "validation_loss": 0.5}])

    assert train.curves.axes[0].get_xlim() == (0, 1)
