"""SegNet: an encoder whose pooling indices tell the decoder where things were.

References
----------
V. Badrinarayanan, A. Kendall, R. Cipolla, "SegNet: A Deep Convolutional
Encoder-Decoder Architecture for Image Segmentation", IEEE TPAMI 39(12), 2017.
"""

from collections.abc import Sequence
from itertools import pairwise

from napari_monuseg.core.torch_import import functional, nn, torch


class SegNet(nn.Module):
    """Convolutional encoder-decoder that unpools with the encoder's maxima.

    The encoder is VGG-like: stages of 3×3 convolutions, each followed by 2×2
    max pooling. The decoder mirrors it; each of its stages first puts the values
    back to where the encoder's maxima were, then fills in by convolution. No
    feature map is handed across, only the indices.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the image and of the output logits.
    widths : sequence of int
        Filters of each encoder stage, finest first.
    convolutions : sequence of int
        Convolutions of each stage, as many as `widths`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        convolutions: Sequence[int],
    ) -> None:
        super().__init__()
        encoder_steps = list(pairwise((in_channels, *widths)))
        decoder_steps = list(pairwise((*reversed(widths), widths[0])))
        self.encoder = nn.ModuleList(
            _stage(before, after, depth)
            for (before, after), depth in zip(encoder_steps, convolutions, strict=True)
        )
        self.decoder = nn.ModuleList(
            _stage(before, after, depth)
            for (before, after), depth in zip(
                decoder_steps, reversed(convolutions), strict=True
            )
        )
        self.head = nn.Conv2d(widths[0], out_channels, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, out, H, W)``; H, W multiples of 2 ** stages."""
        features = image
        maxima = []
        for stage in self.encoder:
            features, indices = functional.max_pool2d(
                stage(features), 2, return_indices=True
            )
            maxima.append(indices)
        for stage in self.decoder:
            features = stage(functional.max_unpool2d(features, maxima.pop(), [2, 2]))
        logits: torch.Tensor = self.head(features)
        return logits


def _stage(before: int, after: int, convolutions: int) -> nn.Sequential:
    """Return `convolutions` times 3×3 convolution, batch norm, ReLU.

    An encoder stage widens at its first convolution; a decoder stage keeps its
    width and narrows at its last, as the mirror image does.
    """
    widen_first = after >= before
    widths = (
        [before] + [after] * convolutions
        if widen_first
        else [before] * convolutions + [after]
    )
    layers: list[nn.Module] = []
    for inner, outer in pairwise(widths):
        layers += [
            nn.Conv2d(inner, outer, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(outer),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)
