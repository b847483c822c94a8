"""Rounds are read off the models, and say whether another one is worth it."""

import pytest

from napari_monuseg.core.checkpoints import load_network
from napari_monuseg.core.errors import CheckpointError
from napari_monuseg.core.model_info import ModelInfo
from napari_monuseg.core.registry import find_model
from napari_monuseg.core.rounds import Round, advise, rounds_of
from napari_monuseg.core.user_models import delete_model, rename_model, save_model


def add_round(base, name, parent, *, corrections, before, after):
    info = ModelInfo(
        name=name,
        network="segnet",
        network_options=base.info.network_options,
        parent=parent,
        recipe={"areas": 2, "nuclei": 90, "corrections_per_100": corrections},
        scores={
            "held out": {
                "verdict": "better",
                "changes": {"aji": {"before": before, "after": after}},
            }
        },
    )
    save_model(name, load_network(base.path), info)


@pytest.fixture
def taught(installed_model):
    """Give a model of two rounds, and the one before it."""
    base = find_model("tiny")
    add_round(base, "first", "tiny", corrections=40, before=0.5, after=0.55)
    add_round(base, "second", "first", corrections=20, before=0.55, after=0.6)
    return find_model("second")


def test_a_model_that_was_not_taught_has_no_rounds(installed_model):
    assert rounds_of(find_model("tiny")) == []
    assert advise([]) == ""


def test_rounds_are_told_from_the_first_to_the_last(taught):
    rounds = rounds_of(taught)

    assert [(one.parent, one.model) for one in rounds] == [
        ("tiny", "first"),
        ("first", "second"),
    ]
    assert [one.corrections for one in rounds] == [40, 20]
    assert rounds[-1].after == 0.6


def test_a_renamed_ancestor_stays_in_the_story(taught):
    rename_model(find_model("first"), "the very first")

    rounds = rounds_of(find_model("second"))

    assert [one.model for one in rounds] == ["the very first", "second"]
    assert rounds[1].parent == "the very first"


def test_a_damaged_model_is_in_no_other_s_way(taught):
    second = find_model("second").path
    second.write_bytes(second.read_bytes()[:-100])

    rename_model(find_model("first"), "another")

    assert find_model("another").info.parent == "tiny"
    with pytest.raises(CheckpointError):
        find_model("first")


@pytest.mark.parametrize(
    "judged", [[1], {"changes": 3}, {"nuclei": "many"}, {"nuclei": float("inf")}]
)
def test_what_another_program_says_of_a_round_is_no_hindrance(taught, judged):
    odd = ModelInfo(
        name="odd",
        network="segnet",
        network_options=taught.info.network_options,
        parent="second",
        scores={"held out": judged},
    )
    save_model("odd", load_network(taught.path), odd)

    assert [one.model for one in rounds_of(find_model("odd"))] == ["first", "second"]


def test_a_deleted_ancestor_ends_the_story(taught):
    delete_model(find_model("first"))

    assert [one.model for one in rounds_of(taught)] == ["second"]


def one_round(corrections, before=0.6, after=0.6):
    return Round(
        model="m",
        parent="p",
        date="",
        areas=1,
        nuclei=100,
        corrections=corrections,
        judged=60,
        before=before,
        after=after,
        verdict="unclear",
    )


@pytest.mark.parametrize(
    ("first", "second", "sentence"),
    [
        (one_round(40), one_round(20), "The effort falls"),
        (one_round(20), one_round(20, 0.6, 0.65), "still gains"),
        (one_round(20), one_round(20), "unlikely to help"),
        (one_round(20), one_round(30, None, None), "unlikely to help"),
        (one_round(None), one_round(20), ""),
    ],
)
def test_the_effort_decides_what_is_advised(first, second, sentence):
    advice = advise([first, second])

    assert sentence in advice
    assert bool(advice) == bool(sentence)
