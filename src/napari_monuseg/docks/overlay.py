"""A labels layer bound to the image it lies on, or to a part of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np
from napari.layers import Image
from napari.layers import Labels as LabelsLayer

from napari_monuseg.areas import Area, Mask
from napari_monuseg.docks.bindings import bind
from napari_monuseg.docks.following import follow, lie
from napari_monuseg.layers import image_shape, placement

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(kw_only=True, eq=False)
class Overlay:
    """A labels layer on an area of an image, whichever of the two is gone or back.

    Parameters
    ----------
    image_name : str
        Of the image's layer, now or when it was last there.
    first_name : str
        The one it had when it was bound, under which it may be opened again.
    area : Area
        Which part of the image.
    place : dict
        What put a layer onto the area when it was bound.
    image_shape : tuple of int, optional
        Height and width of the image, px.
    image_path : str
        The image's own file; empty if there is none.
    layer : napari.layers.Labels, optional
        What lies there; None as long as nothing does.
    """

    image_name: str
    first_name: str = field(init=False)
    area: Area
    place: dict[str, Any]
    image_shape: tuple[int, int] | None = None
    image_path: str = ""
    image_reference: "ref[Image] | None" = None
    layer: LabelsLayer | None = None

    def __post_init__(self) -> None:
        self.first_name = self.image_name

    @classmethod
    def on(cls, image: Image, area: Area, **facts: Any) -> "Self":
        """Bind an area to where its image lies now."""
        overlay = cls(
            image_name=image.name,
            image_shape=image_shape(image),
            image_path=str(image.source.path or ""),
            area=area,
            place=placement(image, area.offset),
            **facts,
        )
        overlay._follow(image)
        return overlay

    def _follow(self, image: Image) -> None:
        self.image_reference = ref(image)  # the image's pixels go when its layer goes
        image.events.name.connect(self._on_renamed)

    def place_now(self) -> dict[str, Any]:
        """Give what puts a layer onto the area where its image lies, or lay last."""
        if self.image is not None:
            self.place = placement(self.image, self.area.offset)
        return self.place

    def _on_renamed(self, _event: Any) -> None:
        if self.image is not None:
            self.image_name = self.image.name

    @property
    def is_shown(self) -> bool:
        """Whether its layer is there and not hidden."""
        return self.layer is not None and bool(self.layer.visible)

    @property
    def is_part(self) -> bool:
        """Whether the area is less than the image."""
        return self.area.mask is not None or self.area.shape != self.image_shape

    @property
    def image(self) -> Image | None:
        """The image layer; None if that is gone."""
        return None if self.image_reference is None else self.image_reference()

    def find_again(self, image: Image) -> bool:
        """Lie on an image from now on, if it is the one that was, opened again.

        That of a file is known by it, any other by its name, now or at first.
        """
        path = str(image.source.path or "")
        known = bool(path) or image.name in {self.image_name, self.first_name}
        same = (
            known and path == self.image_path and image_shape(image) == self.image_shape
        )
        if same:
            self._follow(image)
            if self.layer is not None:
                lie(self.layer, self.place_now())
                self._bind(self.layer, image)
        return same

    def _bind(self, layer: LabelsLayer, image: Image) -> None:
        """Let a layer be of its image, and move with that."""
        bind(layer, image)
        follow(layer, image, self.area.offset)

    def lie_below(self, layers: Any, others: "Iterable[Overlay]") -> None:
        """Put its layer below those of others, in a viewer's list of layers."""
        lowest = min(layers.index(one.layer) for one in others)
        layers.move(layers.index(self.layer), lowest)

    def overlaps(self, other: "Overlay") -> bool:
        """Tell whether another lies on the same image, with some pixels in common."""
        shared = all(
            max(own.start, its.start) < min(own.stop, its.stop)
            for own, its in self._sides(other)
        )
        return shared and self.image is not None and self.image is other.image

    def contains(self, other: "Overlay") -> bool:
        """Tell whether all of another lies in it, on the same image."""
        within = all(
            own.start <= its.start and its.stop <= own.stop
            for own, its in self._sides(other)
        )
        return within and self.area.mask is None and self.overlaps(other)

    def _sides(self, other: "Overlay") -> tuple[tuple[slice, slice], ...]:
        """Give the rows of both, and the columns of both."""
        own, its = self.area, other.area
        return (own.rows, its.rows), (own.columns, its.columns)

    def covers(self, other: "Overlay") -> bool:
        """Tell whether another lies on the same part of the same image."""
        same_window = (self.area.rows, self.area.columns) == (
            other.area.rows,
            other.area.columns,
        )
        same_image = self.image is not None and self.image is other.image
        return same_image and same_window and _alike(self.area.mask, other.area.mask)


def _alike(one: Mask | None, other: Mask | None) -> bool:
    """Tell whether two masks are of one drawn shape.

    That of a result that was restored lacks the nuclei that were left out.
    """
    if one is None or other is None or one is other:
        return one is other
    smaller, larger = sorted((one, other), key=np.count_nonzero)
    return bool((larger | ~smaller).all())
