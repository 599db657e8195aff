"""The flow-matching schedule: its ends, its shift, its partial form."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.sampling.schedule import flow_sigmas, shift_sigma, unshift_sigma

shifts = st.floats(0.05, 20.0)
starts = st.floats(0.01, 1.0)


@given(st.integers(1, 200), shifts, starts)
def test_falls_strictly_from_start_to_zero(steps: int, shift: float, start: float) -> None:
    sigmas = flow_sigmas(steps, shift, start)
    assert len(sigmas) == steps + 1
    assert sigmas[0] == start and sigmas[-1] == 0.0
    assert all(above > below for above, below in pairwise(sigmas))


@given(st.floats(0.0, 1.0), shifts)
def test_unshift_undoes_shift(t: float, shift: float) -> None:
    assert math.isclose(unshift_sigma(shift_sigma(t, shift), shift), t, abs_tol=1e-9)


def test_shift_one_is_even_spacing() -> None:
    assert flow_sigmas(4) == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_shift_three_is_the_published_form() -> None:
    # s t / (1 + (s - 1) t) at t = 3/4, 1/2, 1/4 with s = 3
    assert flow_sigmas(4, shift=3.0) == pytest.approx([1.0, 0.9, 0.75, 0.5, 0.0])


def test_partial_run_is_the_tail_of_the_full_one() -> None:
    full = flow_sigmas(10, shift=5.0)
    assert flow_sigmas(4, shift=5.0, start=full[6]) == pytest.approx(full[6:])


@pytest.mark.parametrize(
    ("steps", "shift", "start"), [(0, 1, 1), (4, 0, 1), (4, -1, 1), (4, math.inf, 1), (4, 1, 0), (4, 1, 1.5)]
)
def test_refuses_what_has_no_meaning(steps: int, shift: float, start: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        flow_sigmas(steps, shift, start)
