"""What was made by hand, and labels in which it stands whatever the program finds.

Hand work is told from the program's by comparing states: what is there now with
what the program wrote there last. Edits are not counted: undo is none of them.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_monuseg.core.boxes import blocks
from napari_monuseg.core.counting import Ids, ids_in
from napari_monuseg.core.numbering import number_pieces, numbers_beyond
from napari_monuseg.core.places import Places, close_up, regions
from napari_monuseg.core.separation import Labels, Mask, largest_part

BLOCK = 256
"""Side of the blocks in which two states are compared, px."""


class HandCount(NamedTuple):
    """How much was made by hand: nuclei, and connected regions erased."""

    nuclei: int
    erased: int


@dataclass(frozen=True, kw_only=True, eq=False)
class HandWork:
    """The pixels of a labels image that belong to hand work. It is never changed.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the labels, px.
    pixels : (n,) int64
        The pixels held, as positions in the flattened image, ascending.
    labels : (n,) int32
        What stands there; 0 where something was erased.
    edited : (n,) bool
        Where the pixel differs from what the program wrote, or its nucleus does;
        False where the reviewed area alone holds it.
    used : frozenset of int
        Every id that was ever given by hand; none is given again.
    """

    shape: tuple[int, int]
    pixels: Places
    labels: npt.NDArray[np.int32]
    edited: Mask
    used: frozenset[int] = frozenset()

    @classmethod
    def none(
        cls, shape: tuple[int, int], used: frozenset[int] = frozenset()
    ) -> "HandWork":
        """Give the hand work of labels that nobody has touched."""
        return cls(
            shape=shape,
            pixels=np.zeros(0, np.int64),
            labels=np.zeros(0, np.int32),
            edited=np.zeros(0, bool),
            used=used,
        )

    @classmethod
    def restored(
        cls, labels: Labels, held: Mask, used: frozenset[int] = frozenset()
    ) -> "HandWork":
        """Give the hand work that was saved as labels and mask ``(H, W)``."""
        return cls._holding(labels, held, used)

    @classmethod
    def _holding(
        cls,
        labels: Labels,
        edited: Mask,
        used: frozenset[int],
        reviewed: Mask | None = None,
    ) -> "HandWork":
        held = edited if reviewed is None else edited | reviewed
        pixels = np.flatnonzero(held)
        standing = labels.ravel()[pixels].astype(np.int32, copy=False)
        by_hand = edited.ravel()[pixels]
        height, width = labels.shape
        return cls(
            shape=(height, width),
            pixels=pixels,
            labels=standing,
            edited=by_hand,
            used=used.union(ids_in(standing[by_hand]).tolist()),
        )

    @property
    def held(self) -> Mask:
        """The pixels held, ``(H, W)`` bool, erased ones and the reviewed included."""
        return self._mask(self.pixels)

    @property
    def held_by_edits(self) -> Mask:
        """The pixels held because somebody changed them, ``(H, W)`` bool."""
        return self._mask(self.pixels[self.edited])

    @cached_property
    def count(self) -> HandCount:
        """Nuclei made or changed by hand, and regions erased; not what is reviewed."""
        made = self.made
        erased = made.pixels[made.labels == 0]
        places = regions(erased, self.shape).max(initial=0)
        return HandCount(ids_in(made.labels).size, int(places))

    @cached_property
    def made(self) -> "HandWork":
        """What somebody changed, without what only the reviewed area holds.

        Each nucleus has a number of its own.
        """
        edits = self if self.edited.all() else self.only(self.edited)
        return edits.apart()

    def only(self, some: Mask) -> "HandWork":
        """Give some of the pixels held, ``(n,)`` bool."""
        return replace(
            self,
            pixels=self.pixels[some],
            labels=self.labels[some],
            edited=self.edited[some],
        )

    def knowing(self, used: frozenset[int]) -> "HandWork":
        """Give the same hand work, with more ids that are not to be given again."""
        return self if used <= self.used else replace(self, used=self.used | used)

    def apart(self) -> "HandWork":
        """Give the same hand work, with one number for each of several nuclei.

        With a brush, several are easily painted in one.
        """
        if not self.labels.any():
            return self
        places, shape = close_up(self.pixels, self.shape)
        window = np.zeros(shape, np.int32)
        window[places] = self.labels
        labels = number_pieces(window, taken=self.used)[places]
        given = ids_in(labels[self.edited]).tolist()
        return replace(self, labels=labels, used=self.used.union(given))

    def _mask(self, pixels: Places) -> Mask:
        mask = np.zeros(self.shape, bool)
        mask.ravel()[pixels] = True
        return mask

    def gather(
        self, current: Labels, written: Labels, reviewed: Mask | None = None
    ) -> "HandWork":
        """Add to this hand work what was done by hand since the program wrote.

        A nucleus of which a pixel changed is held as a whole, and so is each pixel
        that was erased. What was done and undone again is not held.

        Parameters
        ----------
        current : (H, W) int32
            What is there now.
        written : (H, W) int32
            What the program wrote, this hand work in it.
        reviewed : (H, W) bool, optional
            Where everything is right as it stands: held, background included, and
            nuclei that reach into it as a whole.

        Returns
        -------
        HandWork
            This one and the new; what only an earlier `reviewed` held is not in it.
        """
        touched, erased = _differences(current, written)
        before = self.pixels[self.edited]
        if reviewed is None and not (touched.size or before.size):
            return HandWork.none(self.shape, self.used)
        by_hand = np.union1d(touched, ids_in(self.labels[self.edited]))
        edited = _where(current, by_hand)
        edited.ravel()[before] = True
        edited.ravel()[erased] = True
        if reviewed is not None:
            reviewed = reviewed | _where(current, ids_in(current[reviewed]))
        return self._holding(current, edited, self.used, reviewed)

    def merge(self, derived: Labels) -> Labels:
        """Put the hand work over nuclei that the program found.

        A nucleus the program found loses the pixels held. It is dropped if less
        than half of it is left, or a ring around something held: a nucleus that
        was deleted would come back so. Otherwise its largest piece stays.

        Parameters
        ----------
        derived : (H, W) int32
            Nuclei, numbered from 1.

        Returns
        -------
        labels : (H, W) int32
            Hand work bit for bit, and around it nuclei of the program, numbered as
            in `derived` unless that id was ever used by hand.
        """
        if not self.pixels.size and not self.used:
            return derived
        numbers, labels = _counted(derived)
        flat = labels.ravel()
        sizes = np.bincount(flat, minlength=numbers.size)
        lost = np.bincount(flat[self.pixels], minlength=sizes.size)
        lost[0] = 0
        flat[self.pixels] = 0
        self._renumber(numbers)
        numbers[2 * (sizes - lost) < sizes] = 0
        self._cut(labels, np.flatnonzero((lost > 0) & (numbers > 0)))
        merged: Labels = numbers[labels]
        merged.ravel()[self.pixels] = self.labels
        return merged

    def _renumber(self, numbers: npt.NDArray[np.int32]) -> None:
        """Give others, in place, to those that hand work ever had."""
        taken = np.array([*self.used, *ids_in(self.labels)], np.int64)
        colliding = np.isin(numbers, taken) & (numbers > 0)
        free = numbers_beyond(np.union1d(numbers, taken), int(colliding.sum()))
        numbers[colliding] = free

    def _cut(self, labels: Labels, ids: Ids) -> None:
        """Leave of each nucleus its largest piece, in place, and nothing of a ring."""
        if not ids.size:
            return
        held, boxes = self.held, ndimage.find_objects(labels)
        for nucleus in ids.tolist():
            window, box = labels[boxes[nucleus - 1]], boxes[nucleus - 1]
            mask = window == nucleus
            piece = largest_part(mask)
            inner = ndimage.binary_fill_holes(piece, np.ones((3, 3), bool)) & ~piece
            ring = bool((inner & held[box]).any())
            window[mask if ring else mask & ~piece] = 0


def _counted(labels: Labels) -> tuple[npt.NDArray[np.int32], Labels]:
    """Give nuclei numbers that they can be counted by.

    Returns
    -------
    numbers : (n,) int32
        The numbers that they have in `labels`, by those in `counted`.
    counted : (H, W) int32
        The same nuclei; no number is much larger than there are nuclei.
    """
    ids = ids_in(labels)
    limit = 4 * ids.size
    large = ids[ids > limit]
    highest = int(ids[ids <= limit].max(initial=0))
    numbers = np.concatenate([np.arange(highest + 1), large]).astype(np.int32)
    counted = labels.copy()
    if large.size:
        renamed = counted > highest
        counted[renamed] = highest + 1 + np.searchsorted(large, counted[renamed])
    return numbers, counted


def _differences(current: Labels, written: Labels) -> tuple[Ids, Places]:
    """Give the ids that gained or lost a pixel, and where pixels were erased."""
    touched: list[Ids] = [np.zeros(0, np.int64)]
    erased: list[Places] = [np.zeros(0, np.int64)]
    for block in blocks(current.shape, BLOCK):
        now, before = current[block], written[block]
        rows, columns = np.nonzero(now != before)
        if not rows.size:
            continue
        new, old = now[rows, columns], before[rows, columns]
        touched += [ids_in(new), ids_in(old)]
        top, left = block[0].start, block[1].start
        places = (top + rows) * current.shape[1] + left + columns
        erased.append(places[new == 0])
    return np.unique(np.concatenate(touched)), np.concatenate(erased)


def _where(labels: Labels, ids: Ids) -> Mask:
    """Tell where labels bear one of the ids."""
    mask: Mask = np.isin(labels, ids) if ids.size else np.zeros(labels.shape, bool)
    return mask
