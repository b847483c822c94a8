"""How a network is taught from a few reviewed areas."""

from dataclasses import dataclass, field

from napari_monuseg.core.augmentation import AugmentationOptions

FROZEN = ("nothing", "encoder")


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions:
    """How a network is taught from reviewed areas.

    Parameters
    ----------
    steps : int
        Most optimizer steps.
    minutes : float or None
        Most minutes; whichever ends first.
    batch, crop : int
        Crops per step, and their side, px.
    learning_rate : float
        Peak; it rises over a tenth of the training and then falls.
    pull : float
        Share of the way back to the base that the weights go in each step, at the
        peak of the learning rate.
    averaging : float
        Decay per step of the moving average of the weights, which is what is kept.
    frozen : {"nothing", "encoder"}
        What does not learn. Batch statistics never do.
    looks : int
        How often the strip that stops the training is looked at.
    patience : int
        Looks without improvement after which the training stops.
    seed : int
        Of the crops.
    device : str
        As `pick_device` takes it.
    augmentation : AugmentationOptions
        How far crops are varied; less than in a training from random weights.
    """

    steps: int = 240
    minutes: float | None = None
    batch: int = 4
    crop: int = 256
    learning_rate: float = 2e-4
    pull: float = 2e-3
    averaging: float = 0.98
    frozen: str = "nothing"
    looks: int = 12
    patience: int = 4
    seed: int = 0
    device: str = "auto"
    augmentation: AugmentationOptions = field(
        default_factory=lambda: AugmentationOptions(scale=1.15, stain=0.12, colour=0.03)
    )
