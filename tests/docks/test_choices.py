"""Device, area in view, progress: what the dock shows of itself."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import QEvent, QPoint, QRect, Qt
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QLabel, QPushButton

from napari_monuseg.areas import in_view
from napari_monuseg.core.progress import Progress
from napari_monuseg.docks import device_choice, progress_line
from napari_monuseg.docks.choice import Choice
from napari_monuseg.docks.device_choice import DeviceChoice
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.model_choice import describe
from napari_monuseg.docks.note import Line
from napari_monuseg.docks.progress_line import ProgressLine, duration
from napari_monuseg.docks.section import section


@pytest.fixture
def devices(owner, monkeypatch):
    """Give a device choice that asks a process which says what it is told to."""

    def make(says):
        monkeypatch.setattr(device_choice, "_found", [])
        program = (sys.executable, "-c", f"import sys; sys.stdout.write({says!r})")
        monkeypatch.setattr(device_choice, "PROGRAM", program)
        lifetime = Lifetime(owner)
        owner.devices = DeviceChoice(lifetime)
        owner.lifetime = lifetime
        owner.devices.setParent(owner)
        return owner.devices

    return make


def texts(choice):
    return [choice.itemText(index) for index in range(choice.count())]


def test_auto_names_the_device_it_found(qtbot, devices):
    choice = devices(
        'A library greets.\n[{"name": "cuda:0", "description": "Fast GPU"},'
        ' {"name": "cpu", "description": "CPU, 4 cores"}]'
    )
    assert choice.value == "auto"

    qtbot.waitUntil(lambda: choice.count() == 3, timeout=20_000)

    assert texts(choice) == ["Auto: Fast GPU", "Fast GPU", "CPU, 4 cores"]
    assert choice.value == "auto"
    choice.setCurrentIndex(2)
    assert choice.value == "cpu"


@pytest.mark.parametrize("says", ["", "Traceback", "[]"])
def test_without_an_answer_there_is_still_auto(qtbot, devices, says):
    choice = devices(says)

    qtbot.waitUntil(lambda: "looking" not in choice.currentText(), timeout=20_000)

    assert texts(choice) == ["Auto"]
    assert choice.value == "auto"


def test_the_question_dies_with_the_dock(qtbot, owner, devices, monkeypatch):
    choice = devices("[]")
    monkeypatch.setattr(device_choice, "_found", [])

    owner.lifetime.end()

    assert choice._process.state() == choice._process.ProcessState.NotRunning


def test_the_real_question_is_answered(qtbot, owner, monkeypatch):
    monkeypatch.setattr(device_choice, "_found", [])
    lifetime = Lifetime(owner)
    choice = DeviceChoice(lifetime)
    choice.setParent(owner)

    qtbot.waitUntil(lambda: choice.count() > 1, timeout=120_000)

    assert "CPU" in texts(choice)[-1]


def test_a_choice_is_kept_when_entries_come_and_go(qtbot, owner):
    choice = Choice("Nothing")
    choice.setParent(owner)
    changes = []
    choice.currentIndexChanged.connect(lambda _: changes.append(choice.value))

    choice.offer([("a", 1), ("b", 2)])
    choice.value = 2
    choice.offer([("c", 3), ("b", 2), ("a", 1)])
    choice.offer([("c", 3)])
    choice.offer([])

    assert changes == [1, 2, 3, None]
    assert not choice.isEnabled()


def test_a_name_that_does_not_fit_ends_in_dots(qtbot, owner):
    choice = Choice()
    choice.setParent(owner)
    choice.offer([("Thorough (≤ 320 steps)", 1), ("On", 2)])
    choice.resize(110, choice.sizeHint().height())
    owner.show()

    assert choice.shown.startswith("Thor")
    assert choice.shown.endswith("…")
    choice.value = 2
    assert choice.shown == "On"
    choice.value = 1
    choice.resize(400, choice.sizeHint().height())
    assert choice.shown == "Thorough (≤ 320 steps)"


def test_what_is_in_view_is_what_the_canvas_shows(qtbot, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    image = viewer.add_image(
        np.zeros((400, 600, 3), np.uint8),
        rgb=True,
        scale=(0.5, 0.5),
        translate=(30, 10),
        units=("µm", "µm"),
    )
    viewer.scene.camera.center = (0, *image.data_to_world((200, 300)))
    viewer.scene.camera.zoom = 20
    viewer.window.resize(900, 700)
    viewer.screenshot(canvas_only=True, flash=False)  # draws, and so sets the corners

    area = in_view(image, viewer)

    (top, left), (bottom, right) = image.corner_pixels
    assert abs(area.rows.start - top) <= 2
    assert abs(area.rows.stop - bottom) <= 2
    assert abs(area.columns.start - left) <= 2
    assert abs(area.columns.stop - right) <= 2
    assert area.shape[0] < 100


def test_in_a_grid_what_is_in_view_is_one_part_of_the_canvas(qtbot, make_napari_viewer):
    viewer = make_napari_viewer(show=True)
    images = [
        viewer.add_image(np.zeros((400, 600, 3), np.uint8), rgb=True) for _ in range(4)
    ]
    viewer.canvas.grid.enabled = True
    viewer.window.resize(900, 700)
    viewer.scene.camera.center = (0, 200, 300)
    viewer.scene.camera.zoom = 10
    viewer.screenshot(canvas_only=True, flash=False)  # draws, and so sets the corners

    area = in_view(images[0], viewer)

    (top, left), (bottom, right) = images[0].corner_pixels
    drawn = np.array([top, bottom, left, right])
    found = [area.rows.start, area.rows.stop, area.columns.start, area.columns.stop]
    assert np.abs(drawn - found).max() <= 2


@pytest.fixture
def line(owner, monkeypatch):
    """Give a progress line and the clock it looks at."""
    line = ProgressLine()
    line.setParent(owner)
    line.now = 0.0
    monkeypatch.setattr(progress_line, "monotonic", lambda: line.now)
    return line


def test_time_left_is_estimated_from_the_steps_done(line):
    line.begin("Starting…")
    line.show_progress(Progress(message="Finding nuclei", done=0, total=10))
    line.now = 20
    line.show_progress(Progress(message="Finding nuclei", done=2, total=10))

    assert line.text.text() == "Finding nuclei · 1 min 20 s left"
    assert (line.bar.value(), line.bar.maximum()) == (2, 10)


def test_a_new_phase_starts_a_new_estimate(line):
    line.begin("Starting…")
    line.show_progress(Progress(message="Finding nuclei", done=0, total=10))
    line.now = 100
    line.show_progress(Progress(message="Reading nuclei", done=5, total=10))

    assert line.text.text() == "Reading nuclei"


def test_a_look_between_two_steps_counts_as_part_of_the_work(line):
    line.begin("Starting…")
    line.show_progress(Progress(message="Training, step 1: loss 0.5", done=0, total=9))
    line.now = 10
    line.show_progress(Progress(message="Looking at slide", done=1, total=2))
    line.now = 20
    line.show_progress(Progress(message="Training, step 2: loss 0.4", done=1, total=9))

    assert line.text.text() == "Training, step 2: loss 0.4 · 2 min 40 s left"


def test_work_that_is_done_once_more_starts_a_new_estimate(line):
    line.begin("Starting…")
    for done in (0, 4):
        line.show_progress(Progress(message="Finding nuclei", done=done, total=5))
        line.now += 4
    line.now = 300
    line.show_progress(Progress(message="Finding nuclei", done=0, total=5))
    line.now = 302
    line.show_progress(Progress(message="Cancelled: Finding nuclei", done=1, total=5))

    assert line.text.text() == "Cancelled: Finding nuclei · 8 s left"


def test_without_a_total_the_bar_only_says_that_work_goes_on(line):
    line.begin("Starting…")
    line.show_progress(Progress(message="Loading PyTorch…"))

    assert line.bar.maximum() == 0
    assert line.bar.isVisibleTo(line)


def test_the_end_is_said_and_the_bar_goes(line):
    line.begin("Starting…")
    line.end("Done in 3 s")

    assert line.text.text() == "Done in 3 s"
    assert not line.bar.isVisibleTo(line)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59.4, "59 s"), (100, "1 min 40 s"), (8000, "2 h 13 min")],
)
def test_durations_are_said_as_a_person_would(seconds, words):
    assert duration(seconds) == words


def test_a_model_is_described_in_words(dock):
    info = replace(dock.model.value.info, parameters=14_300_000)
    unnamed = replace(info, description="", network="deeplabv3plus")

    assert describe(info) == (
        "A network that learned nothing\n0.25 µm/px · 14.3 M parameters"
    )
    assert describe(unnamed).startswith("DeepLabV3+\n")


def test_an_image_layer_is_what_can_be_chosen(viewer, dock):
    viewer.add_labels(np.zeros((9, 9), int))
    viewer.add_points(np.zeros((1, 2)))
    image = viewer.add_image(np.zeros((64, 64)))
    viewer.add_shapes()

    assert dock.image.count() == 1
    assert dock.image.value is image
    assert isinstance(dock.image.value, Image)


def test_long_names_do_not_widen_the_dock(viewer, dock):
    before = dock.minimumSizeHint().width()
    name = "TCGA-" + 40 * "0123456789"

    viewer.add_image(np.zeros((64, 64, 3), np.uint8), rgb=True, name=name)
    dock.progress.end(f"Written to {name}")
    dock.results.count.setText(name)

    assert dock.minimumSizeHint().width() == before < 340
    assert dock.results.count.text() == name


def test_a_long_name_is_broken_and_not_cut_off(qtbot):
    line = Line()
    qtbot.addWidget(line)
    line.setText(f"It goes on from {60 * 'w'}, which has learned.")
    room = QRect(0, 0, 300, 1000)

    needed = line.fontMetrics().boundingRect(
        room, Qt.TextFlag.TextWordWrap, QLabel.text(line)
    )

    assert needed.width() <= room.width()
    assert 60 * "w" in line.text()


def test_a_name_that_does_not_fit_is_told_to_the_mouse(qtbot):
    choice = Choice()
    qtbot.addWidget(choice)
    choice.offer([("a name that is far too long for it", 1), ("short", 2)])
    choice.resize(120, 24)
    rests = QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5))

    QApplication.sendEvent(choice, rests)
    assert choice.toolTip() == "a name that is far too long for it"

    choice.value = 2
    QApplication.sendEvent(choice, rests)
    assert choice.toolTip() == ""


def test_a_text_of_two_lines_takes_no_more_room_than_none(qtbot):
    line = ProgressLine()
    qtbot.addWidget(line)
    line.resize(200, 100)
    line.show()

    heights = set()
    for text in ("", "one", "one\ntwo"):
        line.end(text)
        heights.add(line.sizeHint().height())

    assert len(heights) == 1


def test_what_is_folded_away_is_not_reached_by_the_keyboard(qtbot):
    button = QPushButton("Press")
    folding = section("More", button)
    qtbot.addWidget(folding)
    assert not button.isEnabled()

    folding.toggleButton().click()
    assert button.isEnabled()
    assert folding.content().maximumHeight() >= button.sizeHint().height()

    folding.toggleButton().click()
    assert not button.isEnabled()
    assert section("Open", QPushButton(), unfolded=True).content().isEnabled()


def test_what_qt_has_deleted_already_keeps_nothing_else_from_its_end(owner):
    lifetime, ended = Lifetime(owner), []
    lifetime.add(lambda: ended.append("first"))

    def gone():
        raise RuntimeError("wrapped C/C++ object has been deleted")

    lifetime.add(gone)
    lifetime.end()

    assert ended == ["first"]
