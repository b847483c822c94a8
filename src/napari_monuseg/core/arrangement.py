"""A network that has learned, arranged for prediction: the same result in less time.

What is arranged can no longer learn, nor be saved as a checkpoint.
"""

import copy
from typing import Any

from napari_monuseg.core.bands import Maps, in_bands
from napari_monuseg.core.folding import fold_batch_norms
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.segnet import SegNet
from napari_monuseg.core.torch_import import nn, smp, torch
from napari_monuseg.core.winograd import use_winograd, winograd_is_faster

ROWS = 128
"""Of the largest maps of a step, that are computed together, px."""


def arrange(network: NucleusNetwork, device: torch.device) -> NucleusNetwork:
    """Arrange a network for prediction on a device.

    Batch norms become part of their convolutions. On a CPU, what lies close to full
    resolution runs in bands (a GPU is quicker with whole maps), and convolutions by
    Winograd's algorithm where that is faster.

    Parameters
    ----------
    network : NucleusNetwork
        In evaluation mode, on the CPU; it is changed.
    device : torch.device
        Where it will run.

    Returns
    -------
    NucleusNetwork
        On the device, for images with channels last.
    """
    fold_batch_norms(network)
    if device.type == "cpu":
        run_in_bands(network)
    placed: NucleusNetwork = network.to(memory_format=torch.channels_last).to(device)
    if winograd_is_faster(device):
        use_winograd(placed)
    return placed


def arranged(network: NucleusNetwork, device: torch.device) -> NucleusNetwork:
    """Return a copy of a network, on any device, arranged as `arrange` does it.

    The network itself can go on learning.
    """
    return arrange(copy.deepcopy(network).cpu().eval(), device)


def run_in_bands(network: NucleusNetwork) -> None:
    """Let what lies close to full resolution run in bands, in place.

    A network whose result depends on its window as a whole, a DeepLabV3+ with
    aligned corners, stays as it is.
    """
    body: Any = network.body
    if isinstance(body, smp.Unet):
        for block in body.decoder.blocks:
            block.rows = ROWS // 2
        body.decoder.blocks[-1].end = body.segmentation_head
        body.segmentation_head = nn.Identity()
    elif isinstance(body, SegNet):
        body.rows = ROWS
    elif isinstance(body, smp.DeepLabV3Plus) and not _corners_aligned(body):
        body.decoder = _DeepLabEnd(body.decoder, body.segmentation_head)
        body.segmentation_head = nn.Identity()


class _DeepLabEnd(nn.Module):
    """All that follows the atrous pyramid."""

    def __init__(self, decoder: Any, head: nn.Module) -> None:
        super().__init__()
        self.aspp = decoder.aspp
        self.up = decoder.up
        self.block1 = decoder.block1
        self.block2 = decoder.block2
        self.head = head

    def forward(self, features: list[torch.Tensor]) -> torch.Tensor:
        maps = (self.aspp(features[-1]), features[2])
        # A row of the pyramid becomes four of the decoder.
        (logits,) = in_bands(self._step, maps, rows=ROWS // 4, halo=1)
        return logits

    def _step(self, _: int, deep: torch.Tensor, fine: torch.Tensor) -> Maps:
        both = torch.cat([self.up(deep), self.block1(fine)], dim=1)
        return (self.head(self.block2(both)),)


def _corners_aligned(body: nn.Module) -> bool:
    return any(
        part.align_corners for part in body.modules() if isinstance(part, nn.Upsample)
    )
