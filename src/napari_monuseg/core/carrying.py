"""Hand work on other parts of an image, taken over into the labels of one part."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from napari_monuseg.core.counting import ids_in
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.core.places import Places, regions
from napari_monuseg.core.separation import Mask


@dataclass(frozen=True, kw_only=True, eq=False)
class Carried:
    """Hand work, and where in the image its grid begins.

    Parameters
    ----------
    hand : HandWork
        On a grid of its own.
    offset : tuple of int
        Row and column of the image where that begins, px.
    brought : HandWork, optional
        What of it came from elsewhere, on the same grid.
    """

    hand: HandWork
    offset: tuple[int, int]
    brought: HandWork | None = None

    def onto(
        self, offset: tuple[int, int], shape: tuple[int, int], mask: Mask | None = None
    ) -> HandWork:
        """Give what was made here of what lies on another part of the image.

        What came from elsewhere, what was only reviewed, and nuclei that the edge of
        this grid cuts inside of the part are left out.

        Parameters
        ----------
        offset, shape : tuple of int
            Where in the image that begins, and its height and width, px.
        mask : (H, W) bool, optional
            Where nuclei are wanted there; a nucleus that reaches in is taken whole.

        Returns
        -------
        HandWork
            On the part's grid, under the same ids.
        """
        hand = self._own(offset, shape)
        rows, columns, kept = self.moved(hand.pixels, offset, shape)
        if mask is not None:
            wanted = kept.copy()
            wanted[kept] = mask[rows[kept], columns[kept]]
            reaching = np.isin(hand.labels, ids_in(hand.labels[wanted]))
            kept &= wanted | reaching
        return replace(
            hand,
            shape=shape,
            pixels=rows[kept] * shape[1] + columns[kept],
            labels=hand.labels[kept],
            edited=hand.edited[kept],
        )

    def moved(
        self, pixels: Places, offset: tuple[int, int], shape: tuple[int, int]
    ) -> tuple[Places, Places, Mask]:
        """Give rows and columns of pixels on another part, and which lie on it."""
        rows, columns = np.unravel_index(pixels, self.hand.shape)
        rows = rows + self.offset[0] - offset[0]
        columns = columns + self.offset[1] - offset[1]
        on = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        return rows, columns, on

    def _own(self, offset: tuple[int, int], shape: tuple[int, int]) -> HandWork:
        """Give what was made by hand here, without nuclei that are cut."""
        hand = self.hand
        own = self._new()
        rows, columns = np.unravel_index(hand.pixels, hand.shape)
        cut = np.zeros(own.size, bool)
        for axis, along in enumerate((rows, columns)):
            first, last = self.offset[axis], self.offset[axis] + hand.shape[axis]
            if offset[axis] < first:
                cut |= along == 0
            if last < offset[axis] + shape[axis]:
                cut |= along == hand.shape[axis] - 1
        own &= ~np.isin(hand.labels, ids_in(hand.labels[cut]))
        erased = own & (hand.labels == 0)
        places = regions(hand.pixels[erased], hand.shape)
        own[erased] = ~np.isin(places, places[cut[erased]])
        return hand.only(own)

    def _new(self) -> Mask:
        """Tell which pixels were made by hand here; a nucleus is that as a whole."""
        hand = self.hand
        if self.brought is None:
            return hand.edited.copy()
        before = self.brought
        _, there, here = np.intersect1d(
            before.pixels, hand.pixels, assume_unique=True, return_indices=True
        )
        same = before.labels[there] == hand.labels[here]
        stays = np.zeros(before.pixels.size, bool)
        alike = np.zeros(hand.pixels.size, bool)
        stays[there[same]] = alike[here[same]] = True
        # One that gained a pixel is new, and so is one that lost some.
        new = hand.edited & ~alike
        touched = np.union1d(ids_in(hand.labels[new]), ids_in(before.labels[~stays]))
        return new | (hand.edited & np.isin(hand.labels, touched))


def holds(whole: HandWork, part: Carried, offset: tuple[int, int]) -> bool:
    """Tell whether all that was made by hand on one part is in other hand work.

    Parameters
    ----------
    whole : HandWork
        Where it would be, under whatever ids.
    part : Carried
        What is looked for; what was only reviewed is not.
    offset : tuple of int
        Row and column of the image where `whole` begins, px.
    """
    hand = part.hand
    rows, columns, on = part.moved(hand.pixels[hand.edited], offset, whole.shape)
    if not on.all():
        return False
    places = rows * whole.shape[1] + columns
    _, here, there = np.intersect1d(
        places, whole.pixels[whole.edited], assume_unique=True, return_indices=True
    )
    if here.size < places.size:
        return False
    ids = hand.labels[hand.edited][here], whole.labels[whole.edited][there]
    # Each nucleus is one there as well, and what was erased is erased.
    pairs = np.unique(ids[0].astype(np.int64) << 32 | ids[1])
    own, other = pairs >> 32, pairs & 0xFFFFFFFF
    alone = all(np.unique(of_one).size == of_one.size for of_one in (own, other))
    return alone and bool(((own == 0) == (other == 0)).all())


def combined(layers: Iterable[HandWork], shape: tuple[int, int]) -> HandWork:
    """Lay hand work of one grid over each other.

    Parameters
    ----------
    layers : iterable of HandWork
        The uppermost last.
    shape : tuple of int
        Of the grid, px.

    Returns
    -------
    HandWork
        All of the uppermost, with its ids. What lies below it is there where nothing
        covers it, under other ids where its own are taken; a nucleus of which less
        than half is left is not, and what is left in pieces is a nucleus each.
    """
    whole = HandWork.none(shape)
    for one in layers:
        whole = _laid_over(one, whole) if whole.pixels.size else one.knowing(whole.used)
    return whole


def _laid_over(upper: HandWork, lower: HandWork) -> HandWork:
    free = ~np.isin(lower.pixels, upper.pixels, assume_unique=True)
    ids, places = np.unique(lower.labels, return_inverse=True)
    left = np.bincount(places[free], minlength=ids.size)
    whole = np.bincount(places, minlength=ids.size)
    stays = (2 * left >= whole) | (ids == 0)
    free &= stays[places]
    taken = upper.used.union(ids_in(upper.labels).tolist())
    colliding = np.isin(ids, list(taken))
    all_taken = list(taken.union(lower.used, ids.tolist()))
    candidates = np.arange(1, len(all_taken) + colliding.sum() + 1)
    numbers = ids.copy()
    numbers[colliding] = np.setdiff1d(candidates, all_taken)[: colliding.sum()]
    renumbered = replace(lower, labels=numbers[places].astype(np.int32))
    rest = renumbered.knowing(taken).only(free).apart()
    pixels = np.concatenate([upper.pixels, rest.pixels])
    labels = np.concatenate([upper.labels, rest.labels])
    edited = np.concatenate([upper.edited, rest.edited])
    order = np.argsort(pixels)
    by_hand = ids_in(labels[edited]).tolist()
    return replace(
        upper,
        pixels=pixels[order],
        labels=labels[order],
        edited=edited[order],
        used=upper.used.union(lower.used, by_hand),
    )
