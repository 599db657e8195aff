# ruff: noqa: E501 (tables and requests read best one a line)
"""Workflows and other JSON that came from somebody."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.security.conftest import Target, status_of
from tests.server.live import ROOT, Answer, workflow


def post_raw(target: Target, body: bytes, path: str = "/api/jobs") -> Answer:
    return target.request("POST", path, headers={"Content-Type": "application/json"}, raw=body)


def refused(target: Target, document: Any, *statuses: int) -> Answer:
    """Nothing is queued, and the answer is an error with an explanation."""
    before = target.jobs()
    answer = target.post("/api/jobs", {"workflow": document})
    assert answer.status in (statuses or (400, 422)), answer
    assert answer.json()["message"]
    assert "Traceback" not in answer.body.decode()
    assert target.jobs() == before
    return answer


def test_D01_large_bodies_are_refused_before_they_are_read(target: Target) -> None:
    for size in (64 << 20, 1 << 30, 1 << 60):
        head = target.head("POST", "/api/jobs", "Content-Type: application/json", f"Content-Length: {size}")
        assert status_of(target.raw(head, timeout=3)) == 413
    chunked = target.head("POST", "/api/jobs", "Content-Type: application/json", "Transfer-Encoding: chunked")
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert status_of(target.raw(chunked + piece * 20 + b"0\r\n\r\n", timeout=10)) in (0, 413)


@pytest.mark.parametrize("depth", [65, 1_000, 10_000, 100_000])
def test_D02_deep_nesting_is_refused(target: Target, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        for body in (opening * depth + b"1" + closing * depth, opening * depth):
            assert post_raw(target, b'{"workflow":' + body + b"}").status == 400
            assert (
                target.request(
                    "PUT", "/api/workflows/deep", headers={"Content-Type": "application/json"}, raw=body
                ).status
                == 400
            )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5000, "9" * 21])
def test_D05_numbers_are_finite_and_bounded(target: Target, number: str) -> None:
    document = json.dumps(workflow({"a": ("trials.Add", {"a": "NUMBER"})}))
    body = f'{{"workflow":{document}}}'.replace('"NUMBER"', number)
    before = target.jobs()
    assert post_raw(target, body.encode()).status == 400
    assert post_raw(target, body.encode(), "/api/plan").status == 400
    assert target.jobs() == before


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "1", True, None, [], {}])
def test_D06_a_seed_is_a_whole_number_in_range(target: Target, seed: Any) -> None:
    answer = refused(
        target, workflow({"a": ("Seed", {"seed": seed}), "b": ("Inspect", {})}, ("a", "seed", "b", "value"))
    )
    problem = answer.json()["problems"][0]
    assert (problem["node"], problem["socket"]) == ("a", "seed"), problem
    assert problem["wanted"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("frames", 0), ("frames", -1), ("frames", 10**9), ("width", 10**9), ("height", -8), ("seed", 2**70)],
)
def test_D07_sizes_are_checked_before_anything_is_allocated(target: Target, name: str, value: int) -> None:
    answer = target.post("/api/jobs", {"workflow": workflow({"n": ("NoiseLatent", {name: value})})})
    assert answer.status == (400 if value >= 2**64 else 422)


@pytest.mark.parametrize(
    "name", ["__class__", "__init__", "__globals__", "a.__class__.x", "a.0", "../a", "", "constructor"]
)
def test_D09_names_of_inputs_are_only_names(target: Target, name: str) -> None:
    refused(target, workflow({"a": ("trials.Add", {name: 1})}), 422)
    refused(target, workflow({"a": ("trials.Add", {}), "b": ("trials.Add", {})}, ("a", name, "b", "a")), 422)


def test_D10_names_stand_once(target: Target) -> None:
    body = b'{"workflow":{"format":"kinograph-workflow","version":1,"nodes":{"1":{"type":"trials.Add"},"1":{"type":"trials.Save"}}}}'
    assert post_raw(target, body).status == 400
    both = workflow({"1": ("trials.Add", {"a": 1}), "01": ("trials.Add", {"a": 2})})
    job = target.wait_job(target.submit(both))
    assert job["state"] == "succeeded"
    assert set(job["workflow"]["nodes"]) == {"1", "01"}


@pytest.mark.parametrize(
    "edge",
    [
        {"from": ["nowhere", "value"], "to": ["a", "a"]},
        {"from": ["b", "nothing"], "to": ["a", "a"]},
        {"from": ["b", -1], "to": ["a", "a"]},
        {"from": ["b", 10**9], "to": ["a", "a"]},
        {"from": ["b", "0"], "to": ["a", "a"]},
        {"from": ["b"], "to": ["a", "a"]},
        {"from": "b", "to": "a"},
        {"from": ["a", "value"], "to": ["a", "a"]},
        {},
        None,
        [],
    ],
)
def test_D11_wires_have_two_good_ends(target: Target, edge: Any) -> None:
    document = workflow({"a": ("trials.Add", {}), "b": ("trials.Add", {})})
    refused(target, {**document, "edges": [edge]}, 422)


def test_D12_types_must_fit(target: Target) -> None:
    refused(target, workflow({"t": ("Text", {}), "a": ("trials.Add", {})}, ("t", "value", "a", "a")), 422)
    refused(target, workflow({"a": ("trials.Add", {"a": [1, 2]})}), 422)
    refused(target, workflow({"a": ("*", {})}), 422)


@pytest.mark.parametrize(
    "document", [[], None, "x", 1, {}, {"nodes": []}, {"nodes": None}, {"nodes": {"a": []}}, {"nodes": {"a": {}}}]
)
def test_D14_what_is_no_workflow_is_refused(target: Target, document: Any) -> None:
    refused(target, document)
    if isinstance(document, dict):
        head = {"format": "kinograph-workflow", "version": 1}
        refused(target, {**head, **document})
        refused(target, {**head, "nodes": {"a": {"type": "trials.Add", "values": []}}})
        refused(target, {**head, "nodes": {"a": {"values": {}}}})


def test_D17_what_is_newer_is_said_and_what_is_unknown_is_kept(target: Target) -> None:
    document = {**workflow({"a": ("trials.Add", {})}), "future": {"x": [1]}, "layout": {"a": {"x": 1, "glow": True}}}
    document["nodes"]["a"]["colour"] = "red"
    assert target.request("PUT", "/api/workflows/future", document).status in (200, 201)
    assert target.get("/api/workflows/future").json() == document
    answer = refused(target, {**document, "version": 99}, 422)
    assert "newer" in answer.json()["message"]


def test_D18_long_and_strange_texts_pass_or_are_named(target: Target) -> None:
    for text in ("", "🧑‍🤝‍🧑" * 1000, "\u0001\u0002\u001b[31m", "x" * 5_000_000):
        asked = time.monotonic()
        answer = target.post("/api/jobs", {"workflow": workflow({"t": ("Text", {"value": text})})})
        assert answer.status in (202, 422), answer
        assert time.monotonic() - asked < 5
    surrogate = b'{"workflow":{"format":"kinograph-workflow","version":1,"nodes":{"a":{"type":"Text","values":{"value":"\\ud800"}}}}}'
    assert post_raw(target, surrogate).status == 400


def test_D21_values_that_look_alike_are_kept_apart(target: Target) -> None:
    def plan(document: dict[str, Any]) -> list[str]:
        return [step["key"] for step in target.post("/api/plan", {"workflow": document}).json()["steps"]]

    keys = [
        plan(workflow({"j": ("JoinText", {"items.0": "a|b", "items.1": "c"})})),
        plan(workflow({"j": ("JoinText", {"items.0": "a", "items.1": "b|c"})})),
        plan(workflow({"j": ("Text", {"value": "1"})})),
        plan(workflow({"j": ("Int", {"value": 1})})),
        plan(workflow({"j": ("Boolean", {"value": True})})),
    ]
    assert len({tuple(key) for key in keys}) == len(keys)


def test_D22_a_node_that_expands_into_itself_for_ever_ends(target: Target) -> None:
    job = target.submit(workflow({"e": ("trials.Forever", {})}))
    assert target.wait_job(job, 30)["state"] == "failed"
    assert "a recursion needs an end" in json.dumps(target.events(job))


def test_D24_keys_in_extra_fields_are_not_shown_in_lists(target: Target) -> None:
    document = {**workflow({"a": ("trials.Add", {})}), "meta": {"api_key": "sk-very-secret"}}
    job = target.wait_job(target.submit(document))
    for path in ("/api/jobs", "/api/files", f"/api/jobs/{job['id']}/events", "/metrics", "/api/system"):
        assert "sk-very-secret" not in target.get(path).body.decode()


def test_F05_a_plugin_that_fails_at_import_is_named(target: Target) -> None:
    errors = {item["plugin"]: item["message"] for item in target.get("/api/node-types").json()["plugin_errors"]}
    assert "on purpose" in errors["broken"]
    assert "tried to end the program" in errors["leaving"]


def test_errors_of_nodes_leak_no_paths(target: Target) -> None:
    job = target.submit(workflow({"a": ("trials.Die", {"how": "raise"})}))
    target.wait_job(job)
    text = json.dumps(target.events(job))
    assert "raise" in text
    assert str(target.data) not in text
    assert str(ROOT) not in text
    assert "/home/" not in text
