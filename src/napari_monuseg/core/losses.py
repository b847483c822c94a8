"""What a training minimises, and what else is watched of its crops."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from napari_monuseg.core.crops import Batch
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.networks import DISTANCE, FOREGROUND
from napari_monuseg.core.torch_import import functional, torch


def nucleus_loss(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return cross-entropy of both channels plus Dice of the foreground.

    Parameters
    ----------
    logits : (N, 2, H, W) float32 tensor
        As `networks` states them.
    batch : Batch
        Targets, and the pixels that count.

    Returns
    -------
    () float32 tensor
        The mean over pixels that count; 0 without any.
    """
    valid = batch.valid.float()
    pixels = valid.sum().clamp_min(1)
    foreground = functional.binary_cross_entropy_with_logits(
        logits[:, FOREGROUND], batch.foreground, valid, reduction="sum"
    )
    distance = functional.binary_cross_entropy_with_logits(
        logits[:, DISTANCE], batch.distance, valid, reduction="sum"
    )
    probability = torch.sigmoid(logits[:, FOREGROUND]) * valid
    truth = batch.foreground * valid
    overlap = 2 * (probability * truth).sum() + 1
    dice = overlap / (probability.sum() + truth.sum() + 1)
    return (foreground + distance) / pixels + (1 - dice)


def require_finite(loss: float) -> float:
    """Return a loss; it must still be a number.

    Raises
    ------
    TrainingError
        If it is not.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            "The training has lost its way: the loss is no longer a number. Start "
            "again with a lower learning rate."
        )
    return loss


class StepScores(NamedTuple):
    """How a network did on the crops of one step, before it learned from them.

    Parameters
    ----------
    loss : float
        Of `nucleus_loss`.
    accuracy, dice : float
        Of the foreground at a threshold of a half, over the pixels that count.
    legacy_dice : float
        As `map_scores.MapScores` defines it, over the pixels that count.
    """

    loss: float
    accuracy: float
    dice: float
    legacy_dice: float


def score_step(logits: torch.Tensor, batch: Batch, loss: torch.Tensor) -> StepScores:
    """Score the logits ``(N, 2, H, W)`` of a batch, whose loss is known."""
    counts = batch.valid
    said = torch.sigmoid(logits.detach()[:, FOREGROUND])[counts]
    truth = batch.foreground[counts]
    found = (said > 0.5).float()
    pixels = max(1, truth.numel())
    both, either = float((found * truth).sum()), float(found.sum() + truth.sum())
    agreement = (2 * truth * said + 1) / (truth + said + 1)
    return StepScores(
        loss=float(loss.detach()),
        accuracy=float((found == truth).sum()) / pixels,
        dice=2 * both / either if either else 1.0,
        legacy_dice=float(agreement.sum()) / pixels,
    )


def mean_step(steps: Sequence[StepScores]) -> StepScores:
    """Return the mean over steps; at least one."""
    return StepScores(
        *(sum(scores) / len(steps) for scores in zip(*steps, strict=True))
    )
