"""One safetensors file = weights + what is needed to rebuild and describe them.

No pickle is ever loaded: a model from a colleague cannot run code.
"""

from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError

from napari_monuseg.core.errors import CheckpointError, TrainingError
from napari_monuseg.core.files import write_beside
from napari_monuseg.core.model_info import ModelInfo, read_info
from napari_monuseg.core.networks import NucleusNetwork, build_network
from napari_monuseg.core.torch_import import load_file, nn, save, torch


def save_checkpoint(path: str | Path, network: nn.Module, info: ModelInfo) -> None:
    """Write weights, as float16, and their description.

    Parameters
    ----------
    path : str or Path
        A ``.safetensors`` file; replaced only when the new one is complete.
    network : nn.Module
        Built by `build_network` as `info` says.
    info : ModelInfo
        The number of parameters in it is counted here.

    Raises
    ------
    TrainingError
        If weights are no numbers, or too large for float16: what is there stays.
    ExportError
        If the file cannot be written.
    """
    weights = {name: _halve(tensor) for name, tensor in network.state_dict().items()}
    if not all(map(_is_finite, weights.values())):
        raise TrainingError(
            "The training has lost its way: its weights are no numbers that a model "
            "file can hold. Start again with a lower learning rate."
        )
    parameters = sum(parameter.numel() for parameter in network.parameters())
    metadata = replace(info, parameters=parameters).as_metadata()
    with write_beside(Path(path)) as beside:
        beside.write_bytes(save(weights, metadata))


def load_network(path: str | Path) -> NucleusNetwork:
    """Rebuild a network with its weights, in evaluation mode, on the CPU.

    Raises
    ------
    CheckpointError
        If the file is missing, foreign, damaged, or does not fit its network.
    """
    info = read_info(path)
    network = build_network(info.network, **info.network_options)
    try:
        weights = load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{Path(path).name} is damaged ({error}); get the file again."
        ) from error
    _check_fit(network, weights, Path(path).name)
    network.load_state_dict(weights)
    return network.eval()


def _halve(tensor: torch.Tensor) -> torch.Tensor:
    halved = tensor.half() if tensor.is_floating_point() else tensor
    return halved.detach().cpu().contiguous()


def _check_fit(
    network: nn.Module, weights: dict[str, torch.Tensor], source: str
) -> None:
    expected = {name: tensor.shape for name, tensor in network.state_dict().items()}
    found = {name: tensor.shape for name, tensor in weights.items()}
    if expected != found:
        wrong = sorted(
            name
            for name in expected.keys() | found.keys()
            if expected.get(name) != found.get(name)
        )
        raise CheckpointError(
            f"The weights in {source} do not fit the network it names: "
            f"{len(wrong)} tensors differ, the first is {wrong[0]!r}."
        )
    unsound = [name for name, tensor in weights.items() if not _is_finite(tensor)]
    if unsound:
        raise CheckpointError(
            f"The weights in {source} hold values that are not numbers "
            f"(in {unsound[0]!r}); the model cannot be used."
        )


def _is_finite(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())
