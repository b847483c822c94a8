"""The tools that correct nuclei, each with its key and its button."""

from collections.abc import Callable
from functools import partial
from typing import Any

from napari.layers import Labels as LabelsLayer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QWidget

from napari_monuseg.core.edits import Edit
from napari_monuseg.core.errors import CorrectionError, MonusegError
from napari_monuseg.docks.drawing import Drawing, pixel_of
from napari_monuseg.docks.edit_watch import EditWatch
from napari_monuseg.docks.key_button import KeyButton
from napari_monuseg.docks.keys import Keys
from napari_monuseg.docks.lifetime import Lifetime
from napari_monuseg.docks.other_nuclei import owner_at
from napari_monuseg.docks.pointer import Pointer
from napari_monuseg.docks.result import Result
from napari_monuseg.docks.tools import TOOLS, Points, Tool, layer_of

IN_3D = "The view is in 3-D; switch to 2-D to correct nuclei."

OTHERS = "This nucleus is of “{}”; select that layer to correct it"


class CorrectionTools(QWidget):
    """Corrects the nuclei of a result, beside napari's own brush, eraser and fill.

    Each correction is one step of the layer's undo. The key of a tool for the
    cursor acts at once where the cursor is; the key of a tool for a stroke, and
    every button, leaves it in hand until Escape, the same key or another tool.

    Parameters
    ----------
    viewer : napari.Viewer
        Where the nuclei are shown.
    lifetime : Lifetime
        Of the dock.
    """

    message = Signal(str)
    """Emits a line for the user."""

    withdrawn = Signal(str)
    """Emits a line that no longer holds."""

    def __init__(self, viewer: Any, lifetime: Lifetime) -> None:
        super().__init__()
        self._viewer = viewer
        self._pointer = Pointer(viewer, lifetime)
        self._result: Result | None = None
        self._layer: LabelsLayer | None = None
        self._in_hand: Tool | None = None
        self._said = ""
        self._done: Edit | None = None
        self._watch: EditWatch | None = None
        self._drawing: Drawing | None = None
        self._keys, self._keys_elsewhere = Keys(), Keys()
        elsewhere = self._actions(self._on_key_elsewhere)
        self._keys_elsewhere.bind(viewer, elsewhere, free_only=True)
        for undo in (self._keys.release, self._keys_elsewhere.release, self._unwatch):
            lifetime.add(undo)
        lifetime.add(self._let_go)
        self.buttons = {
            tool.key: KeyButton(tool.name, tool.key, stays=True) for tool in TOOLS
        }
        self._lay_out()
        self.set_result(None)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        half = len(TOOLS) // 2
        for place, tool in enumerate(TOOLS):
            button = self.buttons[tool.key]
            button.setToolTip(_tip(tool))
            button.clicked.connect(partial(self._on_button, tool))
            grid.addWidget(button, place % half, place // half)

    def set_result(self, result: Result | None) -> None:
        """Correct the nuclei of a result from now on, in the layer it has now."""
        layer = None if result is None else result.layer
        self._result = result
        if layer is not self._layer:
            self._let_go()
            self._withdraw()
            self._keys.release()
            self._unwatch()
            self._layer = layer
            if layer is not None:
                self._keys.bind(layer, self._actions(self._on_key))
                self._watch = EditWatch(layer, self._on_edited)
        self.setEnabled(layer is not None)

    @property
    def in_hand(self) -> bool:
        """Whether a tool is in hand."""
        return self._in_hand is not None

    @staticmethod
    def _actions(act: Callable[[Tool], None]) -> dict[str, Callable[[], None]]:
        return {tool.key: partial(act, tool) for tool in TOOLS}

    def _unwatch(self) -> None:
        watch, self._watch, self._done = self._watch, None, None
        if watch is not None:
            watch.stop()

    def _say(self, text: str, done: Edit | None = None) -> None:
        """Tell the user something that holds until another edit than `done`."""
        self._said, self._done = text, done
        self.message.emit(text)

    def _withdraw(self) -> None:
        said, self._said, self._done = self._said, "", None
        if said:
            self.withdrawn.emit(said)

    def _on_edited(self) -> None:
        done, layer = self._done, self._layer
        if done is None or layer is None:
            return
        whole = self._result is not None and self._result.is_whole()
        if not whole or (layer.data[done.rows, done.columns] != done.values).any():
            self._withdraw()  # it was undone, or painted over

    def _on_key_elsewhere(self, tool: Tool) -> None:
        """Act with the nuclei's layer, if it is clear that its nuclei are meant."""
        layer, active = self._layer, self._viewer.layers.selection.active
        if layer is None or layer not in self._viewer.layers or self._result is None:
            return
        if active is None or active is self._result.image:
            self._viewer.layers.selection.active = layer
            self._on_key(tool)
        else:
            self._say(f"Select “{layer.name}” to correct its nuclei with {tool.key}")

    def _on_key(self, tool: Tool) -> None:
        if tool.stroke:
            self._take_or_leave(tool)
        elif self._viewer.mouse_over_canvas and self._layer is not None:
            place = pixel_of(self._viewer, self._layer, self._pointer.position)
            self._correct(tool, [place])
        else:
            self._say(f"Move the cursor onto the image and press {tool.key}")

    def _on_button(self, tool: Tool, _checked: bool) -> None:
        self._take_or_leave(tool)

    def _take_or_leave(self, tool: Tool) -> None:
        """Take a tool in hand, or put it down if it is there already."""
        again = self._in_hand is tool
        self._let_go()
        if not again and self._layer in self._viewer.layers:
            if self._viewer.dims.ndisplay == 2:
                self._take(tool)
                self._say(f"{tool.hint}. Escape puts the tool down.")
            else:
                self._say(IN_3D)
        self._show_in_hand()

    def _take(self, tool: Tool) -> None:
        self._drawing = Drawing(
            self._viewer,
            self._layer,
            drawn=partial(self._correct, tool),
            ended=self._on_ended,
            closed=tool.closed,
        )
        self._in_hand = tool

    def _let_go(self) -> None:
        """Put down what is in hand. The dock may be gone: no widget is touched."""
        drawing, self._drawing, self._in_hand = self._drawing, None, None
        if drawing is not None:
            drawing.end()

    def _on_ended(self) -> None:
        if self._drawing is not None:  # ended by itself, so the dock is there
            self._drawing, self._in_hand = None, None
            self._show_in_hand()
            if self._done is None:  # what a correction said stays
                self._withdraw()

    def _show_in_hand(self) -> None:
        for key, button in self.buttons.items():
            button.setChecked(self._in_hand is not None and key == self._in_hand.key)

    def _correct(self, tool: Tool, points: Points) -> None:
        """Make a correction, as one step of the layer's own undo."""
        result = self._result
        if result is None:
            return
        try:
            layer = self._editable_layer(result)
            edit = tool.make(result, points)
            _require_shown(layer, edit)
        except MonusegError as error:
            self._say(self._whose(tool, points) or str(error))
            return
        layer.data_setitem((edit.rows, edit.columns), edit.values)
        if not layer.show_selected_label:  # or all other nuclei would vanish
            layer.selected_label = result.next_id()
        self._say(edit.done, edit)

    def _whose(self, tool: Tool, points: Points) -> str:
        """Say whose nucleus one points at, if it is of another layer."""
        if not tool.on_nucleus or self._layer is None:
            return ""
        owner = owner_at(self._layer, points[-1], self._viewer.layers)
        return "" if owner is None else OTHERS.format(owner.name)

    def _editable_layer(self, result: Result) -> LabelsLayer:
        layer = layer_of(result)
        if not (layer.visible and layer.editable):
            raise CorrectionError(
                "The layer of the nuclei is hidden or locked; show and unlock it first."
            )
        if not result.is_whole():
            raise CorrectionError(
                "The layer of the nuclei was given other pixels; move a slider or run "
                "the network again to go on."
            )
        if self._viewer.dims.ndisplay != 2:
            raise CorrectionError(IN_3D)
        return layer


def _require_shown(layer: LabelsLayer, edit: Edit) -> None:
    """Refuse to change, or to make, nuclei that napari's “show selected” hides."""
    changed = layer.data[edit.rows, edit.columns], edit.values
    if layer.show_selected_label and set().union(*changed) - {0, layer.selected_label}:
        raise CorrectionError(
            "Only the selected nucleus is shown, and another would change unseen; "
            "untick “show selected” to correct nuclei."
        )


def _tip(tool: Tool) -> str:
    way = "press the key, then draw" if tool.stroke else "or point at it and press"
    return f"{tool.hint} ({way}: {tool.key})."
