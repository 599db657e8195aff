"""Several windows, a server that dies, and the real server."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Editor

COUNTING = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        "first": {"type": "Int", "values": {"value": 20}},
        "sum": {"type": "Math", "values": {"b": 22, "operation": "add"}},
    },
    "edges": [{"from": ["first", "value"], "to": ["sum", "a"]}],
}


def test_two_windows_see_the_same_queue(editor: Any, browser: Any) -> None:
    """A run in one browser appears in the other, with its result in the gallery."""
    page = editor.page
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    other = context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Queue and history", exact=True).click()
    expect(other.get_by_role("complementary")).to_contain_text("Nothing has been run yet")
    editor.template("Text to video")
    page.get_by_role("button", name="Run", exact=True).click()
    panel = other.get_by_role("complementary", name="Queue and history")
    expect(panel).to_contain_text("Text to video")
    expect(panel).to_contain_text("Done")
    panel.get_by_role("button", name="Open its graph").click()
    expect(other.locator('.react-flow__node[data-id="sampler"]')).to_be_visible()
    context.close()


def test_two_tabs_of_one_workflow_keep_both(editor: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """A duplicated tab has the same name; the second to save goes on under its own, and says so."""
    url, _ = start_real_server()
    page = editor.page
    editor.open(url)
    editor.drop("one.json", "application/json", json.dumps({**COUNTING, "meta": {"title": "one"}}).encode())
    expect(page.locator(".save-mark")).to_have_text("Saved")
    name = page.evaluate("sessionStorage.getItem('kinograph.open')")
    page.wait_for_timeout(1500)
    request = urllib.request.Request(
        f"{url}api/workflows/{name}",
        data=json.dumps({**COUNTING, "meta": {"title": "by another tab"}}).encode(),
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()
    page.get_by_label("Title of the workflow").fill("mine")
    expect(page.locator(".toast").last).to_contain_text("Another tab has changed this workflow")
    with urllib.request.urlopen(f"{url}api/workflows/{name}") as reply:
        assert json.load(reply)["meta"]["title"] == "by another tab"
    with urllib.request.urlopen(
        f"{url}api/workflows/{page.evaluate('sessionStorage.getItem(`kinograph.open`)')}"
    ) as reply:
        assert json.load(reply)["meta"]["title"] == "mine"


def test_the_connection_heals(editor: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """The server is killed and started again: the page says so, comes back, and nothing of the work is gone."""
    url, process = start_real_server()
    page = editor.page
    editor.open(url)
    editor.drop("one.json", "application/json", json.dumps(COUNTING).encode())
    expect(page.locator(".save-mark")).to_have_text("Saved")
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(page.locator(".connection")).to_contain_text("Server not reached")
    page.get_by_label("Title of the workflow").fill("written while it was away")
    start_real_server(int(url.rstrip("/").rsplit(":", 1)[1]))
    expect(page.locator(".connection")).to_have_count(0)
    expect(page.locator(".save-mark")).to_have_text("Saved")
    name = page.evaluate("sessionStorage.getItem('kinograph.open')")
    with urllib.request.urlopen(f"{url}api/workflows/{name}") as reply:
        assert json.load(reply)["meta"]["title"] == "written while it was away"


def test_a_server_killed_during_a_run_goes_on(page: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """Killed while the sampler works and started again: the page says so, the same job goes on, its video appears."""
    url, process = start_real_server()
    editor = Editor(page).open(url)
    editor.template("Text to video")
    sampler = editor.node("sampler")
    sampler.get_by_role("spinbutton", name="steps").focus()
    page.keyboard.type("60")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(sampler.get_by_role("progressbar")).to_contain_text(re.compile(r"([5-9]|\d\d) / 60"), timeout=90_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    expect(page.locator(".connection")).to_contain_text("Server not reached")
    start_real_server(int(url.rstrip("/").rsplit(":", 1)[1]))
    expect(page.locator(".connection")).to_have_count(0)
    expect(editor.node("save").locator("video")).to_be_visible(timeout=120_000)
    with urllib.request.urlopen(f"{url}api/jobs") as reply:
        jobs = json.load(reply)["jobs"]
    assert [(job["state"], job["attempts"]) for job in jobs] == [("succeeded", 2)]


def test_the_gallery_finds_results_by_what_their_workflow_says(editor: Any) -> None:
    """Words of the prompt find a result; kinds narrow it down; two chosen ones stay chosen while searching."""
    page = editor.page
    editor.template("Text to video")
    page.keyboard.press("g")
    gallery = page.get_by_role("complementary", name="Gallery")
    expect(gallery).to_contain_text("Pictures and videos that you make appear here.")
    for prompt in ("a turquoise lighthouse", "a grey harbour"):
        editor.node("prompt").get_by_role("textbox").fill(prompt)
        page.get_by_role("button", name="Run", exact=True).click()
    tiles = gallery.get_by_role("listitem")
    expect(tiles).to_have_count(2)
    search = gallery.get_by_role("searchbox", name="Names and prompts")
    search.fill("turquoise")
    expect(tiles).to_have_count(1)
    tiles.get_by_role("checkbox").check()
    search.fill("HARBOUR grey")
    expect(tiles).to_have_count(1)
    tiles.get_by_role("checkbox").check()
    search.fill("zebra")
    expect(gallery).to_contain_text("Neither a name nor a workflow says this.")
    search.fill("")
    gallery.get_by_role("radio", name="Pictures").click()
    expect(tiles).to_have_count(0)
    gallery.get_by_role("radio", name="Videos").click()
    expect(tiles).to_have_count(2)
    gallery.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog", name="Compare")).to_be_visible()
