"""What asks the person: the gate that waits for an answer, and plugins that did not load."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor

GATE = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        "number": {"type": "Int", "values": {"value": 42}},
        "gate": {"type": "Approve", "values": {"question": "Is this the answer?"}},
        "show": {"type": "Inspect", "values": {}},
    },
    "edges": [
        {"from": ["number", "value"], "to": ["gate", "value"]},
        {"from": ["gate", "value"], "to": ["show", "value"]},
    ],
    "layout": {"nodes": {"number": {"x": 0, "y": 0}, "gate": {"x": 340, "y": 0}, "show": {"x": 680, "y": 0}}},
}


@pytest.mark.parametrize(("answer", "after"), [("Approve", "node-is-done"), ("Decline", "node-is-skipped")])
def test_the_gate_waits_for_an_answer(
    page: Any, start_real_server: Callable[..., tuple[str, Any]], answer: str, after: str
) -> None:
    """The question stands in the node with its answers; what follows runs, or is skipped without an error."""
    editor = Editor(page).open(start_real_server()[0])
    editor.drop("gate.json", "application/json", json.dumps(GATE).encode())
    expect(editor.node("gate")).to_be_visible()
    page.get_by_role("button", name="Run", exact=True).click()
    question = editor.node("gate").get_by_role("group", name="Is this the answer?")
    expect(question).to_be_visible(timeout=90_000)
    assert "node-is-done" not in (editor.node("show").locator(".node").get_attribute("class") or "")
    question.get_by_role("button", name=answer).click()
    expect(question).to_have_count(0)
    expect(editor.node("show").locator(f".{after}")).to_be_visible()
    if answer == "Approve":
        expect(editor.node("show")).to_contain_text("42")
    expect(page.locator(".node-is-failed")).to_have_count(0)


def test_plugins_that_did_not_load_are_told_calmly(page: Any, fake_server: str) -> None:
    """A mark in the bar; pressed, it says which and why, the traceback on demand. Without trouble there is no mark."""
    troubles = [{"plugin": "grain", "message": "No module named 'cv2'", "details": "Traceback: import cv2"}]
    broken = True

    def answer(route: Any) -> None:
        reply = route.fetch()
        route.fulfill(response=reply, json={**reply.json(), "plugin_errors": troubles if broken else []})

    page.route("**/api/node-types", answer)
    Editor(page).open(fake_server)
    page.get_by_role("button", name="1 plugin problem(s)").click()
    dialog = page.get_by_role("dialog", name="Plugins that did not load")
    expect(dialog.get_by_role("heading", name="grain")).to_be_visible()
    expect(dialog).to_contain_text("No module named 'cv2'")
    expect(dialog.locator("pre")).not_to_be_visible()
    dialog.locator("summary").click()
    expect(dialog.locator("pre")).to_have_text("Traceback: import cv2")
    broken = False
    page.reload()
    page.wait_for_selector(".start")
    expect(page.get_by_role("button", name="plugin problem")).to_have_count(0)


def test_nodes_are_found_by_chinese_words(browser: Any, fake_server: str) -> None:
    """In the Chinese editor: 保存视频 is Save Video."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    editor = Editor(context.new_page()).open(fake_server)
    editor.search_add("保存视频", (500, 820))
    expect(editor.node("saveVideo")).to_be_visible()
    context.close()
