"""How a network is trained."""

from dataclasses import dataclass, field
from typing import Any

from napari_monuseg.core.augmentation import AugmentationOptions


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How a network is trained.

    Parameters
    ----------
    network : str
        As `build_network` takes it.
    network_options : dict
        Its shape, as `build_network` takes it.
    pixel_size : float
        What the network is to see, µm/px; images known to differ are resampled.
    steps : int
        Most optimizer steps; 0 only chooses thresholds for the base.
    minutes : float or None
        Most minutes, over all resumed runs; whichever ends first. The learning
        rate falls to nothing at the end, whichever it is.
    batch, crop : int
        Crops per step, and their side, px.
    optimizer : {"adamw", "muon"}
        What turns gradients into steps; see `optimizers`.
    learning_rate, weight_decay : float
        Peak of the one-cycle schedule, and decay, of the optimizer.
    warm_up : float
        Share of the training in which the learning rate rises.
    averaging : float
        Decay per step of the exponential moving average of the weights, which is
        what is validated and kept.
    seed : int
        Of weights and crops.
    validations : int
        How often the validation images are looked at.
    stain_normalisation : float
        How much of the way the stain of every image is brought towards the mean of
        the training images', 0 to 1, before it is varied; see `stains`.
    augmentation : AugmentationOptions
        How far crops are varied.
    device : str
        As `pick_device` takes it.
    """

    network: str = "unet"
    network_options: dict[str, Any] = field(default_factory=dict)
    pixel_size: float = 0.25
    steps: int = 4000
    minutes: float | None = None
    batch: int = 8
    crop: int = 256
    optimizer: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.08
    averaging: float = 0.998
    seed: int = 0
    validations: int = 6
    stain_normalisation: float = 0.0
    augmentation: AugmentationOptions = field(default_factory=AugmentationOptions)
    device: str = "auto"


_RECIPE = {
    "steps": 5000,
    "batch": 4,
    "optimizer": "muon",
    "learning_rate": 1.5e-3,
    "stain_normalisation": 0.7,
}

RECIPES: dict[str, dict[str, Any]] = {
    "unet": _RECIPE,
    "segnet": _RECIPE,
    # It sees up to 281 px to each side: a crop of 256 px shows it no place without the
    # border's padding in view, and what it never saw it gets wrong in larger windows.
    "deeplabv3plus": _RECIPE | {"batch": 2, "crop": 384},
}
"""How each network learns from random weights, where that is not by default."""
