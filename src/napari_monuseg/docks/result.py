"""The nuclei of one run, and the labels layer that shows them."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Labels, Mask
from napari_monuseg.core.counting import count_nuclei
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.maps import NucleusMaps
from napari_monuseg.core.numbering import LARGEST_NUMBER
from napari_monuseg.core.origin import Origin
from napari_monuseg.docks.bindings import (
    METADATA,
    hand_mask,
    note_fact,
    origin_facts,
)
from napari_monuseg.docks.colours import nucleus_colours
from napari_monuseg.docks.following import lie
from napari_monuseg.docks.overlay import Overlay
from napari_monuseg.docks.reviewed import reviewed_mask
from napari_monuseg.docks.snapshot import Snapshot
from napari_monuseg.docks.undo_steps import State, UndoSteps

if TYPE_CHECKING:
    from napari_monuseg.docks.placing import Placed
    from napari_monuseg.docks.segment_steps import Reading


@dataclass(kw_only=True, eq=False)
class Result(Overlay):
    """Nuclei bound to the image they were found on.

    Parameters
    ----------
    model_name : str
        What found them.
    maps : NucleusMaps, optional
        What the network saw there; None for nuclei that come from a file or from
        somebody else's layer.
    options : InstanceOptions
        How the nuclei were read from the maps.
    pixel_size : float, optional
        µm/px; None when unknown.
    assumed_pixel_size : float, optional
        What was taken in its place, µm/px.
    """

    model_name: str
    maps: NucleusMaps | None
    options: InstanceOptions
    pixel_size: float | None = None
    assumed_pixel_size: float | None = None
    own_options: InstanceOptions | None = None
    """Those of the model, from which the user may have moved the sliders."""
    count: int = 0
    hand: HandWork = field(init=False)
    """The hand work when it was last gathered."""
    _steps: UndoSteps | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.hand = self._brought = HandWork.none(self.area.shape)
        if self.maps is not None:
            self.pixel_size = self.maps.pixel_size
            self.assumed_pixel_size = self.maps.assumed_pixel_size

    restored: datetime | None = None
    """When what it was restored from was edited last, if it was restored."""
    opened: Labels | None = None
    """What the file holds that its nuclei were opened from, as far as that is known."""
    parents: tuple["ref[Result]", ...] = ()
    """Those whose hand work was put into this one when it was made."""
    handed_on: int | None = None
    """Fingerprint of its labels when another result took over hand work last."""
    knows_hand_work: bool = True
    """Whether it is known what was made by hand; not of most nuclei of others."""
    _largest_id: int = 0
    _brought: HandWork | None = field(init=False)

    @property
    def origin(self) -> Origin | None:
        """What an exported file says of where its nuclei come from."""
        if self.image_shape is None:
            return None
        return Origin(
            image=self.image_name,
            image_shape=self.image_shape,
            model=self.model_name,
            mask=self.complete,
        )

    @property
    def complete(self) -> Mask | None:
        """Where no nucleus was left out, ``(h, w)`` bool; None for everywhere."""
        return self.area.mask if self._steps is None else self._steps.state.complete

    def _on_renamed(self, event: Any) -> None:
        super()._on_renamed(event)
        self._note("image", self.image_name)

    def next_id(self) -> int:
        """Give an id that no nucleus of the layer has, had, or was promised."""
        largest = 0 if self.layer is None else int(self.layer.data.max(initial=0))
        self._largest_id = max(self._largest_id, largest, *self.hand.used, 0) + 1
        return self._largest_id

    def pixels(self) -> Labels:
        """Give a copy of what the layer holds now, for work that takes a while."""
        if self.layer is None:
            return np.zeros(self.area.shape, np.int32)
        return np.array(self.layer.data)

    def snapshot(self) -> Snapshot | None:
        """Give a copy of the pixels in which hand work can be found in a thread."""
        if self._steps is None or not self.is_whole():
            return None
        return self._snapshot(self.pixels(), self._steps.state)

    def is_still(self, snapshot: Snapshot) -> bool:
        """Tell whether nothing was edited or reviewed since a snapshot was taken."""
        unchanged = reviewed_mask(self) is snapshot.reviewed
        return unchanged and self._holds(snapshot.labels)

    def has_hand_work(self) -> bool:
        """Tell whether anything was made by hand; what is only reviewed is not."""
        if self._steps is None or not self.is_whole():
            return bool(self.hand.edited.any())
        state = self._steps.state
        return bool(state.hand.edited.any()) or not self._holds(state.written)

    def learn(self, hand: HandWork) -> None:
        """Take over hand work that was gathered from a snapshot."""
        self.hand = hand.knowing(self.hand.used)
        self._note("hand", self.hand)

    def know_pixel_size(self, pixel_size: float) -> None:
        """Go by another pixel size from now on, µm/px; it goes into files, too."""
        self.pixel_size = pixel_size
        self._note("pixel_size", pixel_size)

    def note_effort(self, corrected: tuple[int, ...] | None) -> None:
        """Say in the layer where reviewed nuclei were corrected since the run."""
        if self.layer is None:
            return
        known = origin_facts(self.layer).get("corrected")
        self._note("corrected", corrected)
        if known != corrected:
            self.layer.events.metadata()

    def _note(self, name: str, value: Any) -> None:
        """Say something in the layer, if it is shown."""
        if self.layer is not None:
            note_fact(self.layer, name, value)

    def show(self, viewer: Any, placed: "Placed") -> None:
        """Show what a run found in a layer of its own, with its hand work.

        Parameters
        ----------
        viewer : napari.Viewer
            Where the layer is made.
        placed : Placed
            The nuclei.
        """
        if placed.hand is not None:
            self.hand = self._brought = placed.hand
        self.count = placed.count
        self._add_layer(viewer, placed.labels, placed.complete)
        self._mark(placed.labels)

    def show_again(self, viewer: Any) -> Snapshot:
        """Show in a new layer what the program wrote last, and give that."""
        if self._steps is None:
            raise ValueError("it was not shown before")
        state = self._steps.state
        labels = self.hand.merge(state.written)
        self._add_layer(viewer, labels, state.complete, state)
        self._mark(labels)
        return self._snapshot(labels, state)

    def show_reading(
        self, reading: "Reading", options: InstanceOptions, movement: int
    ) -> bool:
        """Show nuclei that were read by other options, as one step of undo.

        Parameters
        ----------
        reading : Reading
            What was read.
        options : InstanceOptions
            By which.
        movement : int
            Of a slider; what one does is undone at once.

        Returns
        -------
        bool
            False if anything was edited or reviewed meanwhile: then all stays as it is.
        """
        if self._steps is None or not self.is_still(reading.snapshot):
            return False
        self.options = options
        self.learn(reading.hand)
        self.count = reading.count
        state = self._state(reading.labels, reading.complete)
        self._steps.write(replace(state, movement=movement))
        self._mark(reading.labels)
        return True

    def follow_undo(self) -> None:
        """Take the options back with what was read by them, if that was undone."""
        if self._steps is not None and self.is_whole():
            self.options = self._steps.state.options
            self._note("options", self.options)
            self._note("mask", self.complete)

    def show_restored(self, viewer: Any, labels: Labels, hand: HandWork) -> None:
        """Show nuclei as they were saved, hand work in them."""
        self.hand = hand
        self._brought = None  # which of it is older than the run was not saved
        self.count = count_nuclei(labels)
        self._add_layer(viewer, labels, self.area.mask)
        self._mark(labels)

    def take(self, layer: LabelsLayer) -> None:
        """Take the nuclei of a layer that was there already, as if found in a run.

        Parameters
        ----------
        layer : LabelsLayer
            ``(h, w)`` int32, as the area; it is moved to where the area lies.
        """
        labels = np.array(layer.data)
        self._brought = None
        facts = origin_facts(layer)
        by_hand = hand_mask(facts, labels)
        if layer.source.path:
            known = facts.get("state")
            self.opened = known.written if isinstance(known, State) else labels
        self.knows_hand_work = by_hand is not None
        if by_hand is not None:
            self.hand = HandWork.restored(labels, by_hand)
        lie(layer, self.place_now())
        self.count = count_nuclei(labels)
        self._hold(layer, self._state(labels, self.area.mask))
        self._mark(labels)

    def _add_layer(
        self,
        viewer: Any,
        labels: Labels,
        complete: Mask | None,
        base: State | None = None,
    ) -> None:
        name = f"{self.image_name} nuclei ({self.model_name})"
        # Painting changes the layer's array in place, so it gets one of its own.
        layer = viewer.add_labels(
            labels.copy(), name=name, **nucleus_colours(), **self.place_now()
        )
        self._hold(layer, base or self._state(labels, complete))

    def _hold(self, layer: LabelsLayer, base: State) -> None:
        """Be shown in a layer from now on, in which hand work differs from a state."""
        self.layer = layer
        layer.events.data.connect(self._keep_type)
        self._steps = UndoSteps(layer, replace(base, step=None))
        if self.image is not None:
            self._bind(layer, self.image)

    def _keep_type(self, _event: Any = None) -> None:
        """Take numbers of another type, as napari converts to, for the same nuclei."""
        layer = self.layer
        if layer is None or self.is_whole() or not isinstance(layer.data, np.ndarray):
            return
        dtype, shape = layer.data.dtype, layer.data.shape
        if dtype.kind not in "iu" or shape != self.area.shape or self._steps is None:
            return
        written = int(self._steps.state.written.max(initial=0))
        by_hand = int(self.hand.labels.max(initial=0))
        exact = max(written, by_hand) <= np.iinfo(dtype).max  # none is cut off
        lowest, highest = layer.data.min(initial=0), layer.data.max(initial=0)
        if exact and lowest >= 0 and highest <= LARGEST_NUMBER:
            layer.data = layer.data.astype(np.int32)

    def _state(self, labels: Labels, complete: Mask | None) -> State:
        return State(
            written=labels, hand=self.hand, options=self.options, complete=complete
        )

    def _mark(self, labels: Labels) -> None:
        """Say in the layer what it is, and let painting add a nucleus."""
        if self.layer is not None:
            self.layer.metadata[METADATA] = self._facts()
            largest = max(int(labels.max(initial=0)), *self.hand.used, 0)
            if not self.layer.show_selected_label:  # or all nuclei would vanish
                self.layer.selected_label = min(largest + 1, np.iinfo(np.int32).max)

    def is_whole(self) -> bool:
        """Tell whether the layer still holds the area's pixels, one by one.

        napari or another plugin may have put something else there.
        """
        data = None if self.layer is None else self.layer.data
        return (
            isinstance(data, np.ndarray)
            and data.shape == self.area.shape
            and data.dtype == np.int32
        )

    def _holds(self, labels: Labels) -> bool:
        return (
            self.layer is not None
            and self.is_whole()
            and np.array_equal(self.layer.data, labels)
        )

    def _snapshot(self, labels: Labels, base: State) -> Snapshot:
        return Snapshot(
            labels=labels,
            base=base,
            used=self.hand.used,
            reviewed=reviewed_mask(self),
            brought=self._brought,
            offset=self.area.offset,
            image_shape=self.image_shape,
        )

    def _facts(self) -> dict[str, Any]:
        return {
            "image": self.image_name,
            "image_shape": self.image_shape,
            "model": self.model_name,
            "pixel_size": self.pixel_size,
            "assumed_pixel_size": self.assumed_pixel_size,
            "offset": self.area.offset,
            "mask": self.complete,
            "hand": self.hand,
            "options": self.options,
            "state": self._steps,
        }
