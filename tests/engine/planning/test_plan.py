"""Plans: what will run, why, and at what cost."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import pytest

from engine.node_types.authoring import Display, FilePicker, Lazy, node
from engine.planning.ledger import Ledger
from engine.problems import WorkflowError


@node("Number")
def number(value: int = 0) -> int:
    return value


@node("Encode")
def encode(prompt: str = "", style: str = "plain") -> str:
    time.sleep(0.02)
    return prompt


@node("Sample")
def sample(conditioning: str, seed: int = 0, other: str = "") -> str:
    return f"{conditioning}{seed}"


@node("Fresh", cache=False)
def fresh() -> int:
    return 1


@node("Choose")
def choose(first: bool, a: Lazy[str], b: Lazy[str]) -> str:
    return a() if first else b()


class Network:
    """Stands for a loaded model: its arrays lie inside."""

    def __kinograph_buffers__(self):
        return iter(())


OUTSIDE = {"weights": "1", "weather": "1"}
"""What the fingerprint hooks look at."""


@node("LoadShipped", fingerprint=lambda: OUTSIDE["weights"])
def load_shipped() -> Network:
    return Network()


@node("LoadFile")
def load_file(path: Annotated[Path, FilePicker("model")]) -> Network:
    return Network()


@node("Weather", fingerprint=lambda: OUTSIDE["weather"])
def weather() -> int:
    return 1


@node("Save", output=True)
def save(value: int = 0) -> Display[int]:
    return Display(value, {})


FUNCTIONS = (number, encode, sample, fresh, choose, load_shipped, load_file, weather, save)
NODES = {"encode": ("Encode", {"prompt": "a cat"}), "sample": ("Sample", {"seed": 41})}
WIRES = ["encode.value -> sample.conditioning"]


@pytest.fixture
def lab(make_lab, tmp_path):
    lab = make_lab(*FUNCTIONS)
    lab.ledger = Ledger(tmp_path / "ledger.sqlite")
    yield lab
    lab.ledger.close()


def reasons(lab, nodes, wires=WIRES, targets=None):
    return {step.node: step.reason for step in lab.plan(nodes, wires, targets).steps() if step.reason}


def statuses(lab, nodes, wires=WIRES, targets=None):
    return {step.node: step.status for step in lab.plan(nodes, wires, targets).steps()}


def test_before_the_first_run(lab):
    assert statuses(lab, NODES) == {"encode": "run", "sample": "run"}
    assert reasons(lab, NODES) == {"encode": "has not run before", "sample": "has not run before"}


def test_after_a_run_everything_is_there(lab):
    lab.run(NODES, WIRES)
    assert statuses(lab, NODES) == {"encode": "unneeded", "sample": "cached"}
    assert lab.plan(NODES, WIRES).steps()[1].where == "memory"
    assert reasons(lab, NODES) == {}


def test_a_changed_value_says_from_what_to_what(lab):
    lab.run(NODES, WIRES)
    nodes = {**NODES, "sample": ("Sample", {"seed": 42})}
    assert reasons(lab, nodes) == {"sample": "seed: 41 -> 42"}
    assert statuses(lab, nodes) == {"encode": "cached", "sample": "run"}


def test_a_value_that_went_back_to_its_default(lab):
    lab.run(NODES, WIRES)
    assert reasons(lab, {**NODES, "sample": "Sample"}) == {"sample": "seed: 41 -> 0"}


def test_reasons_have_codes_for_other_languages(lab):
    lab.run(NODES, WIRES)
    described = lab.plan({**NODES, "sample": ("Sample", {"seed": 42})}, WIRES).describe()["steps"]
    assert [step["reasons"] for step in described] == [
        [],
        [{"code": "value", "params": {"input": "seed", "before": "41", "after": "42"}}],
    ]
    assert [step["reason"] for step in described] == ["", "seed: 41 -> 42"]


def test_a_change_upstream_is_named(lab):
    lab.run(NODES, WIRES)
    nodes = {**NODES, "encode": ("Encode", {"prompt": "a dog"})}
    assert reasons(lab, nodes) == {"encode": 'prompt: "a cat" -> "a dog"', "sample": "upstream encode changed"}


def test_several_changes_are_all_named(lab):
    lab.run(NODES, WIRES)
    nodes = {"encode": ("Encode", {"prompt": "a dog", "style": "bold"}), "sample": ("Sample", {"seed": 1})}
    assert reasons(lab, nodes) == {
        "encode": 'prompt: "a cat" -> "a dog"; style: "plain" -> "bold"',
        "sample": "seed: 41 -> 1; upstream encode changed",
    }


def test_a_wire_that_came_moved_or_went(lab):
    lab.run(NODES, WIRES)
    other = {**NODES, "second": ("Encode", {"prompt": "x"})}
    assert (
        "conditioning comes from second.value instead of encode.value"
        in (reasons(lab, other, ["second.value -> sample.conditioning"], ["sample"])["sample"])
    )
    assert (
        "other now comes from second"
        in (reasons(lab, other, [*WIRES, "second.value -> sample.other"], ["sample"])["sample"])
    )
    alone = {"sample": ("Sample", {"seed": 41, "conditioning": "word"})}
    assert "the wire into conditioning was taken off" in reasons(lab, alone, [])["sample"]


def test_workflows_with_equal_node_ids_have_a_past_of_their_own(lab):
    cats = {"encode": ("Encode", {"prompt": "a cat"}), "sample": ("Sample", {"seed": 41})}
    dogs = {"encode": ("Encode", {"prompt": "a dog"}), "sample": ("Sample", {"seed": 7})}
    lab.run(cats, WIRES)
    lab.run(dogs, WIRES)  # a copy of the workflow
    lab.run({**dogs, "more": "Number"}, WIRES, ["sample", "more"])  # and another one
    assert reasons(lab, {**cats, "sample": ("Sample", {"seed": 42})}) == {"sample": "seed: 41 -> 42"}
    assert reasons(lab, {**dogs, "sample": ("Sample", {"seed": 42})}) == {"sample": "seed: 7 -> 42"}


def test_what_was_there_and_is_gone_was_evicted(lab):
    nodes = {**NODES, "model": "LoadShipped"}
    lab.run(nodes, WIRES, ["sample", "model"])
    lab.cache.clear()
    assert reasons(lab, nodes, WIRES, ["sample", "model"]) == {
        "encode": "evicted",
        "sample": "evicted: quicker to compute than to keep on disk",
        "model": "evicted: a loaded model is kept in memory only",
    }


def test_never_cached_by_its_author(lab):
    lab.run({"f": "Fresh"})
    assert reasons(lab, {"f": "Fresh"}, []) == {"f": "never cached by its author"}


@pytest.mark.parametrize("change", ["code", "version"])
def test_changed_code_and_version(make_lab, tmp_path, change):
    def lab_with(version, code):
        @node("Thing", version=version)
        def thing() -> int:
            return version

        lab = make_lab(thing, plugin="pack", code=code)
        lab.ledger = Ledger(tmp_path / "ledger.sqlite")
        return lab

    lab_with(1, "abc").run({"t": "Thing"})
    if change == "code":
        assert reasons(lab_with(1, "def"), {"t": "Thing"}, []) == {"t": "code of plugin pack changed"}
    else:
        assert reasons(lab_with(2, "abc"), {"t": "Thing"}, []) == {"t": "Thing version 1 -> 2"}


def test_what_changed_outside_the_graph_is_said(lab, monkeypatch):
    nodes = {"model": "LoadShipped", "weather": "Weather"}
    lab.run(nodes)
    monkeypatch.setitem(OUTSIDE, "weights", "2")
    monkeypatch.setitem(OUTSIDE, "weather", "2")
    assert reasons(lab, nodes, []) == {
        "model": "model file changed",
        "weather": "something outside the graph changed",
    }


def test_a_changed_model_file_is_named(lab, tmp_path):
    file = tmp_path / "model.safetensors"
    file.write_text("some weights")
    nodes = {"model": ("LoadFile", {"path": str(file)})}
    lab.run(nodes)
    assert reasons(lab, nodes, []) == {}
    file.write_text("other weights")
    assert reasons(lab, nodes, []) == {"model": f"model file changed (path: {file})"}


def test_another_folder_for_results_is_named(lab):
    lab.executor.run(lab.plan({"s": "Save"}, outputs="/one"))
    (step,) = lab.plan({"s": "Save"}, outputs="/other").steps()
    assert step.reason == "saves to /other instead of /one"


def test_lazy_inputs_run_only_if_asked_for(lab):
    nodes = {"a": ("Encode", {"prompt": "a"}), "b": ("Encode", {"prompt": "b"}), "c": ("Choose", {"first": True})}
    wires = ["a.value -> c.a", "b.value -> c.b"]
    assert statuses(lab, nodes, wires, ["c"]) == {"a": "lazy", "b": "lazy", "c": "run"}


def test_expected_seconds_and_totals_are_learnt(lab):
    plan = lab.plan(NODES, WIRES)
    assert plan.describe()["unknown_seconds"] == 2
    lab.run(NODES, WIRES)
    lab.cache.clear()
    described = lab.plan(NODES, WIRES).describe()
    assert (described["run"], described["cached"], described["unknown_seconds"]) == (2, 0, 0)
    assert 0.02 <= described["seconds"] < 1
    other = lab.plan({"new": ("Encode", {"prompt": "another"})}).steps()[0]
    assert other.seconds >= 0.02  # the type's average
    assert described["steps"][0]["type"] == "Encode" and described["targets"] == ["sample"]


def test_a_plan_covers_only_what_the_targets_need(lab):
    nodes = {**NODES, "unrelated": "Number"}
    assert set(statuses(lab, nodes, WIRES, ["sample"])) == {"encode", "sample"}


def test_an_unknown_target_and_an_empty_workflow(lab):
    with pytest.raises(WorkflowError, match="did you mean 'sample'"):
        lab.plan(NODES, WIRES, ["sampel"])
    with pytest.raises(WorkflowError, match="no nodes"):
        lab.plan({})


def test_a_ledger_that_cannot_be_written_changes_nothing(make_lab, tmp_path):
    (tmp_path / "folder").write_text("in the way")
    lab = make_lab(*FUNCTIONS)
    lab.ledger = Ledger(tmp_path / "folder" / "ledger.sqlite")
    assert lab.value(NODES, WIRES) == "a cat41"
    assert reasons(lab, {**NODES, "sample": ("Sample", {"seed": 1})}) == {"sample": "has not run before"}


def test_the_ledger_forgets_the_oldest(tmp_path, monkeypatch):
    import engine.planning.ledger
    from engine.planning.ledger import StepRecord

    monkeypatch.setattr(engine.planning.ledger, "_KEPT", 100)
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for turn in range(30):
        ledger.record(
            [StepRecord(f"n{turn}-{i}", "T", "", f"{turn}-{i}", 1, "", "{}", "{}", "", 0.1, 1) for i in range(10)]
        )
    count = ledger._query("SELECT count(*) FROM past")[0][0]
    assert count <= 200
    assert set(ledger.pasts(["n29-0", "n0-0"])) == {("n29-0", "T")}
    ledger.close()


def test_the_ledger_keeps_of_a_node_what_is_looked_at(tmp_path):
    from engine.planning.ledger import StepRecord

    ledger = Ledger(tmp_path / "ledger.sqlite")
    for turn in range(500):
        ledger.record([StepRecord("n", "T", "w", f"{turn:x}", 1, "", f'{{"turn":{turn}}}', "{}", "", 0.1, 1)])
    assert ledger._query("SELECT count(*) FROM past")[0][0] < 48
    latest = ledger.pasts(["n"])["n", "T"]
    assert [past.key for past in latest] == [f"{turn:x}" for turn in range(499, 499 - 24, -1)]
    ledger.close()
