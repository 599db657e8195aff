import pytest

from kinograph import InvalidInput
from nodes.values.curves import height_at, points_of


def test_between_its_points_a_curve_is_straight_and_outside_level() -> None:
    points = points_of([[0.25, 0], [0.75, 1]], "course")
    assert [height_at(points, x) for x in (0.0, 0.25, 0.5, 0.75, 1.0)] == [0.0, 0.0, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    "curve",
    [
        [],
        [[0.5, 0], [0.25, 1]],
        [[0, float("nan")]],
        [[0, float("inf")]],
        [[0, 10**400]],
        [[0, 1.5]],
        [[-0.1, 0]],
        [[0, True]],
        [[0, "1"]],
        [[0]],
        [0, 1],
        [[0, 0]] * 1001,
    ],
)
def test_what_is_no_curve_is_refused_at_its_input(curve: list[object]) -> None:
    with pytest.raises(InvalidInput) as refused:
        points_of(curve, "course")
    assert refused.value.socket == "course"
