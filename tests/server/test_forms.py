"""A saved workflow is an endpoint: its inputs have a JSON Schema, and a run takes them by name."""

from __future__ import annotations

import jsonschema

from tests.server.live import LiveServer, workflow

NAME = "/api/workflows/adder"


def save(server: LiveServer) -> None:
    document = workflow(
        {"a": ("Int", {"value": 2}), "sum": ("Math", {"operation": "add", "b": 3})}, ("a", "value", "sum", "a")
    )
    document["inputs"] = {
        "first": {"node": "a", "socket": "value", "label": "First", "doc": "the first number"},
        "how": {"node": "sum", "socket": "operation"},
    }
    document["meta"] = {"title": "Adder", "description": "Adds."}
    assert server.request("PUT", NAME, document).status in (200, 201)


def test_a_saved_workflow_says_what_it_wants_to_be_told(server: LiveServer) -> None:
    save(server)
    form = server.get(f"{NAME}/form").json()
    assert (form["title"], form["description"]) == ("Adder", "Adds.")
    assert [(field["name"], field["default"]) for field in form["fields"]] == [("first", 2), ("how", "add")]
    schema = form["schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["first"]["type"] == "integer"
    assert "multiply" in schema["properties"]["how"]["enum"]
    jsonschema.validate({"first": 5, "how": "multiply"}, schema)
    assert list(jsonschema.Draft202012Validator(schema).iter_errors({"first": "five", "other": 1}))


def test_a_run_takes_inputs_by_name_and_is_an_ordinary_job(server: LiveServer) -> None:
    save(server)
    answer = server.post(f"{NAME}/run", {"inputs": {"first": 5}, "targets": ["sum"]})
    assert answer.status == 202
    job = server.get(f"/api/jobs/{answer.json()['id']}").json()
    assert job["workflow"]["nodes"]["a"]["values"]["value"] == 5
    assert job["title"] == "Adder"
    saved = server.get(NAME).json()
    assert saved["nodes"]["a"]["values"]["value"] == 2


def test_mistakes_are_told_as_with_a_job(server: LiveServer) -> None:
    save(server)
    unknown = server.post(f"{NAME}/run", {"inputs": {"frist": 1}})
    assert unknown.status == 422
    assert "did you mean 'first'" in unknown.json()["problems"][0]["message"]
    wrong = server.post(f"{NAME}/run", {"inputs": {"first": "five"}})
    assert wrong.status == 422
    assert (wrong.json()["problems"][0]["node"], wrong.json()["problems"][0]["socket"]) == ("a", "value")
    assert server.post(f"{NAME}/run", {"input": {}}).status == 400
    assert server.post("/api/workflows/nobody/run", {}).status == 404
    assert server.get("/api/workflows/nobody/form").status == 404
