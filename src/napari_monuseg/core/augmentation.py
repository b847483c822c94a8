"""Training crops as they might have been cut, stained and scanned elsewhere.

Everything works on a whole batch in torch, on the device it lies on, from one
random generator, so that a resumed training goes on as it would have.

References
----------
The stain vectors are those of A. C. Ruifrok, D. A. Johnston, "Quantification of
histochemical staining by color deconvolution", Anal. Quant. Cytol. Histol. 23,
2001; jitter in their space follows D. Tellez et al., "Whole-Slide Mitosis
Detection in H&E Breast Histology Using PHH3 as a Reference to Train Distilled
Stain-Invariant Convolutional Networks", IEEE TMI 37(9), 2018.
"""

import math
from dataclasses import dataclass

from napari_monuseg.core.torch_import import functional, torch

_STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
"""Optical density of hematoxylin, eosin and the rest in red, green and blue."""


@dataclass(frozen=True, kw_only=True)
class AugmentationOptions:
    """How far crops are varied.

    Parameters
    ----------
    scale : float
        Largest change of magnification: crops are drawn between ``1 / scale``
        and `scale`, evenly in its logarithm.
    stain : float
        Each stain's optical density is multiplied by a factor between
        ``1 / (1 + stain)`` and ``1 + stain``, evenly in its logarithm, and
        shifted by up to a tenth of `stain`.
    colour : float
        Each colour's optical density is multiplied by ``1 ± colour``.
    brightness : float
        Exponent of the brightness, ``1 ± brightness``.
    blur_px : float
        Largest standard deviation of the Gaussian blur, px; half the crops.
    noise : float
        Largest standard deviation of the noise, of 1; half the crops.
    label_shift : tuple of float
        How far down and right of the tissue the labels lie, px. However a crop is
        turned, they are made to lie so: the network then learns it, where otherwise
        it would see them misplaced in every direction.
    """

    scale: float = 1.25
    stain: float = 0.6
    colour: float = 0.1
    brightness: float = 0.1
    blur_px: float = 1.2
    noise: float = 0.03
    label_shift: tuple[float, float] = (0.0, 0.0)


def patch_side(crop: int, options: AugmentationOptions) -> int:
    """Return the side of the square a turned and shrunk crop is cut from, px."""
    return math.ceil(crop * options.scale * math.sqrt(2)) + 2


def vary_geometry(
    colours: torch.Tensor,
    targets: torch.Tensor,
    crop: int,
    options: AugmentationOptions,
    generator: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut crops from the middle of patches, turned, mirrored and scaled.

    Parameters
    ----------
    colours, targets : (N, C, P, P) float32 tensor
        Squares of `patch_side` px: tissue, and what belongs to its labels.
    crop : int
        Side of the crops, px.
    options : AugmentationOptions
        How far the scale varies, and where the labels lie.
    generator : torch.Generator
        Source of chance, on the CPU.

    Returns
    -------
    colours, targets : (N, C, crop, crop) float32 tensor
        Sampled bilinearly.
    """
    count, _, side, _ = colours.shape
    angle = 2 * math.pi * torch.rand(count, generator=generator)
    mirror = 1 - 2 * torch.randint(2, (count,), generator=generator)
    exponent = _even(count, generator)
    size = options.scale**exponent * crop / side
    cosine, sine = size * torch.cos(angle), size * torch.sin(angle)
    turns = torch.zeros(count, 2, 3)
    turns[:, 0, 0], turns[:, 0, 1] = cosine * mirror, -sine
    turns[:, 1, 0], turns[:, 1, 1] = sine * mirror, cosine
    # What a label at x of the crop describes lies at x - shift, and the label of that,
    # in the patch, a shift further on.
    shift = torch.tensor(options.label_shift[::-1])
    shifted = turns.clone()
    shifted[:, :, 2] = shift * 2 / side - turns[:, :, :2] @ (shift * 2 / crop)
    return _sample(colours, turns, crop), _sample(targets, shifted, crop)


def _sample(patches: torch.Tensor, turns: torch.Tensor, crop: int) -> torch.Tensor:
    """Sample crops where affine matrices ``(N, 2, 3)`` say, in units of half a side."""
    grid = functional.affine_grid(
        turns.to(patches.device), [len(patches), 1, crop, crop], align_corners=False
    )
    return functional.grid_sample(
        patches, grid, padding_mode="reflection", align_corners=False
    )


def vary_look(
    rgb: torch.Tensor, options: AugmentationOptions, generator: torch.Generator
) -> torch.Tensor:
    """Vary stain, brightness, sharpness and noise of RGB ``(N, 3, H, W)`` in [0, 1]."""
    stained = _vary_stain(rgb, options.stain, generator)
    tinted = stained ** _factors(rgb, options.colour, 3, generator)
    lit = tinted ** _factors(rgb, options.brightness, 1, generator)
    blurred = _blur(lit, options.blur_px, generator)
    strength = options.noise * _half_of_the_time(len(rgb), generator)
    noise = torch.randn(rgb.shape, generator=generator).to(rgb.device)
    return (blurred + noise * strength.to(rgb.device)[:, None, None, None]).clamp(0, 1)


def _vary_stain(
    rgb: torch.Tensor, strength: float, generator: torch.Generator
) -> torch.Tensor:
    """Multiply and shift each stain's optical density."""
    stains = torch.tensor(_STAINS)
    stains = (stains / stains.norm(dim=1, keepdim=True)).to(rgb.device)
    density = -torch.log(rgb.clamp_min(1 / 255))
    amounts = torch.einsum("nchw,cs->nshw", density, torch.linalg.inv(stains))
    factors = (1 + strength) ** _even((len(rgb), 3, 1, 1), generator)
    shifts = strength / 10 * _even((len(rgb), 3, 1, 1), generator)
    amounts = amounts * factors.to(rgb.device) + shifts.to(rgb.device)
    density = torch.einsum("nshw,sc->nchw", amounts, stains)
    return torch.exp(-density.clamp_min(0))


def _factors(
    rgb: torch.Tensor, strength: float, channels: int, generator: torch.Generator
) -> torch.Tensor:
    """Return factors ``1 ± strength`` for each image, one or one for each colour."""
    numbers = _even((len(rgb), channels, 1, 1), generator)
    return (1 + strength * numbers).to(rgb.device)


def _blur(
    rgb: torch.Tensor, largest: float, generator: torch.Generator
) -> torch.Tensor:
    """Blur each image of the batch with its own Gaussian, by rows then columns."""
    if largest <= 0:
        return rgb
    count, channels, height, width = rgb.shape
    sigma = largest * _half_of_the_time(count, generator) + 1e-3
    reach = math.ceil(2.5 * largest)
    offsets = torch.arange(-reach, reach + 1)
    kernels = torch.exp(-0.5 * (offsets[None] / sigma[:, None]) ** 2)
    kernels = (kernels / kernels.sum(1, keepdim=True)).to(rgb.device)
    kernels = kernels.repeat_interleave(channels, 0)[:, None]
    flat = rgb.reshape(1, count * channels, height, width)
    groups = count * channels
    padded = functional.pad(flat, (reach, reach, reach, reach), mode="reflect")
    across = functional.conv2d(padded, kernels[:, :, None], groups=groups)
    down = functional.conv2d(across, kernels[..., None], groups=groups)
    return down.reshape(rgb.shape)


def _half_of_the_time(count: int, generator: torch.Generator) -> torch.Tensor:
    """Return numbers in [0, 1), 0 in half of the cases."""
    amount = torch.rand(count, generator=generator)
    return amount * (torch.rand(count, generator=generator) < 0.5)


def _even(shape: int | tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Return numbers spread evenly over [-1, 1)."""
    return 2 * torch.rand(shape, generator=generator) - 1
