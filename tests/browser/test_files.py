"""Saved workflows: a name, a list with search, and nothing written over by accident."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

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
