"""The three networks and what their output means.

All networks take RGB ``(N, 3, H, W)`` in [0, 1] and return logits
``(N, 2, H, W)``; the sigmoid of

channel 0, `FOREGROUND`
    is the probability that a pixel belongs to a nucleus,
channel 1, `DISTANCE`
    is the distance of the pixel to the border of its nucleus, divided by the
    largest such distance in that nucleus: 1 in the middle, 0 at the border and
    outside. It falls to 0 where nuclei touch, and so tells them apart.

References
----------
O. Ronneberger et al., "U-Net", MICCAI 2015. L.-C. Chen et al., "Encoder-Decoder
with Atrous Separable Convolution for Semantic Image Segmentation" (DeepLabV3+),
ECCV 2018. SegNet: see `napari_monuseg.core.segnet`. The normalised distance:
P. Naylor et al., "Segmentation of Nuclei in Histopathology Images by Deep
Regression of the Distance Map", IEEE TMI 38(2), 2019.
"""

from collections.abc import Callable
from typing import Any

from napari_monuseg.core.enlarging import DecoderBlock
from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.interruption import make_interruptible
from napari_monuseg.core.segnet import SegNet
from napari_monuseg.core.torch_import import functional, nn, smp, torch

FOREGROUND, DISTANCE = 0, 1
CHANNELS = 2

ENCODERS = ("resnet18", "resnet34", "resnet50", "resnet101", "resnet152")
"""What UNet and DeepLabV3+ can be built on, the default first. Others are refused: a
model's file says its encoder, and the library would look for some names online."""

_RESNET_STAGES = 4
"""Stages of a ResNet after its first convolution, whose strides are 4 to 32 px."""


_BAD_SHAPES = (
    *(ArithmeticError, AttributeError, LookupError, MemoryError, TypeError),
    *(RuntimeError, ValueError),
)
"""What torch and the library raise where a network cannot have the shape asked for."""


class NucleusNetwork(nn.Module):
    """A network with the colour normalisation that belongs to it.

    Its forward pass can be stopped between layers: see `interruptible_by`.

    Parameters
    ----------
    body : nn.Module
        From normalised RGB ``(N, 3, H, W)`` to logits ``(N, 2, H, W)``.
    stride : int
        Height and width of the input must be multiples of it, px.
    overlap : int
        Neighbouring windows should share at least this, px: some two thirds of how
        far it sees, since what lies further away changes little.
    """

    def __init__(self, body: nn.Module, stride: int, *, overlap: int = 96) -> None:
        super().__init__()
        self.body = body
        self.stride = stride
        self.overlap = overlap
        make_interruptible(body)

    def forward(self, rgb: torch.Tensor) -> torch.Tensor:
        """Return logits ``(N, 2, H, W)`` for RGB ``(N, 3, H, W)`` in [0, 1]."""
        # H&E is bright: mean about 0.7, spread about 0.2.
        logits: torch.Tensor = self.body((rgb - 0.7).div_(0.2))
        return logits


class LocalMean(nn.Module):
    """Mean over a neighbourhood of fixed size, the same at every tile size.

    DeepLabV3+ pools over the whole input, so its result would depend on how an
    image is cut into tiles. This looks as far as a training crop reaches.

    Parameters
    ----------
    reach : int
        Positions to each side, in feature-map px.
    """

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.reach = int(reach)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the local means ``(N, C, H, W)``, borders counted as they are."""
        # Of a rectangle the mean of all is the mean of its columns' means. Channels
        # first, a CPU would take far longer.
        means = features.contiguous(memory_format=torch.channels_last)
        for down, across in ((self.reach, 0), (0, self.reach)):
            means = functional.avg_pool2d(
                means,
                (2 * down + 1, 2 * across + 1),
                stride=1,
                padding=(down, across),
                count_include_pad=False,
            )
        return means


def _unet(
    *,
    encoder: str = "resnet18",
    decoder_channels: tuple[int, ...] = (256, 128, 64, 32, 16),
) -> NucleusNetwork:
    depth = len(decoder_channels)
    body = smp.Unet(
        encoder,
        encoder_depth=depth,
        encoder_weights=None,
        decoder_channels=tuple(decoder_channels),
        classes=CHANNELS,
    )
    _drop_idle_stages(body.encoder, depth)
    body.decoder.blocks = nn.ModuleList(
        DecoderBlock(block.conv1, block.conv2) for block in body.decoder.blocks
    )
    return NucleusNetwork(body, stride=2**depth)


def _segnet(
    *,
    widths: tuple[int, ...] = (24, 48, 96, 192, 192),
    convolutions: tuple[int, ...] = (2, 2, 3, 3, 3),
    context: tuple[int, ...] = (),
) -> NucleusNetwork:
    if min(widths) < 1:
        raise ValueError("a stage has no filters")
    if not all(type(dilation) is int and dilation >= 1 for dilation in context):
        raise ValueError("a dilation is no whole number from 1")
    body = SegNet(3, CHANNELS, widths, convolutions, context)
    return NucleusNetwork(body, stride=2 ** len(widths), overlap=128)


def _deeplabv3plus(
    *,
    encoder: str = "resnet18",
    encoder_depth: int = 5,
    decoder_channels: int = 128,
    reach: int = 8,
    atrous_rates: tuple[int, ...] = (12, 24, 36),
    align_corners: bool = True,
) -> NucleusNetwork:
    if encoder_depth not in {4, 5}:
        raise ValueError("it has 4 or 5 stages")
    body = smp.DeepLabV3Plus(
        encoder,
        encoder_depth=encoder_depth,
        encoder_weights=None,
        encoder_output_stride=16,
        decoder_channels=decoder_channels,
        decoder_atrous_rates=tuple(atrous_rates),
        classes=CHANNELS,
    )
    _drop_idle_stages(body.encoder, encoder_depth)
    image_pooling = body.decoder.aspp[0].convs[-1]
    image_pooling[0] = LocalMean(reach)
    for part in body.modules():
        if isinstance(part, nn.Upsample):
            part.align_corners = align_corners
    return NucleusNetwork(body, stride=16, overlap=192)  # it sees furthest


def _drop_idle_stages(encoder: nn.Module, depth: int) -> None:
    """Drop the last stages of a ResNet, which it keeps even where nobody asks."""
    for stage in range(depth, _RESNET_STAGES + 1):
        if hasattr(encoder, f"layer{stage}"):
            setattr(encoder, f"layer{stage}", nn.Identity())


_BUILDERS: dict[str, Callable[..., NucleusNetwork]] = {
    "unet": _unet,
    "segnet": _segnet,
    "deeplabv3plus": _deeplabv3plus,
}

NETWORKS = tuple(_BUILDERS)

RECOMMENDED: dict[str, dict[str, Any]] = {
    # Nuclei are small: a stage less, and fewer filters where they are dear.
    "unet": {"decoder_channels": [128, 64, 32, 16]},
    # For the same reasons. Twice the filters at full resolution take 1.4 times as
    # long, and learn less in as many minutes. Without the context it sees 59 px far.
    "segnet": {
        "widths": [16, 64, 128, 256],
        "convolutions": [1, 1, 2, 2],
        "context": [1, 2, 4],
    },
    # The paper's rates reach 576 px, more than twice a training crop: what lies
    # there is the border's padding, and the result would depend on the tile. The
    # last stage reaches a further 128 px, and costs more than half of the time.
    # Aligned corners shift features by up to half a position, in each size of
    # window by another share of it.
    "deeplabv3plus": {
        "encoder_depth": 4,
        "atrous_rates": [3, 6, 9],
        "align_corners": False,
    },
}
"""The shape in which each network is trained unless another is asked for.

`build_network` itself keeps to the papers, and to what checkpoints that do not
name their shape were trained with.
"""


def build_network(name: str, **options: Any) -> NucleusNetwork:
    """Build one of the networks, with random weights.

    Parameters
    ----------
    name : {"unet", "segnet", "deeplabv3plus"}
        The architecture.
    **options
        Its shape: ``encoder`` and ``decoder_channels`` (unet, deeplabv3plus),
        ``encoder_depth``, 4 or 5 stages of it, ``reach`` of the local mean and the
        three ``atrous_rates``, both in feature-map px, and ``align_corners`` of the
        upsampling (deeplabv3plus), ``widths`` and ``convolutions`` of each stage and
        the dilations of the ``context`` (segnet). Values JSON can hold.

    Returns
    -------
    NucleusNetwork
        In training mode.

    Raises
    ------
    CheckpointError
        If the name or an option is unknown.
    """
    builder = _BUILDERS.get(name)
    if builder is None:
        raise CheckpointError(
            f"There is no network {name!r}; choose one of {', '.join(NETWORKS)}."
        )
    encoder = options.get("encoder", ENCODERS[0])
    if encoder not in ENCODERS:
        raise CheckpointError(
            f"The encoder {encoder!r} is none of ours; choose one of "
            f"{', '.join(ENCODERS)}."
        )
    try:
        return builder(**options)
    except _BAD_SHAPES as error:
        raise CheckpointError(
            f"The network {name!r} cannot be built with {options}: {error}."
        ) from error


def copy_encoder(source: NucleusNetwork, target: NucleusNetwork) -> None:
    """Start a network from the encoder of another architecture, in place.

    Parameters
    ----------
    source, target : NucleusNetwork
        With the same kind of encoder, such as UNet and DeepLabV3+ with ResNet18. A
        last stage that one of them lacks stays as it is in the other.

    Raises
    ------
    CheckpointError
        If their encoders differ.
    """
    weights, places = (
        {
            name: tensor
            for name, tensor in network.state_dict().items()
            if name.startswith("body.encoder.")
        }
        for network in (source, target)
    )
    common = weights.keys() & places.keys()
    fewer = min(len(weights), len(places))
    fit = all(weights[name].shape == places[name].shape for name in common)
    if len(common) < fewer or not fit:
        raise CheckpointError(
            "The encoders of the two networks differ, so that one cannot start from "
            "the other's; choose a base of the same network, or none."
        )
    target.load_state_dict({name: weights[name] for name in common}, strict=False)
