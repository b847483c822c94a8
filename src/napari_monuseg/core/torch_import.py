"""The one door through which torch enters the program.

Every module of ours that needs torch takes it from here, because on Linux two
things must happen before its first import.

Loading triton after a window has been opened with Mesa's OpenGL puts a second
LLVM into the process, and the process dies by signal 11.
`segmentation_models_pytorch` and the optimizers load triton when they can find
it; nothing here needs it. With ``None`` in its place Python answers every
``import triton`` with `ModuleNotFoundError`, which torch takes to mean that
triton is not installed.

And torch is asked for large pages of memory. On a CPU every window and every
crop takes fresh memory, which the system hands out, and clears, 4 KiB at a time,
at the cost of a page fault each; with pages of 2 MiB there are far fewer.

And OpenMP's threads are told to sleep when they have nothing to do, after some
microseconds. Else they look out for work for milliseconds, and take the cores from
the window, and from NNPACK, which has threads of its own.
"""

import os
import sys
from typing import Any

if sys.platform == "linux":
    sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import torch
from safetensors.torch import load_file, save
from torch import nn
from torch.nn import functional

__all__ = ["functional", "load_file", "nn", "save", "smp", "torch"]  # noqa: F822


def __getattr__(name: str) -> Any:
    """Give `segmentation_models_pytorch` as `smp` to who asks: it takes seconds."""
    if name == "smp":
        import segmentation_models_pytorch

        return segmentation_models_pytorch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
