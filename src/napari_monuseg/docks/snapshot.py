"""What a labels layer held at one moment, for work that takes a while."""

from dataclasses import dataclass

from napari_monuseg.areas import Labels, Mask
from napari_monuseg.core.counting import InsideCount, cut_off, nuclei_inside
from napari_monuseg.core.handwork import HandWork
from napari_monuseg.docks.undo_steps import State


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """A result's pixels at one moment, and what tells hand work in them.

    Parameters
    ----------
    labels : ndarray
        What the layer shows, ``(h, w)`` int32.
    base : State
        What the program wrote before.
    used : frozenset of int
        Every id ever given by hand.
    reviewed : ndarray, optional
        ``(h, w)`` bool, True where everything is right as it stands.
    brought : HandWork, optional
        What of the hand work was there from the first; None where nobody knows.
    offset : tuple of int
        Row and column of the image where the labels begin, px.
    image_shape : tuple of int, optional
        Height and width of the image, px; None where nobody knows.
    """

    labels: Labels
    base: State
    used: frozenset[int]
    reviewed: Mask | None
    brought: HandWork | None
    offset: tuple[int, int]
    image_shape: tuple[int, int] | None

    def count_reviewed(self, labels: Labels) -> InsideCount | None:
        """Count the nuclei of labels on this grid in what was reviewed, if anything."""
        if self.reviewed is None:
            return None
        shape = self.image_shape
        beyond = None if shape is None else cut_off(labels, self.offset, shape)
        return nuclei_inside(labels, self.reviewed, beyond)

    def gather(self) -> HandWork:
        """Find the hand work; it may take a while where much was edited."""
        hand = self.base.hand.knowing(self.used)
        return hand.gather(self.labels, self.base.written, self.reviewed)
