"""Saved workflows: a name, a list with search, and nothing written over by accident."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from nodes.media.encode import write_video
from nodes.media.images import write_image
from nodes.media.tags import workflow_tags
from tests.browser.conftest import Editor


def save_as(editor: Editor, name: str) -> Any:
    """Ctrl+Shift+S, a name, Enter; the dialog."""
    page = editor.page
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+Shift+s")
    dialog = page.get_by_role("dialog", name="Save as")
    dialog.get_by_role("textbox", name="Name").fill(name)
    page.keyboard.press("Enter")
    return dialog


def test_save_as_and_open_again(page: Any, start_real_server: Any) -> None:
    """Two workflows under names of their own; the list finds one by what its prompt says, and opens it."""
    url, _ = start_real_server()
    editor = Editor(page).open(url)
    editor.template("Text to video")
    prompt = editor.node("prompt").get_by_role("textbox")
    prompt.fill("a turquoise lighthouse")
    page.evaluate("document.activeElement?.blur()")
    # a draft has no name yet: Ctrl+S asks for one
    page.keyboard.press("Control+s")
    dialog = page.get_by_role("dialog", name="Save as")
    expect(dialog.get_by_role("textbox", name="Name")).to_have_value("Text to video")
    dialog.get_by_role("textbox", name="Name").fill("Lighthouse")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    requires = page.request.get(f"{url}api/workflows/Lighthouse").json()["requires"]  # as a run writes it into media
    assert requires["plugins"]["kinograph"]["version"]
    assert requires["models"]["load.name"]["digest"]
    expect(page.get_by_label("Title of the workflow")).to_have_value("Lighthouse")
    # the same name again is only taken over when that is said
    prompt.fill("a grey harbour")
    expect(save_as(editor, "Harbour")).to_have_count(0)
    prompt.fill("a grey harbour at night")
    dialog = save_as(editor, "Lighthouse")
    expect(dialog.get_by_role("alert")).to_contain_text("There is a workflow called “Lighthouse”")
    dialog.get_by_role("button", name="Cancel").click()
    # another document in this tab is not written over the one that was open
    page.get_by_role("button", name="Kinograph: File").click()
    page.get_by_role("menuitem", name="New", exact=True).click()
    expect(page.locator(".start")).to_be_visible()
    page.keyboard.press("Control+o")
    saved = page.get_by_role("dialog", name="Open …")
    rows = saved.locator(".saved-open")
    expect(rows).to_have_count(2)
    saved.get_by_role("searchbox").fill("turquoise")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Lighthouse")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(saved).to_have_count(0)
    expect(prompt).to_have_value("a turquoise lighthouse")
    page.keyboard.press("Control+o")
    saved.get_by_role("searchbox").fill("harbour")
    rows.first.click()
    expect(prompt).to_have_value("a grey harbour at night")
    # rename and remove; removing can be undone
    page.keyboard.press("Control+o")
    saved.get_by_role("button", name="Rename Lighthouse").click()
    page.keyboard.type("Beacon")
    page.keyboard.press("Enter")
    expect(saved.get_by_role("button", name="Rename Beacon")).to_be_visible()
    saved.get_by_role("button", name="Take Beacon off the list").click()
    expect(rows).to_have_count(1)


CARRIED = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {"first": {"type": "Int", "values": {"value": 7}}, "sum": {"type": "Math", "values": {"b": 35}}},
    "edges": [{"from": ["first", "value"], "to": ["sum", "a"]}],
    "meta": {"title": "carried — 提示"},
}


@pytest.mark.parametrize("kind", ["png", "webm", "mp4"])
def test_a_result_brings_its_graph(editor: Editor, tmp_path: Path, kind: str) -> None:
    """Files as the saving nodes write them: dropped, each opens the workflow that it carries."""
    picture = np.full((16, 16, 3), 90, np.uint8)
    path = tmp_path / f"result.{kind}"
    tags = workflow_tags(json.dumps(CARRIED))
    if kind == "png":
        write_image(path, picture, format="png", tags=tags)
    else:
        write_video(path, [picture] * 4, format=kind, fps=8, tags=tags)  # type: ignore[arg-type]  # one of the two
    editor.drop(path.name, "image/png" if kind == "png" else f"video/{kind}", path.read_bytes())
    expect(editor.node("sum")).to_be_visible()
    expect(editor.page.get_by_label("Title of the workflow")).to_have_value("carried — 提示")
    found = editor.document()
    assert found["nodes"] == CARRIED["nodes"] and found["edges"] == CARRIED["edges"]


def file_menu(page: Any, item: str) -> None:
    """Something of the menu of files."""
    page.get_by_role("button", name="Kinograph: File").click()
    page.get_by_role("menuitem", name=item).click()


def test_an_exported_file_opens_again(editor: Editor, tmp_path: Path) -> None:
    """Named as the workflow; what is in it is the workflow."""
    page = editor.page
    editor.drop("it.json", "application/json", json.dumps(CARRIED).encode())
    expect(editor.node("sum")).to_be_visible()
    with page.expect_download() as download:
        file_menu(page, "Export as file")
    assert download.value.suggested_filename == "carried _ 提示.json"
    path = tmp_path / "exported.json"
    download.value.save_as(path)
    assert json.loads(path.read_text())["nodes"] == CARRIED["nodes"]
    file_menu(page, "New")
    expect(page.locator(".start")).to_be_visible()
    editor.drop("exported.json", "application/json", path.read_bytes())
    expect(editor.node("sum")).to_be_visible()


def test_a_copied_link_carries_the_workflow(editor: Editor) -> None:
    """Opened in a new tab it is there as a draft of its own, and the address is clean again."""
    page = editor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.drop("it.json", "application/json", json.dumps(CARRIED).encode())
    expect(editor.node("sum")).to_be_visible()
    file_menu(page, "Copy as link")
    expect(page.locator(".toast").last).to_contain_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(page.url) and "#workflow=" in link
    other = Editor(page.context.new_page()).open(link)
    expect(other.node("sum")).to_be_visible()
    expect(other.page.get_by_label("Title of the workflow")).to_have_value("carried — 提示")
    found = other.document()
    assert found["nodes"] == CARRIED["nodes"] and found["edges"] == CARRIED["edges"]
    assert "#" not in other.page.url
    other.page.goto(f"{page.url}#workflow=broken")
    other.page.reload()
    expect(other.page.locator(".toast").last).to_be_visible()
