"""By Winograd's algorithm a convolution gives what it gives the direct way."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saying import has, learned, said

from napari_monuseg.core import arrangement
from napari_monuseg.core.arrangement import arrange
from napari_monuseg.core.enlarging import EnlargedConv2d
from napari_monuseg.core.interruption import Interrupted, interruptible_by
from napari_monuseg.core.networks import RECOMMENDED, build_network
from napari_monuseg.core.torch_import import functional, nn, torch
from napari_monuseg.core.winograd import (
    FEWEST_CHANNELS,
    WinogradConv2d,
    convolve,
    use_winograd,
    winograd_is_faster,
)

CPU = torch.device("cpu")
FEW, MANY = FEWEST_CHANNELS - 1, FEWEST_CHANNELS

NNPACK = torch.backends.nnpack.is_available()
"""Where it is not, all of this runs the direct way, and must say the same."""


@pytest.fixture
def calls(monkeypatch):
    """Note with what NNPACK is called."""
    noted = []
    operator = torch._nnpack_spatial_convolution

    def noting(*given):
        noted.append(given)
        return operator(*given)

    monkeypatch.setattr(torch, "_nnpack_spatial_convolution", noting)
    return noted


def numbers(*shape, dtype=torch.float32):
    drawn = torch.rand(*shape, generator=torch.manual_seed(sum(shape)))
    return (drawn - 0.5).to(dtype)


def a_layer(**options):
    settings = {"kernel_size": 3, "padding": 1} | options
    return nn.Conv2d(MANY, MANY, **settings)


CHANNELS = st.integers(MANY, MANY + 9)
SIDES = st.integers(1, 20)


@given(
    shape=st.tuples(st.integers(1, 3), CHANNELS, SIDES, SIDES),
    after=CHANNELS,
    last=st.booleans(),
    bias=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_it_is_the_same_convolution(shape, after, last, bias):
    features, before = numbers(*shape), shape[1]
    if last:
        features = features.contiguous(memory_format=torch.channels_last)
    weight = numbers(after, before, 3, 3)
    added = numbers(after) if bias else None

    convolved = convolve(features, weight, added)

    # One of nine numbers left out would make a difference of 1.
    expected = functional.conv2d(features, weight, added, padding=1)
    assert torch.allclose(convolved, expected, atol=1e-3)


@pytest.mark.parametrize(
    ("before", "after", "dtype", "called"),
    [
        (MANY, MANY, torch.float32, NNPACK),
        (FEW, MANY, torch.float32, False),
        (MANY, FEW, torch.float32, False),
        (MANY, MANY, torch.float64, False),
        (MANY, MANY, torch.bfloat16, False),
    ],
)
def test_it_is_taken_where_it_is_faster(before, after, dtype, called, calls):
    features = numbers(1, before, 8, 8, dtype=dtype)
    weight = numbers(after, before, 3, 3, dtype=dtype)

    convolved = convolve(features, weight, None)

    assert bool(calls) == called
    assert convolved.dtype == dtype
    expected = functional.conv2d(features, weight, padding=1)
    assert torch.allclose(convolved, expected, atol=1e-3)


@pytest.mark.parametrize("lacking", ["operator", "library"])
def test_without_nnpack_the_direct_way_is_taken(lacking, monkeypatch):
    if lacking == "operator":
        monkeypatch.delattr(torch, "_nnpack_spatial_convolution")
    else:
        monkeypatch.setattr(torch.backends.nnpack, "is_available", lambda: False)
    features, weight = numbers(1, MANY, 8, 8), numbers(MANY, MANY, 3, 3)

    convolved = convolve(features, weight, None)

    assert torch.equal(convolved, functional.conv2d(features, weight, padding=1))
    assert not winograd_is_faster(CPU)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
@pytest.mark.parametrize("sides", [(12, 24), (13, 10), (2, 1)])
def test_dilated_it_is_the_same_convolution(step, sides, calls):
    layer = a_layer(dilation=step, padding=step)
    features = numbers(2, MANY, *sides)
    with torch.no_grad():
        expected = layer(features)

        convolved = WinogradConv2d(layer)(features)

    assert bool(calls) == NNPACK
    assert torch.allclose(convolved, expected, atol=1e-3)


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 1, "padding": 0},
        {"kernel_size": 5, "padding": 2},
        {"stride": 2},
        {"padding": 0},
        {"dilation": 2},
        {"dilation": (2, 1), "padding": (2, 1)},
        {"groups": MANY},
        {"padding_mode": "reflect"},
    ],
)
def test_every_other_convolution_stays_as_it_is(options):
    layer = a_layer(**options)
    network = nn.Sequential(layer)
    features = numbers(1, MANY, 8, 8)
    before = said(network, features)

    use_winograd(network)

    assert network[0] is layer
    assert torch.equal(said(network, features), before)


@pytest.mark.parametrize(
    ("name", "enlarged", "others"),
    # Those of the encoder whose stride is 1, then the decoder's and the context's.
    [("unet", 4, 10 + 2), ("deeplabv3plus", 0, 10), ("segnet", 0, 4 + 3 + 4)],
)
def test_every_network_says_the_same(name, enlarged, others):
    network = learned(build_network(name, **RECOMMENDED[name]))
    image = torch.rand(1, 3, 160, 96, generator=torch.manual_seed(1))
    image = image.contiguous(memory_format=torch.channels_last)
    before = said(network, image)

    use_winograd(network)

    parts = [*network.modules()]
    assert sum(isinstance(part, EnlargedConv2d) for part in parts) == enlarged
    assert sum(isinstance(part, WinogradConv2d) for part in parts) == others
    assert torch.allclose(
        said(network, image), before, atol=1e-4 * float(before.abs().max())
    )


def test_what_lies_beside_is_convolved_so_as_well(calls):
    layer = EnlargedConv2d(nn.Conv2d(MANY + 3, MANY, 3, padding=1))
    small, beside = numbers(1, 3, 4, 5), numbers(1, MANY, 8, 10)
    with torch.no_grad():
        before = layer(small, beside)
        assert not calls

        use_winograd(nn.Sequential(layer))

        assert torch.allclose(layer(small, beside), before, atol=1e-3)
    assert bool(calls) == NNPACK


def test_it_can_be_stopped_before_such_a_layer():
    network = nn.Sequential(a_layer())
    use_winograd(network)

    with interruptible_by(lambda: True), pytest.raises(Interrupted):
        said(network, numbers(1, MANY, 8, 8))


@pytest.mark.parametrize(
    ("capability", "device", "faster"),
    [
        ("AVX2", "cpu", NNPACK),
        ("AVX512", "cpu", False),
        ("DEFAULT", "cpu", False),
        ("AVX2", "cuda", False),
    ],
)
def test_it_is_faster_on_a_cpu_with_avx2_and_no_more(
    capability, device, faster, monkeypatch
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)

    assert winograd_is_faster(torch.device(device)) == faster


@pytest.mark.parametrize("faster", [True, False])
def test_a_network_is_arranged_so_where_it_is_faster(faster, monkeypatch):
    monkeypatch.setattr(arrangement, "winograd_is_faster", lambda _: faster)
    network = learned(build_network("segnet", **RECOMMENDED["segnet"]))

    assert has(arrange(network, CPU), WinogradConv2d) == faster


def test_a_want_of_memory_is_known_as_one():
    # As torch says it where NNPACK finds no room for its maps.
    from napari_monuseg.core.devices import is_out_of_memory

    error = RuntimeError("posix_memalign failed:Cannot allocate memory (12)")

    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, ("passive", "1000")),
        ({"GOMP_SPINCOUNT": "7"}, ("passive", "7")),
        ({"OMP_WAIT_POLICY": "active"}, ("active", None)),
    ],
)
def test_idle_threads_leave_the_cores_to_others(given, left):
    asked = "os.environ.get('OMP_WAIT_POLICY'), os.environ.get('GOMP_SPINCOUNT')"
    code = f"import os, napari_monuseg.core.torch_import; print(({asked}))"
    ours = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    plain = {name: value for name, value in os.environ.items() if name not in ours}

    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=plain | given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    if sys.platform != "linux":
        left = tuple(given.get(name) for name in ours)
    assert printed.strip() == str(left)
