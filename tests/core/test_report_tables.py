"""Tables of scores: what stands in them, read back from CSV, JSON and Markdown."""

import csv
import io
import json

import pytest

from napari_monuseg.core.report_tables import (
    COLUMNS,
    Groups,
    as_csv,
    as_markdown,
    as_records,
    table_rows,
)

HEADINGS = [
    *("loss", "accuracy", "precision", "recall", "F1", "AJI", "AJI+", "PQ", "DQ"),
    *("SQ", "true nuclei", "found nuclei", "legacy_dice"),
]


def scores(value, nuclei=10):
    """Scores that all have one value, and so many nuclei."""
    counts = {"true_nuclei": nuclei, "predicted_nuclei": nuclei + 1}
    return dict.fromkeys(COLUMNS, value) | counts


SCORES = {"a": scores(0.1), "b": scores(0.3), "c": scores(0.8, nuclei=13)}
GROUPS = Groups(
    organs={"a": "liver", "b": "colon", "c": "liver", "z": "lung"},
    parts={"test": ["c", "b", "c", "z"], "exam": ["z"]},
)


def of(rows, level):
    return {row.name: row for row in rows if row.level == level}


def test_organs_parts_and_the_mean_count_each_image_once():
    rows = table_rows(SCORES, GROUPS)

    assert list(of(rows, "image")) == ["a", "b", "c"]
    organs = of(rows, "organ")
    assert list(organs) == ["colon", "liver"]
    assert organs["liver"].images == 2
    assert organs["liver"].scores["aji"] == pytest.approx(0.45)
    parts = of(rows, "part")
    assert list(parts) == ["test"]
    assert (parts["test"].images, parts["test"].scores["loss"]) == (2, 0.55)
    mean = of(rows, "mean")["all"]
    assert mean.images == 3
    assert mean.scores["legacy_dice"] == pytest.approx(0.4)
    assert mean.scores["true_nuclei"] == 11


def test_without_groups_there_are_images_and_their_mean():
    levels = [row.level for row in table_rows(SCORES, Groups())]

    assert levels == ["image", "image", "image", "mean"]


def test_nothing_scored_makes_no_row():
    assert table_rows({}, GROUPS) == []
    assert as_records([], GROUPS)["mean"] is None


def test_the_csv_holds_every_row_of_every_model_with_all_digits():
    rows = table_rows({"a, b": scores(1 / 3)}, Groups())

    read = list(csv.reader(io.StringIO(as_csv({"unet": rows, "segnet": rows}))))

    assert read[0] == ["model", "level", "name", "images", *HEADINGS]
    assert [line[:4] for line in read[1:]] == [
        ["unet", "image", "a, b", "1"],
        ["unet", "mean", "all", "1"],
        ["segnet", "image", "a, b", "1"],
        ["segnet", "mean", "all", "1"],
    ]
    assert float(read[1][4]) == 1 / 3
    assert read[1][14:16] == ["10", "11"]


def test_json_holds_images_with_their_organ_and_every_mean():
    records = json.loads(json.dumps(as_records(table_rows(SCORES, GROUPS), GROUPS)))

    assert [image["organ"] for image in records["images"]] == [
        "liver",
        "colon",
        "liver",
    ]
    assert list(records["images"][0]) == ["name", "organ", *COLUMNS]
    assert records["organs"][1]["name"] == "liver"
    (part,) = records["parts"]
    assert (part["name"], part["images"], part["aji"]) == ("test", 2, 0.55)
    assert records["mean"]["dice"] == pytest.approx(0.4)


def test_the_markdown_table_has_a_cell_for_each_heading():
    rows = [(row.name, row) for row in table_rows({"a|b\r\nc": scores(0.25)}, Groups())]

    lines = as_markdown(rows, "image").splitlines()

    headings, rule, image, mean = (
        [cell.strip() for cell in line.replace("\\|", "/")[1:-1].split("|")]
        for line in lines
    )
    assert headings == ["image", *HEADINGS]
    assert len(rule) == len(headings)
    assert image == ["a/b c", *["0.250"] * 10, "10", "11", "0.250"]
    assert mean == ["all (1)", *["0.250"] * 10, "10.0", "11.0", "0.250"]
