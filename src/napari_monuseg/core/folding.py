"""Batch norms that have nothing left to learn become part of their convolutions."""

from napari_monuseg.core.enlarging import EnlargedConv2d
from napari_monuseg.core.networks import NucleusNetwork
from napari_monuseg.core.torch_import import nn, torch


def fold_batch_norms(network: NucleusNetwork) -> None:
    """Fold every batch norm that follows a convolution into it, in place.

    The network says the same as before, up to rounding, in less time. It can no
    longer learn, nor be saved as a checkpoint.

    Parameters
    ----------
    network : NucleusNetwork
        In evaluation mode, on the CPU.
    """
    names = {module: name for name, module in network.named_modules()}
    for convolution, norm in _pairs(network):
        fused = nn.utils.fuse_conv_bn_eval(convolution, norm)
        network.set_submodule(names[convolution], fused)
        network.set_submodule(names[norm], nn.Identity())
    for part in network.modules():
        if isinstance(part, EnlargedConv2d):
            part.settled = True


def _pairs(network: NucleusNetwork) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Find which batch norm takes what which convolution gives, by looking on."""
    outputs: list[tuple[torch.Tensor, nn.Conv2d]] = []
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]] = []

    def note_output(module: nn.Conv2d, _: object, output: torch.Tensor) -> None:
        outputs.append((output, module))

    def note_pair(module: nn.BatchNorm2d, given: tuple[torch.Tensor]) -> None:
        pairs.extend((source, module) for made, source in outputs if made is given[0])

    hooks = []
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            hooks.append(part.register_forward_hook(note_output))
        elif isinstance(part, nn.BatchNorm2d):
            hooks.append(part.register_forward_pre_hook(note_pair))
    try:
        with torch.no_grad():
            network(torch.zeros(1, 3, 2 * network.stride, 2 * network.stride))
    finally:
        for hook in hooks:
            hook.remove()
    return pairs
