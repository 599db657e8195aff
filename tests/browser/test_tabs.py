"""Tabs that crash, are closed, or stand beside each other: nothing is lost, and a new one may start afresh."""

from __future__ import annotations

import contextlib
from typing import Any

from playwright.sync_api import Error, expect

from tests.browser.conftest import Editor


def crash(page: Any) -> None:
    """End the page's process: no event tells the page, nothing can be written any more."""
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.goto("chrome://crash", timeout=20_000)


class Saves:
    """Whether autosaves of a window reach the server: they fail, or stay without an answer, until they may."""

    def __init__(self, context: Any, fail: bool) -> None:
        self.allowed = False
        self.fail = fail
        context.route("**/api/workflows/**", self._decide)

    def _decide(self, route: Any) -> None:
        if self.allowed or route.request.method != "PUT":
            route.fallback()
        elif self.fail:
            route.abort()


def prompt(editor: Editor) -> Any:
    """The field that a person has written into."""
    return editor.node("prompt").get_by_role("textbox")


def test_a_crashed_tab_comes_back_with_what_only_the_browser_had(editor: Editor) -> None:
    """The server takes nothing any more, then the tab dies: its last words are there, and go to the server at last."""
    page = editor.page
    editor.template("Text to video")
    expect(page.locator(".save-mark")).to_have_text("Saved")
    saves = Saves(page.context, fail=True)
    prompt(editor).fill("words that no server has seen")
    expect(page.locator(".save-mark")).to_have_text("Kept in this browser")
    address = page.url
    crash(page)

    saves.allowed = True
    again = Editor(page.context.new_page()).open(address)
    expect(prompt(again)).to_have_value("words that no server has seen")
    expect(again.page.locator(".save-mark")).to_have_text("Saved")
    name = again.page.evaluate("sessionStorage.getItem('kinograph.open')")
    kept = again.page.request.get(f"{address}api/workflows/{name}").json()
    assert kept["nodes"]["prompt"]["values"]["prompt"] == "words that no server has seen"


def test_a_crash_right_after_a_change_loses_nothing(editor: Editor) -> None:
    """Before the server's turn comes the browser has a copy."""
    page = editor.page
    editor.template("Text to video")
    expect(page.locator(".save-mark")).to_have_text("Saved")
    saves = Saves(page.context, fail=False)
    prompt(editor).fill("a moment ago")
    page.wait_for_function("Object.values(localStorage).some((copy) => copy.includes('a moment ago'))")
    address = page.url
    crash(page)
    saves.allowed = True
    again = Editor(page.context.new_page()).open(address)
    expect(prompt(again)).to_have_value("a moment ago")


def test_a_tab_beside_another_starts_afresh_and_each_keeps_its_own(editor: Editor) -> None:
    """A new tab shows the templates; both are there after a reload; the last one is there after all were closed."""
    page = editor.page
    context, address = page.context, page.url
    editor.template("Text to video")
    prompt(editor).fill("the first tab")
    expect(page.locator(".save-mark")).to_have_text("Saved")

    second = Editor(context.new_page()).open(address)
    expect(second.page.locator(".start")).to_be_visible()
    second.template("Text to video")
    prompt(second).fill("the second tab")
    expect(second.page.locator(".save-mark")).to_have_text("Saved")
    for tab, words in ((editor, "the first tab"), (second, "the second tab")):
        tab.page.reload()
        expect(prompt(tab)).to_have_value(words)

    page.close()
    second.page.close()
    third = Editor(context.new_page()).open(address)
    expect(prompt(third)).to_have_value("the second tab")


def test_two_tabs_that_crash_both_come_back(editor: Editor) -> None:
    """The last one by itself, the other from the list of what was opened."""
    page = editor.page
    address = page.url
    editor.template("Text to video")
    prompt(editor).fill("the first tab")
    expect(page.locator(".save-mark")).to_have_text("Saved")
    second = Editor(page.context.new_page()).open(address)
    second.template("Text to video")
    prompt(second).fill("the second tab")
    expect(second.page.locator(".save-mark")).to_have_text("Saved")
    names = [tab.evaluate("sessionStorage.getItem('kinograph.open')") for tab in (page, second.page)]
    assert len(set(names)) == 2
    crash(page)
    crash(second.page)
    third = Editor(page.context.new_page()).open(address)
    expect(prompt(third)).to_have_value("the second tab")
    third.page.keyboard.press("Control+o")
    saved = third.page.get_by_role("dialog")
    saved.get_by_role("button", name="Drafts").click()
    saved.get_by_text(names[0]).click()
    expect(prompt(third)).to_have_value("the first tab")


def test_who_does_not_wait_for_what_was_open_keeps_both(editor: Editor) -> None:
    """A graph begun before the server has told the last one stays on the screen, and the last one stays on the server."""
    page = editor.page
    editor.template("Text to video")
    prompt(editor).fill("what was open")
    expect(page.locator(".save-mark")).to_have_text("Saved")
    name = page.evaluate("sessionStorage.getItem('kinograph.open')")
    held: list[Any] = []
    page.route(f"**/api/workflows/{name}/versions**", lambda route: held.append(route))
    page.reload()
    page.wait_for_selector(".start")
    editor.search_add("Save Video", (500, 820))
    expect(editor.node("saveVideo")).to_be_visible()
    assert held
    for route in held:
        route.continue_()
    page.wait_for_function("name => sessionStorage.getItem('kinograph.open') !== name", arg=name)
    expect(page.locator(".save-mark")).to_have_text("Saved")
    expect(editor.node("saveVideo")).to_be_visible()
    expect(editor.node("prompt")).to_have_count(0)
    kept = page.request.get(f"{page.url}api/workflows/{name}").json()
    assert kept["nodes"]["prompt"]["values"]["prompt"] == "what was open"
