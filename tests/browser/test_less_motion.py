"""Who asks the system for less motion gets it; everything works as before."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor

WATCH = """() => {
  window.__moved = new Set();
  const look = () => {
    for (const animation of document.getAnimations()) {
      if (animation.playState === "running") window.__moved.add(animation.effect?.target?.className ?? "?");
    }
    requestAnimationFrame(look);
  };
  look();
}"""
"""Remember what moves by a style, in every frame."""


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_less_motion(browser: Any, fake_server: str, motion: str) -> None:
    """Templates stand still, nothing slides while a graph runs, the canvas jumps, the result waits to be played."""
    less = motion == "reduce"
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", reduced_motion=motion)
    page = context.new_page()
    editor = Editor(page).open(fake_server)
    card = page.get_by_role("button", name="Text to video").locator("img")
    expect(card).to_be_visible()
    page.wait_for_function("(image) => image.currentSrc !== ''", arg=card.element_handle())
    assert card.evaluate("(image) => image.currentSrc.includes('still')") is less
    editor.template("Text to video")
    page.evaluate(WATCH)
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("sampler").get_by_role("progressbar")).to_be_visible()
    video = editor.node("save").locator("video")
    expect(video).to_be_visible()
    page.wait_for_function("(video) => video.readyState >= 2", arg=video.element_handle())
    page.wait_for_timeout(300)
    assert video.evaluate("(video) => video.paused") is less
    moved = page.evaluate("[...window.__moved]")
    assert (moved == []) is less, moved
    before = page.locator(".react-flow__viewport").evaluate("(view) => view.style.transform")
    page.get_by_role("button", name="Closer").click()
    if less:
        assert page.locator(".react-flow__viewport").evaluate("(view) => view.style.transform") != before
    name = "Play" if less else "Pause"
    editor.node("save").get_by_role("button", name=name, exact=True).click()
    expect(video).to_have_js_property("paused", not less)
    context.close()
