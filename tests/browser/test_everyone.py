"""Screen readers, keyboards, phones, both languages and themes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"


def serious(page: Any) -> list[str]:
    """What axe-core finds serious or worse."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} {item['nodes'][0].get('failureSummary', '')[:300]}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious(editor: Any, theme: str) -> None:
    """Start, graph, panels, dialogs, in both themes."""
    page = editor.page
    if theme == "light":
        page.get_by_role("button", name="Light").click()
    assert serious(page) == []
    editor.template("Text to video")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("save").locator("video")).to_be_visible()
    assert serious(page) == []
    for panel in ("Queue and history", "Gallery", "Form", "Steps", "Details"):
        page.get_by_role("button", name=panel, exact=True).click()
        page.wait_for_timeout(150)
        assert (panel, serious(page)) == (panel, [])
    page.keyboard.press("?")
    assert serious(page) == []


def test_nodes_sockets_and_wires_have_names(editor: Any) -> None:
    """What a screen reader says."""
    page = editor.page
    editor.template("Text to video")
    expect(page.get_by_role("group", name="VAE Decode, node decode")).to_be_visible()
    expect(page.get_by_role("button", name="Input latent, Latent, connected").first).to_be_attached()
    expect(
        page.get_by_role("button", name="Wire from VAE Decode.frames to Upscale Video.frames, Frames")
    ).to_be_attached()


def test_chinese(editor: Any) -> None:
    """One press changes every word."""
    page = editor.page
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="想做点什么？")).to_be_visible()
    expect(page.get_by_role("button", name="运行", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"


def test_phone(browser: Any, fake_server: str) -> None:
    """At phone size nothing is cut off, and the form runs."""
    context = browser.new_context(
        viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, locale="en-GB"
    )
    page = context.new_page()
    page.goto(fake_server)
    page.get_by_role("button", name="Text to video").tap()
    page.wait_for_selector(".node")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Form", exact=True).tap()
    panel = page.get_by_role("complementary", name="Form")
    panel.get_by_role("textbox", name="Prompt").fill("a small boat")
    page.get_by_role("button", name="Run", exact=True).tap()
    expect(panel.locator("video")).to_be_visible()
    context.close()
