"""What the time of a training step is made of."""

import pytest
from step_time import OTHERS, Trial, seconds_per_step

from napari_monuseg.core.networks import NETWORKS, RECOMMENDED, build_network


class Clock:
    """A trial whose steps take as long as they are told."""

    def __init__(self, *times):
        self.times = list(times)

    def step(self):
        return self.times.pop(0)


def test_the_first_step_of_each_is_not_counted_and_the_median_is_given():
    assert seconds_per_step([Clock(9, 1, 5, 2), Clock(9, 4, 3, 8)], 3) == [2, 4]


@pytest.mark.parametrize("network", NETWORKS)
def test_another_shape_is_one_of_the_network(network):
    for change in OTHERS[network]:
        shape = RECOMMENDED[network] | change
        assert shape != RECOMMENDED[network]
        build_network(network, **shape)


def test_a_trial_takes_steps_of_its_recipe():
    trial = Trial.of("segnet", {"widths": [4, 8], "convolutions": [1, 1]})

    assert trial.step() > 0

    assert trial.state.step == 1
    assert trial.options.batch == 4
