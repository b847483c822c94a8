"""One step of fine-tuning after the other, on a device that may change.

References
----------
The pull: X. Li, Y. Grandvalet, F. Davoine, "Explicit Inductive Bias for Transfer
Learning with Convolutional Networks" (L2-SP), ICML 2018; here decoupled from the
gradient, as AdamW does it with weight decay.
"""

import copy
from dataclasses import replace

from napari_monuseg.core.crops import CropSource
from napari_monuseg.core.devices import autocast, training_precision
from napari_monuseg.core.finetuning_options import FinetuneOptions
from napari_monuseg.core.losses import nucleus_loss
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.torch_import import nn, torch
from napari_monuseg.core.training import schedule


class Learner:
    """The weights under way, their average, and what they are pulled back to.

    Parameters
    ----------
    base : NucleusNetwork
        Weights to start from, and to be pulled back to; left as they are.
    images : list of (6, H, W) uint8 tensor
        As `training_image` makes them.
    options : FinetuneOptions
        The recipe.
    device : str
        ``cpu``, ``cuda:0``, …
    shares : list of float, optional
        As `CropSource` takes them.
    """

    def __init__(
        self,
        base: NucleusNetwork,
        images: list[torch.Tensor],
        options: FinetuneOptions,
        device: str,
        *,
        shares: list[float] | None = None,
    ) -> None:
        self._images = images
        self._shares = shares
        self._base = base
        self._generator = torch.Generator().manual_seed(options.seed)
        self.averaged = self._network = base
        self._taken = 0
        self.move(device, options, start=base)

    def move(
        self, device: str, options: FinetuneOptions, start: NucleusNetwork | None = None
    ) -> None:
        """Go on on another device, from the average, with a fresh optimizer."""
        self.device = torch.device(device)
        self.options = options
        self.averaged = self._placed(start or self.averaged)
        self._network = self._placed(start or self.averaged)
        base = self._placed(self._base)
        trained = [
            (weight, anchor)
            for (name, weight), anchor in zip(
                self._network.named_parameters(), base.parameters(), strict=True
            )
            if options.frozen == "nothing" or not name.startswith("body.encoder.")
        ]
        self._network.requires_grad_(requires_grad=False)
        self._weights = [weight.requires_grad_() for weight, _ in trained]
        self._anchors = [anchor.detach() for _, anchor in trained]
        self._optimizer = torch.optim.AdamW(
            self._weights, lr=options.learning_rate, weight_decay=0.0
        )
        self.shrink_crops(options.crop)

    def _placed(self, network: NucleusNetwork) -> NucleusNetwork:
        placed = copy.deepcopy(network).to(memory_format=torch.channels_last)
        # Evaluation mode for good: the batch statistics stay the base's.
        return placed.to(self.device).eval()

    def shrink_crops(self, crop: int) -> None:
        """Draw crops of another side from now on, px."""
        self.options = replace(self.options, crop=crop)
        self._source = CropSource(
            self._images,
            crop=crop,
            options=self.options.augmentation,
            shares=self._shares,
        )

    def step(self, share: float) -> float:
        """Take one optimizer step, `share` of the training done; return its loss."""
        options = self.options
        batch = self._source.draw(options.batch, self._generator, self.device)
        rate = schedule(share, warm_up=0.1)
        for group in self._optimizer.param_groups:
            group["lr"] = options.learning_rate * rate
        rgb = batch.rgb.contiguous(memory_format=torch.channels_last)
        with autocast(self.device, training_precision(self.device)):
            logits = self._network(rgb)
        loss = nucleus_loss(logits.float(), batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimizer.step()
        self._taken += 1
        with torch.no_grad():
            torch._foreach_lerp_(self._weights, self._anchors, options.pull * rate)
            keep = min(options.averaging, (1 + self._taken) / (10 + self._taken))
            torch._foreach_lerp_(
                list(self.averaged.parameters()),
                list(self._network.parameters()),
                1 - keep,
            )
        return float(loss.detach())
