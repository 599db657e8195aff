"""``validate``, ``fingerprint`` and ``infer``: what is found before anything runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.graph.infer import infer
from engine.node_types.authoring import Expansion, Facts, InvalidInput, node
from engine.problems import WorkflowError

WORLD = {"day": "monday"}
SEEN: list[Any] = []


@pytest.fixture(autouse=True)
def _fresh():
    WORLD["day"] = "monday"
    SEEN.clear()


def validate_steps(steps: int | None) -> list[str]:
    return [] if steps is None or steps % 2 == 0 else ["steps must be even", "and it is odd"]


async def validate_later(steps: int | None) -> str | None:
    await asyncio.sleep(0)
    return "too many" if steps is not None and steps > 10 else None


def validate_socket(steps: int | None) -> None:
    if steps == 7:
        raise InvalidInput("steps", "seven is taken", wanted="another number", example=8)
    if steps == 9:
        raise ValueError("nine is not liked")
    if steps == 11:
        raise KeyError("a bug")
    if steps == 13:
        raise SystemExit(1)


def fingerprint(**values: Any) -> str:
    SEEN.append(values)
    return WORLD["day"]


async def fingerprint_later(steps: int) -> str:
    await asyncio.sleep(0)
    return WORLD["day"]


def broken_fingerprint() -> str:
    raise OSError("no sensor")


@node("Even", validate=validate_steps)
def even(steps: int = 2) -> int:
    return steps


@node("Few", validate=validate_later)
def few(steps: int = 2) -> int:
    return steps


@node("Picky", validate=validate_socket)
def picky(steps: int = 2) -> int:
    return steps


@node("Today", fingerprint=fingerprint)
def today(steps: int = 2, other: int = 5) -> str:
    return WORLD["day"]


@node("TodayLater", fingerprint=fingerprint_later)
def today_later(steps: int = 2) -> str:
    return WORLD["day"]


@node("NoSensor", fingerprint=broken_fingerprint)
def no_sensor() -> int:
    return 1


@node("Placed")
def placed(steps: int, type_id: str = "Even") -> Any:
    expansion = Expansion()
    expansion.outputs["value"] = expansion.add(type_id, steps=steps)["value"]
    return expansion


@node("PlacedAsync")
async def placed_async(steps: int, type_id: str = "Even") -> Any:
    return placed(steps, type_id)


@node("Number")
def number(value: int = 0) -> int:
    return value


FUNCTIONS = (even, few, picky, today, today_later, no_sensor, placed, placed_async, number)


@pytest.fixture
def lab(make_lab):
    return make_lab(*FUNCTIONS)


def problems(lab, *document):
    with pytest.raises(WorkflowError) as caught:
        lab.plan(*document)
    return {(problem.node, problem.socket): problem for problem in caught.value.problems}


def test_every_hook_of_every_node_is_heard(lab):
    with pytest.raises(WorkflowError) as caught:
        lab.plan({"e": ("Even", {"steps": 3}), "f": ("Few", {"steps": 11}), "p": ("Picky", {"steps": 7})})
    assert sorted((problem.node, problem.message) for problem in caught.value.problems) == [
        ("e", "and it is odd"),
        ("e", "steps must be even"),
        ("f", "too many"),
        ("p", "seven is taken"),
    ]


def test_an_invalid_input_names_socket_given_wanted_and_example(lab):
    problem = problems(lab, {"p": ("Picky", {"steps": 7})})[("p", "steps")]
    assert (problem.given, problem.wanted, problem.example) == ("7", "another number", 8)


@pytest.mark.parametrize("steps", [11, 13])
def test_a_hook_that_breaks_is_named_with_its_plugin(make_lab, steps):
    lab = make_lab(*FUNCTIONS, plugin="pack")
    problem = problems(lab, {"p": ("Picky", {"steps": steps})})[("p", "")]
    assert problem.code == "hook_failed" and "validate of Picky (plugin pack) failed" in problem.message
    assert "fingerprint of NoSensor" in problems(lab, {"n": "NoSensor"})[("n", "")].message


def test_a_wired_input_is_none_to_a_hook(lab):
    lab.plan({"n": ("Number", {"value": 3}), "e": "Even", "t": "Today"}, ["n.value -> e.steps", "n.value -> t.steps"])
    assert SEEN == [{"steps": None, "other": 5}]


@pytest.mark.parametrize("type_id", ["Today", "TodayLater"])
def test_a_changed_fingerprint_runs_the_node_and_an_equal_one_does_not(lab, type_id):
    assert lab.value({"t": type_id}) == "monday"
    lab.run({"t": type_id})
    assert lab.ran == []
    WORLD["day"] = "tuesday"
    assert lab.value({"t": type_id}) == "tuesday"
    assert lab.ran == ["t"]


@pytest.mark.parametrize("outer", ["Placed", "PlacedAsync"])
@pytest.mark.parametrize("inner", ["Even", "Few", "Today", "TodayLater"])
def test_hooks_of_inner_nodes_are_called_too(lab, outer, inner):
    assert lab.run({"p": (outer, {"steps": 2, "type_id": inner})}).status == "succeeded"
    if inner in ("Even", "Few"):
        lab.run({"p": (outer, {"steps": 11, "type_id": inner})})
        assert "steps must be even" in lab.failed["p"] or "too many" in lab.failed["p"]


async def test_planning_inside_an_event_loop(lab):
    assert lab.plan({"f": "Few", "t": "TodayLater"}).fingerprints


# ------------------------------------------------------------------------------------------------- infer


def infer_latent(width: Any, height: Any, frames: Any) -> Facts:
    if isinstance(frames, int) and frames % 4 != 1:
        raise InvalidInput(
            "frames", "must be one more than a multiple of 4", wanted="4k+1", example=frames // 4 * 4 + 1
        )
    return Facts(width=width, height=height, frames=frames, family="mini")


def infer_decode(latent: Any, family: Any) -> dict[str, Any]:
    SEEN.append(latent)
    if latent is not None and family is not None and latent["family"] != family:
        raise InvalidInput("latent", f"this VAE belongs to {family}, the latent to {latent['family']}")
    return {"value": Facts(**latent)} if latent is not None else {}


def infer_same(value: Any) -> Any:
    return value


def infer_broken(value: Any) -> Any:
    raise ZeroDivisionError("oops")


def infer_exits(value: Any) -> Any:
    raise SystemExit(2)


@node("Empty", infer=infer_latent)
def empty(width: int = 64, height: int = 32, frames: int = 17) -> dict[str, int]:
    return {}


@node("Decode", infer=infer_decode)
def decode(latent: dict[str, int], family: str = "mini") -> dict[str, int]:
    return {}


@node("Int", infer=infer_same)
def integer(value: int = 0) -> int:
    return value


@node("BrokenInfer", infer=infer_broken)
def broken_infer(value: int = 0) -> int:
    return value


@node("ExitInfer", infer=infer_exits)
def exit_infer(value: int = 0) -> int:
    return value


@pytest.fixture
def studio(make_lab):
    return make_lab(empty, decode, integer, broken_infer, exit_infer, number)


def test_facts_travel_along_the_wires(studio):
    graph = studio.graph({"w": ("Int", {"value": 128}), "e": "Empty", "d": "Decode"},
                         ["w.value -> e.width", "e.value -> d.latent"])  # fmt: skip
    facts, found = infer(graph)
    assert not found
    assert dict(facts["d"]["value"]) == {"width": 128, "height": 32, "frames": 17, "family": "mini"}


def test_a_mistake_appears_on_the_node_and_its_field_before_anything_runs(studio):
    found = {(p.node, p.socket): p for p in studio.problems(
        {"n": ("Int", {"value": 16}), "e": "Empty", "f": ("Empty", {"frames": 5}), "d": ("Decode", {"family": "wan"})},
        ["n.value -> e.frames", "f.value -> d.latent"])}  # fmt: skip
    assert set(found) == {("e", "frames"), ("d", "latent")}
    assert found[("e", "frames")].example == 17 and found[("e", "frames")].given == "16"
    assert "belongs to wan" in found[("d", "latent")].message


def test_what_is_unknown_is_none_and_no_mistake(studio):
    nodes = {"n": ("Number", {"value": 16}), "e": "Empty", "d": "Decode"}
    assert not studio.problems(nodes, ["n.value -> e.frames", "e.value -> d.latent"])


@pytest.mark.parametrize("type_id", ["BrokenInfer", "ExitInfer"])
def test_a_broken_infer_is_a_problem_of_its_node_and_hides_no_other(studio, type_id):
    found = studio.problems({"b": type_id, "e": ("Empty", {"frames": 4})})
    assert {(p.node, p.code) for p in found} == {("b", "infer_failed"), ("e", "invalid_input")}
