"""One step of a net of threshold units, beside its definition written out for one unit after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels.threshold import step_net


def layout(units):
    """Return (starts, sources, kinds, thresholds) of units (excitatory, inhibitory, threshold)."""
    sizes = [len(excitatory) + len(inhibitory) for excitatory, inhibitory, _ in units]
    sources = [s for excitatory, inhibitory, _ in units for s in (*excitatory, *inhibitory)]
    kinds = [k for e, i, _ in units for k in [1] * len(e) + [-1] * len(i)]
    return (
        np.cumsum([0, *sizes], dtype=np.int64),
        np.array(sources, dtype=np.int64),
        np.array(kinds, dtype=np.int8),
        np.array([threshold for *_, threshold in units], dtype=np.int64),
    )


def stepped(units, active):
    after = np.full(len(units), 7, dtype=np.int8)
    step_net(*layout(units), np.array(active, dtype=np.int8), after)
    return after.tolist()


@st.composite
def nets(draw):
    n_inputs, n_units = draw(st.integers(0, 4)), draw(st.integers(1, 5))
    sources = st.lists(st.integers(0, n_inputs + n_units - 1), max_size=5)
    units = [(draw(sources), draw(sources), draw(st.integers(0, 4))) for _ in range(n_units)]
    return units, draw(st.lists(st.integers(0, 1), min_size=n_inputs + n_units, max_size=n_inputs + n_units))


@given(nets())
def test_a_step_is_that_of_the_definition(net):
    units, active = net
    expected = [
        int(sum(active[s] for s in excitatory) >= threshold and not any(active[s] for s in inhibitory))
        for excitatory, inhibitory, threshold in units
    ]
    assert stepped(units, active) == expected


@pytest.mark.parametrize("n", [1, 2, 7])
def test_one_inhibiting_synapse_outweighs_all_others(n):
    """Absolute inhibition; a unit that subtracted instead would fire."""
    unit = (list(range(n)), [n], 1)
    assert stepped([unit], [1] * n + [0, 0]) == [1]
    assert stepped([unit], [1] * n + [1, 0]) == [0]


def test_a_source_that_is_named_twice_counts_twice():
    assert stepped([([0], [], 2)], [1, 0]) == [0]
    assert stepped([([0, 0], [], 2)], [1, 0]) == [1]


def test_more_synapses_than_an_int8_can_count():
    for threshold, fires in ((200, 1), (201, 0)):
        assert stepped([([0] * 200, [], threshold)], [1, 0]) == [fires]
        assert stepped([([0] * 200, [1] * 256, threshold)], [1, 1, 0]) == [0]


def test_what_is_active_now_is_left_as_it_is():
    active = np.array([1, 0, 1], dtype=np.int8)
    step_net(*layout([([0], [], 1), ([1], [], 1)]), active, np.empty(2, dtype=np.int8))
    assert active.tolist() == [1, 0, 1]


def test_a_unit_without_synapses_fires_at_threshold_zero_alone():
    assert stepped([([], [], 0), ([], [], 1)], [0, 0]) == [1, 0]
