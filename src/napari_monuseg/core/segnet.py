"""SegNet: an encoder whose pooling indices tell the decoder where things were.

References
----------
V. Badrinarayanan, A. Kendall, R. Cipolla, "SegNet: A Deep Convolutional
Encoder-Decoder Architecture for Image Segmentation", IEEE TPAMI 39(12), 2017.
"""

from collections.abc import Sequence
from itertools import pairwise

from napari_monuseg.core.bands import Maps, in_bands
from napari_monuseg.core.torch_import import functional, nn, torch


class SegNet(nn.Module):
    """Convolutional encoder-decoder that unpools with the encoder's maxima.

    The encoder is VGG-like: stages of 3×3 convolutions, each followed by 2×2
    max pooling. The decoder mirrors it; each of its stages first puts the values
    back to where the encoder's maxima were, then fills in by convolution. No
    feature map is handed across, only the indices.

    The paper's encoder ends in its last pooling. Here more may follow at that
    resolution: a chain of dilated convolutions, whose result is added to what came
    in. It shows the decoder what lies further away, and loses nothing by pooling.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the image and of the output logits.
    widths : sequence of int
        Filters of each encoder stage, finest first.
    convolutions : sequence of int
        Convolutions of each stage, as many as `widths`.
    context : sequence of int
        Dilation of each convolution between encoder and decoder, none in the paper.

    Attributes
    ----------
    rows : int or None
        Of a stage's largest maps, that are computed together; None for all.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        convolutions: Sequence[int],
        context: Sequence[int] = (),
    ) -> None:
        super().__init__()
        encoder_steps = list(pairwise((in_channels, *widths)))
        decoder_steps = list(pairwise((*reversed(widths), widths[0])))
        self.encoder = nn.ModuleList(
            _stage(before, after, depth)
            for (before, after), depth in zip(encoder_steps, convolutions, strict=True)
        )
        self.context = nn.Sequential(
            *(
                layer
                for dilation in context
                for layer in _convolution(widths[-1], widths[-1], dilation)
            )
        )
        self.decoder = nn.ModuleList(
            _stage(before, after, depth)
            for (before, after), depth in zip(
                decoder_steps, reversed(convolutions), strict=True
            )
        )
        self.head = nn.Conv2d(widths[0], out_channels, kernel_size=1)
        self.rows: int | None = None

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, out, H, W)``; H, W multiples of 2 ** stages."""
        features = image
        maxima = []
        for stage in self.encoder:
            features, indices = _pooled(stage, features, self.rows)
            maxima.append(indices)
        if len(self.context):
            features = features + self.context(features)
        *stages, last = self.decoder
        for stage in (*stages, nn.Sequential(last, self.head)):
            features = _filled(stage, features, maxima.pop(), self.rows)
        return features


def _pooled(stage: nn.Module, features: torch.Tensor, rows: int | None) -> Maps:
    """Run a stage of the encoder and pool, indices included."""
    width = features.shape[3]

    def step(first: int, band: torch.Tensor) -> Maps:
        pooled, indices = functional.max_pool2d(stage(band), 2, return_indices=True)
        return pooled, indices + first * width

    reach = _reach(stage)
    return in_bands(step, (features,), rows=rows, halo=reach + reach % 2)


def _filled(
    stage: nn.Module, features: torch.Tensor, indices: torch.Tensor, rows: int | None
) -> torch.Tensor:
    """Unpool and run a stage of the decoder."""
    width = 2 * features.shape[3]

    def step(first: int, band: torch.Tensor, places: torch.Tensor) -> Maps:
        return (stage(_unpooled(band, places - 2 * first * width)),)

    rows, halo = rows and rows // 2, (_reach(stage) + 1) // 2
    (filled,) = in_bands(step, (features, indices), rows=rows, halo=halo)
    return filled


def _reach(stage: nn.Module) -> int:
    """Tell how many rows away a stage sees, each way; its convolutions are dense."""
    return sum(
        part.kernel_size[0] // 2
        for part in stage.modules()
        if isinstance(part, nn.Conv2d)
    )


def _unpooled(features: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Put values back to where the maxima were, zeros elsewhere."""
    if features.device.type != "mps":
        return functional.max_unpool2d(features, indices, [2, 2])
    # Metal has no unpooling in every release of torch.
    return scattered(features, indices)


def scattered(features: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """Undo 2×2 max pooling by the places of the maxima.

    Parameters
    ----------
    features : (N, C, h, w) tensor
        Values.
    indices : (N, C, h, w) int64 tensor
        Where each lies in its plane of ``2 h`` × ``2 w`` px, flat.

    Returns
    -------
    (N, C, 2 h, 2 w) tensor
    """
    count, channels, height, width = features.shape
    empty = features.new_zeros(count, channels, 4 * height * width)
    filled = empty.scatter(2, indices.flatten(2), features.flatten(2))
    return filled.view(count, channels, 2 * height, 2 * width)


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
    layers = [
        layer
        for inner, outer in pairwise(widths)
        for layer in _convolution(inner, outer)
    ]
    return nn.Sequential(*layers)


def _convolution(before: int, after: int, dilation: int = 1) -> list[nn.Module]:
    """Return the layers of a 3×3 convolution that keeps the size."""
    return [
        nn.Conv2d(
            before,
            after,
            kernel_size=3,
            padding=dilation,
            dilation=dilation,
            bias=False,
        ),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    ]
