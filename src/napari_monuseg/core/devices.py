"""Where a network runs, in what precision, and in windows of what size.

``python -m napari_monuseg.core.devices`` prints the devices as JSON, best first,
so that a window can ask without loading torch into its own process.
"""

import contextlib
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from napari_monuseg.core.errors import DeviceError

if TYPE_CHECKING:
    import torch

LARGEST_WINDOW = {"cpu": 1024, "cuda": 1024, "mps": 512}
"""Largest side of a window by kind of device, px.

On CPUs a pixel takes as long in windows of 1024 px as in smaller ones, since what is
largest runs in bands, and fewer pixels are looked at twice; still larger windows gain
nothing (``benchmarks/window_time.py``, with AVX2 and with bf16 by AVX512). A GPU needs
windows large enough to fill it; when its memory is too small, the window is halved
while the job runs.
"""

_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",  # NNPACK
    "not enough memory",
    "alloc_failed",  # cuBLAS and cuDNN
)


@dataclass(frozen=True)
class DeviceInfo:
    """A device as it is shown to the user.

    Parameters
    ----------
    name : str
        What ``--device`` takes: ``cuda:0``, ``mps``, ``cpu``.
    description : str
        In words, such as ``NVIDIA H200 (CUDA)``.
    """

    name: str
    description: str


def list_devices() -> list[DeviceInfo]:
    """Return the devices of this machine, the fastest first."""
    from napari_monuseg.core.torch_import import torch

    devices = [
        DeviceInfo(f"cuda:{number}", f"{torch.cuda.get_device_name(number)} (CUDA)")
        for number in range(torch.cuda.device_count())
    ]
    if torch.backends.mps.is_available():
        devices.append(DeviceInfo("mps", "Apple GPU (Metal)"))
    return [*devices, DeviceInfo("cpu", _describe_cpu())]


def pick_device(name: str) -> DeviceInfo:
    """Return the device of a name; ``auto`` is the fastest.

    Raises
    ------
    DeviceError
        If this machine has no such device.
    """
    devices = list_devices()
    if name == "auto":
        return devices[0]
    wanted = "cuda:0" if name == "cuda" else name
    for device in devices:
        if device.name == wanted:
            return device
    present = ", ".join(device.name for device in devices)
    raise DeviceError(
        f"This machine has no device {name!r}; choose auto or one of: {present}."
    )


def precision(device: "torch.device") -> "torch.dtype":
    """Return the dtype networks compute in: bf16 or fp16 where that is faster."""
    from napari_monuseg.core.torch_import import torch

    if device.type == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if bf16 else torch.float16
    if device.type == "cpu" and _cpu_has_bf16():
        return torch.bfloat16
    return torch.float32


def training_precision(device: "torch.device") -> "torch.dtype":
    """Return the dtype networks learn in: bf16 where that is faster.

    Gradients in fp16 would have to be scaled.
    """
    from napari_monuseg.core.torch_import import torch

    bf16 = precision(device) == torch.bfloat16
    return torch.bfloat16 if bf16 else torch.float32


def autocast(
    device: "torch.device", dtype: "torch.dtype"
) -> "contextlib.AbstractContextManager[object]":
    """Return the context in which networks compute in a dtype on a device."""
    from napari_monuseg.core.torch_import import torch

    if dtype == torch.float32:  # some devices refuse even a context that does nothing
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype)


def largest_window(device: "torch.device") -> int:
    """Return the largest side of a window that is fast on the device, px."""
    return LARGEST_WINDOW[device.type]


def is_out_of_memory(error: RuntimeError) -> bool:
    """Say whether torch failed for want of memory, on whatever device."""
    # Only CUDA has an error of its own, and that says "out of memory" as well.
    return any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _cpu_has_bf16() -> bool:
    from napari_monuseg.core.torch_import import torch

    # Not public, and not in every release of torch.
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in asked)


def _describe_cpu() -> str:
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count()
    )
    return f"CPU, {cores} core{'s' if cores != 1 else ''}" + (
        ", bf16" if _cpu_has_bf16() else ""
    )


if __name__ == "__main__":
    json.dump([asdict(device) for device in list_devices()], sys.stdout)
