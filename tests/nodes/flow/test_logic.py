"""Decisions: what is not chosen is not computed."""

import pytest

from kinograph import Block, Facts, InvalidInput, Lazy
from nodes.flow import logic as module
from nodes.flow.logic import and_node, compare, gate, if_node, not_node, note, or_node, reroute, switch


def never() -> object:
    raise AssertionError("this branch must not be computed")


def test_only_the_chosen_branch_is_asked_for():
    unwanted = Lazy(never)
    assert if_node(True, Lazy.of("yes"), unwanted) == "yes"
    assert if_node(False, unwanted, Lazy.of("no")) == "no"
    assert switch(unwanted, Lazy.of("b"), unwanted, index=1) == "b"
    assert and_node(Lazy.of(True), Lazy.of(False), unwanted) is False
    assert or_node(Lazy.of(False), Lazy.of(True), unwanted) is True
    assert isinstance(gate(unwanted, open=False), Block)
    assert gate(Lazy.of(5), open=True) == 5


def test_a_branch_without_a_wire_skips_what_follows():
    assert isinstance(if_node(False, Lazy.of("yes"), Lazy.of(None)), Block)
    assert isinstance(if_node(True), Block)


def test_false_and_zero_are_values():
    assert if_node(True, Lazy.of(0), Lazy.of(1)) == 0
    assert if_node(False, Lazy.of(1), Lazy.of("")) == ""


def test_a_number_without_a_value_is_named():
    for items, index in (((Lazy.of(1),), 1), ((), 0), ((Lazy.of(1),), -1)):
        with pytest.raises(InvalidInput) as caught:
            switch(*items, index=index)
        assert caught.value.socket == "index"


def test_facts_of_the_branch_that_is_known():
    one, other = Facts(width=64, height=64), Facts(width=64, height=32)
    assert module._infer_if(True, one, other) is one
    assert module._infer_if(None, one, other) == {"width": 64}
    assert module._infer_if(None, one, None) is None
    assert module._infer_switch(**{"items.0": one, "items.1": other, "index": 1}) is other
    assert module._infer_switch(**{"items.0": 3, "items.1": 3, "index": None}) == 3
    assert module._infer_switch(**{"items.0": True, "items.1": 1, "index": None}) is None


@pytest.mark.parametrize(
    ("a", "b", "operation", "expected"),
    [
        (1, 1.0, "equal", True),
        ("1", 1, "equal", True),
        (2, "10", "less", True),
        ("2", "10", "less", False),
        ("x", 1, "equal", False),
        (True, 1, "equal", False),
        ("a", "b", "not_equal", True),
        ("a", "b", "less", True),
        (2, 2, "less_or_equal", True),
        (2, 1.5, "greater", True),
        (2, 3, "greater_or_equal", False),
    ],
)
def test_compare(a, b, operation, expected):
    assert compare(a, b, operation) is expected


def test_what_has_no_order_is_said():
    for a, b in ((1, "x"), (True, False), (True, 1)):
        with pytest.raises(InvalidInput):
            compare(a, b, "less")


def test_small_ones():
    assert not_node(False) is True
    assert and_node() is True
    assert or_node() is False
    value = object()
    assert reroute(value) is value
    assert note("remark") is None
