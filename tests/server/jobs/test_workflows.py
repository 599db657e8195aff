"""Saved workflows: versions, search, other names, and two people who save at once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.jobs.workflows import DRAFT_DAYS, UnknownWorkflow, WorkflowStore
from server.storage.database import Database
from tests.server.live import LiveServer, workflow


def document(prompt: str) -> dict[str, Any]:
    return workflow({"t": ("TextEncode", {"prompt": prompt})})


def test_saved_workflows_are_listed_with_their_versions_and_found(own_server: LiveServer) -> None:
    server = own_server.start()
    for prompt in ("a red ball", "a green ball", "a cat"):
        saved = server.request("PUT", "/api/workflows/My%20film", document(prompt))
        assert saved.status in (200, 201)
    server.request("PUT", "/api/workflows/Other", document("a dog"))
    listed = server.get("/api/workflows").json()
    assert [(item["name"], item["version"], item["versions"]) for item in listed["workflows"]] == [
        ("Other", 1, 1),
        ("My film", 3, 3),
    ]
    assert listed["total"] == 2
    assert [item["name"] for item in server.get("/api/workflows?search=film").json()["workflows"]] == ["My film"]
    assert [item["name"] for item in server.get("/api/workflows?search=CAT").json()["workflows"]] == ["My film"]
    assert server.get("/api/workflows?search=red").json()["total"] == 0, "an older version says so"
    page = server.get("/api/workflows?limit=1&offset=1").json()
    assert ([item["name"] for item in page["workflows"]], page["total"]) == (["My film"], 2)
    versions = server.get("/api/workflows/My%20film/versions").json()["workflows"]
    assert [item["version"] for item in versions] == [3, 2, 1]
    assert server.get("/api/workflows/My%20film?version=1").json()["nodes"]["t"]["values"]["prompt"] == "a red ball"


def test_a_workflow_gets_another_name_with_all_its_versions(own_server: LiveServer) -> None:
    server = own_server.start()
    for prompt in ("one", "two"):
        server.request("PUT", "/api/workflows/draft", document(prompt))
    server.request("PUT", "/api/workflows/taken", document("three"))
    rename = "/api/workflows/draft/rename"
    assert server.request("POST", rename, {"name": "taken"}).status == 409
    assert server.request("POST", rename, {"name": "a\nb"}).status == 400
    assert server.request("DELETE", "/api/workflows/taken").status == 204
    named = server.request("POST", rename, {"name": "taken"})
    assert named.status == 200
    assert named.json()["versions"] == 3, "what was deleted can still be opened by its number"
    assert server.get("/api/workflows/taken").json()["nodes"]["t"]["values"]["prompt"] == "two"
    assert server.get("/api/workflows/draft").status == 404
    assert server.request("POST", rename, {"name": "x"}).status == 404


def test_who_saves_on_an_old_version_is_told(own_server: LiveServer) -> None:
    server = own_server.start()
    first = server.request("PUT", "/api/workflows/film", document("mine"), {"If-None-Match": "*"})
    assert first.headers["ETag"] == '"1"'
    assert server.request("PUT", "/api/workflows/film", document("hers"), {"If-Match": '"1"'}).status == 200
    late = server.request("PUT", "/api/workflows/film", document("late"), {"If-Match": '"1"'})
    assert late.status == 412
    assert "version 2" in late.json()["message"]


async def test_old_drafts_go_and_what_a_person_saved_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = SimpleNamespace(time=lambda: day * 86_400.0)
    monkeypatch.setattr("server.jobs.workflows.time", now)
    database = Database(tmp_path / "kinograph.sqlite")
    store = WorkflowStore(database)

    async def save(name: str, prompt: str, autosave: bool = True) -> None:
        await store.save(name, json.dumps(document(prompt)), words=prompt, autosave=autosave)

    day = 0
    await save("draft-forgotten", "a fox")
    await save("draft-worked-on", "a bear")
    await save("film", "an owl", autosave=False)
    await save("film", "an owl at night")
    day = DRAFT_DAYS
    await save("draft-worked-on", "a bear in snow")
    await save("draft-second", "a wolf")
    assert len((await store.latest())[0]) == 4, "to the day is not too old"
    day = DRAFT_DAYS + 1
    await save("draft-worked-on", "a bear in deep snow")
    assert len((await store.latest())[0]) == 4, "only a new draft makes room"
    await save("draft-third", "a lynx")
    assert {row.name for row in (await store.latest())[0]} == {"draft-worked-on", "draft-second", "draft-third", "film"}
    with pytest.raises(UnknownWorkflow):
        await store.get("draft-forgotten", 1)
    assert (await store.latest(text="fox"))[1] == 0
    assert len(await store.versions("film")) == 2
    await asyncio.to_thread(database.close)
