"""Figures of how a model was trained: its curves, and a patch as it saw them."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_monuseg.core.augmentation import AugmentationOptions
from napari_monuseg.core.crops import CropSource, read_training_images
from napari_monuseg.core.datasets import Sample
from napari_monuseg.core.figures import as_text, overlay
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.torch_import import torch
from napari_monuseg.core.training_options import TrainingOptions

CURVES = {
    "loss": ("loss", "validation_loss"),
    "accuracy": ("training_accuracy", "accuracy"),
    "F1 (= pixel Dice)": ("training_dice", "dice"),
    "AJI": ("training_aji", "aji"),
    "legacy_dice": ("training_legacy_dice", "legacy_dice"),
}
"""Names in the history for training and for validation, by what they measure."""

BEST = (("validation_loss", min), ("aji", max), ("dice", max))
"""What tells the best step, and how; the first of these that the history has."""

History = Sequence[Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """A training crop.

    Parameters
    ----------
    image : str
        Name of the image it was cut from.
    rgb : (H, W, 3) uint8
        Tissue, augmented.
    nuclei : (H, W) int32
        1 in nuclei, 0 elsewhere.
    distance : (H, W) float32
        What the second channel should say, in [0, 1].
    """

    image: str
    rgb: npt.NDArray[np.uint8]
    nuclei: npt.NDArray[np.int32]
    distance: npt.NDArray[np.float32]


def curves_figure(history: History, title: str) -> Figure | None:
    """Draw what a history holds of `CURVES`, with its best step marked.

    Parameters
    ----------
    history : sequence of mapping
        As a `ModelInfo` has it: step, and what was measured there.
    title : str
        Of the figure.

    Returns
    -------
    Figure or None
        None if there is nothing to draw.
    """
    drawn = {name: keys for name, keys in CURVES.items() if _known(history, keys)}
    if not drawn:
        return None
    columns = min(2, len(drawn))
    rows = -(-len(drawn) // columns)
    figure = Figure(figsize=(6.5 * columns, 4.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    best = best_step(history)
    for axes, (name, keys) in zip(grid, drawn.items(), strict=False):
        _draw_curves(axes, history, name, keys)
        if best is not None:
            axes.axvline(best, color="0.4", ls=":", label=f"best: step {best:.0f}")
        axes.legend()
    for axes in grid[len(drawn) :]:
        axes.set_axis_off()
    figure.suptitle(as_text(title), fontsize=14)
    return figure


def best_step(history: History) -> float | None:
    """Return the step that was best on validation, or None without validation.

    Parameters
    ----------
    history : sequence of mapping
        As a `ModelInfo` has it.
    """
    for name, choose in BEST:
        measured = [line for line in history if name in line]
        if measured:
            best = choose(measured, key=lambda line: line[name])
            return best["step"]
    return None


def missing_curves(history: History) -> str:
    """Say what of `CURVES` a history does not hold; empty if it holds all."""
    missing = []
    for number, place in enumerate(("training", "validation")):
        names = [
            name for name, keys in CURVES.items() if not _known(history, [keys[number]])
        ]
        if names:
            missing.append(f"of {place} {', '.join(names)}")
    return "; ".join(missing)


def draw_patch(sample: Sample, info: ModelInfo) -> Generator[Progress, None, Patch]:
    """Draw a crop of an image as the training of a model would.

    Parameters
    ----------
    sample : Sample
        The image.
    info : ModelInfo
        Of the model: pixel size, and side of the crops and how far they are varied
        as its recipe says, or as a training does today.

    Yields
    ------
    Progress
        While the image is read.

    Returns
    -------
    Patch
    """
    (image,) = yield from read_training_images([sample], info.pixel_size, info.stains)
    crop, options = _varied(info.recipe)
    source = CropSource([image], crop=crop, options=options)
    batch = source.draw(1, torch.Generator().manual_seed(0), torch.device("cpu"))
    return Patch(
        image=sample.name,
        rgb=(255 * batch.rgb[0]).round().byte().permute(1, 2, 0).numpy(),
        nuclei=batch.foreground[0].int().numpy(),
        distance=batch.distance[0].numpy(),
    )


def _varied(recipe: dict[str, Any]) -> tuple[int, AugmentationOptions]:
    """Give side and variation of the crops of a recipe, or those of today."""
    today = asdict(AugmentationOptions())
    try:
        crop = int(recipe.get("crop", TrainingOptions().crop))
        stated = recipe.get("augmentation", {})
        varied = {name: stated[name] for name in today.keys() & stated.keys()}
        if crop > 0 and all(_is_like(varied[name], today[name]) for name in varied):
            return crop, AugmentationOptions(**varied)
    except (ArithmeticError, AttributeError, TypeError, ValueError):
        pass  # another program has written it
    return TrainingOptions().crop, AugmentationOptions()


def _is_like(value: Any, known: Any) -> bool:
    """Tell whether something is a number, or as many of them, as something else."""
    numbers = np.asarray(value)
    return numbers.shape == np.shape(known) and numbers.dtype.kind in "biuf"


def patch_figure(patch: Patch, title: str) -> Figure:
    """Draw a training crop, its contour, and its distance target."""
    figure = Figure(figsize=(14, 5.2), layout="compressed")
    tissue, contour, distance = figure.subplots(1, 3)
    side = patch.rgb.shape[0]
    tissue.imshow(patch.rgb)
    tissue.set_title(f"Patch of {as_text(patch.image)}, augmented")
    tissue.set_xlabel(f"{side} × {side} px")
    contour.imshow(overlay(patch.rgb, patch.nuclei, width=1))
    contour.set_title("with the contour of its nuclei")
    drawn = distance.imshow(patch.distance, cmap="magma", vmin=0, vmax=1)
    distance.set_title("Distance to the border, to be learned")
    figure.colorbar(drawn, ax=distance, shrink=0.8)
    for axes in (tissue, contour, distance):
        axes.set(xticks=[], yticks=[])
    figure.suptitle(as_text(title), fontsize=14)
    return figure


def _draw_curves(axes: Any, history: History, name: str, keys: tuple[str, str]) -> None:
    for key, place, style in zip(
        keys, ("training", "validation"), ("C0o-", "C1s-"), strict=True
    ):
        points = [(line["step"], line[key]) for line in history if key in line]
        if points:
            axes.plot(*zip(*points, strict=True), style, markersize=4, label=place)
    axes.set(xlabel="step", title=name)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.grid(alpha=0.3)


def _known(history: History, keys: Sequence[str]) -> bool:
    return any(key in line for line in history for key in keys)
