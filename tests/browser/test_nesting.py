"""Sub-graphs as a person uses them, on the real server: made, entered, shown on the face, run, kept, taken apart."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor

MAKERS = ("prompt", "noise", "sampler")


@pytest.fixture
def nested(page: Any, start_real_server: Any) -> Editor:
    """Text to video, with what makes the latent in one sub-graph."""
    url, _ = start_real_server()
    editor = Editor(page).open(url)
    editor.template("Text to video")
    select(editor, MAKERS)
    page.keyboard.press("Control+Shift+g")
    expect(editor.node("subgraph")).to_be_visible()
    return editor


def select(editor: Editor, nodes: tuple[str, ...]) -> None:
    """Click the first, then the others with Shift."""
    first, *others = nodes
    editor.node(first).locator(".node-title").click()
    editor.page.keyboard.down("Shift")
    for node in others:
        editor.node(node).locator(".node-title").click()
    editor.page.keyboard.up("Shift")


def crumbs(editor: Editor) -> Any:
    return editor.page.get_by_role("navigation", name="Where you are")


def expose_prompt(editor: Editor) -> None:
    """Inside, draw a wire from the free socket to the prompt."""
    editor.node("subgraph").get_by_role("button", name="Go inside").click()
    expect(editor.node("@inputs")).to_be_visible()
    editor.page.wait_for_timeout(300)
    editor.drag_wire(editor.socket("@inputs", "output", "+"), editor.socket("prompt", "input", "prompt"))
    expect(editor.socket("@inputs", "output", "prompt")).to_be_visible()


def test_a_subgraph_runs_and_is_followed_from_outside_and_inside(nested: Editor) -> None:
    """Its face takes the wires of its nodes; its prompt is set outside; progress and preview show on it and in it."""
    page = nested.page
    face = nested.node("subgraph")
    expect(face.locator('[data-side="input"]')).to_have_count(2)
    expect(face.locator('[data-side="output"]')).to_have_count(1)
    expect(nested.node("sampler")).to_have_count(0)
    expose_prompt(nested)
    # the value has one home: it can be set inside, as long as no wire brings it, and outside
    expect(nested.node("prompt").get_by_role("textbox")).to_be_visible()
    page.keyboard.press("Control+ArrowUp")
    expect(crumbs(nested)).to_have_count(0)
    face.get_by_role("textbox", name="prompt").fill("a green cube spins")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(face.get_by_role("progressbar")).to_contain_text("sampler", timeout=60_000)
    expect(face.get_by_role("img", name="Preview of")).to_be_visible()
    page.keyboard.press("Escape")
    face.locator(".row-name").first.dblclick()
    expect(crumbs(nested)).to_contain_text("Sub-graph")
    expect(nested.node("prompt").get_by_role("textbox")).to_have_value("a green cube spins")
    expect(nested.node("sampler").get_by_role("img", name="Preview of")).to_be_visible()
    crumbs(nested).get_by_role("button", name="Text to video").click()
    expect(nested.node("save").locator("video")).to_be_visible(timeout=90_000)
    expect(page.locator(".run-note")).to_have_text("Everything is cached", timeout=30_000)
    # taken apart, nothing has to be computed again
    face.locator(".node-title").click()
    page.keyboard.press("u")
    expect(nested.node("sampler")).to_be_visible()
    expect(nested.node("prompt").get_by_role("textbox")).to_have_value("a green cube spins")
    expect(page.locator(".run-note")).to_have_text("Everything is cached")


def test_every_step_of_it_is_undone_and_redone(nested: Editor) -> None:
    """Also what was done inside: undo goes there, so that it is seen."""
    page = nested.page
    expose_prompt(nested)
    nested.node("prompt").get_by_role("textbox").fill("inside")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+ArrowUp")
    expect(nested.node("subgraph").get_by_role("textbox", name="prompt")).to_have_value("inside")
    page.evaluate("document.activeElement?.blur()")
    for _ in range(2):
        page.keyboard.press("Control+z")
    expect(nested.node("subgraph").get_by_role("textbox", name="prompt")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(nested.node("subgraph")).to_have_count(0)
    expect(nested.node("sampler")).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    expect(nested.node("subgraph").get_by_role("textbox", name="prompt")).to_have_value("inside")


def test_a_mistake_inside_is_told_outside_and_leads_in(nested: Editor) -> None:
    """A refused run goes to the inner node."""
    page = nested.page
    nested.node("subgraph").get_by_role("button", name="Go inside").click()
    expect(nested.node("@inputs")).to_be_visible()
    page.wait_for_timeout(300)
    page.locator('.wire-hit[aria-label*="Inputs.encoder"]').dblclick(force=True)
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator(".run-note")).to_contain_text("to put right")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(crumbs(nested)).to_contain_text("Sub-graph")
    expect(nested.node("prompt").locator(".row-mistaken")).to_be_visible()


def test_names_on_the_face_are_changed_and_moved(nested: Editor) -> None:
    """In the details; the wires on both sides follow."""
    page = nested.page
    nested.node("subgraph").locator(".node-title").click()
    page.keyboard.press("i")
    panel = page.get_by_role("complementary", name="Details")
    name = panel.get_by_role("textbox", name="Name of encoder")
    name.fill("words")
    name.press("Enter")
    expect(nested.socket("subgraph", "input", "inputs.words")).to_have_attribute(
        "aria-label", "Input inputs.words, TextEncoder, connected"
    )
    names = nested.node("subgraph").locator(".row-input .row-name")
    first, second = names.all_inner_texts()
    panel.get_by_role("button", name=f"Move {first} down").click()
    expect(names).to_have_text([second, first])
    assert {"from": ["load", "encoder"], "to": ["subgraph", "inputs.words"]} in nested.document()["edges"]


def test_a_block_is_kept_and_found_in_another_workflow(nested: Editor) -> None:
    """Named, kept, searched, placed: with all that is in it."""
    page = nested.page
    title = nested.node("subgraph").locator(".node-title")
    title.dblclick()
    page.get_by_role("textbox", name="Name of the node").fill("Painter")
    page.keyboard.press("Enter")
    title.click(button="right")
    page.get_by_role("menuitem", name="Keep as a block").click()
    expect(page.locator(".toast").get_by_text("“Painter” is kept as a block")).to_be_visible()
    page.get_by_role("button", name="Kinograph: File").click()
    page.get_by_role("menuitem", name="New", exact=True).click()
    expect(page.locator(".start")).to_be_visible()
    page.keyboard.press("/")
    page.locator("[role=combobox]").fill("painter")
    expect(page.get_by_role("option", name="Painter")).to_contain_text("blocks")
    page.keyboard.press("Enter")
    expect(nested.node("subgraph").locator(".node-title")).to_have_text("Painter")
    nested.node("subgraph").focus()
    page.keyboard.press("Enter")
    for node in MAKERS:
        expect(nested.node(node)).to_be_visible()


def test_a_loop_body_is_edited_like_a_subgraph(page: Any, start_real_server: Any) -> None:
    """A sum is put into a loop, entered, changed, and run three times."""
    url, _ = start_real_server()
    editor = Editor(page).open(url)
    page.evaluate("document.activeElement?.blur()")
    for query, at in (("float", (200, 300)), ("math", (560, 300)), ("inspect", (920, 300))):
        page.mouse.dblclick(*at)
        page.locator("[role=combobox]").fill(query)
        expect(page.locator("#palette-0")).to_be_visible()
        page.keyboard.press("Enter")
        expect(editor.node(query)).to_be_visible()
    editor.drag_wire(editor.socket("float", "output", "value"), editor.socket("math", "input", "a"))
    output = editor.node("math").locator('[data-side="output"]').first.get_attribute("data-socket")
    editor.drag_wire(editor.socket("math", "output", output), editor.socket("inspect", "input", "value"))
    editor.node("math").locator(".node-title").click(button="right")
    page.get_by_role("menuitem", name="Repeat in a loop").click()
    loop = editor.node("forLoop")
    expect(loop).to_be_visible()
    loop.get_by_role("button", name="Go inside").click()
    expect(editor.socket("@inputs", "output", "index")).to_be_visible()
    number(editor, "math", "b", "2")
    page.keyboard.press("Control+ArrowUp")
    expect(loop).to_be_visible()
    number(editor, "forLoop", "count", "3")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("inspect").locator(".ui-value")).to_contain_text("6", timeout=60_000)


def number(editor: Editor, node: str, name: str, value: str) -> None:
    """Click a number's field, type, Enter, and leave it."""
    field = editor.node(node).get_by_role("spinbutton", name=name, exact=True)
    field.click()
    editor.page.keyboard.type(value)
    editor.page.keyboard.press("Enter")
    expect(field).to_have_attribute("aria-valuenow", value)
    editor.page.evaluate("document.activeElement?.blur()")
