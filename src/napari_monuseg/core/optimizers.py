"""What turns gradients into steps: AdamW, or Muon for the convolutions.

Adam weighs each weight by itself. Muon sees the weights of a convolution as one
matrix, from its inputs to its filters, and steps as far in the directions that the
gradients seldom take as in those they mostly take: where few steps can be had, it
learns several times as much from each. What is not such a matrix stays with AdamW,
and so do the first and the last convolution, whose inputs and outputs have a meaning.

torch has a Muon of its own, which takes parameters of two dimensions only, and works
in bf16: on a CPU without it, 36 times as long as in fp32.

References
----------
I. Loshchilov, F. Hutter, "Decoupled Weight Decay Regularization" (AdamW), ICLR 2019.
K. Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024,
https://kellerjordan.github.io/posts/muon/. J. Liu et al., "Muon is Scalable for LLM
Training", arXiv:2502.16982, 2025, section 2.2, for the length of a step.
"""

import math
from collections.abc import Iterable
from typing import Any

from napari_monuseg.core.errors import TrainingError
from napari_monuseg.core.networks import CHANNELS
from napari_monuseg.core.torch_import import nn, torch

OPTIMIZERS = ("adamw", "muon")

STEP_LENGTH = 0.8
"""Root mean square of Muon's steps, at a learning rate of 1.

AdamW's are mostly 0.2 long (Liu et al.), so that one rate would do for both; our
networks, from random weights, learn more from steps four times as long.
"""


class Muon(torch.optim.Optimizer):
    """Steps along orthogonalised momentum.

    Parameters
    ----------
    parameters : iterable of (filters, ...) float32 tensor
        Each is a matrix of all but the first dimension to the first.
    lr : float
        Learning rate; a step is `STEP_LENGTH` times as long, as a root mean square.
    weight_decay : float
        Share of the weights that goes with each step, times `lr`.
    momentum : float
        How much of the mean gradient each step keeps.
    """

    def __init__(
        self,
        parameters: Iterable[torch.Tensor],
        *,
        lr: float,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take a step along the gradients there are."""
        if closure is not None:
            raise NotImplementedError("Muon does not evaluate the loss again.")
        for group in self.param_groups:
            for weights in group["params"]:
                if weights.grad is not None:
                    self._step(weights, weights.grad, group)

    def _step(
        self, weights: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]
    ) -> None:
        state = self.state[weights]
        if not state:
            state["momentum"] = torch.zeros_like(weights)
        mean = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(mean, group["momentum"])  # as Nesterov looks ahead
        direction = orthogonalised(ahead.flatten(1))
        length = STEP_LENGTH * math.sqrt(max(direction.shape))
        weights.mul_(1 - group["lr"] * group["weight_decay"])
        weights.add_(direction.reshape(weights.shape), alpha=-group["lr"] * length)


def orthogonalised(matrix: torch.Tensor, iterations: int = 5) -> torch.Tensor:
    """Return a matrix with the same singular vectors, and singular values near 1.

    Parameters
    ----------
    matrix : (M, N) float32 tensor
    iterations : int
        Of Newton and Schulz. With five, singular values that were at least a
        hundredth of all of them together come to lie between 0.6 and 1.3.

    Returns
    -------
    (M, N) float32 tensor
        0 where `matrix` is.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.mT if tall else matrix
    wide = wide / wide.norm().clamp_min(1e-7)
    for _ in range(iterations):
        # An odd polynomial of the singular values, steep at 0, whose coefficients
        # are those of Jordan et al.
        square = wide @ wide.mT
        factor = torch.addmm(square, square, square, beta=-4.7750, alpha=2.0315)
        wide = torch.addmm(wide, factor, wide, beta=3.4445)
    return wide.mT if tall else wide


class Optimizer:
    """All the optimizers of a network, as if they were one.

    Parameters
    ----------
    network : nn.Module
        On its device.
    name : {"adamw", "muon"}
        For the convolutions that `mixing_weights` names; the rest is AdamW's.
    learning_rate, weight_decay : float
        Of both.

    Raises
    ------
    TrainingError
        If the name is unknown.
    """

    def __init__(
        self,
        network: nn.Module,
        name: str,
        *,
        learning_rate: float,
        weight_decay: float,
    ) -> None:
        if name not in OPTIMIZERS:
            raise TrainingError(
                f"There is no optimizer {name!r}; choose one of "
                f"{', '.join(OPTIMIZERS)}."
            )
        self._network = network
        matrices = mixing_weights(network) if name == "muon" else []
        chosen = {id(weights) for weights in matrices}
        rest = [one for one in network.parameters() if id(one) not in chosen]
        device = rest[0].device.type
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                rest,
                lr=learning_rate,
                weight_decay=weight_decay,
                fused=device in {"cpu", "cuda"},
            )
        ]
        if matrices:
            self._parts.append(
                Muon(matrices, lr=learning_rate, weight_decay=weight_decay)
            )

    @property
    def learning_rate(self) -> float:
        """The rate of the steps to come."""
        return float(self._parts[0].param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = rate

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self._network.zero_grad(set_to_none=True)

    def step(self) -> None:
        """Take a step along the gradients there are."""
        for part in self._parts:
            part.step()

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the moments, named by the number of their weights and their kind."""
        found = {}
        first = 0
        for part in self._parts:
            for number, moments in part.state_dict()["state"].items():
                for kind, tensor in moments.items():
                    found[f"{first + number}.{kind}"] = tensor
            first += _count(part)
        return found

    def restore(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take moments as `tensors` returned them."""
        first = 0
        for part in self._parts:
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for name, tensor in tensors.items():
                number, _, kind = name.partition(".")
                if 0 <= int(number) - first < _count(part):
                    moments.setdefault(int(number) - first, {})[kind] = tensor
            groups = part.state_dict()["param_groups"]
            part.load_state_dict({"state": moments, "param_groups": groups})
            _match_layout(part)
            first += _count(part)


def mixing_weights(network: nn.Module) -> list[torch.Tensor]:
    """Return the weights of the convolutions between the first and the last.

    Those that mix no channels, as the first half of a separable convolution, are
    not matrices and left out.
    """
    rgb = 3
    inner = [
        layer
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
        and layer.groups == 1
        and layer.in_channels != rgb
        and layer.out_channels != CHANNELS
    ]
    return [layer.weight for layer in inner]


def _count(optimizer: torch.optim.Optimizer) -> int:
    return sum(len(group["params"]) for group in optimizer.param_groups)


def _match_layout(optimizer: torch.optim.Optimizer) -> None:
    """Give the moments the memory layout of their weights.

    The fused optimizer walks through both in the order of memory; safetensors keeps
    values and shapes, but not channels_last.
    """
    for weights, moments in optimizer.state.items():
        for name, moment in moments.items():
            if moment.shape == weights.shape:
                moments[name] = torch.empty_like(weights).copy_(moment)
