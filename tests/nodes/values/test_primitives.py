"""Nodes that hold one value."""

from kinograph import Facts
from nodes.clips.facts import changed, common, computed, whole
from nodes.values import primitives as module
from nodes.values.primitives import (
    SAFE_INTEGER,
    boolean_value,
    color_value,
    float_value,
    int_value,
    seed_value,
    size_value,
    text_value,
)


def test_values_pass_through():
    assert int_value(5) == 5
    assert float_value(1.5) == 1.5
    assert text_value("a\nb") == "a\nb"
    assert boolean_value(True) is True
    assert seed_value(SAFE_INTEGER) == 2**53 - 1
    assert color_value("#fff") == "#fff"
    assert size_value(3, 4) == (3, 4)
    assert size_value(3, 4, swap=True) == (4, 3)
    assert module._size(3, 4, True) == size_value(3, 4, True)._asdict()


def test_cheap_functions_are_computed_before_the_run():
    infer = computed(lambda a, b=2: a * b)
    assert infer(a=3, b=4) == 12
    assert infer(a=None, b=4) is None
    assert infer(a=Facts(width=1), b=4) is None
    assert computed(lambda a: 1 / a)(a=0) is None


def test_facts():
    clip = Facts(width=4, fps=8.0)
    assert whole(clip, "width") == 4
    assert whole(clip, "fps") is None
    assert whole(None, "width") is None
    assert dict(changed(clip, width=5, fps=None)) == {"width": 5}
    assert changed(None, width=None) is None
    assert common([]) is None
    assert common([clip, Facts(width=4)]) == {"width": 4}
