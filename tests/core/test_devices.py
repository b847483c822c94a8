"""Devices are named, the best first, and asked for without loading torch here."""

import json
import subprocess
import sys

import pytest

from napari_monuseg.core import devices
from napari_monuseg.core.errors import DeviceError
from napari_monuseg.core.torch_import import torch


def test_the_cpu_is_always_there_and_last():
    names = [device.name for device in devices.list_devices()]

    assert names[-1] == "cpu"
    assert devices.pick_device("auto").name == names[0]


def test_a_missing_device_is_one_sentence_with_those_present():
    with pytest.raises(DeviceError, match=r"no device 'tpu'; choose auto or .*cpu"):
        devices.pick_device("tpu")


def test_a_window_can_ask_in_another_process():
    done = subprocess.run(
        [sys.executable, "-m", "napari_monuseg.core.devices"],
        capture_output=True,
        text=True,
        check=True,
    )

    listed = json.loads(done.stdout)
    assert listed[-1]["name"] == "cpu"
    assert listed[-1]["description"].startswith("CPU, ")


def test_every_kind_of_device_has_a_window():
    for kind in ("cpu", "cuda", "mps"):
        assert devices.largest_window(torch.device(kind)) >= 512


def test_a_cpu_sees_1000_px_in_one_piece():
    assert devices.largest_window(torch.device("cpu")) >= 1000


@pytest.mark.parametrize(
    ("message", "memory"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", True),
        ("DefaultCPUAllocator: can't allocate memory", True),
        ("shapes cannot be multiplied", False),
    ],
)
def test_want_of_memory_is_told_from_other_errors(message, memory):
    assert devices.is_out_of_memory(RuntimeError(message)) is memory


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA GPU here")
def test_cuda_comes_first_where_it_is():
    assert devices.list_devices()[0].name == "cuda:0"


def test_no_precision_is_forced_on_a_device_that_computes_in_fp32():
    with devices.autocast(torch.device("mps"), torch.float32) as entered:
        assert entered is None

    with devices.autocast(torch.device("cpu"), torch.bfloat16):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_a_torch_that_does_not_say_what_the_cpu_can_computes_in_fp32(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)

    assert devices.precision(torch.device("cpu")) == torch.float32
