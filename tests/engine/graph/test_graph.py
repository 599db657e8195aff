"""Checking a document: all mistakes at once, each with node, socket, given, wanted and an example."""

from __future__ import annotations

import time
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple

import pytest
from pydantic import Field

from engine.document.workflow import parse_workflow
from engine.graph.graph import check, inspect
from engine.node_types.authoring import Lazy, Outputs, node
from engine.node_types.registry import Registry
from engine.node_types.signature import read_node
from engine.problems import WorkflowError


class Picture:
    """A value that only travels along wires."""


class Photo(Picture):
    """A kind of picture."""


class Sound:
    """Something else."""


class Solver(Enum):
    EULER = "euler"
    HEUN = "heun"


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Real")
def real(value: float = 0.0) -> float:
    return value


@node("Text")
def text(value: str = "") -> str:
    return value


@node("Flag")
def flag(value: bool = False) -> bool:
    return value


@node("TakePhoto")
def take_photo() -> Photo:
    return Photo()


@node("Paint")
def paint() -> Picture:
    return Picture()


@node("Record")
def record() -> Sound:
    return Sound()


@node("Show")
def show(picture: Picture) -> int:
    return 1


@node("Develop")
def develop(photo: Photo) -> int:
    return 1


@node("Sample")
def sample(
    steps: Annotated[int, Field(ge=1, le=100)],
    solver: Literal["euler", "heun"] = "euler",
    guidance: float = 4.5,
    enum: Solver = Solver.EULER,
) -> int:
    return steps


@node("Either")
def either(value: int | str) -> int | str:
    return value


@node("Anything")
def anything(value: Any) -> Any:
    return value


@node("Many")
def many(values: list[int]) -> list[int]:
    return values


@node("Sum")
def total(*items: int) -> int:
    return sum(items)


@node("Format")
def formatted(pattern: str, **slots: Any) -> str:
    return pattern


class Pair(NamedTuple):
    low: int
    high: int


@node("Split")
def split(value: int) -> Pair:
    return Pair(value, value)


@node("Free")
def free() -> Outputs[int]:
    return Outputs(a=1)


@node("Later")
def later(value: Lazy[int]) -> int:
    return value()


FUNCTIONS = (
    number, real, text, flag, take_photo, paint, record, show, develop, sample, either, anything, many, total,
    formatted, split, free, later,
)  # fmt: skip


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


def codes(problems):
    return {(problem.node, problem.socket): problem.code for problem in problems}


def spelled(problems):
    return sorted(f"{problem.node}.{problem.socket} {problem.code}" for problem in problems)


def test_all_mistakes_come_back_at_once(lab):
    problems = lab.problems(
        {
            "a": ("Sampel", {}),
            "b": ("Sample", {"steps": 0, "solver": "eular", "guidence": 3}),
            "c": "Show",
            "d": ("Text", {"value": 5}),
            "e": "Number",
        },
        ["d.value -> b.guidance", "e.result -> b.enum", "ghost.value -> c.picture", "e.value -> b.nothing"],
    )
    assert spelled(problems) == [
        "a. unknown_type",
        "b.guidance type_mismatch",
        "b.guidence unknown_socket",
        "b.nothing unknown_socket",
        "b.solver bad_value",
        "b.steps bad_value",
        "c.picture missing_input",
        "c.picture unknown_node",
        "d.value bad_value",
        "e.result unknown_output",
    ]


def test_a_mistake_says_what_was_given_what_is_wanted_and_shows_an_example(lab):
    by_place = {
        (problem.node, problem.socket): problem
        for problem in lab.problems({"s": ("Sample", {"steps": 500, "solver": "eular"}), "t": "Sampel"})
    }
    steps = by_place[("s", "steps")]
    assert (steps.given, steps.example) == ("500", 100)
    assert "a whole number" in steps.wanted and "at least 1 and at most 100" in steps.wanted
    solver = by_place[("s", "solver")]
    assert solver.example == "euler" and "'heun'" in solver.wanted
    assert "did you mean 'Sample'" in by_place[("t", "")].message
    assert str(steps).startswith("s.steps: 500 is out of range")


def test_a_missing_input_says_whether_it_takes_a_value_or_a_wire(lab):
    by_place = {(p.node, p.socket): p for p in lab.problems({"s": "Sample", "v": "Show"})}
    assert by_place[("s", "steps")].code == "missing_input"
    assert by_place[("s", "steps")].wanted == "int"
    assert "wire" in by_place[("v", "picture")].wanted


def test_two_wires_into_one_input(lab):
    problems = lab.problems({"a": "Number", "b": "Number", "t": "Sample"}, ["a.value -> t.steps", "b.value -> t.steps"])
    assert codes(problems) == {("t", "steps"): "two_wires"}
    assert "a" in problems[0].given and "b" in problems[0].given


@pytest.mark.parametrize(
    ("source", "output", "target", "socket", "fits"),
    [
        ("TakePhoto", "photo", "Show", "picture", True),  # a sub-type fits its base
        ("Paint", "picture", "Develop", "photo", False),  # and not the other way round
        ("Record", "sound", "Show", "picture", False),
        ("Number", "value", "Real", "value", True),  # an int is a float without loss
        ("Real", "value", "Number", "value", False),
        ("Flag", "value", "Number", "value", False),  # true is no number
        ("Number", "value", "Flag", "value", False),
        ("Number", "value", "Either", "value", True),
        ("Text", "value", "Either", "value", True),
        ("Real", "value", "Either", "value", False),
        ("Record", "sound", "Anything", "value", True),
        ("Number", "value", "Many", "values", True),  # one value becomes a list of one
        ("Text", "value", "Many", "values", False),
        ("Number", "value", "Later", "value", True),
        ("Text", "value", "Later", "value", False),
        ("Free", "whatever", "Number", "value", True),
        ("Free", "whatever", "Text", "value", False),
    ],
)
def test_which_wires_fit(lab, source, output, target, socket, fits):
    problems = lab.problems({"s": source, "t": target}, [f"s.{output} -> t.{socket}"])
    assert ([p.code for p in problems] == []) is fits
    if not fits:
        assert problems[0].given and problems[0].wanted


def test_a_union_fits_only_where_every_member_fits(lab):
    problems = lab.problems({"e": ("Either", {"value": 1}), "n": "Number"}, ["e.value -> n.value"])
    assert codes(problems) == {("n", "value"): "type_mismatch"}
    assert problems[0].given == "int | str"


def test_a_list_into_a_single_input_makes_the_node_run_once_per_item_and_its_output_a_list(lab):
    graph = lab.graph(
        {"m": ("Many", {"values": [1, 2]}), "n": "Number", "t": "Many"},
        ["m.values -> n.value", "n.value -> t.values"],
    )
    assert graph.node("n").streams and not graph.node("t").streams


@pytest.mark.parametrize(
    ("type_id", "given", "seen"),
    [
        ("Number", 3.0, 3),
        ("Real", 3, 3.0),
        ("Either", "1", "1"),
        ("Either", 1, 1),
        ("Either", 2.0, 2),
    ],
)
def test_values_are_coerced_where_nothing_is_lost(lab, type_id, given, seen):
    value = lab.graph({"n": (type_id, {"value": given})}).node("n").values["value"]
    assert value == seen and type(value) is type(seen)


@pytest.mark.parametrize(
    ("type_id", "given"),
    [
        ("Number", 1.5),
        ("Number", True),
        ("Number", "1"),
        ("Number", None),
        ("Number", 1e300),
        ("Number", [1]),
        ("Real", "1.0"),
        ("Real", True),
        ("Real", 2**53 + 1),
        ("Text", 1),
        ("Text", None),
        ("Flag", 1),
        ("Flag", "true"),
        ("Either", 1.5),
        ("Either", None),
    ],
)
def test_values_are_refused_where_something_would_be_lost(lab, type_id, given):
    problems = lab.problems({"n": (type_id, {"value": given})})
    assert codes(problems) == {("n", "value"): "bad_value"}
    assert problems[0].wanted and problems[0].given


@pytest.mark.parametrize("given", [3, "3", [3, "4"], [True]])
def test_a_list_is_asked_for_and_nothing_else_will_do(lab, given):
    problems = lab.problems({"n": ("Many", {"values": given})})
    assert codes(problems) == {("n", "values"): "bad_value"}
    assert lab.graph({"n": ("Many", {"values": [3]})}).node("n").values["values"] == [3]


def test_choices_and_enumerations(lab):
    assert not lab.problems({"s": ("Sample", {"steps": 1, "enum": "heun", "solver": "heun"})})
    problems = lab.problems({"s": ("Sample", {"steps": 1, "enum": "HEUN", "solver": 1})})
    assert codes(problems) == {("s", "enum"): "bad_value", ("s", "solver"): "bad_value"}


def test_sockets_of_variadic_families(lab):
    fine = {"f": ("Format", {"pattern": "{x}", "slots.x": 1}), "s": ("Sum", {"items.0": 1, "items.7": 2})}
    assert not lab.problems(fine)
    wrong = {"s": ("Sum", {"items": 1, "items.x": 1, "items.01": 1, "items.-1": 1})}
    assert {p.code for p in lab.problems(wrong)} == {"unknown_socket"}
    assert len(lab.problems(wrong)) == 4
    assert "did you mean 'items.0'" in lab.problems({"s": ("Sum", {"items": 1})})[0].message


def test_the_wire_wins_over_a_written_value(lab):
    graph = lab.graph({"a": "Number", "b": ("Number", {"value": 7})}, ["a.value -> b.value"])
    assert graph.node("b").values == {}
    assert graph.workflow.nodes["b"].values == {"value": 7}


def test_a_cycle_is_spelled(lab):
    nodes = dict.fromkeys(("a", "b", "c", "free", "behind"), "Number")
    problems = lab.problems(nodes, ["a.value -> b.value", "b.value -> c.value", "c.value -> a.value",
                                    "c.value -> behind.value"])  # fmt: skip
    assert [p.code for p in problems] == ["cycle"]
    assert "a -> b -> c -> a" in problems[0].message


def test_two_cycles_and_a_node_that_reads_itself(lab):
    nodes = dict.fromkeys(("a", "b", "c", "d", "e"), "Number")
    wires = ["a.value -> b.value", "b.value -> a.value", "c.value -> d.value", "d.value -> c.value",
             "e.value -> e.value"]  # fmt: skip
    circles = sorted(p.message.rpartition(": ")[2] for p in lab.problems(nodes, wires))
    assert circles == ["a -> b -> a", "c -> d -> c", "e -> e"]


def test_checking_raises_all_problems(lab, place):
    with pytest.raises(WorkflowError) as caught:
        check(place({"a": "Nope", "b": "Sample"}), lab.registry)
    assert len(caught.value.problems) == 2
    assert "2 problems in the workflow" in str(caught.value)


def test_the_graph_is_in_topological_order_whatever_the_order_of_the_document(lab):
    graph = lab.graph(
        {"d": "Sum", "c": "Number", "b": "Number", "a": "Number"},
        ["a.value -> b.value", "b.value -> c.value", "c.value -> d.items.0", "a.value -> d.items.1"],
    )
    assert all(link.source < node.index for node in graph.nodes for link in node.links)
    assert {node.id for node in graph.nodes} == {"a", "b", "c", "d"}
    assert [graph.nodes[index].id for index in graph.ancestors([graph.by_id["b"]])] == ["a", "b"]


def test_an_unknown_target_names_the_nearest(lab):
    with pytest.raises(WorkflowError, match="did you mean 'sampler'"):
        lab.graph({"sampler": "Number"}).node("samplar")


MANY = 100_000


def _mistakes(nodes, edges, registry):
    started = time.thread_time()  # what the processor did: other work on the machine does not count
    workflow = parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges})
    problems = inspect(workflow, registry)[1]
    return problems, time.thread_time() - started


@pytest.mark.parametrize("what", ["unknown type", "unknown node", "unknown socket", "bad value", "cycle"])
def test_a_hundred_thousand_mistakes_are_reported_in_seconds(what):
    registry = Registry.of([read_node(function) for function in FUNCTIONS])
    nodes = {f"n{i}": {"type": "Number", "values": {}} for i in range(MANY)}
    edges = []
    wanted = MANY
    if what == "unknown type":
        nodes = {f"n{i}": {"type": f"Numbr{i}", "values": {}} for i in range(MANY)}
    elif what == "unknown node":
        edges = [{"from": [f"m{i}", "value"], "to": [f"n{i}", "value"]} for i in range(MANY)]
    elif what == "unknown socket":
        nodes = {f"n{i}": {"type": "Number", "values": {f"valu{i}": 1}} for i in range(MANY)}
    elif what == "bad value":
        nodes = {f"n{i}": {"type": "Number", "values": {"value": "x"}} for i in range(MANY)}
    else:
        edges = [{"from": [f"n{i}", "value"], "to": [f"n{(i + 1) % MANY}", "value"]} for i in range(MANY)]
        wanted = 1
    problems, seconds = _mistakes(nodes, edges, registry)
    assert len(problems) == wanted
    if what == "cycle":
        assert "n0 -> n1 -> n2" in problems[0].message and f"({MANY - 11} more)" in problems[0].message
    print(what, seconds)
    assert seconds < 5
