"""A network that has learned, arranged for prediction: the same result in less time.

What is arranged can no longer learn, nor be saved as a checkpoint.
"""

from typing import Any

from napari_monuseg.core.bands import Maps, in_bands
from napari_monuseg.core.folding import fold_batch_norms
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.segnet import SegNet, unpooled
from napari_monuseg.core.torch_import import functional, nn, smp, torch

ROWS = 128
"""Of the largest maps of a step, that are computed together, px."""


def arrange(network: NucleusNetwork, device: torch.device) -> NucleusNetwork:
    """Arrange a network for prediction on a device.

    Batch norms become part of their convolutions. On a CPU, what lies close to full
    resolution runs in bands. (A GPU is quicker with whole maps.)

    Parameters
    ----------
    network : NucleusNetwork
        In evaluation mode, on the CPU; it is changed.
    device : torch.device
        Where it will run.

    Returns
    -------
    NucleusNetwork
        On the device, channels last.
    """
    fold_batch_norms(network)
    if device.type == "cpu":
        run_in_bands(network)
    return network.to(memory_format=torch.channels_last).to(device)


def run_in_bands(network: NucleusNetwork) -> None:
    """Let what lies close to full resolution run in bands, in place.

    A network whose result depends on its window as a whole, a DeepLabV3+ with
    aligned corners, stays as it is.
    """
    body: Any = network.body
    if isinstance(body, smp.Unet):
        *blocks, last = body.decoder.blocks
        body.decoder.blocks = nn.ModuleList(
            [
                *(_UnetBlock(block, nn.Identity()) for block in blocks),
                _UnetBlock(last, body.segmentation_head),
            ]
        )
        body.segmentation_head = nn.Identity()
    elif isinstance(body, SegNet):
        network.body = _SegNetInBands(body)
    elif isinstance(body, smp.DeepLabV3Plus) and not _corners_aligned(body):
        body.decoder = _DeepLabEnd(body.decoder, body.segmentation_head)
        body.segmentation_head = nn.Identity()


class _UnetBlock(nn.Module):
    """A block of the decoder, and what follows it."""

    def __init__(self, block: nn.Module, end: nn.Module) -> None:
        super().__init__()
        self.block = block
        self.end = end

    def forward(
        self,
        small: torch.Tensor,
        height: int,  # noqa: ARG002
        width: int,  # noqa: ARG002
        skip_connection: torch.Tensor | None = None,
    ) -> torch.Tensor:
        # The end and the second convolution see a row of their own each way, the
        # first one a row of what is enlarged.
        maps = (small,) if skip_connection is None else (small, skip_connection)
        (features,) = in_bands(self._step, maps, rows=ROWS // 2, halo=2)
        return features

    def _step(
        self, _: int, small: torch.Tensor, beside: torch.Tensor | None = None
    ) -> Maps:
        height, width = (2 * side for side in small.shape[2:])
        return (self.end(self.block(small, height, width, beside)),)


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


class _SegNetInBands(nn.Module):
    """A SegNet each of whose stages runs in bands."""

    def __init__(self, whole: SegNet) -> None:
        super().__init__()
        self.encoder = whole.encoder
        self.context = whole.context
        *stages, last = whole.decoder
        self.decoder = nn.ModuleList([*stages, nn.Sequential(last, whole.head)])

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = image
        maxima = []
        for stage in self.encoder:
            features, indices = _pooled(stage, features)
            maxima.append(indices)
        if len(self.context):
            features = features + self.context(features)
        for stage in self.decoder:
            features = _filled(stage, features, maxima.pop())
        return features


def _pooled(stage: nn.Module, features: torch.Tensor) -> Maps:
    """Run a stage of the encoder and pool, indices included."""
    width = features.shape[3]

    def step(first: int, band: torch.Tensor) -> Maps:
        pooled, indices = functional.max_pool2d(stage(band), 2, return_indices=True)
        return pooled, indices + first * width

    reach = _reach(stage)
    return in_bands(step, (features,), rows=ROWS, halo=reach + reach % 2)


def _filled(
    stage: nn.Module, features: torch.Tensor, indices: torch.Tensor
) -> torch.Tensor:
    """Unpool and run a stage of the decoder."""
    width = 2 * features.shape[3]

    def step(first: int, band: torch.Tensor, places: torch.Tensor) -> Maps:
        return (stage(unpooled(band, places - 2 * first * width)),)

    halo = (_reach(stage) + 1) // 2
    (filled,) = in_bands(step, (features, indices), rows=ROWS // 2, halo=halo)
    return filled


def _reach(stage: nn.Module) -> int:
    """Tell how many rows away a stage sees, each way; its convolutions are dense."""
    return sum(
        part.kernel_size[0] // 2
        for part in stage.modules()
        if isinstance(part, nn.Conv2d)
    )
