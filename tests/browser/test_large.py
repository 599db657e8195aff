"""Large graphs: what is out of sight is not in the page, and still belongs to what a person does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import expect

COLUMNS = 20


def numbers(count: int, zoom: float) -> dict[str, Any]:
    """Numbers in rows of twenty, seen from the first one."""
    places = {f"n{at}": {"x": at % COLUMNS * 320, "y": at // COLUMNS * 160} for at in range(count)}
    layout = {"nodes": places, "viewport": {"x": 60, "y": 80, "zoom": zoom}}
    nodes = {name: {"type": "Int", "values": {}} for name in places}
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "layout": layout}


@pytest.fixture
def large(editor: Any) -> Any:
    """Four hundred nodes at their full size."""
    editor.drop("large.json", "application/json", json.dumps(numbers(400, 1)).encode())
    expect(editor.node("n0")).to_be_visible()
    return editor


def test_only_what_is_near_is_in_the_page(large: Any) -> None:
    """Panning brings the others; far away all are there, as tiles; fit shows everything."""
    page = large.page
    nodes = page.locator(".react-flow__node")
    expect(large.node("n399")).to_have_count(0)
    assert nodes.count() < 110
    expect(page.get_by_role("img", name="Overview")).to_be_visible()
    for _ in range(4):
        page.mouse.move(670, 780)  # between two columns, above the message that a file was opened
        page.mouse.down()
        page.mouse.move(670, 150, steps=6)
        page.mouse.up()
    expect(large.node("n380")).to_be_visible()
    expect(large.node("n0")).to_have_count(0)
    expect(page.locator(".canvas")).not_to_have_class("canvas canvas-moving")
    page.get_by_role("button", name="Fit", exact=True).click()
    expect(nodes).to_have_count(400)
    expect(large.node("n399").locator(".node-far")).to_be_visible()


def test_selected_nodes_out_of_sight_move_along_and_are_let_go(large: Any) -> None:
    """Select all, drag one: all four hundred move, in one step; a click on one lets the others go."""
    page = large.page
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+a")
    title = large.node("n0").locator(".node-title").bounding_box()
    page.mouse.move(title["x"] + 20, title["y"] + 8)
    page.mouse.down()
    page.mouse.move(title["x"] + 20, title["y"] + 88, steps=6)
    page.mouse.up()
    places = large.document()["layout"]["nodes"]
    assert places["n399"]["y"] - places["n0"]["y"] == 19 * 160
    assert places["n0"]["y"] >= 40
    large.node("n1").locator(".node-title").click()
    page.keyboard.press("Delete")
    expect(large.node("n1")).to_have_count(0)
    assert len(large.document()["nodes"]) == 399


def test_the_overview_goes_where_it_is_pressed(large: Any) -> None:
    """Its lower right corner is the last node."""
    page = large.page
    box = page.get_by_role("img", name="Overview").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.85, box["y"] + box["height"] * 0.8)
    expect(large.node("n399")).to_be_visible()
