"""Nodes put in order, and what the window shows of them."""

from __future__ import annotations

import json
from itertools import combinations

from playwright.sync_api import expect

from tests.browser.conftest import Editor

HEAP = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        **{f"n{place}": {"type": "Int", "values": {"value": place}} for place in range(4)},
        "sum": {"type": "Math", "values": {}},
        "more": {"type": "Math", "values": {}},
    },
    "edges": [
        {"from": ["n0", "value"], "to": ["sum", "a"]},
        {"from": ["n1", "value"], "to": ["sum", "b"]},
        {"from": ["sum", "number"], "to": ["more", "a"]},
        {"from": ["n2", "value"], "to": ["more", "b"]},
    ],
    "layout": {
        "nodes": {
            name: {"x": 20 * place, "y": 30 * place}
            for place, name in enumerate(("n0", "n1", "n2", "n3", "sum", "more"))
        }
    },
}


def boxes(editor: Editor) -> dict[str, dict[str, float]]:
    """Where the nodes are in the window."""
    return {name: editor.node(name).bounding_box() for name in HEAP["nodes"]}  # type: ignore[attr-defined]


def overlapping(found: dict[str, dict[str, float]]) -> list[tuple[str, str]]:
    """Pairs of nodes that lie over each other."""

    def apart(a: dict[str, float], b: dict[str, float]) -> bool:
        across = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
        return across or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]

    return [(one, other) for one, other in combinations(found, 2) if not apart(found[one], found[other])]


def still(editor: Editor) -> None:
    """Until nothing moves any more."""
    editor.page.wait_for_timeout(300)  # a move that was asked for has begun
    editor.page.wait_for_function(
        """() => {
            const now = document.querySelector(".react-flow__viewport").style.transform;
            const same = now === window.kinographSeen;
            window.kinographSeen = now;
            return same;
        }""",
        polling=300,
    )


def test_a_heap_is_put_in_order_and_back(editor: Editor) -> None:
    """L: no node lies over another, wires run to the right; one step back brings the heap."""
    page = editor.page
    editor.drop("heap.json", "application/json", json.dumps(HEAP).encode())
    expect(editor.node("more")).to_be_visible()
    still(editor)
    before = editor.document()["layout"]["nodes"]
    assert overlapping(boxes(editor))
    editor.document()  # nothing has the focus
    page.mouse.click(30, 400)
    page.keyboard.press("l")
    page.wait_for_function("document.querySelectorAll('.react-flow__node').length === 6")
    page.keyboard.press("f")
    still(editor)
    found = boxes(editor)
    assert overlapping(found) == []
    for edge in HEAP["edges"]:
        start, end = found[edge["from"][0]], found[edge["to"][0]]  # type: ignore[index]
        assert start["x"] + start["width"] < end["x"]
    page.keyboard.press("Control+z")
    assert {name: (place["x"], place["y"]) for name, place in editor.document()["layout"]["nodes"].items()} == {
        name: (place["x"], place["y"]) for name, place in before.items()
    }


def test_the_window_goes_to_what_is_selected_and_to_everything(editor: Editor) -> None:
    """F with a node selected shows it large; without one everything, and no node under the map or the buttons."""
    page = editor.page
    editor.template("Text to video")
    page.keyboard.press("f")
    still(editor)
    small = editor.node("save").bounding_box()
    editor.node("save").locator(".node-title").click()
    page.keyboard.press("f")
    still(editor)
    large = editor.node("save").bounding_box()
    assert small and large and large["width"] > small["width"]
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    still(editor)
    nodes = page.locator(".react-flow__node")
    expect(nodes).to_have_count(7)
    window = page.viewport_size
    standing = [page.locator(name).bounding_box() for name in (".minimap", ".zoom-controls")]
    for place in range(7):
        box = nodes.nth(place).bounding_box()
        assert box and window and box["x"] >= 0 and box["x"] + box["width"] <= window["width"]
        assert box["y"] >= 0 and box["y"] + box["height"] <= window["height"]
        for thing in standing:
            assert thing and overlapping({"node": box, "thing": thing}) == []
