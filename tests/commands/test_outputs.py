"""What appears while a command runs is spared, and nothing of the run is lost."""

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import tifffile
import typer

from napari_monuseg.commands import segment as segment_command
from napari_monuseg.commands.evaluate import evaluate
from napari_monuseg.commands.finetune import finetune
from napari_monuseg.commands.outputs import claimed, save_model
from napari_monuseg.commands.segment import segment
from napari_monuseg.commands.train import train
from napari_monuseg.core import training
from napari_monuseg.core.checkpoints import load_network, save_checkpoint
from napari_monuseg.core.errors import ExportError
from napari_monuseg.core.learned import Learned, Place
from napari_monuseg.core.lessons import Lesson
from napari_monuseg.core.model_info import read_info
from napari_monuseg.core.tiff_writing import write_labels

SMALL = {"steps": 1, "batch": 1, "crop": 64, "device": "cpu"}
OTHER = "Put there meanwhile."


def test_a_model_goes_beside_one_that_is_there(tmp_path):
    output = tmp_path / "m.safetensors"
    output.write_text(OTHER)
    (tmp_path / "m-2.safetensors").write_text(OTHER)

    def save(path):
        path.write_text("new")

    said = save_model(output, save, overwrite=False)
    assert said.endswith(f"the new model is {tmp_path / 'm-3.safetensors'}.")
    assert (tmp_path / "m-3.safetensors").read_text() == "new"
    assert output.read_text() == OTHER

    assert not save_model(output, save, overwrite=True)
    assert output.read_text() == "new"


def test_a_training_spares_a_model_that_appeared(tissue_folder, tmp_path, monkeypatch):
    output = tmp_path / "m.safetensors"
    take_step = training.train_step

    def step_and_write(*arguments):
        output.write_text(OTHER)
        return take_step(*arguments)

    monkeypatch.setattr(training, "train_step", step_and_write)

    with pytest.raises(ExportError, match=r"the new model is .*m-2\.safetensors"):
        train(tissue_folder, output, **SMALL)

    assert output.read_text() == OTHER
    assert read_info(tmp_path / "m-2.safetensors").name == "m-2"
    assert not (tmp_path / "m.training").exists()


def test_a_fine_tuning_spares_a_model_that_appeared(
    tissue, installed_model, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "m.safetensors"
    _write_corrections(tmp_path, tissue)
    learn = Lesson.train

    def learn_and_write(lesson):
        output.write_text(OTHER)
        return (yield from learn(lesson))

    monkeypatch.setattr(Lesson, "train", learn_and_write)

    with pytest.raises(typer.Exit) as ended:
        finetune(**_lesson(tmp_path, installed_model), output=output)

    assert ended.value.exit_code == 1
    assert "m-2.safetensors" in capsys.readouterr().err
    assert output.read_text() == OTHER
    assert read_info(tmp_path / "m-2.safetensors").parent == "tiny"


def _write_corrections(folder, tissue):
    tifffile.imwrite(folder / "image.tif", tissue[0], photometric="rgb")
    write_labels(folder / "labels.tif", tissue[1], pixel_size=0.25)


def _lesson(folder, model):
    return {
        "image": [folder / "image.tif"],
        "labels": [folder / "labels.tif"],
        "model": str(model),
        "steps": 1,
        "crop": 64,
        "device": "cpu",
        "pixel_size": 0.25,
    }


def test_labels_that_appeared_are_spared(
    tissue_folder, installed_model, tmp_path, monkeypatch, capsys
):
    output = tmp_path / "out"
    by_hand = np.ones((192, 192), np.int32)
    run = segment_command.run_with_bar

    def run_and_export(*arguments):
        result = run(*arguments)
        write_labels(output / "one_nuclei.tif", by_hand)
        return result

    monkeypatch.setattr(segment_command, "run_with_bar", run_and_export)
    image = tissue_folder / "images" / "one.tif"
    start = partial(segment, [image], output, str(installed_model), "cpu")

    with pytest.raises(typer.Exit):
        start()

    assert "is there already and may hold hand work" in capsys.readouterr().err
    start(overwrite=True)
    assert "one_nuclei.tif" in capsys.readouterr().out


def test_labels_are_told_when_their_picture_cannot_be_written(
    tissue_folder, installed_model, tmp_path, capsys
):
    image = tissue_folder / "images" / "one.tif"
    (tmp_path / "out" / "one_nuclei.png").mkdir(parents=True)

    with pytest.raises(typer.Exit):
        segment(
            [image],
            tmp_path / "out",
            str(installed_model),
            "cpu",
            overlay=True,
            overwrite=True,
        )

    said = capsys.readouterr()
    assert "one_nuclei.tif: " in said.out
    assert "one_nuclei.png cannot be written" in said.err


def test_two_trainings_of_one_model_do_not_mix(tissue_folder, tmp_path):
    """The second is another process, as it would be."""
    output = tmp_path / "m.safetensors"
    script = (
        "import sys; from pathlib import Path\n"
        "from napari_monuseg.commands.train import train\n"
        f"train(Path({str(tissue_folder)!r}), Path({str(output)!r}), steps=1)\n"
    )
    with claimed(output.with_suffix(".training"), output):
        (tmp_path / "m.training").write_text("of the first")
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        with (
            pytest.raises(ExportError, match="Another run is making"),
            claimed(output.with_suffix(".training"), output),
        ):
            pass

    assert "Another run is making" in done.stderr
    assert "wait for it, or give another name" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["m.training"]


def test_what_a_base_was_taught_and_may_be_used_for_stays(
    tissue_folder, installed_model, tmp_path
):
    place = Place(image="a", image_shape=(9, 9), offset=(0, 0))
    info = replace(
        read_info(installed_model),
        name="base",
        data="slides of a clinic",
        licence="CC BY-NC-SA 4.0",
        learned=(Learned.of(place, np.ones((4, 5), bool)),),
    )
    base = tmp_path / "base.safetensors"
    save_checkpoint(base, load_network(installed_model), info)

    train(tissue_folder, tmp_path / "a.safetensors", base=str(base), **SMALL)
    train(
        tissue_folder,
        tmp_path / "b.safetensors",
        base=str(base),
        licence="MIT",
        data="more",
        **SMALL,
    )
    choose = SMALL | {"steps": 0}
    train(tissue_folder, tmp_path / "c.safetensors", base=str(base), **choose)

    found = [read_info(tmp_path / f"{name}.safetensors") for name in "abc"]
    assert [one.licence for one in found] == ["CC BY-NC-SA 4.0", "MIT", info.licence]
    assert [one.data for one in found] == [
        f"slides of a clinic; 3 images of {tissue_folder.name}",
        "slides of a clinic; more",
        "slides of a clinic",
    ]
    assert [one.learned for one in found] == [info.learned] * 3
    assert found[2].description == "base, its thresholds chosen on 3 images"


@pytest.mark.parametrize(
    "content", ["mine", '{"mean": [0.5, 0.5, 0.5], "std": [1, 1, 1]}', "[]", "[1, 2]"]
)
def test_scores_replace_scores_alone(tissue_folder, installed_model, tmp_path, content):
    scores = tmp_path / "scores.json"
    scores.write_text(content)
    start = partial(
        evaluate, tissue_folder, [str(installed_model)], device="cpu", json_file=scores
    )

    with pytest.raises(ExportError, match="is there already and holds no scores"):
        start()
    assert scores.read_text() == content

    scores.write_text("")
    for _ in range(2):
        start()
    assert json.loads(scores.read_text())["mean"]["aji"] >= 0
