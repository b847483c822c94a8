"""Teach a network from a few reviewed areas, without harm to what it knows.

It reads straight down: the reviewed areas become crops, a step is taken with the
batch statistics left as they are and the weights pulled back towards the base, now
and then the strip that stops the training is looked at, and the best look is kept.
"""

import copy
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace

from napari_monuseg.core.crops import require_crop, training_image
from napari_monuseg.core.devices import is_out_of_memory, pick_device
from napari_monuseg.core.errors import DeviceError, TrainingError
from napari_monuseg.core.finetuning_options import FROZEN, FinetuneOptions
from napari_monuseg.core.holding_out import Division
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.learner import Learner
from napari_monuseg.core.looks import Look, look
from napari_monuseg.core.losses import require_finite
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.progress import Progress, Report
from napari_monuseg.core.regions import Region, that_count

SMALLEST_CROP = 96
"""Crops are not made smaller than this when memory runs out, px."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FinetunedNetwork:
    """What comes out, also of a training that was cancelled.

    Parameters
    ----------
    network : NucleusNetwork
        The best weights, on the CPU, in evaluation mode.
    step : int
        When they were reached; 0 if the training had not begun.
    steps : int
        Steps taken.
    minutes : float
        Time taken.
    device : str
        What it ran on, in words.
    history : list of dict
        Step and loss, and where looked the loss, Dice and AJI of the strip.
    chosen : bool
        Whether a strip held out to stop chose the weights; else the last are kept.
    """

    network: NucleusNetwork
    step: int
    steps: int
    minutes: float
    device: str
    history: list[dict[str, float]]
    chosen: bool


class Finetuning:
    """A training that can be stopped at any step without losing its best weights.

    Parameters
    ----------
    base : NucleusNetwork
        Weights to start from, on the CPU; left as they are.
    instances : InstanceOptions
        How nuclei are read when the strip is looked at.
    regions : sequence of Region
        Reviewed areas, at the network's pixel size.
    divisions : sequence of Division
        What of each is learned from and what is held out.
    options : FinetuneOptions
        The recipe.

    Attributes
    ----------
    history : list of dict
        As in `FinetunedNetwork`, while it grows.
    notices : list of str
        What the user should know: that it went on with less memory.

    Raises
    ------
    TrainingError
        If there is no nucleus to learn from, or an option is unknown.
    """

    def __init__(
        self,
        base: NucleusNetwork,
        instances: InstanceOptions,
        regions: Sequence[Region],
        divisions: Sequence[Division],
        options: FinetuneOptions,
    ) -> None:
        require_crop(options.crop, base, options.batch)
        _check(regions, divisions, options)
        self.options = options
        self.history: list[dict[str, float]] = []
        self.notices: list[str] = []
        self._base = base
        self._instances = instances
        self._held_out = [
            (region, division.stop)
            for region, division in zip(regions, divisions, strict=True)
            if division.stop.any()
        ]
        self._images, self._shares = [], []
        for region, division in zip(regions, divisions, strict=True):
            counts = that_count(region.labels, division.learn)
            if counts.any():
                image = training_image(region.shown, region.labels, counts)
                self._images.append(image)
                self._shares.append(region.share)
        self._device = pick_device(options.device)
        self._best: tuple[NucleusNetwork, int] = base, 0
        self._best_look = 0
        self._best_loss = math.inf
        self._step = 0
        self._seconds = 0.0

    def steps(self) -> Generator[Progress, None, FinetunedNetwork]:
        """Train.

        Yields
        ------
        Progress
            A step per optimizer step.

        Returns
        -------
        FinetunedNetwork
            As `result` gives it.

        Raises
        ------
        TrainingError
            If the loss is no longer a number.
        DeviceError
            If the memory does not even do for one small crop.
        """
        options = self.options
        learner = Learner(
            self._base, self._images, options, self._device.name, shares=self._shares
        )
        yield from self._look(learner, losses=[])
        losses: list[float] = []
        while (share := self._share_done()) < 1 and not self._stagnates():
            begun = time.monotonic()
            losses.append((yield from self._learn(learner, share)))
            self._step += 1
            self._seconds += time.monotonic() - begun
            yield Progress(
                message=f"Training, step {self._step}: loss "
                f"{sum(losses) / len(losses):.3f}",
                done=round(1000 * self._share_done()),
                total=1000,
            )
            looks = int(self._share_done() * options.looks)
            if looks > int(share * options.looks):
                begun = time.monotonic()
                yield from self._look(learner, losses)
                self._seconds += time.monotonic() - begun
                losses = []
        return self.result()

    def result(self) -> FinetunedNetwork:
        """Return the best weights so far: also after a cancel, from any thread."""
        network, step = self._best
        return FinetunedNetwork(
            network=copy.deepcopy(network).eval(),
            step=step,
            steps=self._step,
            minutes=self._seconds / 60,
            device=self._device.description,
            history=list(self.history),
            chosen=bool(self._held_out),
        )

    def _share_done(self) -> float:
        minutes = self.options.minutes
        by_time = self._seconds / 60 / minutes if minutes else 0.0
        return min(1.0, max(self._step / max(1, self.options.steps), by_time))

    def _stagnates(self) -> bool:
        behind = len(self.history) - 1 - self._best_look
        return bool(self._held_out) and behind >= self.options.patience

    def _learn(
        self, learner: Learner, share: float
    ) -> Generator[Progress, None, float]:
        """Take a step; when memory runs out, with less."""
        while True:
            try:
                loss = learner.step(share)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
            else:
                return require_finite(loss)
            yield from self._need_less(learner)

    def _need_less(self, learner: Learner) -> Generator[Progress, None, None]:
        """Halve the batch, then the crop, then go on on the CPU; say so."""
        options = learner.options
        if options.batch > 1:
            learner.options = replace(options, batch=options.batch // 2)
        elif (half := self._half_crop(options.crop)) >= SMALLEST_CROP:
            learner.shrink_crops(half)
        elif self._device.name != "cpu":
            self._move_to_cpu(learner)
        else:
            raise DeviceError(
                "The computer's memory is too small even for one crop of "
                f"{options.crop} px; close other programs and train again."
            )
        yield self._say_less(learner)

    def _half_crop(self, crop: int) -> int:
        """Return about half of a side, that the network still takes, px."""
        stride = self._base.stride
        return crop // 2 // stride * stride

    def _move_to_cpu(self, learner: Learner) -> None:
        self._device = pick_device("cpu")
        learner.move("cpu", self.options)

    def _say_less(self, learner: Learner) -> Progress:
        now = learner.options
        self.notices.append(
            f"Out of memory: on with {now.batch} crops of {now.crop} px on "
            f"{self._device.description}"
        )
        return Progress(message=self.notices[-1])

    def _see_held_out(self, learner: Learner) -> Generator[Progress, None, Look]:
        """Look at what stops the training; when memory runs out, on the CPU."""
        while True:
            try:
                return (
                    yield from look(
                        self._held_out,
                        learner.averaged,
                        self._instances,
                        self._device.name,
                    )
                )
            except RuntimeError as error:
                if not is_out_of_memory(error) or self._device.name == "cpu":
                    raise
            self._move_to_cpu(learner)
            yield self._say_less(learner)

    def _look(
        self, learner: Learner, losses: list[float]
    ) -> Generator[Progress, None, None]:
        """Add a line to the history, and keep the weights if they are the best."""
        line = {"step": float(self._step), "minutes": round(self._seconds / 60, 3)}
        if losses:
            line["loss"] = sum(losses) / len(losses)
        if self._held_out:
            seen = yield from self._see_held_out(learner)
            line |= {"validation_loss": seen.loss, "dice": seen.dice, "aji": seen.aji}
        loss = line.get("validation_loss", -math.inf)  # nothing held out: the last one
        if loss < self._best_loss or loss == -math.inf:
            self._best_loss, self._best_look = loss, len(self.history)
            # On the CPU: a device may fail. At once: it may be asked for meanwhile.
            self._best = copy.deepcopy(learner.averaged).cpu(), self._step
        self.history.append(line)
        yield Report(message=describe_line(line))


def _check(
    regions: Sequence[Region], divisions: Sequence[Division], options: FinetuneOptions
) -> None:
    if options.frozen not in FROZEN:
        raise TrainingError(
            f"{options.frozen!r} cannot be frozen; choose one of {', '.join(FROZEN)}."
        )
    learned = [
        that_count(region.labels, division.learn) & (region.labels > 0)
        for region, division in zip(regions, divisions, strict=True)
    ]
    if not any(mask.any() for mask in learned):
        raise TrainingError(
            "There is no whole nucleus in the reviewed areas to learn from; mark a "
            "larger area as reviewed, or hold out less of it."
        )


def describe_line(line: dict[str, float]) -> str:
    """Return a line of the history as a person reads it, in columns."""
    names = {
        "loss": "loss",
        "validation_loss": "held-out loss",
        "dice": "Dice",
        "aji": "AJI",
    }
    return f"step {line['step']:5.0f}" + "".join(
        f"  {text} {line[name]:.3f}" for name, text in names.items() if name in line
    )
