"""Each image is scored by a model that never saw it."""

import json
import sys

import cross_validation
import pytest

from napari_monuseg.core.errors import DatasetError

ORGANS = {
    "a": "colon",
    "b": "liver",
    "c": "colon",
    "d": "liver",
    "e": "colon",
}


def test_each_image_is_held_out_once_and_learned_from_otherwise():
    splits = cross_validation.splits_of(ORGANS, 2)

    assert [split["held_out"] for split in splits] == [["a", "e", "d"], ["c", "b"]]
    assert [split["train"] for split in splits] == [["c", "b"], ["a", "e", "d"]]


@pytest.mark.parametrize("count", [1, 6])
def test_there_are_not_more_folds_than_images_and_not_one(count):
    with pytest.raises(DatasetError, match="choose from 2 to 5"):
        cross_validation.splits_of(ORGANS, count)


@pytest.fixture
def act(tissue_folder, tmp_path, monkeypatch):
    def act(*arguments):
        words = ["", str(tissue_folder), "--runs", str(tmp_path / "runs")]
        words += ["--folds", "2", "--json", str(tmp_path / "scores.json"), *arguments]
        monkeypatch.setattr(sys, "argv", words)
        return cross_validation.main()

    return act


def test_all_images_are_scored_and_no_model_is_trained_twice(act, tmp_path, capfd):
    recipe = ("--network", "segnet", "--train", "--steps 1 --batch 1 --crop 64")

    assert act(*recipe) == 0

    (report,) = json.loads((tmp_path / "scores.json").read_text())
    assert report["model"] == "segnet, 2 folds"
    assert sorted(row["name"] for row in report["images"]) == ["one", "three", "two"]
    assert "mean" in capfd.readouterr().out
    models = sorted((tmp_path / "runs").glob("*.safetensors"))
    assert len(models) == 2
    times = [model.stat().st_mtime_ns for model in models]
    assert act(*recipe) == 0
    assert [model.stat().st_mtime_ns for model in models] == times
    capfd.readouterr()
    assert act("--network", "segnet", "--train", "--steps 2 --batch 1 --crop 64") == 1
    assert "name another folder as --runs" in capfd.readouterr().err


def test_what_train_refuses_ends_it(act, tmp_path, capfd):
    assert act("--train", "--optimizer none") != 0

    assert "optimizer" in capfd.readouterr().err
    assert not (tmp_path / "scores.json").exists()
