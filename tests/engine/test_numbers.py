"""A number means the same however a program writes it: read, saved by Python, saved by a browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.document.workflow import parse_workflow
from engine.numbers import fits_double, is_whole, rewrite_exponents, without_kind, written
from kinograph import node

TABLE = json.loads((Path(__file__).parents[1] / "documents" / "numbers.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("read", "text"), TABLE, ids=[read for read, _ in TABLE])
def test_a_number_is_written_as_a_browser_writes_it(read, text):
    """``web/src/graph/normalForm.test.ts`` holds JavaScript to the same table."""
    node = f'{{"type": "T", "values": {{"x": {read}}}}}'
    document = f'{{"format": "kinograph-workflow", "version": 1, "nodes": {{"a": {node}}}}}'
    workflow = parse_workflow(document)
    assert f'"x": {text}\n' in workflow.to_json()
    assert f'"x":{text}}}' in workflow.to_json(indent=None).replace(",", ", ")
    assert parse_workflow(workflow.to_json()).to_json() == workflow.to_json()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_is_what_is_read(value):
    assert float(written(value)) == value
    read = json.loads(rewrite_exponents(json.dumps([value])))[0]
    assert float(read) == value and (type(read) is float or fits_double(read))


@given(st.text(alphabet='1e-+"\\ .05', max_size=30))
def test_what_looks_like_a_number_in_a_text_stays(text):
    assert json.loads(rewrite_exponents(json.dumps([text, 1e-7]))) == [text, 1e-7]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_taking_the_kind_away_changes_no_value(value):
    plain = without_kind(value)
    assert [float(leaf) if is_number(leaf) else leaf for leaf in leaves(plain)] == [
        float(leaf) if is_number(leaf) else leaf for leaf in leaves(value)
    ]
    assert "true" not in json.dumps(plain) or "true" in json.dumps(value)
    assert without_kind(plain) is plain
    assert (plain is value) == (not any(is_whole(leaf) for leaf in leaves(value)))


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def leaves(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return [value] if inner is None else [leaf for item in inner for leaf in leaves(item)]


seen: list[Any] = []


@node("Numbers")
def numbers(
    real: float = 0.5,
    count: int = 1,
    either: int | float = 0,
    anything: Any = None,
    reals: list[float] = [1.0, 2.5],  # noqa: B006 - never changed
    choice: Literal[1, 2] = 1,
) -> float:
    seen.append([real, count, either, anything, reals, choice])
    return real


def key_and_values(lab, values):
    plan = lab.plan({"n": ("Numbers", values)}, (), ["n"])
    node = plan.graph.nodes[plan.graph.by_id["n"]]
    return plan.keys[node.index], {name: repr(node.values[name]) for name in values}


WHOLE = {"real": 2.0, "count": 2.0, "either": 2.0, "anything": {"deep": [1.0]}, "reals": [1.0, 3.0], "choice": 2.0}


@pytest.mark.parametrize("name", WHOLE)
def test_saving_changes_neither_key_nor_what_the_node_sees(make_lab, name):
    lab = make_lab(numbers)
    value = {name: WHOLE[name]}
    saved = json.loads(rewrite_exponents(json.dumps(without_kind(value))))
    assert json.dumps(saved) != json.dumps(value)
    assert key_and_values(lab, value) == key_and_values(lab, saved)


def test_the_input_says_which_kind_it_is(make_lab):
    lab = make_lab(numbers)
    _, shown = key_and_values(lab, {**WHOLE, "real": 2, "reals": [1, 3]})
    assert shown == {
        "real": "2.0",
        "count": "2",
        "either": "2",
        "anything": "{'deep': [1]}",
        "reals": "[1.0, 3.0]",
        "choice": "2",
    }


def test_a_default_written_down_in_either_way_changes_nothing(make_lab):
    lab = make_lab(numbers)
    plain, _ = key_and_values(lab, {})
    for values in ({"reals": [1, 2.5]}, {"reals": [1.0, 2.5]}, {"count": 1.0}, {"choice": 1.0}, {"either": 0.0}):
        assert key_and_values(lab, values)[0] == plain, values


def test_true_is_not_one(make_lab):
    lab = make_lab(numbers)
    assert key_and_values(lab, {"anything": True})[0] != key_and_values(lab, {"anything": 1})[0]
    assert key_and_values(lab, {"anything": [True]})[0] != key_and_values(lab, {"anything": [1.0]})[0]


@pytest.mark.parametrize("large", ["10000000000000000", "123456789012345680000", "1e300"])
def test_a_large_number_that_a_browser_wrote_is_read_by_a_float_input(make_lab, large):
    _, shown = key_and_values(make_lab(numbers), {"real": json.loads(large)})
    assert float(shown["real"]) == float(large)
