"""Curves: a course through time and a guidance schedule, drawn with the mouse, a finger's reach and the keyboard."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Editor

WARP = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        "warp": {"type": "TimeWarp", "values": {}},
        "sampler": {"type": "DiTSampler", "values": {"guidance_curve": [[0, 1], [1, 1]]}},
    },
    "edges": [],
    "layout": {"nodes": {"warp": {"x": 0, "y": 0}, "sampler": {"x": 420, "y": 0}}},
}


def curve(editor: Editor, node: str, name: str) -> Any:
    """The field of a curve."""
    return editor.node(node).get_by_role("group", name=name)


def held(editor: Editor, node: str, name: str) -> Any:
    """What the document holds for it."""
    return editor.document()["nodes"][node]["values"].get(name)


def place(field: Any, x: float, y: float) -> tuple[float, float]:
    """Where a point of the curve is in the window."""
    box = field.locator(".curve-area").bounding_box()
    return box["x"] + box["width"] * x, box["y"] + box["height"] * (1 - y)


def near(found: list[Any], wanted: list[tuple[float, float]]) -> bool:
    """Whether a curve has these points, to what a mouse can hit."""
    return len(found) == len(wanted) and all(
        abs(a - c) < 0.03 and abs(b - d) < 0.03 for (a, b), (c, d) in zip(found, wanted, strict=True)
    )


def open_curves(editor: Editor) -> None:
    """Both nodes in sight."""
    editor.drop("curves.json", "application/json", json.dumps(WARP).encode())
    expect(editor.node("warp")).to_be_visible()
    editor.page.wait_for_timeout(500)


def test_a_course_is_drawn_with_the_mouse(editor: Editor) -> None:
    """Drag an end, add a point, drag it beyond its neighbour, take it out; each is one step back."""
    page = editor.page
    open_curves(editor)
    field = curve(editor, "warp", "course")
    points = field.get_by_role("slider")
    expect(points).to_have_count(2)
    expect(points.first).to_have_attribute("aria-valuetext", "0, 0")
    at_first = editor.node("warp").bounding_box()

    page.mouse.move(*place(field, 0, 0))
    page.mouse.down()
    page.mouse.move(*place(field, 0.1, 0.3), steps=5)
    page.mouse.move(*place(field, 0, 0.5), steps=5)
    page.mouse.up()
    expect(points.first).to_have_attribute("aria-valuenow", "0.5")
    assert near(held(editor, "warp", "course"), [(0, 0.5), (1, 1)])

    page.mouse.dblclick(*place(field, 0.5, 0.2))
    expect(points).to_have_count(3)
    assert near(held(editor, "warp", "course"), [(0, 0.5), (0.5, 0.2), (1, 1)])

    page.mouse.move(*place(field, 0.5, 0.2))
    page.mouse.down()
    page.mouse.move(*place(field, 0.75, 0.9), steps=5)
    page.mouse.move(*place(field, 1.6, 0.7), steps=5)  # over the edge: it stays at its neighbour
    page.mouse.up()
    expect(points.nth(1)).to_have_attribute("aria-valuenow", "0.7")
    assert near(held(editor, "warp", "course"), [(0, 0.5), (1, 0.7), (1, 1)])
    assert editor.node("warp").bounding_box() == at_first, "drawing moved the node"

    page.mouse.dblclick(*place(field, 1, 0.7))
    expect(points).to_have_count(2)

    for count, first in ((3, "0.5"), (3, "0.5"), (2, "0.5"), (2, "0")):
        page.keyboard.press("Control+z")
        expect(points).to_have_count(count)
        expect(points.first).to_have_attribute("aria-valuenow", first)
    assert held(editor, "warp", "course") is None
    for _ in range(4):
        page.keyboard.press("Control+Shift+z")
    assert near(held(editor, "warp", "course"), [(0, 0.5), (1, 1)])


def test_a_schedule_is_drawn_by_keyboard_alone(editor: Editor) -> None:
    """Guidance that falls to nothing in the second half of the steps, without a pointer."""
    page = editor.page
    open_curves(editor)
    editor.node("sampler").get_by_role("button", name="more").focus()
    page.keyboard.press("Enter")
    field = curve(editor, "sampler", "guidance_curve")
    points = field.get_by_role("slider")
    expect(points).to_have_count(2)

    points.first.focus()
    page.keyboard.press("Enter")
    expect(points).to_have_count(3)
    expect(points.nth(1)).to_be_focused()
    expect(field.locator(".field-value")).to_have_text("0.5, 1")
    page.keyboard.press("Tab")
    expect(points.nth(2)).to_be_focused()
    page.keyboard.press("Home")
    expect(points.nth(2)).to_have_attribute("aria-valuetext", "1, 0")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    expect(points.nth(1)).to_have_attribute("aria-valuetext", "0.46, 0.975")
    assert held(editor, "sampler", "guidance_curve") == [[0, 1], [0.46, 0.975], [1, 0]]

    points.nth(1).focus()
    page.keyboard.press("Delete")
    expect(points).to_have_count(2)
    expect(points.first).to_be_focused()
    page.keyboard.press("Delete")
    page.keyboard.press("Delete")  # the last point stays, and so does the node
    expect(points).to_have_count(1)
    expect(editor.node("sampler")).to_be_visible()
    assert held(editor, "sampler", "guidance_curve") == [[1, 0]]

    for _ in range(5):  # two taken out, the arrows on one point, an end lowered, one added
        page.keyboard.press("Control+z")
    assert held(editor, "sampler", "guidance_curve") == [[0, 1], [1, 1]]
