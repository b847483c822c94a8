"""The command line, as a user runs it: in a process of its own."""

import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from functools import partial
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import tifffile
import typer

from napari_monuseg.commands.segment import _check_output, _refuse_to_lose
from napari_monuseg.core.errors import ExportError, TrainingError
from napari_monuseg.core.progress import Progress
from napari_monuseg.core.samples import synthetic_tissue
from napari_monuseg.core.tiff_writing import write_labels


@pytest.fixture
def run(installed_model, user_models, tmp_path):
    """Return a function that runs ``napari-monuseg ARGUMENTS`` in `tmp_path`."""

    def run_command(*arguments, expect=0, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "napari_monuseg", *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"NAPARI_MONUSEG_MODELS": str(user_models)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, done.stderr
        assert "Traceback" not in done.stderr
        return done

    return run_command


def test_segment_writes_labels_of_the_images_size_and_an_overlay(
    run, tissue_folder, tmp_path
):
    images = [tissue_folder / "images" / f"{name}.tif" for name in ("one", "two")]

    done = run("segment", *images, "--model", "tiny", "--output", "out", "--overlay")

    labels = tifffile.imread(tmp_path / "out" / "one_nuclei.tif")
    assert labels.shape == (192, 192)
    assert labels.dtype == np.uint16
    assert labels.max() > 10
    assert (tmp_path / "out" / "two_nuclei.png").stat().st_size > 10_000
    assert f"{labels.max()} nuclei" in done.stdout


def test_a_bad_file_is_one_sentence_and_the_others_still_run(
    run, tissue_folder, tmp_path
):
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 not an image")
    good = tissue_folder / "images" / "one.tif"

    done = run("segment", bad, good, "--model", "tiny", "--output", "out", expect=1)

    assert (tmp_path / "out" / "one_nuclei.tif").exists()
    assert not (tmp_path / "out" / "bad_nuclei.tif").exists()
    sentences = [line for line in done.stderr.splitlines() if "bad.tif" in line]
    assert len(sentences) == 1


def test_a_folder_stands_for_its_images(run, tissue_folder, tmp_path):
    (tmp_path / "empty").mkdir()
    shutil.copytree(tissue_folder / "images", tmp_path / "in")
    shutil.copy(tissue_folder / "labels" / "one.tif", tmp_path / "in" / "readme.txt")
    asked = ("segment", "empty", "in", "--model", "tiny", "--output", "in")

    done = run(*asked, expect=1)

    assert "empty has no tissue image; name one of its folders, or" in done.stderr
    written = sorted(path.name for path in (tmp_path / "in").glob("*_nuclei.tif"))
    assert written == ["one_nuclei.tif", "three_nuclei.tif", "two_nuclei.tif"]
    again = run(*asked, expect=1)  # what was written is no image
    assert again.stderr.count("is there already and may hold hand work") == 3


def test_a_link_to_itself_is_one_sentence(run, tissue_folder, tmp_path):
    (tmp_path / "loop.tif").symlink_to("loop.tif")
    image = tissue_folder / "images" / "one.tif"
    (tmp_path / "linked").symlink_to(tissue_folder / "images")
    again = Path("linked", "one.tif")  # the same once more
    asked = ("segment", "loop.tif", image, again, "--model", "tiny")

    done = run(*asked, "--output", "out", expect=1)

    assert "Traceback" not in done.stderr
    assert sum("loop.tif" in line for line in done.stderr.splitlines()) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["one_nuclei.tif"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_output_is_one_sentence():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "napari_monuseg", "models"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert "(No space left on device)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_model_is_told_before_others_are_scored(
    run, tissue_folder, user_models, tmp_path
):
    cut = (user_models / "tiny.safetensors").read_bytes()[:-100]
    (tmp_path / "cut.safetensors").write_bytes(cut)
    models = ("--model", "tiny", "--model", "cut.safetensors")

    done = run("evaluate", tissue_folder, *models, expect=1)

    assert "cut.safetensors is damaged" in done.stderr
    assert "tiny" not in done.stderr  # no bar of it


def test_images_beside_a_folder_of_images_are_named(run, tissue_folder, tmp_path):
    shutil.copytree(tissue_folder, tmp_path / "in")
    shutil.copy(tissue_folder / "images" / "one.tif", tmp_path / "in" / "four.tif")

    done = run("segment", "in", "--model", "tiny", "--output", "out")

    assert "1 image in in, beside its folder of images, left out, four.tif" in (
        done.stderr
    )
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_two_images_of_one_name_are_refused_before_any_work(
    run, tissue_folder, tmp_path
):
    image = tissue_folder / "images" / "one.tif"
    copy = tmp_path / "one.png"
    shutil.copy(image, copy)

    done = run("segment", image, copy, "--model", "tiny", "--output", "out", expect=1)

    assert "Two images are named one" in done.stderr


def test_names_that_differ_in_case_alone_are_refused_as_well(run, tmp_path):
    done = run("segment", "a/X.tif", "b/x.tif", "--output", "out", expect=1)

    assert "Two images are named X" in done.stderr


def test_labels_that_are_there_are_replaced_only_when_asked(
    run, tissue_folder, tmp_path
):
    one, two = (tissue_folder / "images" / f"{name}.tif" for name in ("one", "two"))
    corrected = tmp_path / "out" / "one_nuclei.tif"
    corrected.parent.mkdir()
    write_labels(corrected, np.ones((192, 192), np.int32))
    asked = ("segment", one, two, "--model", "tiny", "--output", "out")

    refused = run(*asked, expect=1)

    assert "one_nuclei.tif is there already" in refused.stderr
    assert tifffile.imread(corrected).max() == 1
    assert (tmp_path / "out" / "two_nuclei.tif").exists()

    run(*asked, "--overwrite")
    assert tifffile.imread(corrected).max() > 10


def test_no_result_takes_the_place_of_an_image(tmp_path):
    image, mask = tmp_path / "a.tif", tmp_path / "A_nuclei.png"

    _check_output([image, mask], tmp_path, overlay=False)
    with pytest.raises(ExportError, match=r"would replace a_nuclei\.png"):
        _check_output([image, mask], tmp_path, overlay=True)
    with pytest.raises(ExportError, match=r"a\.tif would replace a_nuclei\.tif"):
        _check_output([image, tmp_path / "a_nuclei.tif"], tmp_path, overlay=False)


def test_a_picture_that_is_there_is_replaced_only_when_asked(tmp_path):
    image, drawn = tmp_path / "a.tif", tmp_path / "a_nuclei.png"
    image.touch()
    drawn.touch()

    refuse = partial(_refuse_to_lose, image, tmp_path)
    refuse(overlay=False, overwrite=False)
    with pytest.raises(ExportError, match=r"a_nuclei\.png is there already"):
        refuse(overlay=True, overwrite=False)
    refuse(overlay=True, overwrite=True)


def test_what_is_not_of_this_program_is_not_even_replaced_when_asked(tmp_path):
    image, other = tmp_path / "a.tif", tmp_path / "a_nuclei.tif"
    image.touch()
    tifffile.imwrite(other, np.zeros((64, 64, 3), np.uint8))

    with pytest.raises(ExportError, match="was not written by this program"):
        _refuse_to_lose(image, tmp_path, overlay=False, overwrite=True)


def test_a_name_that_is_too_long_is_one_sentence(tmp_path):
    image = tmp_path / f"{'x' * 250}.tif"
    image.touch()

    with pytest.raises(ExportError, match=r"cannot be written .*; give the image a"):
        _refuse_to_lose(image, tmp_path, overlay=False, overwrite=False)


def test_an_image_that_cannot_be_looked_for_is_one_sentence(run):
    done = run("segment", "x" * 300, "--model", "tiny", "--output", "out", expect=1)

    assert len(done.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_to_is_told_before_any_work(
    tmp_path, monkeypatch
):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(ExportError, match="cannot be written to"):
        _check_output([tmp_path / "a.tif"], tmp_path / "out", overlay=False)


def test_labels_are_not_taken_for_tissue(run, tmp_path):
    write_labels(tmp_path / "x_nuclei.tif", np.ones((192, 192), np.int32))

    done = run(
        *("segment", "x_nuclei.tif", "--model", "tiny", "--output", "out"), expect=1
    )

    assert "x_nuclei.tif holds labels that this program wrote" in done.stderr
    assert not (tmp_path / "out" / "x_nuclei_nuclei.tif").exists()


def test_a_name_that_the_console_cannot_show_stops_nothing(
    run, tissue_folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("PYTHONIOENCODING", "cp1252")
    shutil.copy(tissue_folder / "images" / "one.tif", tmp_path / "Łęk.tif")

    asked = ("segment", "Łęk.tif", "--model", "tiny", "--output", "out")
    done = run(*asked, "--pixel-size", "0.25")

    assert r"\u0141\u0119k_nuclei.tif" in done.stdout
    assert (tmp_path / "out" / "Łęk_nuclei.tif").exists()


def test_evaluate_prints_a_table_and_writes_json(run, tissue_folder, tmp_path):
    done = run("evaluate", tissue_folder, "--model", "tiny", "--json", "scores.json")

    scores = json.loads((tmp_path / "scores.json").read_text())
    assert {row["name"] for row in scores["images"]} == {"one", "two", "three"}
    assert scores["mean"]["dice"] > 0.7
    assert f"{scores['mean']['dice']:.3f}" in done.stdout.splitlines()[-1]
    # So small a piece of tissue shows too few nuclei, or enough: either is said.
    told = {**scores["guessed_pixel_sizes"], **scores["assumed_pixel_sizes"]}
    assert told.keys() == {"one", "two", "three"}
    assert done.stderr.count("does not state its pixel size; ") == 3


def test_evaluate_scores_only_the_part_of_a_split(run, tissue_folder, tmp_path):
    parts = {"train": ["one", "two"], "test": ["three"], "none": []}
    (tmp_path / "split.json").write_text(json.dumps(parts))

    done = run(
        *("evaluate", tissue_folder, "--model", "tiny"),
        *("--split", "split.json", "--part", "test"),
    )
    empty = run(
        *("evaluate", tissue_folder, "--model", "tiny"),
        *("--split", "split.json", "--part", "none"),
        expect=1,
    )
    wrong = run(
        *("evaluate", tissue_folder, "--model", "tiny"),
        *("--split", "split.json", "--part", "exam"),
        expect=1,
    )

    assert "three" in done.stdout
    assert "one" not in done.stdout
    assert "split.json names no image in none" in empty.stderr
    assert "has no part 'exam'; it has train, test, none" in wrong.stderr


def test_evaluate_says_what_has_no_truth(run, tissue_folder, tmp_path):
    folder = tmp_path / "folder"
    shutil.copytree(tissue_folder, folder)
    (folder / "labels" / "two.tif").unlink()
    (tmp_path / "split.json").write_text('{"test": ["three"]}')

    part = run("evaluate", folder, "--model", "tiny", "--split", "split.json")
    whole = run("evaluate", folder, "--model", "tiny", expect=1)

    assert "two" not in part.stderr
    assert "two.tif has no true nuclei beside it and is left out" in whole.stderr
    assert "one" in whole.stdout
    assert "three" in whole.stdout


def test_evaluate_scores_several_models(run, tissue_folder, user_models, tmp_path):
    shutil.copy(user_models / "tiny.safetensors", user_models / "small.safetensors")
    (tmp_path / "split.json").write_text('{"test": ["three"]}')

    done = run(
        *("evaluate", tissue_folder, "--model", "tiny", "--model", "small"),
        *("--split", "split.json", "--json", "scores.json"),
    )

    tiny, small = json.loads((tmp_path / "scores.json").read_text())
    assert (tiny["model"], small["model"]) == ("tiny", "small")
    assert tiny["images"] == small["images"]
    assert {"tiny", "small"} <= set(done.stdout.splitlines())
    assert done.stdout.count("three") == 2


def test_nuclei_are_read_as_asked(run, tissue_folder, tmp_path):
    (tmp_path / "split.json").write_text('{"test": ["three"]}')
    image = tissue_folder / "images" / "one.tif"
    segmented = ("segment", image, "--model", "tiny", "--output", "out")
    evaluated = ("evaluate", tissue_folder, "--model", "tiny", "--split", "split.json")

    none = run(*segmented, "--smallest-nucleus", 1e6)
    run(
        *(*evaluated, "--foreground-threshold", 1),
        *("--json", "scores.json", "--report", "report"),
    )
    wrong = run(*evaluated, "--seed-prominence", 1.5, expect=2)

    assert ": 0 nuclei" in none.stdout
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["mean"]["predicted_nuclei"] == 0
    assert scores["asked"] == {"foreground_threshold": 1}
    page = (tmp_path / "report" / "report.md").read_text()
    assert "with foreground_threshold 1.0." in page
    assert "Invalid value for '--seed-prominence'" in wrong.stderr


def test_evaluate_writes_a_report(run, tissue_folder, tmp_path):
    folder = tmp_path / "folder"
    shutil.copytree(tissue_folder, folder)
    (folder / "images" / "two.tif").write_bytes(b"broken")
    (tmp_path / "split.json").write_text('{"test": ["three", "two"]}')
    (tmp_path / "organs.json").write_text('{"three": "liver"}')

    done = run(
        *("evaluate", folder, "--model", "tiny", "--split", "split.json"),
        *("--report", "out/report", "--organs", "organs.json"),
        expect=1,
    )

    report = tmp_path / "out" / "report"
    page = (report / "report.md").read_text()
    assert "three" in done.stdout
    assert "| part test (1) |" in page
    assert "| organ liver (1) |" in page
    assert "- two: " in page
    with (report / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["level"] for row in rows] == ["image", "organ", "part", "mean"]
    assert 0 < float(rows[0]["loss"]) < 1
    assert (report / "tiny" / "nuclei" / "three.png").stat().st_size > 10_000
    assert (report / "tiny" / "training.png").exists()


def test_evaluate_refuses_a_report_it_cannot_write_and_organs_without_one(
    run, tissue_folder, tmp_path
):
    (tmp_path / "taken").write_text("a file")
    evaluate = ("evaluate", tissue_folder, "--model", "tiny")

    taken = run(*evaluate, "--report", "taken", expect=1)
    alone = run(*evaluate, "--organs", "organs.json", expect=1)

    assert "The folder taken cannot be made" in taken.stderr.splitlines()[-1]
    assert "--organs" in alone.stderr


def test_evaluate_reports_a_broken_image_and_scores_the_rest(
    run, tissue_folder, tmp_path
):
    folder = tmp_path / "folder"
    shutil.copytree(tissue_folder, folder)
    (folder / "images" / "two.tif").write_bytes(b"broken")

    done = run("evaluate", folder, "--model", "tiny", expect=1)

    assert "three" in done.stdout
    assert "two" in done.stderr


def test_train_makes_a_model_that_segments(run, tissue_folder, tmp_path):
    (tmp_path / "new.log").write_text("mine\n")
    run(
        *("train", tissue_folder, "--network", "unet", "--output", "new.safetensors"),
        *("--steps", "2", "--device", "cpu", "--licence", "CC0"),
    )
    image = tissue_folder / "images" / "one.tif"
    run("segment", image, "--model", "new.safetensors", "--output", "out")

    assert (tmp_path / "out" / "one_nuclei.tif").exists()
    log = (tmp_path / "new.log").read_text()
    assert log.startswith("mine\n")  # nothing says that it can be spared
    assert "step      2" in log
    assert not (tmp_path / "new.training").exists()


def test_train_matches_stains_unless_told_otherwise(run, tissue_folder, tmp_path):
    from napari_monuseg.core.model_info import read_info

    def stains(name, *arguments):
        steps = ("--steps", "1", "--device", "cpu", "--crop", "64")
        run("train", tissue_folder, "--output", name, *steps, *arguments)
        return read_info(tmp_path / name).stains

    own = stains("own.safetensors")
    assert own.strength == 0.7
    assert stains("no.safetensors", "--stain-normalisation", "0") is None
    # A base keeps to its own, whatever the images are.
    assert stains("on.safetensors", "--base", "own.safetensors") == own
    assert stains("off.safetensors", "--base", "no.safetensors") is None


def test_images_are_scored_at_the_pixel_size_that_is_told(run, tissue_folder, tmp_path):
    found = {}
    for size in (0.25, 0.5):
        table = tmp_path / "sizes.json"
        table.write_text(json.dumps(dict.fromkeys(("one", "two", "three"), size)))
        scores = tmp_path / "scores.json"
        run(
            *("evaluate", tissue_folder, "--model", "tiny", "--pixel-sizes", table),
            *("--json", scores),
        )
        found[size] = json.loads(scores.read_text())["mean"]["aji"]

    # Were the table not read, both runs would be the same to the last digit.
    assert found[0.25] != found[0.5]


def test_without_steps_and_a_base_nothing_is_trained(run, tissue_folder, tmp_path):
    done = run(
        *("train", tissue_folder, "--output", "new.safetensors", "--steps", "0"),
        expect=1,
    )

    assert "name the model whose thresholds are to be chosen as --base" in done.stderr
    assert list(tmp_path.glob("new.*")) == []


def test_a_log_that_cannot_be_written_is_one_sentence(run, tissue_folder, tmp_path):
    (tmp_path / "new.log").mkdir()

    done = run("train", tissue_folder, "--output", "new.safetensors", expect=1)

    assert "new.log cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_train_refuses_what_is_no_table_of_pixel_sizes(run, tissue_folder, tmp_path):
    sizes = tmp_path / "sizes.json"
    sizes.write_text('{"one": "half"}')

    told = ("--output", "new.safetensors", "--pixel-sizes", sizes)
    done = run("train", tissue_folder, *told, expect=1)

    assert "sizes.json names no pixel sizes" in done.stderr


@pytest.mark.parametrize("given", ["1.5", "-0.1", "nan", "half"])
def test_thresholds_lie_between_0_and_1(run, given):
    asked = ("segment", "a.tif", "--output", "out", "--foreground-threshold", given)

    assert f"{given} is no number from 0 to 1." in run(*asked, expect=2).stderr


@pytest.mark.parametrize(
    "command", ["segment", "evaluate", "train", "finetune", "models"]
)
def test_names_of_options_are_told_whole_in_a_narrow_terminal(run, command):
    told = run(command, "--help", COLUMNS="80").stdout

    names = [line.split()[1:3] for line in told.splitlines() if " --" in line]
    assert names
    assert not any("…" in part for name in names for part in name if "--" in part)


def test_the_version_is_told(run):
    told = run("--version").stdout

    assert told == f"napari-monuseg {metadata.version('napari-monuseg')}\n"


def test_a_guessed_pixel_size_is_said(run, tmp_path):
    image = tmp_path / "one.tif"
    tifffile.imwrite(image, synthetic_tissue((512, 512))[0])

    guessed = run("segment", image, "--model", "tiny", "--output", "out")
    told = run(
        *("segment", image, "--model", "tiny", "--output", "told"),
        *("--pixel-size", "0.25"),
    )

    assert "one.tif does not state its pixel size; 0.25 µm/px was guessed" in (
        guessed.stderr
    )
    assert "guessed" not in told.stderr


def test_colours_that_are_not_those_of_h_and_e_are_said(run, tmp_path):
    tissue = synthetic_tissue((256, 256))[0]
    tifffile.imwrite(tmp_path / "usual.tif", tissue)
    tifffile.imwrite(tmp_path / "night.tif", 255 - tissue)

    done = run("segment", "usual.tif", "night.tif", "--model", "unet", "--output", "o")

    assert done.stderr.count("are not those of H&E") == 1
    assert "The colours of night are not" in done.stderr


def test_nothing_is_guessed_where_there_are_no_nuclei(run, tmp_path):
    tifffile.imwrite(tmp_path / "white.tif", np.full((64, 64, 3), 245, np.uint8))

    done = run("segment", "white.tif", "--model", "tiny", "--output", "out")

    assert "0 nuclei" in done.stdout
    assert "0.25 µm/px was assumed, with too few nuclei to guess from" in done.stderr


def test_an_earlier_report_in_the_folder_is_said(run, tissue_folder, tmp_path):
    split = tmp_path / "split.json"
    split.write_text('{"all": ["one", "two"], "first": ["one"]}')
    both = ("evaluate", tissue_folder, "--model", "tiny", "--split", split)

    first = run(*both, "--part", "all", "--report", "report")
    second = run(*both, "--part", "first", "--report", "report")

    assert "earlier" not in first.stderr
    assert "still holds 3 figures of an earlier report, such as" in second.stderr


def test_a_pixel_size_given_stands_in_for_one_that_cannot_be_used(
    run, tissue_folder, tmp_path
):
    rgb = tifffile.imread(tissue_folder / "images" / "one.tif")
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}
    tifffile.imwrite(tmp_path / "oblong.ome.tif", rgb, metadata=metadata)
    asked = ("segment", "oblong.ome.tif", "--model", "tiny", "--output", "out")

    refused = run(*asked, expect=1)
    run(*asked, "--pixel-size", "0.25")

    assert "give the pixel size by hand" in refused.stderr


def test_train_starts_from_another_model_and_keeps_its_thresholds(
    run, tissue_folder, tmp_path
):
    from napari_monuseg.core.model_info import read_info

    run(
        *("train", tissue_folder, "--base", "tiny", "--output", "next.safetensors"),
        *("--steps", "2", "--device", "cpu"),
    )

    info = read_info(tmp_path / "next.safetensors")
    assert info.parent == "tiny"
    assert info.network == "segnet"
    assert info.instances.seed_prominence == 0.2


def test_train_starts_from_the_encoder_of_another_network(run, tissue_folder, tmp_path):
    from napari_monuseg.core.model_info import read_info
    from napari_monuseg.core.networks import RECOMMENDED

    steps = ("--steps", "1", "--device", "cpu")
    unet, deeplab = "u.safetensors", "d.safetensors"
    run("train", tissue_folder, "--network", "unet", "--output", unet, *steps)
    network = ("--network", "deeplabv3plus")
    run("train", tissue_folder, *network, "--base", unet, "--output", deeplab, *steps)

    info = read_info(tmp_path / deeplab)
    assert (info.network, info.parent) == ("deeplabv3plus", "u")
    assert info.network_options == RECOMMENDED["deeplabv3plus"]
    # What is not asked for is the network's own recipe.
    crops = [read_info(tmp_path / model).recipe["crop"] for model in (unet, deeplab)]
    assert crops == [256, 384]

    segnet = ("--network", "segnet", "--base", unet, "--output", "s.safetensors")
    refused = run("train", tissue_folder, *segnet, *steps, expect=1)
    assert "encoders of the two networks differ" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--output", "model.pt"], "must end in .safetensors"),
        (["--output", "nowhere/model.safetensors"], "make it first"),
        (["--output", "m.safetensors", "--resume"], "no training to resume"),
        (["--output", "m.safetensors", "--base", "none"], "There is no model 'none'"),
        (["--output", "m.safetensors", "--network", "vnet"], "no network 'vnet'"),
        (["--output", "m.safetensors", "--crop", "250"], "give a multiple of 16 px"),
    ],
)
def test_train_refuses_what_would_fail_later(run, tissue_folder, arguments, sentence):
    done = run("train", tissue_folder, *arguments, expect=1)

    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2


@pytest.mark.parametrize(
    "option", ["--steps=-1", "--minutes=0", "--batch=0", "--learning-rate=-1"]
)
def test_train_refuses_numbers_that_make_no_sense(run, tissue_folder, option):
    done = run("train", tissue_folder, "--output", "m.safetensors", option, expect=2)

    assert f"Invalid value for '{option.split('=')[0]}'" in done.stderr


def test_train_does_not_run_over_an_unfinished_training(run, tissue_folder, tmp_path):
    (tmp_path / "m.training").write_bytes(b"")

    done = run("train", tissue_folder, "--output", "m.safetensors", expect=1)

    assert "give --resume" in done.stderr


@pytest.mark.usefixtures("ctrl_c")
def test_a_training_that_is_interrupted_says_how_to_go_on(
    tissue_folder, tmp_path, monkeypatch, capsys
):
    from napari_monuseg.commands.train import train
    from napari_monuseg.core import training

    take_step = training.train_step

    def step_and_press_ctrl_c(*arguments):
        taken = take_step(*arguments)
        signal.raise_signal(signal.SIGINT)
        return taken

    monkeypatch.setattr(training, "train_step", step_and_press_ctrl_c)
    output = tmp_path / "m.safetensors"
    small = {"steps": 2, "batch": 1, "crop": 64, "device": "cpu"}

    with pytest.raises(typer.Exit) as ended:
        train(tissue_folder, output, **small)

    assert ended.value.exit_code == 130
    state = tmp_path / "m.training"
    assert f"Stopped; the same command with --resume goes on from {state}" in (
        capsys.readouterr().err
    )
    monkeypatch.setattr(training, "train_step", take_step)
    train(tissue_folder, output, **small, resume=True)
    assert "2 steps" in capsys.readouterr().out
    assert not state.exists()


@pytest.mark.usefixtures("ctrl_c")
def test_a_training_that_is_interrupted_before_the_first_step_keeps_nothing(
    tissue_folder, tmp_path, monkeypatch, capsys
):
    from napari_monuseg.commands.train import train
    from napari_monuseg.core import training

    def press_ctrl_c(*_):
        signal.raise_signal(signal.SIGINT)
        yield Progress(message="Looking")

    monkeypatch.setattr(training, "_reference", press_ctrl_c)

    with pytest.raises(typer.Exit):
        train(tissue_folder, tmp_path / "m.safetensors", device="cpu")

    assert "nothing was kept" in capsys.readouterr().err


def test_models_lists_names_with_what_they_are(run):
    done = run("models")

    (line,) = [line for line in done.stdout.splitlines() if line.startswith("tiny")]
    assert "own" in line
    assert "BSD-3-Clause" in line
    assert "synthetic tissue" in line


def test_a_missing_folder_is_one_sentence(run):
    done = run("evaluate", "nowhere", "--model", "tiny", expect=1)

    assert "nowhere" in done.stderr


def test_finetune_teaches_and_judges(run, tissue_folder, tmp_path):
    from napari_monuseg.core.model_info import read_info

    images, labels = tissue_folder / "images", tissue_folder / "labels"
    done = run(
        *("finetune", "--model", "tiny", "--output", "taught.safetensors"),
        *("--image", images / "one.tif", "--labels", labels / "one.tif"),
        *("--image", images / "two.tif", "--labels", labels / "two.tif"),
        *("--steps", "2", "--crop", "96", "--device", "cpu"),
    )

    assert "AJI" in done.stdout
    info = read_info(tmp_path / "taught.safetensors")
    assert (info.name, info.parent) == ("taught", "tiny")
    assert "one, two" in info.data


@pytest.fixture
def stop_finetune(installed_model, tissue_folder, tmp_path, monkeypatch):
    """Return a function that fine-tunes and presses Ctrl-C as a method is called."""
    from napari_monuseg.commands.finetune import finetune

    def stop_in(owner, name, *, call=1, **options):
        method, calls = getattr(owner, name), itertools.count(1)

        def press_and_go_on(*arguments, **others):
            if next(calls) == call:
                signal.raise_signal(signal.SIGINT)
            return method(*arguments, **others)

        monkeypatch.setattr(owner, name, press_and_go_on)
        small = {"model": "tiny", "steps": 4, "crop": 96, "device": "cpu"}
        with pytest.raises(typer.Exit) as ended:
            finetune(
                image=[tissue_folder / "images" / "one.tif"],
                labels=[tissue_folder / "labels" / "one.tif"],
                output=tmp_path / "taught.safetensors",
                **small | options,
            )
        return ended.value.exit_code

    return stop_in


@pytest.mark.usefixtures("ctrl_c")
def test_finetune_that_is_interrupted_judges_and_writes_the_best_so_far(
    stop_finetune, tmp_path, capsys
):
    from napari_monuseg.core.learner import Learner
    from napari_monuseg.core.model_info import read_info

    assert stop_finetune(Learner, "step", call=2) == 130

    info = read_info(tmp_path / "taught.safetensors")
    assert info.recipe["steps"] == 2
    assert 0 < info.recipe["best_step"] <= 2
    said = capsys.readouterr().out
    assert "AJI" in said
    assert "2 steps" in said


@pytest.mark.usefixtures("ctrl_c")
def test_finetune_whose_comparison_is_interrupted_writes_what_it_learned(
    stop_finetune, tmp_path, capsys
):
    from napari_monuseg.core.lessons import Lesson
    from napari_monuseg.core.model_info import read_info

    assert stop_finetune(Lesson, "_judge_on") == 130

    info = read_info(tmp_path / "taught.safetensors")
    assert info.recipe["steps"] == 4
    assert not info.scores["held out"]["changes"]
    assert "AJI" not in capsys.readouterr().out


@pytest.mark.usefixtures("ctrl_c")
def test_finetune_that_is_interrupted_before_it_learned_anything_writes_nothing(
    stop_finetune, tmp_path, capsys
):
    from napari_monuseg.core.lessons import Lesson

    assert stop_finetune(Lesson, "_hold_out") == 130

    assert not (tmp_path / "taught.safetensors").exists()
    assert "nothing better than the model before" in capsys.readouterr().err


@pytest.mark.usefixtures("installed_model")
def test_what_was_learned_is_kept_when_it_cannot_be_judged(
    tissue_folder, tmp_path, monkeypatch
):
    from napari_monuseg.commands.finetune import finetune
    from napari_monuseg.core.errors import DeviceError
    from napari_monuseg.core.lessons import Lesson
    from napari_monuseg.core.model_info import read_info

    def starved(*_):
        raise DeviceError("The computer's memory is too small.")

    monkeypatch.setattr(Lesson, "_judge_on", starved)
    output = tmp_path / "taught.safetensors"
    facts = {
        "image": [tissue_folder / "images" / "one.tif"],
        "labels": [tissue_folder / "labels" / "one.tif"],
        "model": "tiny",
        "steps": 1,
        "crop": 96,
        "device": "cpu",
    }

    with pytest.raises(TrainingError, match="too small"):
        finetune(**facts, output=output)
    with pytest.raises(TrainingError, match="too small"):
        finetune(**facts, output=tmp_path / "better.safetensors", only_if_better=True)

    assert read_info(output).scores["held out"]["changes"] == {}
    assert not (tmp_path / "better.safetensors").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("train", "TISSUE"),
        ("finetune", "--model", "tiny", "--image", "IMAGE", "--labels", "LABELS"),
    ],
)
def test_a_model_that_is_there_is_replaced_only_when_asked(
    run, tissue_folder, tmp_path, command
):
    model = tmp_path / "mine.safetensors"
    model.write_bytes(b"hours of work")
    names = {
        "TISSUE": tissue_folder,
        "IMAGE": tissue_folder / "images" / "one.tif",
        "LABELS": tissue_folder / "labels" / "one.tif",
    }
    asked = [names.get(part, part) for part in command]

    done = run(*asked, "--output", "mine.safetensors", expect=1)

    assert "mine.safetensors is there already; give --overwrite" in done.stderr
    assert model.read_bytes() == b"hours of work"
    assert not (tmp_path / "mine.log").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--output", "taught.pt"], "must end in .safetensors"),
        (["--output", "no/taught.safetensors"], "folder that exists"),
        (
            ["--output", "t.safetensors", "--reviewed", "a", "--reviewed", "b"],
            "or none",
        ),
        (["--output", "t.safetensors", "--frozen", "all"], "choose one of nothing"),
        (["--output", "t.safetensors", "--crop", "98"], "give a multiple of 4 px"),
    ],
)
def test_finetune_refuses_in_one_sentence(run, tissue_folder, arguments, sentence):
    image = tissue_folder / "images" / "one.tif"
    labels = tissue_folder / "labels" / "one.tif"

    done = run(
        *("finetune", "--model", "tiny", "--image", image, "--labels", labels),
        *arguments,
        expect=1,
    )

    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
