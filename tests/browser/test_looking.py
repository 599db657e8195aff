"""Looking at what wires carry, with the real server: pictures, figures, parts, and honest words when there is nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor
from tests.browser.test_together import COUNTING


@pytest.fixture
def real(page: Any, start_real_server: Callable[..., tuple[str, Any]]) -> Any:
    """The editor in front of the real server."""
    return Editor(page).open(start_real_server()[0])


def run_text_to_video(editor: Any) -> None:
    """The first template, run to its end."""
    editor.template("Text to video")
    editor.page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("save").locator("video")).to_be_visible(timeout=90_000)


def test_a_wire_shows_what_it_carries(real: Any) -> None:
    """Press the wire: its frames are scrubbed one by one; another wire: a tensor's figures, and a picture of it."""
    page = real.page
    run_text_to_video(real)
    page.locator('[data-wire="save|frames"] .wire-hit').dispatch_event("click")
    viewers = page.get_by_role("region", name="Viewers")
    count = viewers.locator(".reel-count")
    expect(count).to_have_text("1 / 17")
    picture = viewers.get_by_role("img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("(image) => image.naturalWidth") >= 64
    first = picture.get_attribute("src")
    viewers.get_by_role("button", name="One frame forward").click()
    expect(count).to_have_text("2 / 17")
    assert picture.get_attribute("src") != first
    viewers.locator(".reel-stage").focus()
    page.keyboard.press("End")
    expect(count).to_have_text("17 / 17")
    viewers.get_by_role("button", name="Play").click()
    expect(count).not_to_have_text("17 / 17")
    page.locator('[data-wire="decode|latent"] .wire-hit').dispatch_event("click")
    expect(viewers).to_contain_text("1 × 48 × 5 × 8 × 8")
    expect(viewers).to_contain_text("Mean ± deviation")


def test_numbered_viewers_stay_on_their_nodes(real: Any) -> None:
    """A digit puts a viewer on the selected node; a change of the graph is said, and what was there stays visible."""
    page = real.page
    run_text_to_video(real)
    real.node("decode").locator(".node-title").click()
    page.keyboard.press("1")
    real.node("prompt").locator(".node-title").click()
    page.keyboard.press("2")
    viewers = page.get_by_role("region", name="Viewers")
    expect(real.node("decode").locator(".viewer-mark")).to_have_text("1")
    expect(viewers).to_contain_text("a red ball bounces over a green meadow")
    viewers.get_by_role("button", name="Look into tensors").click()
    expect(viewers.get_by_role("navigation")).to_contain_text("tensors")
    viewers.get_by_role("tab", name="VAE Decode · frames").click()
    expect(viewers).to_contain_text("64 x 64, 17 frames, 8 fps")
    real.node("noise").get_by_role("spinbutton", name="seed").focus()
    page.keyboard.press("ArrowUp")
    expect(viewers).to_contain_text("the graph has changed since")
    expect(viewers.locator(".reel-count")).to_have_text("1 / 17")


def test_nothing_there_is_said_and_can_be_made(real: Any) -> None:
    """Before the first run there is no value; the viewer says so, runs the node, and then shows the number."""
    page = real.page
    real.drop("count.json", "application/json", json.dumps(COUNTING).encode())
    expect(real.node("sum").get_by_role("combobox")).to_be_visible()
    real.node("sum").locator(".node-title").click()
    page.keyboard.press("e")
    viewers = page.get_by_role("region", name="Viewers")
    expect(viewers).to_contain_text("Nothing to see here now")
    expect(viewers).to_contain_text("not computed yet")
    viewers.get_by_role("button", name="Run to here").click()
    expect(viewers.locator(".value-short")).to_have_text("42.0")
