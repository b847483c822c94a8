"""The two networks of the project this one grew from, to measure ours against.

Both take RGB ``(N, 3, H, W)`` in [0, 1], with H and W multiples of `STRIDE`, and
return logits ``(N, 1, H, W)``, whose sigmoid is the probability of a nucleus.

References
----------
UNet and SegNet: see `napari_monuseg.core.networks` and `napari_monuseg.core.segnet`.
"""

from itertools import pairwise

from napari_monuseg.core.segnet import SegNet
from napari_monuseg.core.torch_import import functional, nn, torch

STRIDE = 32
"""Of the one that pools more often, px."""

UNET_FILTERS = (16, 32, 64, 128, 256)
DROPOUT = 0.05

SEGNET_FILTERS = 40
SEGNET_CONVOLUTIONS = (2, 2, 3, 3, 3)


class BaselineUNet(nn.Module):
    """Small UNet with dropout, and transposed convolutions on the way up."""

    def __init__(self) -> None:
        super().__init__()
        ways_up = list(pairwise(reversed(UNET_FILTERS)))
        self.encoder = nn.ModuleList(
            _double_convolution(before, after)
            for before, after in pairwise((3, *UNET_FILTERS))
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(before, after, 3, 2, padding=1, output_padding=1)
            for before, after in ways_up
        )
        self.decoder = nn.ModuleList(
            _double_convolution(2 * after, after) for _, after in ways_up
        )
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Conv2d(UNET_FILTERS[0], 1, kernel_size=1)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, 1, H, W)``."""
        levels = [self.encoder[0](rgb)]
        for stage in self.encoder[1:]:
            pooled = functional.max_pool2d(levels[-1], 2)
            levels.append(stage(self.dropout(pooled)))
        features = levels.pop()
        for up, stage in zip(self.up, self.decoder, strict=True):
            joined = torch.cat((up(features), levels.pop()), dim=1)
            features = stage(self.dropout(joined))
        return self.head(features)


class BaselineSegNet(SegNet):
    """SegNet as wide at every stage, normalised after each ReLU.

    It goes through its stages, and unpools, as ours does.
    """

    def __init__(self) -> None:
        widths = [SEGNET_FILTERS] * len(SEGNET_CONVOLUTIONS)
        super().__init__(3, 1, widths, SEGNET_CONVOLUTIONS)
        self.encoder = nn.ModuleList(
            _equal_convolutions(before, count)
            for before, count in zip((3, *widths), SEGNET_CONVOLUTIONS, strict=False)
        )
        self.decoder = nn.ModuleList(
            _equal_convolutions(SEGNET_FILTERS, count)
            for count in reversed(SEGNET_CONVOLUTIONS)
        )


BASELINES: dict[str, type[nn.Module]] = {
    "unet": BaselineUNet,
    "segnet": BaselineSegNet,
}


def _double_convolution(before: int, after: int) -> nn.Sequential:
    """Return twice 3×3 convolution, batch norm, ReLU."""
    layers: list[nn.Module] = []
    for inner in (before, after):
        layers += [
            nn.Conv2d(inner, after, kernel_size=3, padding=1),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _equal_convolutions(before: int, count: int) -> nn.Sequential:
    """Return `count` times 3×3 convolution, ReLU, batch norm."""
    layers: list[nn.Module] = []
    for inner in (before, *[SEGNET_FILTERS] * (count - 1)):
        layers += [
            nn.Conv2d(inner, SEGNET_FILTERS, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.BatchNorm2d(SEGNET_FILTERS),
        ]
    return nn.Sequential(*layers)
