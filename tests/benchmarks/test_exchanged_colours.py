"""Exchanged colours are told by what a model finds, whatever the light."""

import pytest
from exchanged_colours import WHITES, lit, redness_found

from napari_monuseg.core.doubt import REDDER
from napari_monuseg.core.registry import find_model


@pytest.mark.parametrize("white", WHITES)
def test_the_nuclei_of_exchanged_colours_are_redder(tissue, white):
    model = find_model("unet")
    shown = lit(tissue[0], white)

    assert -1 < redness_found(shown, 0.25, model) < REDDER
    assert redness_found(shown[..., ::-1], 0.25, model) > REDDER
