"""Undo, autosave, files, ghosts: no work is ever lost."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

GHOST = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        "odd": {"type": "missing.Plugin", "values": {"strength": 0.7, "name": "kept"}, "colour": "red"},
        "save": {"type": "SaveVideo", "values": {}},
    },
    "edges": [{"from": ["odd", "frames"], "to": ["save", "frames"]}],
    "requires": {"plugins": {"missing": "2.1"}},
}


def test_fifty_steps_back_and_forth(editor: Any) -> None:
    """Every key press of a move is a step; undo and redo go through all of them exactly."""
    page = editor.page
    editor.template("Text to video")
    editor.node("sampler").locator(".node-title").click()
    seen = [editor.document()]
    editor.node("sampler").locator(".node-title").click()
    for step in range(50):
        page.keyboard.press("b" if step % 2 else "c")
    last = editor.document()
    for _ in range(50):
        page.keyboard.press("Control+z")
    assert editor.document() == seen[0]
    for _ in range(50):
        page.keyboard.press("Control+Shift+z")
    assert editor.document() == last


def test_opening_another_file_can_be_undone(editor: Any) -> None:
    """A dropped file takes the place of what was open, without its results; undo brings it back."""
    page = editor.page
    editor.template("Text to video")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("save").locator("video")).to_be_visible()
    before = editor.document()["nodes"]
    editor.drop("other.json", "application/json", json.dumps(GHOST).encode())
    expect(editor.node("odd")).to_be_visible()
    expect(editor.node("save")).to_contain_text("The result appears here")
    page.keyboard.press("Control+z")
    assert editor.document()["nodes"] == before


def test_a_ghost_keeps_values_and_wires(editor: Any) -> None:
    """An unknown node type is shown, kept and explained."""
    page = editor.page
    editor.drop("ghost.json", "application/json", json.dumps(GHOST).encode())
    ghost = editor.node("odd")
    expect(ghost).to_contain_text("missing")
    expect(ghost).to_contain_text("0.7")
    expect(ghost).to_contain_text("needs the plugin missing 2.1")
    found = editor.document()
    assert found["nodes"]["odd"] == GHOST["nodes"]["odd"]
    assert found["edges"] == GHOST["edges"]
    ghost.locator(".node-title").click()
    page.keyboard.press("i")
    expect(page.get_by_role("complementary", name="Details")).to_contain_text(
        "missing.Plugin is not installed here. The plugin missing 2.1 provides it."
    )


def test_a_video_opens_its_graph(editor: Any) -> None:
    """The workflow inside a media file is found and opened."""
    text = json.dumps({**GHOST, "meta": {"title": "from a film"}}).encode()
    editor.drop("clip.mp4", "video/mp4", b"\x00\x00\x00\x20ftypisom" + bytes(500) + text + bytes(300))
    expect(editor.page.get_by_label("Title of the workflow")).to_have_value("from a film")


def test_a_file_without_a_workflow_says_so(editor: Any) -> None:
    """No graph, no change, a plain sentence."""
    editor.drop("cat.png", "image/png", b"\x89PNG" + bytes(100))
    expect(editor.page.locator(".toast")).to_contain_text("The file carries no workflow")


def test_a_reload_brings_everything_back(editor: Any) -> None:
    """What was made a moment ago is there after the tab was reloaded."""
    page = editor.page
    editor.template("Text to video")
    editor.node("prompt").get_by_role("textbox").fill("the last words")
    expect(page.locator(".save-mark")).to_have_text("Saved")
    page.reload()
    expect(editor.node("prompt").get_by_role("textbox")).to_have_value("the last words")


def test_replaced_steps_are_kept(editor: Any) -> None:
    """A change after undo does not destroy what redo would have brought."""
    page = editor.page
    editor.template("Text to video")
    prompt = editor.node("prompt").get_by_role("textbox")
    prompt.fill("first idea")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+z")
    prompt.fill("second idea")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("h")
    panel = page.get_by_role("complementary", name="Steps")
    expect(panel).to_contain_text("Replaced after undo")
    panel.locator("section button").first.click()
    expect(prompt).to_have_value("first idea")
