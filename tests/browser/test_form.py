"""The form: chosen inputs and results alone, by a link, on a phone, against the real server."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import ROOT, Editor


def put(url: str, name: str, workflow: dict[str, Any]) -> None:
    """Save a workflow on the server."""
    request = urllib.request.Request(
        f"{url}api/workflows/{name}",
        json.dumps(workflow).encode(),
        {"Content-Type": "application/json"},
        method="PUT",
    )
    urllib.request.urlopen(request).close()


def test_the_link_of_a_form_is_copied(page: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """The editor saves the workflow and gives an address that names it."""
    editor = Editor(page).open(start_real_server()[0])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.template("Text to video")
    page.keyboard.press("v")
    panel = page.get_by_role("complementary", name="Form")
    panel.get_by_role("button", name="Copy a link to this form").click()
    expect(page.locator(".toast").last).to_contain_text("Link to the form copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    expect(page.get_by_role("heading", name="Text to video")).to_be_visible()
    expect(page.get_by_role("textbox", name="Prompt")).to_have_value("a red ball bounces over a green meadow")
    expect(page.locator(".react-flow")).to_have_count(0)


def test_a_phone_fills_in_the_form_and_gets_the_video(
    browser: Any, start_real_server: Callable[..., tuple[str, Any]]
) -> None:
    """By touch: type, run, see the progress and the player; the saved workflow stays as it is; errors are in words."""
    url, _ = start_real_server()
    workflow = json.loads((ROOT / "workflows/text_to_video.json").read_text())
    put(url, "for-everybody", workflow)
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, locale="en-GB"
    )
    phone = context.new_page()
    phone.goto(f"{url}?view=form&workflow=for-everybody")
    prompt = phone.get_by_role("textbox", name="Prompt")
    prompt.fill("a blue ball rolls over a green meadow")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    run = phone.get_by_role("button", name="Run", exact=True)
    box = run.bounding_box()
    assert box["height"] >= 36
    assert box["y"] + box["height"] <= 780
    run.tap()
    expect(phone.get_by_role("progressbar").first).to_be_visible(timeout=60_000)
    results = phone.get_by_role("region", name="Results")
    expect(results.locator("video")).to_be_visible(timeout=90_000)
    expect(results.get_by_role("button", name="One frame forward")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with urllib.request.urlopen(f"{url}api/workflows/for-everybody") as reply:
        assert json.load(reply)["nodes"] == workflow["nodes"]

    broken = json.loads(json.dumps(workflow))
    broken["nodes"]["load"]["values"] = {"name": "nowhere.safetensors"}
    put(url, "broken", broken)
    phone.goto(f"{url}?view=form&workflow=broken")
    expect(phone.get_by_role("textbox", name="Prompt")).to_be_visible()
    phone.get_by_role("button", name="Run", exact=True).tap()
    expect(phone.get_by_role("alert").first).to_contain_text("nowhere.safetensors")
    phone.goto(f"{url}?view=form&workflow=nobody")
    expect(phone.get_by_role("alert")).to_contain_text("no saved workflow “nobody”")
    context.close()
