"""Sizes that a model can make, and the nearest ones where it cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinograph import InvalidInput
from nodes.families.traits import Traits

MINI = Traits("mini", 48)
PATCHED = Traits("other", 16, spatial=16, temporal=8, patch=2)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40))
def test_latent_and_pixel_size_are_inverse(columns: int, rows: int, k: int) -> None:
    width, height, frames = columns * 32, rows * 32, 1 + 8 * k
    shape = PATCHED.latent_shape(width, height, frames)
    assert shape == (16, 1 + k, rows * 2, columns * 2)
    assert PATCHED.pixel_size(shape) == (width, height, frames)


@pytest.mark.parametrize(
    ("size", "socket", "nearest"),
    [
        ((65, 64, 17), "width", 64),
        ((64, 70, 17), "height", 72),
        ((64, 3, 17), "height", 8),
        ((64, 64, 16), "frames", 17),
        ((64, 64, 3), "frames", 1),
        ((64, 64, 0), "frames", 1),
        ((64, 20_000, 17), "height", 8192),
    ],
)
def test_names_the_input_and_the_nearest_value(size: tuple[int, int, int], socket: str, nearest: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        MINI.latent_shape(*size)
    assert (caught.value.socket, caught.value.example) == (socket, nearest)
    assert caught.value.wanted


def test_a_clip_that_would_fill_the_memory_is_refused() -> None:
    with pytest.raises(InvalidInput, match="too much") as caught:
        MINI.latent_shape(8192, 8192, 4001)
    assert caught.value.socket == "frames"
    MINI.latent_shape(8192, 8192, caught.value.example)


@given(st.integers(-5, 9000), st.integers(-5, 9000), st.integers(-5, 300), st.sampled_from([MINI, PATCHED]))
def test_the_example_offered_always_works(width: int, height: int, frames: int, traits: Traits) -> None:
    size = {"width": width, "height": height, "frames": frames}
    for _ in range(5):
        try:
            traits.latent_shape(**size)
        except InvalidInput as mistake:
            size[mistake.socket] = mistake.example
        else:
            break
    traits.latent_shape(**size)


@given(st.integers(32, 2000), st.integers(32, 2000), st.integers(1, 300))
def test_nearest_size_is_the_largest_that_fits(width: int, height: int, frames: int) -> None:
    columns, rows, kept = PATCHED.nearest_size(width, height, frames)
    PATCHED.latent_shape(columns, rows, kept)
    assert columns <= width < columns + 32 and rows <= height < rows + 32 and kept <= frames < kept + 8


def test_facts_carry_the_traits() -> None:
    assert Traits.from_facts(PATCHED.facts()) == PATCHED
