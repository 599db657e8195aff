"""With fingers: pan, pinch, wire, move, search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor

Point = tuple[float, float]


class Fingers:
    """Touches as the browser gets them from a screen."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: Point) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def drag(self, *ways: tuple[Point, Point]) -> None:
        """Fingers go together, each from one point to another."""
        self._send("touchStart", *(start for start, _ in ways))
        for step in range(1, 9):
            share = step / 8
            self._send("touchMove", *((a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share) for a, b in ways))
            self._page.wait_for_timeout(20)
        self._send("touchEnd")
        self._page.wait_for_timeout(200)


def middle(element: Any) -> Point:
    box = element.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.fixture
def tablet(browser: Any, fake_server: str) -> Iterator[Editor]:
    """Text to video on a tablet."""
    context = browser.new_context(viewport={"width": 1024, "height": 768}, has_touch=True, locale="en-GB")
    editor = Editor(context.new_page()).open(fake_server)
    editor.template("Text to video")
    yield editor
    context.close()


def view(editor: Editor) -> tuple[float, float, float]:
    x, y, zoom = editor.page.evaluate(
        """() => {
            const at = new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform);
            return [at.e, at.f, at.a];
        }"""
    )
    return x, y, zoom


def test_one_finger_pans_and_two_zoom(tablet: Editor) -> None:
    """The canvas follows the fingers; the page itself does not move or zoom."""
    fingers = Fingers(tablet.page)
    x, y, zoom = view(tablet)
    fingers.drag(((500, 700), (420, 650)))
    panned = view(tablet)
    assert panned == pytest.approx((x - 80, y - 50, zoom), abs=12)
    fingers.drag(((450, 650), (350, 650)), ((550, 650), (650, 650)))
    assert view(tablet)[2] > zoom * 1.5
    assert tablet.page.evaluate("[scrollX, scrollY, visualViewport.scale]") == [0, 0, 1]


def test_a_finger_draws_a_wire_and_moves_a_node(tablet: Editor) -> None:
    """From socket to socket; into space opens the search; a node's title moves it."""
    fingers = Fingers(tablet.page)
    fingers.drag(
        (
            middle(tablet.socket("prompt", "output", "conditioning")),
            middle(tablet.socket("sampler", "input", "negative")),
        )
    )
    assert {"from": ["prompt", "conditioning"], "to": ["sampler", "negative"]} in tablet.document()["edges"]
    before = middle(tablet.node("load").locator(".node-title"))
    tablet.page.evaluate("document.activeElement?.blur()")
    fingers.drag((before, (before[0], before[1] + 120)))
    assert middle(tablet.node("load").locator(".node-title"))[1] - before[1] > 80
    fingers.drag((middle(tablet.socket("load", "output", "vae")), (300, 140)))
    expect(tablet.page.locator("#palette-list")).to_contain_text("VAE Decode")
    tablet.page.locator("[role=combobox]").fill("vae decode")
    expect(tablet.page.locator("#palette-0")).to_contain_text("VAE Decode")
    tablet.page.wait_for_timeout(600)  # a finger comes down again later than a program's
    tablet.page.locator("#palette-0").tap()
    expect(tablet.node("vaeDecode")).to_be_visible()
    assert {"from": ["load", "vae"], "to": ["vaeDecode", "vae"]} in tablet.document()["edges"]


def test_a_button_adds_a_node(tablet: Editor) -> None:
    """Nobody has to know of double taps."""
    tablet.page.get_by_role("button", name="Add a node").tap()
    expect(tablet.page.get_by_role("dialog", name="Add a node")).to_be_visible()
