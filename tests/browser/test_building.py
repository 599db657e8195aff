"""Building a graph: by mouse, by keyboard alone, and what the wires refuse."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Editor

TEXT_TO_VIDEO = {
    ("loadModel", "encoder", "textEncode", "encoder"),
    ("loadModel", "model", "noiseLatent", "model"),
    ("loadModel", "model", "sampler", "model"),
    ("textEncode", "conditioning", "sampler", "positive"),
    ("noiseLatent", "latent", "sampler", "latent"),
    ("loadModel", "vae", "vaeDecode", "vae"),
    ("sampler", "latent", "vaeDecode", "latent"),
    ("vaeDecode", "frames", "saveVideo", "frames"),
}


def wires(document: dict[str, Any]) -> set[tuple[str, ...]]:
    """Edges as four names, the sampler called so whatever its id."""
    return {
        tuple(name.replace("diTSampler", "sampler") for name in (*edge["from"], *edge["to"]))
        for edge in document["edges"]
    }


def test_text_to_video_by_mouse(editor: Any) -> None:
    """From an empty canvas: search, drag wires, drag into space."""
    page = editor.page
    editor.search_add("load model", (160, 300))
    model = editor.node("loadModel")
    expect(model).to_be_visible()
    expect(page.locator(".start")).to_have_count(0)
    # into space: only what takes an encoder is offered, and it comes connected
    editor.drag_wire(editor.socket("loadModel", "output", "encoder"), (480, 160))
    expect(page.locator("#palette-list")).to_contain_text("Text Encode")
    expect(page.locator("#palette-list")).not_to_contain_text("Save Video")
    page.locator("[role=combobox]").fill("text encode")
    page.keyboard.press("Enter")
    editor.search_add("noise latent", (520, 480))
    editor.search_add("dit sampler", (830, 180))
    editor.search_add("vae decode", (830, 560))
    editor.search_add("save video", (1150, 180))
    for start, output, end, name in sorted(TEXT_TO_VIDEO - {("loadModel", "encoder", "textEncode", "encoder")}):
        real = {"sampler": "diTSampler"}
        editor.drag_wire(
            editor.socket(real.get(start, start), "output", output), editor.socket(real.get(end, end), "input", name)
        )
    assert wires(editor.document()) == TEXT_TO_VIDEO
    page.get_by_role("button", name="Run", exact=True).click()
    expect(editor.node("saveVideo").locator("video")).to_be_visible()


def test_text_to_video_by_keyboard_alone(editor: Any) -> None:
    """The same without a pointer: Tab searches, W wires, Enter goes into fields, Ctrl+Enter runs."""
    page = editor.page
    press = page.keyboard.press

    def add(query: str) -> None:
        press("/")
        expect(page.locator("[role=combobox]")).to_be_focused()
        page.keyboard.type(query)
        press("Enter")
        expect(page.locator("[role=combobox]")).to_have_count(0)
        page.wait_for_timeout(60)

    def wire(output: str, target: str) -> None:
        press("w")
        expect(page.locator("[role=combobox]")).to_be_focused()
        page.keyboard.type(output)
        press("Enter")
        page.wait_for_timeout(40)
        page.keyboard.type(target)
        press("Enter")
        expect(page.locator("[role=combobox]")).to_have_count(0)

    page.evaluate("document.activeElement?.blur()")
    for name in ("text encode", "noise latent", "dit sampler", "vae decode", "save video", "load model"):
        add(name)
    focused = "document.activeElement?.dataset.id"
    assert page.evaluate(focused) == "loadModel"
    wire("encoder", "encoder")
    wire("model", "noise latent")
    wire("model", "sampler")
    wire("vae", "vae")
    for node, output, target in (
        ("textEncode", "conditioning", "positive"),
        ("noiseLatent", "latent", "sampler"),
        ("diTSampler", "latent", "vae decode"),
        ("vaeDecode", "frames", "save"),
    ):
        editor.node(node).focus()
        page.wait_for_timeout(30)
        wire(output, target)
    assert wires(editor.document()) >= TEXT_TO_VIDEO - {("noiseLatent", "latent", "sampler", "latent")}
    editor.node("textEncode").focus()
    press("Enter")
    page.keyboard.type("a boat")
    assert editor.node("textEncode").get_by_role("textbox").input_value() == "a boat"
    press("Control+Enter")
    expect(editor.node("saveVideo").locator("video")).to_be_visible()


def test_a_wrong_wire_is_refused_and_says_why(editor: Any) -> None:
    """While dragging over a socket of another type, the reason stands beside the pointer; nothing is connected."""
    page = editor.page
    editor.template("Text to video")
    before = editor.document()["edges"]
    start = editor.socket("noise", "output", "latent").bounding_box()
    target = editor.socket("save", "input", "frames").bounding_box()
    page.mouse.move(start["x"] + 14, start["y"] + 14)
    page.mouse.down()
    page.mouse.move(target["x"] - 60, target["y"], steps=5)
    page.mouse.move(target["x"] + 10, target["y"] + 14, steps=3)
    expect(page.get_by_role("alert")).to_have_text("Latent does not fit Frames")
    page.mouse.up()
    assert editor.document()["edges"] == before


def test_a_node_dropped_on_a_wire_stands_in_it(editor: Any) -> None:
    """Reverse Frames before the saver, by one drag."""
    page = editor.page
    editor.template("Text to video")
    editor.search_add("reverse frames", (700, 760))
    header = editor.node("reverseFrames").locator(".node-title").bounding_box()
    wire = page.locator('[data-wire="save|frames"] .wire-line').bounding_box()
    page.mouse.move(header["x"] + 30, header["y"] + 8)
    page.mouse.down()
    page.mouse.move(wire["x"] + wire["width"] / 2 - 40, wire["y"] + wire["height"] / 2 - 8, steps=12)
    page.mouse.up()
    edges = [(*edge["from"], *edge["to"]) for edge in editor.document()["edges"]]
    assert ("enlarge", "frames", "reverseFrames", "frames") in edges
    assert ("reverseFrames", "frames", "save", "frames") in edges
    page.keyboard.press("Control+z")
    edges = [(*edge["from"], *edge["to"]) for edge in editor.document()["edges"]]
    assert ("enlarge", "frames", "save", "frames") in edges


def test_bypass_mute_group_copy_paste(editor: Any) -> None:
    """The small tools of a working day."""
    page = editor.page
    editor.template("Text to video")
    editor.node("decode").locator(".node-title").click()
    page.keyboard.press("b")
    expect(editor.node("decode")).to_contain_text("bypassed")
    page.keyboard.press("b")
    page.keyboard.press("m")
    expect(editor.node("decode")).to_contain_text("muted")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+g")
    expect(page.locator(".group")).to_be_visible()
    editor.node("decode").locator(".node-title").click()
    page.keyboard.press("Control+d")
    assert ("sampler", "latent", "vaeDecode", "latent") in {(*e["from"], *e["to"]) for e in editor.document()["edges"]}


def test_copies_go_from_tab_to_tab_and_as_text(editor: Any) -> None:
    """The prompt and the sampler into another tab: alone, with the wires from outside, and as text from a mail."""
    page = editor.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    editor.template("Text to video")
    page.keyboard.down("Shift")
    for name in ("prompt", "sampler"):
        editor.node(name).locator(".node-title").click()
    page.keyboard.up("Shift")
    page.keyboard.press("Control+c")
    text = page.evaluate("navigator.clipboard.readText()")
    assert json.loads(text)["nodes"].keys() == {"prompt", "sampler"}

    expect(page.locator(".save-mark")).to_have_text("Saved")
    other = Editor(page.context.new_page()).open(page.url)
    other.template("Text to video")

    def pasted(key: str) -> set[tuple[str, ...]]:
        """The wires of the nodes that came by the key; their ids end in numbers or are the types'."""
        before = {(*edge["from"], *edge["to"]) for edge in other.document()["edges"]}
        other.page.keyboard.press(key)
        expect(other.node("diTSampler")).to_be_visible()
        return {(*edge["from"], *edge["to"]) for edge in other.document()["edges"]} - before

    inner = {("textEncode", "conditioning", "diTSampler", "positive")}
    outer = {
        ("load", "encoder", "textEncode", "encoder"),
        ("load", "model", "diTSampler", "model"),
        ("noise", "latent", "diTSampler", "latent"),
    }
    assert pasted("Control+v") == inner
    other.page.keyboard.press("Control+z")
    expect(other.node("diTSampler")).to_have_count(0)
    assert pasted("Control+Shift+v") == inner | outer
    other.page.keyboard.press("Control+z")
    other.page.evaluate("text => navigator.clipboard.writeText(`\n${text}\n`)", text)
    assert pasted("Control+v") == inner
    other.page.evaluate("navigator.clipboard.writeText('Dear Ann,')")
    other.page.keyboard.press("Control+v")
    expect(other.page.locator(".toast").last).to_contain_text("not JSON")


def test_numbers_by_drag_and_by_expression(editor: Any) -> None:
    """A number field takes arithmetic and drags, and keeps to its range."""
    page = editor.page
    editor.template("Text to video")
    width = editor.node("noise").get_by_role("spinbutton", name="width")
    width.click()
    page.keyboard.type("16*4+8")
    page.keyboard.press("Enter")
    expect(width).to_have_attribute("aria-valuenow", "72")
    quality = editor.node("save").get_by_role("spinbutton", name="quality")
    box = quality.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 8, steps=10)
    page.mouse.up()
    expect(quality).to_have_attribute("aria-valuenow", "100")
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("Control+z")
    expect(quality).to_have_attribute("aria-valuenow", "80")


def test_a_wire_is_bent_and_keeps_its_type(editor: Any) -> None:
    """By its menu: a knot in the wire, of the wire's type, that takes and gives like the wire did."""
    page = editor.page
    editor.template("Text to video")
    page.locator('.wire-hit[aria-label*="Noise Latent.latent"]').click(button="right", force=True)
    page.get_by_role("menuitem", name="Bend it here").click()
    knot = editor.node("reroute")
    expect(knot).to_be_visible()
    expect(editor.socket("reroute", "output", "value")).to_have_attribute(
        "aria-label", "Output value, Latent, connected"
    )
    assert knot.bounding_box()["width"] < 60
    edges = editor.document()["edges"]
    assert {"from": ["noise", "latent"], "to": ["reroute", "value"]} in edges
    assert {"from": ["reroute", "value"], "to": ["sampler", "latent"]} in edges


def test_nodes_are_spread_and_coloured(editor: Any) -> None:
    """From the menu: three nodes with equal gaps, in a colour of their own."""
    page = editor.page
    editor.template("Text to video")
    names = ("prompt", "noise", "sampler")
    page.keyboard.down("Shift")
    for name in names:
        editor.node(name).locator(".node-title").click()
    page.keyboard.up("Shift")
    editor.node("noise").locator(".node-title").click(button="right")
    page.get_by_role("menuitem", name="Align and spread").click()
    page.get_by_role("menuitem", name="Stack in a column").click()
    page.wait_for_timeout(100)
    boxes = sorted((editor.node(name).bounding_box() for name in names), key=lambda box: box["y"])
    gaps = [after["y"] - before["y"] - before["height"] for before, after in pairwise(boxes)]
    assert len({round(box["x"]) for box in boxes}) == 1
    assert max(gaps) - min(gaps) < 8 and min(gaps) > 0
    editor.node("noise").locator(".node-title").click(button="right")
    page.get_by_role("menuitem", name="Colour …").click()
    page.get_by_role("menuitem", name="Colour 2").click()
    places = editor.document()["layout"]["nodes"]
    assert {places[name]["color"] for name in names} == {"#3fa796"}


def test_a_note_is_written_at_once_and_by_keyboard_alone(editor: Any) -> None:
    """N, and the letters are the note's, not commands; its Markdown is seen; Enter writes on; undo takes it back."""
    page = editor.page
    editor.template("Text to video")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("n")
    expect(page.get_by_role("textbox", name="Text of the note")).to_be_focused()
    page.keyboard.type("# Plan\n\n**bold** move")
    page.keyboard.press("Escape")
    note = page.locator(".note")
    expect(note.get_by_role("heading", name="Plan")).to_be_visible()
    expect(note.locator("strong")).to_have_text("bold")
    assert "mode" not in json.dumps(editor.document()["nodes"])  # no letter was a command
    page.locator('.react-flow__node[data-id^="note:"]').focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Control+End")
    page.keyboard.type(" again")
    page.keyboard.press("Escape")
    expect(note).to_contain_text("bold move again")
    page.evaluate("document.activeElement?.blur()")
    for _ in range(3):
        page.keyboard.press("Control+z")
    expect(note).to_have_count(0)
