"""A checkpoint explains itself, comes back whole, and runs no code."""

import json
import math
import pickle
import struct

import pytest

from napari_monuseg.core.checkpoints import load_network, save_checkpoint
from napari_monuseg.core.errors import CheckpointError, TrainingError
from napari_monuseg.core.instances import InstanceOptions
from napari_monuseg.core.model_info import ModelInfo, read_info
from napari_monuseg.core.networks import build_network
from napari_monuseg.core.stains import StainReference
from napari_monuseg.core.torch_import import load_file, save, torch

SHAPE = {"widths": [4, 8], "convolutions": [1, 1]}
INFO = ModelInfo(
    name="small",
    network="segnet",
    network_options=SHAPE,
    description="a small one",
    instances=InstanceOptions(seed_prominence=0.31),
    label_shift=(-0.75, -0.5),
    stains=StainReference(mean=(0.5, 0.8, 0.5), spread=(0.3, 0.4, 0.2), strength=0.7),
    licence="CC0",
    recipe={"steps": 3},
    scores={"validation": {"aji": 0.5}},
    history=[{"step": 1.0, "loss": 2.0}],
)


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, build_network("segnet", **SHAPE), INFO)
    return path


def test_the_header_says_all_that_was_said(checkpoint):
    info = read_info(checkpoint)

    assert info.parameters > 0
    assert info == ModelInfo(**{**vars(INFO), "parameters": info.parameters})


def test_models_from_before_stains_were_matched_take_tissue_as_it_is():
    header = INFO.as_metadata()
    values = json.loads(header["model"])
    del values["stains"]
    header["model"] = json.dumps(values)

    assert ModelInfo.from_metadata(header, "old").stains is None


def test_models_from_before_say_nothing_of_where_they_learned():
    header = INFO.as_metadata()
    values = json.loads(header["model"])
    del values["learned"]
    header["model"] = json.dumps(values)

    assert ModelInfo.from_metadata(header, "old").learned == ()


@pytest.mark.parametrize("learned", [3, [{}], ["slide"], [{"place": {"image": "a"}}]])
def test_damaged_places_are_one_sentence(learned):
    header = INFO.as_metadata()
    header["model"] = json.dumps(json.loads(header["model"]) | {"learned": learned})

    with pytest.raises(CheckpointError, match="is damaged"):
        ModelInfo.from_metadata(header, "bad")


@pytest.mark.parametrize(
    "values",
    [
        {"date": None},
        {"parameters": "x"},
        {"network": ["unet"]},
        {"licence": 3},
        {"instances": {"foreground_threshold": "0.5"}},
        {"instances": {"foreground_threshold": None}},
        {"instances": {"seed_prominence": float("nan")}},
        {"stains": {"mean": [1, 2, 3], "spread": [1, 2, 3], "strength": "strong"}},
        {
            "stains": {
                "mean": [float("nan"), 2, 3],
                "spread": [1, 2, 3],
                "strength": 0.7,
            }
        },
    ],
)
def test_what_no_model_says_is_one_sentence(values):
    header = INFO.as_metadata()
    header["model"] = json.dumps(json.loads(header["model"]) | values)

    with pytest.raises(CheckpointError, match="is damaged"):
        ModelInfo.from_metadata(header, "bad")


@pytest.mark.parametrize("stains", [{}, {"mean": [1, 2]}, 3, "red"])
def test_damaged_stains_are_one_sentence(stains):
    header = INFO.as_metadata()
    values = json.loads(header["model"]) | {"stains": stains}
    header["model"] = json.dumps(values)

    with pytest.raises(CheckpointError, match="is damaged"):
        ModelInfo.from_metadata(header, "bad")


def test_a_level_for_seeds_says_nothing_of_their_prominence():
    header = INFO.as_metadata()
    values = json.loads(header["model"])
    values["instances"] = {"foreground_threshold": 0.4, "seed_threshold": 0.35}
    header["model"] = json.dumps(values)

    info = ModelInfo.from_metadata(header, "an older one")

    assert info.instances == InstanceOptions(foreground_threshold=0.4)


def test_an_unknown_way_to_read_nuclei_is_refused():
    header = INFO.as_metadata()
    header["model"] = header["model"].replace("seed_prominence", "seed_colour")

    with pytest.raises(CheckpointError, match=r"damaged.*seed_colour"):
        ModelInfo.from_metadata(header, "another one")


def test_weights_come_back_as_float16_holds_them(tmp_path):
    network = build_network("segnet", **SHAPE)
    path = tmp_path / "small.safetensors"

    save_checkpoint(path, network, INFO)
    loaded = load_network(path)

    assert not loaded.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().to(tensor.dtype))


def test_a_pickle_is_refused_and_not_run(tmp_path):
    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "attacked"), "w"))

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Attack()))

    with pytest.raises(CheckpointError, match="is not a model file"):
        load_network(path)
    assert not (tmp_path / "attacked").exists()


def test_another_programs_safetensors_is_refused(tmp_path):
    path = tmp_path / "foreign.safetensors"
    path.write_bytes(save({"weight": torch.zeros(3)}))

    with pytest.raises(CheckpointError, match="not a model of napari-monuseg"):
        read_info(path)


@pytest.mark.parametrize("length", [0, 5, 100, 2000])
def test_a_cut_file_is_one_sentence(checkpoint, length):
    checkpoint.write_bytes(checkpoint.read_bytes()[:length])

    with pytest.raises(CheckpointError):
        load_network(checkpoint)


def test_a_header_without_a_network_is_damaged(tmp_path):
    path = tmp_path / "model.safetensors"
    metadata = INFO.as_metadata()
    metadata["model"] = json.dumps({"name": "no network"})
    path.write_bytes(save({"weight": torch.zeros(1)}, metadata))

    with pytest.raises(CheckpointError, match="is damaged"):
        read_info(path)


def test_an_endless_header_is_not_read(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 2**62) + b"{")

    with pytest.raises(CheckpointError, match="is not a model file"):
        read_info(path)


def test_weights_of_another_shape_are_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    wider = build_network("segnet", widths=[4, 16], convolutions=[1, 1])
    save_checkpoint(path, wider, INFO)

    with pytest.raises(CheckpointError, match="do not fit the network it names"):
        load_network(path)


def test_weights_that_are_not_numbers_are_refused(checkpoint):
    weights = load_file(checkpoint)
    name = next(name for name in weights if name.endswith("weight"))
    weights[name] = torch.full_like(weights[name], torch.nan)
    checkpoint.write_bytes(save(weights, INFO.as_metadata()))

    with pytest.raises(CheckpointError, match="not numbers"):
        load_network(checkpoint)


def test_what_float16_cannot_hold_is_not_written(checkpoint):
    before = checkpoint.read_bytes()
    network = build_network("segnet", **SHAPE)
    next(network.parameters()).data[:] = 70_000

    with pytest.raises(TrainingError, match="lower learning rate"):
        save_checkpoint(checkpoint, network, INFO)

    assert checkpoint.read_bytes() == before
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]


def test_a_header_without_end_of_brackets_is_no_model(tmp_path):
    header = b'{"__metadata__": ' + 100_000 * b"["
    path = tmp_path / "deep.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)

    with pytest.raises(CheckpointError, match="is not a model file"):
        read_info(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="There is no model file"):
        read_info(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    "wrong",
    [
        {"pixel_size": 0},
        {"pixel_size": "0.25"},
        {"label_shift": ["a", "b"]},
        {"label_shift": [0.0, math.inf]},
        {"network_options": None},
        {"history": None},
        {"history": ["x", 3]},
        {"history": [{"step": 1, "loss": "low"}]},
        {"parameters": 10**400},
        {"instances": {"smallest_nucleus_um2": 1e308}},
        {"pixel_size": 10**400},
        {"instances": [1]},
        {
            "learned": [
                {
                    "place": {
                        "image": "a",
                        "image_shape": [9, 9],
                        "offset": [math.inf, 0],
                    },
                    "shape": [9, 9],
                    "mask": "",
                }
            ]
        },
    ],
)
def test_a_header_with_what_cannot_be_is_damaged(wrong):
    header = ModelInfo(name="tiny", network="segnet").as_metadata()
    header["model"] = json.dumps(json.loads(header["model"]) | wrong)

    with pytest.raises(CheckpointError, match="is damaged"):
        ModelInfo.from_metadata(header, "bad")
