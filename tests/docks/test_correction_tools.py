"""Correcting nuclei in a real viewer: keys, strokes, undo, and what must not happen."""

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.action_manager import action_manager
from napari.utils.key_bindings import coerce_keybinding
from napari.utils.shortcuts import default_shortcuts
from qtpy.QtCore import Qt
from scipy import ndimage
from skimage.draw import disk

from napari_monuseg.areas import Area, camera_of
from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.docks.correction_tools import CorrectionTools
from napari_monuseg.docks.drawing import LEAVE
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.placing import Placed
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.tools import TOOLS

SHAPE = (120, 160)
KEYS = [tool.key for tool in TOOLS]


@pytest.fixture
def image(viewer):
    """An image that is scaled, shifted and turned."""
    return viewer.add_image(
        np.full((*SHAPE, 3), 200, np.uint8),
        rgb=True,
        name="colon",
        scale=(0.5, 0.5),
        translate=(10, 20),
        rotate=20,
        units=("µm", "µm"),
    )


@pytest.fixture
def labels():
    """Give two lobes as one nucleus (1), three that nearly touch, and a lone one."""
    labels = np.zeros((90, 120), np.int32)
    labels[disk((25, 22), 10)] = labels[disk((25, 38), 10)] = 1
    for number, column in enumerate((20, 37, 54), 2):
        labels[disk((65, column), 8)] = number
    labels[disk((30, 90), 10)] = 5
    return labels


def maps_of(labels):
    """Give maps of a network that saw these nuclei."""
    distance = ndimage.distance_transform_edt(labels > 0)
    return NucleusMaps(
        foreground=np.clip(distance / 4, 0, 1).astype(np.float16),
        distance=np.clip(distance / 8, 0, 1).astype(np.float16),
    )


@pytest.fixture
def result(viewer, image, labels):
    """The nuclei of an area of the image; the network has seen one more."""
    seen = labels.copy()
    seen[disk((70, 95), 10)] = 6
    area = Area(slice(20, 110), slice(30, 150))
    result = Result.on(
        image, area, model_name="any", maps=maps_of(seen), options=InstanceOptions()
    )
    placed = Placed(labels=labels.copy(), count=count_nuclei(labels))
    result.show(viewer, placed)
    return result


@pytest.fixture
def layer(result):
    return result.layer


@pytest.fixture
def said():
    return []


@pytest.fixture
def lifetime(viewer):
    return Lifetime(viewer.window._qt_window)


@pytest.fixture
def tools(viewer, result, qtbot, said, lifetime):
    tools = CorrectionTools(viewer, lifetime)
    qtbot.addWidget(tools)
    tools.message.connect(said.append)
    tools.set_result(result)
    viewer.mouse_over_canvas = True
    return tools


@pytest.fixture
def withdrawn(tools):
    lines = []
    tools.withdrawn.connect(lines.append)
    return lines


class Hand:
    """Uses mouse and keyboard on the canvas; places are pixels of a layer."""

    def __init__(self, qtbot, viewer, layer):
        self._qtbot = qtbot
        self._viewer = viewer
        self.layer = layer

    @property
    def _window(self):
        return self._viewer.window._qt_viewer

    @property
    def _backend(self):
        return self._window.canvas._scene_canvas._backend

    def _canvas(self, place):
        node = self._window.canvas.layer_to_visual[self.layer].node
        row, column = place
        at = node.get_transform(map_to="canvas").map([column + 0.5, row + 0.5])
        return tuple(at[:2])

    def press(self, key):
        self._qtbot.keyClick(self._window, getattr(Qt.Key, f"Key_{key}"))

    def undo(self):
        self._qtbot.keyClick(
            self._window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier
        )

    def redo(self):
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        self._qtbot.keyClick(self._window, Qt.Key.Key_Z, both)

    def point(self, place):
        self._backend._vispy_mouse_move(
            native=None, pos=self._canvas(place), modifiers=()
        )
        self._qtbot.wait(15)  # napari listens every 5 ms

    def down(self, place):
        self.point(place)
        self._backend._vispy_mouse_press(
            native=None, pos=self._canvas(place), button=1, modifiers=()
        )

    def up(self, place):
        self._backend._vispy_mouse_release(
            native=None, pos=self._canvas(place), button=1, modifiers=()
        )

    def draw(self, *places):
        self.down(places[0])
        for place in places[1:]:
            self.point(place)
        self.up(places[-1])


@pytest.fixture
def hand(qtbot, viewer, layer, tools):
    return Hand(qtbot, viewer, layer)


def ids(labels):
    return set(np.unique(labels).tolist()) - {0}


def lines(viewer, layer):
    """Give what is drawn on a layer's node beside the layer."""
    node = viewer.window._qt_viewer.canvas.layer_to_visual[layer].node
    return [child for child in node.children if type(child).__name__ == "Line"]


def napari_keys():
    """Give every key napari has for a labels layer or the viewer."""
    names = {
        name
        for name, action in action_manager._actions.items()
        if action.keymapprovider in (Labels, ViewerModel, None)
    }
    keys = {
        str(key)
        for name, keys in default_shortcuts.items()
        for key in keys
        if name in names
    }
    for provider in (*Labels.__mro__, *ViewerModel.__mro__):
        keys |= {str(key) for key in getattr(provider, "class_keymap", {})}
    return keys


class TestKeys:
    def test_none_is_napari_s(self, viewer, layer):
        taken = napari_keys()

        assert {"P", "Ctrl+Z", "Space", "V", LEAVE} <= taken  # the test sees them
        assert taken.isdisjoint(KEYS)
        chain = viewer.window._qt_viewer._key_map_handler.keymap_chain
        assert not [key for key in KEYS if coerce_keybinding(key) in chain]

    def test_each_tool_has_one_of_its_own_and_shows_it(self, tools):
        assert len(set(KEYS)) == len(TOOLS) == 6
        assert [tools.buttons[key].key.text() for key in KEYS] == KEYS

    def test_napari_s_own_still_work(self, hand, layer):
        hand.press("P")
        assert layer.mode == "paint"
        hand.press("Z")
        assert layer.mode == "pan_zoom"

    def test_they_act_on_the_result_s_layer_alone(
        self, viewer, hand, layer, labels, said
    ):
        other = viewer.add_labels(labels.copy(), name="other")

        for key in KEYS:
            hand.point((25, 22))
            hand.press(key)

        assert np.array_equal(layer.data, labels)
        assert np.array_equal(other.data, labels)
        assert viewer.layers.selection.active is other
        assert said == [
            f"Select “{layer.name}” to correct its nuclei with {key}" for key in KEYS
        ]

    def test_with_the_image_selected_they_act_on_its_nuclei(
        self, viewer, hand, image, layer
    ):
        viewer.layers.selection.active = image
        hand.point((25, 22))
        hand.press("D")

        assert not (layer.data == 1).any()
        assert viewer.layers.selection.active is layer

    def test_with_another_image_selected_they_do_not(
        self, viewer, hand, layer, labels, said
    ):
        viewer.add_image(np.full((40, 40, 3), 200, np.uint8), rgb=True)
        hand.point((25, 22))
        hand.press("D")

        assert np.array_equal(layer.data, labels)
        assert "Select “colon nuclei" in said[-1]

    def test_they_are_the_viewer_s_no_longer_once_the_dock_is_gone(
        self, viewer, hand, image, layer, lifetime
    ):
        viewer.layers.selection.active = image
        lifetime.end()
        hand.point((25, 22))
        hand.press("D")

        assert (layer.data == 1).any()
        assert not set(map(coerce_keybinding, KEYS)) & set(viewer.keymap)

    def test_another_result_takes_them_over(self, hand, tools, layer):
        tools.set_result(None)

        assert layer.keymap == {}
        assert not tools.isEnabled()

    def test_a_dock_that_goes_gives_them_back(self, viewer, result, qtbot):
        lifetime = Lifetime(viewer.window._qt_window)
        tools = CorrectionTools(viewer, lifetime)
        qtbot.addWidget(tools)
        tools.set_result(result)
        tools.buttons["C"].click()

        lifetime.end()

        assert result.layer.keymap == {}
        assert result.layer.mouse_pan


class TestAtTheCursor:
    def test_delete(self, hand, layer, labels, said):
        hand.point((25, 22))
        hand.press("D")

        assert np.array_equal(layer.data, np.where(labels == 1, 0, labels))
        assert said == ["Nucleus deleted"]

    @pytest.mark.parametrize("turned", [False, True])
    def test_it_is_the_nucleus_under_the_mouse_also_when_the_view_moved(
        self, viewer, hand, layer, labels, turned
    ):
        if turned:
            viewer.dims.transpose()
        hand.point((25, 22))
        camera = camera_of(viewer)
        centre = np.array(camera.center)
        there = np.array(layer.data_to_world((65, 37)))[list(viewer.dims.displayed)]
        here = np.array(layer.data_to_world((25, 22)))[list(viewer.dims.displayed)]
        # What was under the mouse moves away, and another nucleus under it.
        camera.zoom *= 2
        centre[-2:] = there + (centre[-2:] - here) / 2
        camera.center = tuple(centre)

        hand.press("D")

        assert np.array_equal(layer.data, np.where(labels == 3, 0, labels))

    def test_split_in_two(self, hand, layer, labels):
        hand.point((25, 22))
        hand.press("S")

        assert ids(layer.data[labels == 1]) == {1, 6}
        assert layer.data[25, 20] != layer.data[25, 40]

    def test_add(self, hand, layer, labels, result):
        hand.point((70, 95))
        hand.press("A")

        added = layer.data != labels
        truth = result.maps.foreground > 0.5
        truth[labels > 0] = False
        assert ids(layer.data[added]) == {6}
        assert (added & truth).sum() / (added | truth).sum() > 0.8

    @pytest.mark.parametrize(
        ("key", "sentence"),
        [
            ("D", "There is no nucleus here; point at one."),
            ("S", "There is no nucleus here; point at one."),
            ("A", "The network sees nothing"),
        ],
    )
    def test_where_there_is_nothing_a_sentence_says_so(
        self, hand, labels, said, key, sentence
    ):
        hand.point((5, 115))
        hand.press(key)

        assert np.array_equal(hand.layer.data, labels)
        assert said[0].startswith(sentence)

    @pytest.mark.parametrize("key", ["D", "S", "A"])
    def test_outside_of_the_area_nothing_happens(self, hand, layer, labels, said, key):
        hand.point((-8, 200))
        hand.press(key)

        assert np.array_equal(layer.data, labels)
        assert len(said) == 1

    def test_outside_of_the_canvas_nothing_happens(
        self, viewer, hand, layer, labels, said
    ):
        hand.point((25, 22))
        viewer.mouse_over_canvas = False
        hand.press("D")

        assert np.array_equal(layer.data, labels)
        assert "onto the image" in said[0]

    def test_a_button_takes_the_tool_in_hand_and_a_click_uses_it(
        self, hand, tools, layer
    ):
        tools.buttons["D"].click()
        hand.draw((25, 22))
        hand.draw((65, 20))

        assert ids(layer.data) == {3, 4, 5}
        assert tools.buttons["D"].isChecked()

    @pytest.mark.parametrize("why", ["hidden", "locked", "3-D"])
    def test_what_cannot_be_seen_or_painted_is_not_corrected(
        self, viewer, hand, labels, said, why
    ):
        layer = hand.layer
        hand.point((25, 22))
        if why == "hidden":
            layer.visible = False
        elif why == "locked":
            layer.editable = False
        else:
            viewer.dims.ndisplay = 3
        hand.press("D")

        assert np.array_equal(layer.data, labels)
        assert why in said[0]

    def test_in_3d_nothing_is_taken_in_hand(self, viewer, hand, tools, said):
        viewer.dims.ndisplay = 3
        hand.press("C")

        assert "3-D" in said[-1]
        assert not tools.in_hand
        assert not tools.buttons["C"].isChecked()

    def test_3d_puts_down_what_is_in_hand(self, viewer, hand, tools):
        hand.press("P")
        hand.press("C")
        assert tools.in_hand
        viewer.dims.ndisplay = 3

        assert not tools.in_hand
        viewer.dims.ndisplay = 2
        assert hand.layer.mode == "paint"

    @pytest.mark.parametrize("key", ["D", "S", "A"])
    @pytest.mark.parametrize("pixels", [(99, 99), (3, 90, 120)])
    def test_a_layer_with_other_pixels_is_not_corrected(self, hand, said, pixels, key):
        layer = hand.layer
        layer.data = np.ones(pixels, np.int32)
        before = np.array(layer.data)
        hand.point((25, 22))
        hand.press(key)

        assert np.array_equal(layer.data, before)
        assert len(said) == 1
        assert "was given other pixels; move a slider or run" in said[0]


class TestStrokes:
    def test_cut(self, hand, layer, labels, said):
        hand.press("C")
        hand.draw((10, 30), (25, 31), (40, 30))

        assert ids(layer.data[labels == 1]) == {1, 6}
        assert np.array_equal(layer.data[labels != 1], labels[labels != 1])
        assert said[1:] == ["Nucleus split along the line"]

    def test_join(self, hand, layer, labels, said):
        hand.press("J")
        hand.draw((65, 20), (65, 37), (65, 54))

        (joined,) = ids(layer.data) - {1, 5}
        assert joined in {2, 3, 4}
        assert ndimage.label(layer.data == joined)[1] == 1
        assert said[1:] == ["3 nuclei joined"]

    def test_how_far_join_reaches_is_told_in_micrometres(
        self, hand, result, layer, labels, said
    ):
        result.assumed_pixel_size = 4.1

        hand.press("J")
        hand.draw((65, 20), (65, 37))

        assert np.array_equal(layer.data, labels)
        assert "µm apart, and 4 µm is the most" in said[1]

    def test_outline(self, hand, layer, labels):
        hand.press("O")
        hand.draw((60, 85), (60, 105), (80, 105), (80, 85))

        assert ids(layer.data[labels == 0]) == {6}
        assert layer.data[70, 95] == 6
        assert np.array_equal(layer.data[labels > 0], labels[labels > 0])

    def test_the_tool_stays_in_hand_until_escape(self, hand, tools, layer, said):
        hand.press("C")
        assert tools.buttons["C"].isChecked()
        assert "Draw across" in said[-1]
        assert "Escape" in said[-1]
        hand.draw((10, 30), (40, 30))
        hand.draw((15, 90), (45, 90))
        hand.press("Escape")
        before = layer.data.copy()
        hand.draw((50, 37), (80, 37))

        assert ids(before) == {1, 2, 3, 4, 5, 6, 8}
        assert np.array_equal(layer.data, before)
        assert not tools.buttons["C"].isChecked()

    def test_escape_takes_the_hint_away(self, hand, said, withdrawn):
        hand.press("C")
        hand.press("Escape")

        assert "Draw across" in said[-1]
        assert withdrawn == said

    def test_what_a_correction_said_outlasts_escape(self, hand, said, withdrawn):
        hand.press("C")
        hand.draw((10, 30), (40, 30))
        hand.press("Escape")

        assert "Draw across" not in said[-1]
        assert withdrawn == []

    def test_its_key_puts_it_down_as_well(self, hand, tools):
        hand.press("J")
        hand.press("J")

        assert not tools.buttons["J"].isChecked()

    def test_another_key_takes_another_tool(self, hand, tools, layer):
        hand.press("J")
        hand.press("C")
        hand.draw((10, 30), (40, 30))

        assert ids(layer.data) == {1, 2, 3, 4, 5, 6}
        assert [key for key in KEYS if tools.buttons[key].isChecked()] == ["C"]

    def test_the_camera_stands_still_meanwhile(self, viewer, hand):
        assert viewer.scene.camera.mouse_pan
        hand.press("C")
        hand.draw((10, 30), (40, 30))
        assert not viewer.scene.camera.mouse_pan

        hand.press("Escape")
        assert viewer.scene.camera.mouse_pan

    @pytest.mark.parametrize("transposed", [False, True])
    def test_the_line_is_seen_while_it_is_drawn_only(
        self, viewer, hand, layer, transposed
    ):
        if transposed:  # by napari's button
            viewer.dims.transpose()
        hand.press("C")
        assert lines(viewer, layer) == []
        hand.down((10, 30))
        hand.point((40, 30))
        (line,) = lines(viewer, layer)
        assert line.visible
        assert np.allclose(line.pos[-1], (30, 40), atol=0.01)  # below the mouse
        hand.up((40, 30))

        assert lines(viewer, layer) == []

    def test_escape_drops_a_stroke_half_drawn(self, viewer, hand, layer, labels):
        hand.press("C")
        hand.down((10, 30))
        hand.point((40, 30))
        hand.press("Escape")

        assert lines(viewer, layer) == []
        hand.up((40, 30))
        assert np.array_equal(layer.data, labels)

    def test_the_brush_ends_it(self, hand, tools, layer):
        hand.press("C")
        hand.press("P")

        assert layer.mode == "paint"
        assert not layer.mouse_pan
        assert not tools.buttons["C"].isChecked()
        assert coerce_keybinding(LEAVE) not in layer.keymap

    def test_the_brush_is_in_hand_again_after_it(self, hand, layer):
        hand.press("P")
        hand.press("C")
        hand.press("Escape")

        assert layer.mode == "paint"
        assert layer.cursor == "circle"

    def test_another_layer_ends_it(self, viewer, hand, tools, image, labels):
        hand.press("C")
        viewer.layers.selection.active = image
        hand.draw((10, 30), (40, 30))

        assert np.array_equal(hand.layer.data, labels)
        assert not tools.buttons["C"].isChecked()

    def test_a_layer_removed_half_way_takes_its_line_with_it(
        self, viewer, hand, tools, layer
    ):
        hand.press("C")
        hand.down((10, 30))
        hand.point((40, 30))
        viewer.layers.remove(layer)
        tools.set_result(None)

        assert not tools.isEnabled()
        assert layer.keymap == {}

    def test_a_button_brings_the_layer_to_the_fore(self, viewer, hand, tools, image):
        viewer.layers.selection.active = image

        tools.buttons["C"].click()
        hand.draw((10, 30), (40, 30))

        assert ids(hand.layer.data) == {1, 2, 3, 4, 5, 6}

    def test_a_button_without_its_layer_does_nothing(self, viewer, tools, layer):
        viewer.layers.remove(layer)

        for button in tools.buttons.values():
            button.click()

        assert not any(button.isChecked() for button in tools.buttons.values())


def correct(hand, key):
    """Make the correction that a key stands for."""
    strokes = {
        "C": [(10, 30), (40, 30)],
        "J": [(65, 20), (65, 54)],
        "O": [(60, 85), (60, 105), (80, 105), (80, 85)],
    }
    places = {"D": (25, 22), "S": (25, 22), "A": (70, 95)}
    if key in strokes:
        hand.press(key)
        hand.draw(*strokes[key])
        hand.press("Escape")
    else:
        hand.point(places[key])
        hand.press(key)


each_tool = pytest.mark.parametrize("key", KEYS)


class TestUndo:
    @each_tool
    def test_one_undo_and_one_redo_are_exact(self, hand, layer, labels, key):
        correct(hand, key)
        after = layer.data.copy()
        assert not np.array_equal(after, labels)

        hand.undo()
        assert np.array_equal(layer.data, labels)
        hand.redo()
        assert np.array_equal(layer.data, after)

    def test_corrections_and_the_brush_share_one_history(self, hand, layer, labels):
        states = [labels.copy()]
        for key in ("A", "C", "J", "D"):
            correct(hand, key)
            layer.paint((80, 10 + 10 * len(states)), 900 + len(states))
            states.append(layer.data.copy())

        for state in reversed(states[:-1]):
            hand.undo()
            hand.undo()
            assert np.array_equal(layer.data, state)

    @each_tool
    def test_it_is_an_event_as_painting_is(self, hand, layer, key):
        painted, shown = [], []
        layer.events.paint.connect(painted.append)
        layer.events.labels_update.connect(shown.append)

        correct(hand, key)

        assert len(painted) == len(shown) == 1


class TestOnScreen:
    @pytest.fixture
    def viewer(self, make_napari_viewer):
        return make_napari_viewer(show=True)

    @pytest.mark.parametrize("key", ["D", "A", "C"])
    def test_the_canvas_shows_it_at_once(self, viewer, hand, layer, key):
        before = viewer.screenshot(canvas_only=True, flash=False)

        correct(hand, key)

        after = viewer.screenshot(canvas_only=True, flash=False)
        layer.refresh()
        again = viewer.screenshot(canvas_only=True, flash=False)
        assert not np.array_equal(after, before)
        assert np.array_equal(after, again)


class TestIds:
    @each_tool
    def test_painting_adds_a_nucleus_afterwards(self, hand, layer, key):
        correct(hand, key)

        assert layer.selected_label > layer.data.max()

    def test_the_id_of_a_deleted_nucleus_never_comes_back(self, hand, layer):
        correct(hand, "A")
        (first,) = ids(layer.data) - {1, 2, 3, 4, 5}
        hand.point((70, 95))
        hand.press("D")
        correct(hand, "A")
        (second,) = ids(layer.data) - {1, 2, 3, 4, 5}

        assert second > first

    def test_nor_does_that_of_an_undone_one(self, hand, layer):
        correct(hand, "C")
        hand.undo()
        correct(hand, "O")

        assert ids(layer.data) > {1, 2, 3, 4, 5}
        assert 6 not in ids(layer.data)

    def test_nor_that_of_a_painted_one_that_was_erased(self, hand, layer):
        correct(hand, "D")
        painted = layer.selected_label
        layer.paint((80, 10), painted)
        layer.paint((80, 10), 0)
        correct(hand, "A")

        assert painted not in ids(layer.data)

    def test_one_shown_alone_stays_shown(self, hand, layer):
        layer.selected_label = 5
        layer.show_selected_label = True

        correct(hand, "D")

        assert layer.selected_label == 5

    @pytest.mark.parametrize("key", KEYS)
    def test_those_that_are_hidden_stay_as_they_are(self, hand, layer, said, key):
        layer.selected_label = 777
        layer.show_selected_label = True
        before = layer.data.copy()

        correct(hand, key)

        assert np.array_equal(layer.data, before)
        assert any("Only the selected nucleus is shown" in line for line in said)


class TestWhatIsSaid:
    """It holds as long as the correction does."""

    @pytest.fixture(autouse=True)
    def deleted(self, hand):
        hand.point((30, 90))
        hand.press("D")

    def test_an_undo_takes_it_back(self, hand, said, withdrawn):
        assert withdrawn == []
        hand.undo()

        assert withdrawn == ["Nucleus deleted"] == said

    def test_edits_elsewhere_do_not(self, layer, withdrawn):
        layer.data_setitem((np.array([1]), np.array([1])), 777)
        layer.refresh()

        assert withdrawn == []

    def test_paint_over_it_does(self, layer, withdrawn):
        layer.data_setitem((np.array([30]), np.array([90])), 777)

        assert withdrawn == ["Nucleus deleted"]

    def test_other_pixels_do(self, layer, withdrawn):
        layer.data = np.zeros((5, 5), np.int32)

        assert withdrawn == ["Nucleus deleted"]

    def test_another_result_does(self, tools, withdrawn):
        tools.set_result(None)

        assert withdrawn == ["Nucleus deleted"]


class TestNucleiOfOthers:
    """What is seen under the cursor, and is another layer's."""

    @pytest.fixture
    def other(self, viewer, layer):
        labels = np.zeros((30, 40), np.int32)
        labels[5:15, 5:15] = 1
        place = ("scale", "rotate", "units")
        other = viewer.add_labels(
            labels,
            name="other",
            translate=layer.data_to_world((40, 80)),
            **{name: getattr(layer, name) for name in place},
        )
        viewer.layers.selection.active = layer
        return other

    @pytest.mark.parametrize("key", ["D", "S"])
    def test_their_layer_is_named(self, key, hand, other, said):
        hand.point((48, 88))
        hand.press(key)

        assert said == ["This nucleus is of “other”; select that layer to correct it"]
        assert other.data.any()

    def test_hidden_ones_are_not(self, hand, other, said):
        other.visible = False
        hand.point((48, 88))
        hand.press("D")

        assert said == ["There is no nucleus here; point at one."]

    def test_beside_them_there_is_none(self, hand, other, said):
        hand.point((60, 100))
        hand.press("D")

        assert said == ["There is no nucleus here; point at one."]

    def test_those_of_one_s_own_go_before(self, hand, layer, other, said):
        other.translate = layer.data_to_world((20, 80))
        hand.point((30, 90))
        hand.press("D")

        assert said == ["Nucleus deleted"]

    def test_what_is_said_of_one_s_own_stays(self, hand, layer, other, said):
        other.translate = layer.data_to_world((20, 80))
        layer.editable = False
        hand.point((30, 90))
        hand.press("D")

        assert "hidden or locked" in said[-1]


class TestInTheDock:
    @pytest.fixture
    def found(self, qtbot, viewer, dock, tissue, stage):
        viewer.add_image(tissue[0], rgb=True, name="colon", scale=(0.25, 0.25))
        qtbot.mouseClick(dock.run_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: not dock.running)
        viewer.mouse_over_canvas = True
        return viewer.layers[-1]

    def test_before_a_run_there_is_nothing_to_correct(self, dock):
        assert not dock.results.corrections.isEnabled()

    def test_the_tools_can_be_folded_away(self, dock):
        tools = dock.results.corrections
        section = tools.parent().parent()

        section.toggleButton().click()

        assert not section.isExpanded()
        assert section.text() == "▸ Correct by hand"
        assert not any(button.isEnabled() for button in tools.buttons.values())
        assert set(tools.buttons) == set(KEYS)

    def test_a_run_s_nuclei_can_be_corrected(self, qtbot, viewer, dock, found):
        row, column = np.argwhere(found.data == 1).mean(0)
        hand = Hand(qtbot, viewer, found)

        hand.point((row, column))
        hand.press("D")

        assert not (found.data == 1).any()
        assert dock.progress.text.text() == "Nucleus deleted"
        found.undo()
        assert dock.progress.text.text() == ""

    def test_what_another_said_is_not_taken_back(self, qtbot, viewer, dock, found):
        hand = Hand(qtbot, viewer, found)
        hand.press("C")
        dock.progress.text.setText("Finding nuclei")
        hand.press("Escape")

        assert dock.progress.text.text() == "Finding nuclei"

    def test_the_keys_go_to_the_layer_that_takes_the_place(
        self, qtbot, viewer, dock, found
    ):
        hand = Hand(qtbot, viewer, found)
        hand.point(np.argwhere(found.data == 1).mean(0))
        hand.press("D")
        dock.results.sliders.foreground.setValue(0.8)
        qtbot.waitUntil(lambda: not dock.results._reading.busy)
        layer = dock.results.current.layer

        hand = Hand(qtbot, viewer, layer)
        viewer.layers.selection.active = layer
        number = int(layer.data.max())
        hand.point(np.argwhere(layer.data == number).mean(0))
        hand.press("D")

        assert not (layer.data == number).any()

    def test_the_layer_s_memory_goes_with_it(self, qtbot, viewer, dock, found):
        hand = Hand(qtbot, viewer, found)
        hand.press("C")
        hand.draw((3, 3), (9, 9))
        maps = weakref.ref(dock.results.current.maps)

        viewer.layers.remove(found)
        del hand, found
        qtbot.wait(50)
        gc.collect()

        assert maps() is None
        assert not dock.results.corrections.isEnabled()
