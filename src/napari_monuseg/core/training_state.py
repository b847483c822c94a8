"""Everything a training needs to go on where it stopped, without a pickle."""

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from napari_monuseg.core.crops import CropSource
from napari_monuseg.core.devices import autocast, training_precision
from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.losses import StepScores
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.optimizers import Optimizer
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.torch_import import nn, save, torch
from napari_monuseg.core.training_options import TrainingOptions

_BEFORE_THE_CHOICE = {"optimizer": "adamw", "stain_normalisation": 0.0}
"""What states did that do not say it."""

STATISTICS_BATCHES = 12
"""Batches the averaged network's batch statistics are taken from."""


class TrainingState:
    """A network under way: weights, their average, optimizer, chance and time.

    Parameters
    ----------
    network : NucleusNetwork
        To be trained; moved to the device.
    options : TrainingOptions
        The recipe.
    device : torch.device
        Where it trains.

    Attributes
    ----------
    step, seconds : int and float
        How far it is.
    history : list of dict
        A line per report.
    reports : int or None
        How many of the reports that were due were made; None where nobody knows.
    taken : list of StepScores
        Of the steps since the last report.
    """

    def __init__(
        self,
        network: NucleusNetwork,
        options: TrainingOptions,
        device: torch.device,
    ) -> None:
        self.device = device
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network)
        self.optimizer = Optimizer(
            self.network,
            options.optimizer,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
        )
        self.generator = torch.Generator().manual_seed(options.seed)
        self.stains: StainReference | None = None
        self.material: dict[str, list[list[Any]]] = {}
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []
        self.reports: int | None = None
        self.taken: list[StepScores] = []
        self.recipe = _recipe(options)

    def share_done(self, options: TrainingOptions) -> float:
        """Return how much of the training is done, 0 to 1."""
        by_steps = self.step / options.steps if options.steps else 1.0
        by_time = self.seconds / 60 / options.minutes if options.minutes else 0.0
        return min(1.0, max(by_steps, by_time))

    def reports_due(self, options: TrainingOptions) -> int:
        """Return how many reports belong to what is done."""
        return int(self.share_done(options) * options.validations)

    def average(self, decay: float) -> None:
        """Let the averaged weights follow; quickly at first, then with `decay`."""
        keep = min(decay, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            averaged = list(self.averaged.parameters())
            torch._foreach_lerp_(averaged, list(self.network.parameters()), 1 - keep)
            for old, new in zip(
                self.averaged.buffers(), self.network.buffers(), strict=True
            ):
                old.copy_(old.lerp(new, 1 - keep) if old.is_floating_point() else new)

    def averaged_network(
        self, source: CropSource, options: TrainingOptions
    ) -> NucleusNetwork:
        """Return the averaged weights, in evaluation mode.

        The mean of many networks' batch statistics is not what their mean shows: the
        statistics are taken anew, from crops drawn beside the training's own.

        References
        ----------
        P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
        Generalization", UAI 2018, section 3.2.
        """
        network: NucleusNetwork = copy.deepcopy(self.averaged)
        layers = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
        for layer in layers:
            layer.reset_running_stats()
            layer.momentum = None  # a plain mean over the batches
        network.train()
        generator = torch.Generator().manual_seed(options.seed)
        dtype = training_precision(self.device)
        with torch.no_grad(), autocast(self.device, dtype):
            for _ in range(STATISTICS_BATCHES):
                batch = source.draw(options.batch, generator, self.device)
                network(batch.rgb)
        for layer in layers:
            layer.momentum = 0.1
        return network.eval()


def save_state(path: Path, state: TrainingState) -> None:
    """Write the state beside the model it becomes, and rename."""
    tensors = {
        f"{part}.{name}": tensor
        for part in ("network", "averaged")
        for name, tensor in getattr(state, part).state_dict().items()
    }
    for name, tensor in state.optimizer.tensors().items():
        tensors[f"optimizer.{name}"] = tensor
    tensors["generator"] = state.generator.get_state()
    tensors |= {f"chance.{name}": now for name, now in _chance(state.device).items()}
    progress = {
        "step": state.step,
        "seconds": state.seconds,
        "history": state.history,
        "reports": state.reports,
        "taken": state.taken,
        "recipe": state.recipe,
        "material": state.material,
        "stains": _as_json(state.stains),
    }
    stored = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    with write_beside(path) as beside:
        beside.write_bytes(save(stored, {"training": json.dumps(progress)}))


def load_state(path: Path, state: TrainingState) -> None:
    """Put a training back where it stopped.

    Raises
    ------
    TrainingError
        If the file is damaged or belongs to another recipe, or to other images.
    """
    try:
        with safe_open(path, "pt") as file:
            progress = json.loads(file.metadata()["training"])
            # Copies: Windows replaces no file that a tensor still looks into.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        recipe = _BEFORE_THE_CHOICE | progress["recipe"]
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error
    if recipe != state.recipe:
        raise TrainingError(
            f"The training in {path.name} was started with other options; repeat "
            "those, or delete it to start again."
        )
    seen = {"material": state.material, "stains": _as_json(state.stains)}
    # States from before these were written say nothing of them.
    if any(progress.get(name) not in (None, {}, seen[name]) for name in seen):
        raise TrainingError(
            f"The training in {path.name} was started with other images, pixel sizes "
            "or another base; repeat those, or delete it to start again."
        )
    try:
        _restore(state, tensors, progress)
    except (RuntimeError, LookupError, TypeError, ValueError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> TrainingError:
    reason = " ".join(str(error).split())[:120]
    return TrainingError(
        f"The training cannot go on: {path.name} is damaged ({reason}). Delete it to "
        "start again."
    )


def _as_json(stains: StainReference | None) -> Any:
    return json.loads(json.dumps(stains and asdict(stains)))


def _chance(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the state of what chance the layers draw on, by kind of device."""
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _restore(
    state: TrainingState, tensors: dict[str, torch.Tensor], progress: dict[str, Any]
) -> None:
    for part in ("network", "averaged"):
        getattr(state, part).load_state_dict(_part(tensors, part))
    state.optimizer.restore(_part(tensors, "optimizer"))
    state.generator.set_state(tensors["generator"])
    chance = _part(tensors, "chance")
    if "cpu" in chance:
        torch.set_rng_state(chance["cpu"])
    if "cuda" in chance and state.device.type == "cuda":
        torch.cuda.set_rng_state(chance["cuda"], state.device)
    state.step = progress["step"]
    state.seconds = progress["seconds"]
    state.history = progress["history"]
    state.reports = progress.get("reports")  # not in states of former versions
    state.taken = [StepScores(*scores) for scores in progress.get("taken", [])]


def _part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    start = f"{prefix}."
    return {
        name.removeprefix(start): tensor
        for name, tensor in tensors.items()
        if name.startswith(start)
    }


def _recipe(options: TrainingOptions) -> dict[str, Any]:
    """Return what must not change between runs of one training, as JSON holds it."""
    recipe = asdict(options)
    for free in ("device", "minutes", "steps"):
        del recipe[free]
    same: dict[str, Any] = json.loads(json.dumps(recipe))
    return same
