"""What the program writes into a labels layer, each time as one step of its undo.

napari keeps what can be undone as a list of items, each a list of changes ``(where,
values before, values after)``. None of this is public, so no other module knows it.

Hand work is what differs from what the program wrote, so the program must know
which of its states the layer stands on, also after some steps were undone.
"""

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Labels, Mask
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.instances import InstanceOptions

MEMORY = 256 * 1024**2
"""What the steps that can be undone may take, bytes; the last one is always kept."""

LONGEST = 5000
"""How many steps can be undone. napari's own 100 are gone soon where nuclei are
corrected one by one, and with them the step that tells what the program wrote last."""

Change = tuple[tuple[Any, ...], Labels, Labels]


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What a layer held when the program had written it.

    Parameters
    ----------
    written : ndarray
        Nuclei of the program and hand work, ``(h, w)`` int32; nobody changes it.
    hand : HandWork
        What of it was made by hand.
    options : InstanceOptions
        How the program's nuclei were read.
    complete : ndarray, optional
        ``(h, w)`` bool, where none of them was left out; None for everywhere.
    step : tuple, optional
        What led here, as it stands in the layer's history; None if nothing did.
    movement : int, optional
        Of a slider, that led here.
    """

    written: Labels
    hand: HandWork
    options: InstanceOptions
    complete: Mask | None = None
    step: Change | None = None
    movement: int | None = None

    def under(self, labels: Labels) -> "State | None":
        """Give the state that labels differ from by hand work alone: this one."""
        return self if _is_like(labels, self.written) else None

    @property
    def size(self) -> int:
        """How much memory it takes, bytes."""
        where, before, after = self.step or ((), self.written[:0], self.written[:0])
        parts = (self.written, self.complete, *where, before, after)
        return sum(part.nbytes for part in parts if part is not None)


def forget_steps(layer: LabelsLayer) -> None:
    """Let nothing be undone of what was done before nuclei got other numbers."""
    layer._reset_history()


class UndoSteps:
    """The states the program has written into a layer.

    Parameters
    ----------
    layer : napari.layers.Labels
        Where they are shown.
    first : State
        What it began with.
    """

    def __init__(self, layer: LabelsLayer, first: State) -> None:
        self._layer = layer
        self._states = [first]
        layer._history_limit = LONGEST
        layer._undo_history = deque(layer._undo_history, LONGEST)
        layer._redo_history = deque(layer._redo_history, LONGEST)
        self._history = layer._undo_history

    @property
    def state(self) -> State:
        """The state of the program's on which the layer stands now."""
        return self._states[self._standing()]

    def under(self, labels: Labels) -> State | None:
        """Give the state that labels differ from by hand work alone.

        Parameters
        ----------
        labels : ndarray
            The layer's own, or those of a copy of it, ``(h, w)``.
        """
        if not _is_like(labels, self._states[0].written):
            return None
        own = np.may_share_memory(labels, np.asarray(self._layer.data))
        return self.state if own else self._states[self._most_alike(labels)]

    def write(self, state: State) -> None:
        """Change the layer's pixels to what a state holds, undone in one step.

        Parameters
        ----------
        state : State
            What is to be shown, without a step. If the movement that leads there has
            led to the last step, one undo takes back both.
        """
        standing = self._standing()
        last = self._states[standing]
        goes_on = state.movement is not None and state.movement == last.movement
        if goes_on and self._is_last(last.step):
            self._take_back(last.step)
            standing -= 1
        step = self._change_to(state.written)
        self._forget_lost(standing)
        if step is not None:
            self._states.append(replace(state, step=step))
            self._forget_oldest()
        else:  # other options that read the same nuclei
            same = self._states[standing]
            self._states[standing] = replace(
                same, options=state.options, complete=state.complete
            )
        self._layer.refresh()

    def _standing(self) -> int:
        """Find the last state whose step is done and not undone."""
        undoable = _steps(self._layer._undo_history)
        for index in range(len(self._states) - 1, 0, -1):
            if id(self._states[index].step) in undoable:
                return index
        undone = _steps(self._layer._redo_history)
        for index in range(1, len(self._states)):
            if id(self._states[index].step) in undone:
                return index - 1
        if self._layer._undo_history is not self._history:  # napari began another
            return self._most_alike(np.asarray(self._layer.data))
        if len(self._history) >= LONGEST:  # forgotten, but not undone
            return len(self._states) - 1
        return 0  # all was undone, and napari forgot it when something else was done

    def _most_alike(self, data: Labels) -> int:
        """Find the state that labels resemble most: no history says it."""
        if len(self._states) == 1:
            return 0
        unlike = [np.count_nonzero(data != state.written) for state in self._states]
        return int(np.argmin(unlike))

    def _is_last(self, step: Change | None) -> bool:
        history = self._layer._undo_history
        return step is not None and bool(history) and history[-1][-1] is step

    def _take_back(self, step: Change | None) -> None:
        if step is not None:
            where, before, _ = step
            self._layer.data[where] = before
            self._layer._undo_history.pop()
            self._layer._redo_history.clear()  # it goes on from what is gone

    def _change_to(self, labels: Labels) -> Change | None:
        """Write what differs, and remember how to undo it."""
        layer, data = self._layer, self._layer.data
        places = np.unravel_index(np.flatnonzero(data != labels), data.shape)
        where = tuple(axis.astype(np.int32) for axis in places)
        if not where[0].size:
            return None
        step = (where, data[where], labels[where])
        data[where] = step[2]
        layer._commit_staged_history()  # a stroke under way is a step of its own
        layer._redo_history.clear()
        layer._append_to_undo_history([step])
        return step

    def _forget_lost(self, standing: int) -> None:
        """Forget what is later than a state, unless it was undone and can come back."""
        undone = _steps(self._layer._redo_history)
        later = self._states[standing + 1 :]
        self._states[standing + 1 :] = [one for one in later if id(one.step) in undone]

    def _forget_oldest(self) -> None:
        """Keep memory within bounds; what is forgotten can no longer be undone."""
        total = sum(state.size for state in self._states)
        while total > MEMORY and len(self._states) > 2:
            total -= self._states.pop(0).size
            history, step = self._layer._undo_history, self._states[0].step
            while id(step) in _steps(history):
                history.popleft()


def _is_like(labels: Labels, written: Labels) -> bool:
    return labels.shape == written.shape and labels.dtype == written.dtype


def _steps(history: Any) -> set[int]:
    return {id(change) for item in history for change in item}
