"""Values: every form of field, what is known before anything runs, mistakes with their fix, seeds that tell the truth."""

from __future__ import annotations

import json
import struct
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Editor

FIELDS = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {
        "load": {"type": "LoadModel", "values": {}},
        "noise": {"type": "NoiseLatent", "values": {}},
        "image": {"type": "LoadImage", "values": {}},
        "color": {"type": "Color", "values": {}},
        "switch": {"type": "Boolean", "values": {}},
        "blend": {"type": "Blend", "values": {}},
        "lora": {"type": "LoadLoRA", "values": {}},
        "text": {"type": "FormatText", "values": {}},
    },
    "edges": [{"from": ["load", "model"], "to": ["noise", "model"]}],
    "layout": {
        "nodes": {
            name: {"x": 300 * (place % 4), "y": 320 * (place // 4)}
            for place, name in enumerate(("load", "noise", "image", "color", "switch", "blend", "lora", "text"))
        }
    },
}

SEED = {
    "format": "kinograph-workflow",
    "version": 1,
    "nodes": {"seed": {"type": "Seed", "values": {"value": 5}}, "show": {"type": "Inspect", "values": {}}},
    "edges": [{"from": ["seed", "value"], "to": ["show", "value"]}],
    "layout": {"nodes": {"seed": {"x": 0, "y": 0}, "show": {"x": 340, "y": 0}}},
}


def picture(width: int, height: int) -> bytes:
    """A grey PNG."""
    lines = b"".join(b"\0" + b"\x80" * (3 * width) for _ in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.fixture
def real(page: Any, start_real_server: Callable[..., tuple[str, Any]], tmp_path: Path) -> Editor:
    """The editor in front of the real server, which has a model file of its own."""
    models = tmp_path / "data" / "models"
    models.mkdir(parents=True)
    (models / "tiny.safetensors").write_bytes(struct.pack("<Q", 2) + b"{}")
    return Editor(page).open(start_real_server()[0])


def open_document(editor: Editor, document: dict[str, Any], first: str) -> None:
    """Drop it, see all of it."""
    editor.drop("it.json", "application/json", json.dumps(document).encode())
    expect(editor.node(first)).to_be_visible()
    editor.page.keyboard.press("f")
    editor.page.wait_for_timeout(500)


def type_into(editor: Editor, field: Any, text: str) -> None:
    """A number field: press it, type, Enter."""
    field.click()
    editor.page.keyboard.press("Control+a")
    editor.page.keyboard.press("Delete")
    editor.page.keyboard.type(text)
    editor.page.keyboard.press("Enter")


def drop_on(editor: Editor, field: Any, name: str, content: bytes) -> None:
    """Drop a file on a field, as from the desktop."""
    field.evaluate(
        """(field, [name, bytes]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name));
            for (const kind of ["dragenter", "dragover", "drop"]) {
                field.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
            }
        }""",
        [name, list(content)],
    )


def test_every_form_of_field_takes_its_value(real: Editor) -> None:
    """Number, slider, text, choice, switch, colour, file and model: as a person sets them, each undone as one step."""
    page = real.page
    open_document(real, FIELDS, "noise")
    before = real.document()

    # a number: what the model gives by itself is known although half of the graph is unfinished
    width = real.node("noise").get_by_role("spinbutton", name="width")
    expect(width).to_have_text("widthauto: 64")
    width.click()
    expect(real.node("noise").locator(".field-range")).to_have_text("8 … 8192")
    page.keyboard.press("Escape")
    type_into(real, width, "16*4+8")
    expect(width).to_have_attribute("aria-valuenow", "72")
    expect(real.node("noise").locator(".facts")).to_contain_text("72×64 · 17 f · 8 fps")
    type_into(real, width, "")
    expect(width).to_have_text("widthauto: 64")

    # a slider follows the pointer over the whole of its range
    amount = real.node("blend").get_by_role("spinbutton", name="amount")
    box = amount.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 8)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 8, steps=6)
    page.mouse.up()
    assert float(amount.get_attribute("aria-valuenow")) == pytest.approx(0.75, abs=0.03)

    real.node("blend").get_by_role("combobox", name="mode").select_option("screen")
    real.node("switch").get_by_role("switch", name="value").click()
    lines = real.node("text").get_by_role("textbox", name="template")
    lines.click()
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    page.keyboard.type("second")
    expect(lines).to_have_value("first\nsecond")

    color = real.node("color").get_by_role("textbox", name="value", exact=True)
    color.fill("#f80")
    page.keyboard.press("Enter")
    expect(color).to_have_value("#ff8800")
    color.fill("orange?")
    expect(color).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Escape")
    real.node("color").get_by_label("Choose value from a palette").fill("#336699")
    expect(color).to_have_value("#336699")

    # a file is sent to the server; its picture and its size are there at once
    file = real.node("image").get_by_role("textbox", name="file")
    with page.expect_file_chooser() as chooser:
        real.node("image").get_by_role("button", name="Choose").click()
    chooser.value.set_files({"name": "grey.png", "mimeType": "image/png", "buffer": picture(48, 32)})
    expect(file).to_have_value("grey.png")
    expect(real.node("image").locator(".facts")).to_contain_text("48×32")
    drop_on(real, real.node("image").locator(".field-file"), "wide.png", picture(80, 20))
    expect(file).to_have_value("wide.png")
    expect(page.locator(".drop-zone")).to_have_count(0)
    expect(real.node("image").locator(".facts")).to_contain_text("80×20")
    expect(real.node("image").locator(".node-media img")).to_have_js_property("naturalWidth", 80)

    # a model is picked from those that the server has
    model = real.node("lora").get_by_role("combobox", name="file")
    assert "tiny" in model.evaluate("(field) => [...field.list.options].map((option) => option.value).join()")

    after = real.document()
    assert after["nodes"]["blend"]["values"]["mode"] == "screen"
    assert after["nodes"]["switch"]["values"]["value"] is True
    steps = 10  # two widths, slider, choice, switch, text, two colours, two files
    for _ in range(steps):
        page.keyboard.press("Control+z")
    assert real.document()["nodes"] == before["nodes"]


def test_a_mistake_is_told_where_it_is_made_with_what_would_be_right(real: Editor) -> None:
    """Only the model knows that its clips have 4k + 1 frames: told at the field, beside an unfinished node; press to fix."""
    open_document(real, FIELDS, "noise")
    frames = real.node("noise").get_by_role("spinbutton", name="frames")
    type_into(real, frames, "18")
    mark = real.node("noise").get_by_role("button", name="mini cannot make 18 frames")
    expect(mark).to_be_visible()
    mark.hover()
    expect(real.node("noise").get_by_role("note")).to_contain_text("Press to set 17")
    expect(real.node("load").locator(".facts").first).to_contain_text("64×64 · 17 f")
    mark.click()
    expect(frames).to_have_attribute("aria-valuenow", "17")
    expect(mark).to_have_count(0)
    expect(real.node("noise").locator(".facts")).to_contain_text("17 f")


def test_the_seed_that_is_shown_made_the_result_that_is_shown(real: Editor) -> None:
    """Random, counted up, four in a row, changed by hand, after a reload: beside a result stands its seed."""
    page = real.page
    open_document(real, SEED, "seed")
    seed = real.node("seed").get_by_role("spinbutton", name="value")
    made = real.node("seed").locator(".seed-made")
    result = real.node("show").locator(".ui-value")

    def number() -> str:
        return str(seed.get_attribute("aria-valuenow"))

    def run() -> None:
        page.get_by_role("button", name="Run", exact=True).click()

    run()
    expect(result).to_contain_text("5", timeout=60_000)
    mode = real.node("seed").get_by_role("button", name="Press to change")
    mode.click()  # random
    page.get_by_role("button", name="More ways to run").click()
    page.get_by_role("menuitem", name="Run four times").click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible(timeout=60_000)
    expect(made).to_have_count(0)
    assert number() != "5"
    expect(result).to_contain_text(number())
    mode.click()  # counted up
    before = int(number())
    run()
    expect(seed).to_have_attribute("aria-valuenow", str(before + 1))
    expect(result).to_contain_text(str(before + 1))
    type_into(real, seed, "7")
    expect(made).to_have_text(str(before + 1))
    expect(page.locator(".save-mark")).to_have_text("Saved")
    page.reload()
    expect(result).to_contain_text(str(before + 1))
    expect(made).to_have_text(str(before + 1))
    made.click()
    assert number() == str(before + 1)
    expect(made).to_have_count(0)
    with urllib.request.urlopen(page.url + "api/jobs?limit=10") as reply:
        assert json.load(reply)["total"] == 6


def test_the_rest_runs_without_what_is_missing_or_unfinished(real: Editor) -> None:
    """An unknown type, what needs it, and an unfinished node that nothing needs are left out and named."""
    page = real.page
    document = json.loads(json.dumps(SEED))
    document["nodes"] |= {
        "odd": {"type": "missing.Plugin", "values": {"strength": 0.7}},
        "late": {"type": "Inspect", "values": {}},
        "lonely": {"type": "VAEDecode", "values": {}},
    }
    document["edges"] += [
        {"from": ["seed", "value"], "to": ["odd", "number"]},
        {"from": ["odd", "clip"], "to": ["late", "value"]},
    ]
    open_document(real, document, "seed")
    expect(page.locator(".run-note")).to_contain_text("3 left out")
    expect(real.node("lonely")).to_contain_text("left out of the run")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text(
        "missing.Plugin, Inspect, VAE Decode cannot run and are left out."
    )
    expect(real.node("show").locator(".ui-value")).to_contain_text("5", timeout=60_000)
    expect(real.node("late").locator(".ui-value")).to_have_count(0)
    page.keyboard.press("q")
    page.get_by_role("button", name="Open its graph").click()
    expect(page.get_by_role("complementary")).to_have_count(0)
    expect(real.node("show").locator(".ui-value")).to_contain_text("5")
    assert real.document()["nodes"] == document["nodes"]
    # where nothing at all could run, the run is refused and says why
    page.evaluate("document.activeElement?.blur()")
    real.node("show").locator(".node-title").click()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator(".toast").last).to_contain_text("unknown node type 'missing.Plugin'")
