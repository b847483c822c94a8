"""Which organ an image shows: MoNuSeg's as published, or as a file says."""

import json
from collections import Counter

import pytest

from napari_monuseg.core.datasets import read_split
from napari_monuseg.core.errors import DatasetError
from napari_monuseg.core.organs import MONUSEG, read_organs

SPLIT = read_split(MONUSEG.with_name("split.json"))


def test_monuseg_s_organs_are_those_of_the_published_table():
    organs = read_organs()

    assert Counter(organs.values()) == {
        **dict.fromkeys(("breast", "kidney", "liver", "prostate"), 6),
        **dict.fromkeys(("bladder", "colon", "stomach"), 2),
    }
    assert set(organs) == {stem for part in SPLIT.values() for stem in part}


def test_the_published_split_takes_as_many_images_of_each_organ():
    organs = read_organs()
    counts = {
        part: Counter(organs[stem] for stem in stems) for part, stems in SPLIT.items()
    }

    four = dict.fromkeys(("breast", "kidney", "liver", "prostate"), 4)
    assert counts["train"] + counts["validation"] == four
    assert counts["test_same_organ"] == dict.fromkeys(four, 2)
    assert counts["test_other_organ"] == dict.fromkeys(
        ("bladder", "colon", "stomach"), 2
    )


def test_a_file_of_one_s_own_is_read(tmp_path):
    path = tmp_path / "organs.json"
    path.write_text('{"a": "lung"}')

    assert read_organs(path) == {"a": "lung"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        (json.dumps(["a"]), "names no organs"),
        (json.dumps({"a": ["lung"]}), "names no organs"),
    ],
)
def test_another_file_is_refused_with_the_form(tmp_path, text, reason):
    path = tmp_path / "organs.json"
    path.write_text(text)

    with pytest.raises(DatasetError, match=rf"organs\.json {reason}.*it must read"):
        read_organs(path)
