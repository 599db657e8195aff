"""Screen readers, keyboards, phones, both languages and themes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web/node_modules/axe-core/axe.min.js"


def serious(page: Any) -> list[str]:
    """What axe-core finds serious or worse, or missing of headings."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{item['id']}: {item['nodes'][0]['html'][:160]} {item['nodes'][0].get('failureSummary', '')[:300]}"
        for item in found["violations"]
        if item["impact"] in ("serious", "critical") or item["id"] == "page-has-heading-one"
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious(editor: Any, theme: str) -> None:
    """Start, graph, panels, dialogs, in both themes."""
    page = editor.page
    if theme == "light":
        page.get_by_role("button", name="Light").click()
    assert serious(page) == []
    expect(page.get_by_role("heading", level=1)).to_have_text("Kinograph, graph editor")
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


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_in_dialogs(editor: Any, theme: str) -> None:
    """Menus, search, wiring, files, the player, two results side by side."""
    page = editor.page
    if theme == "light":
        page.get_by_role("button", name="Light").click()
    editor.template("Text to video")
    for seed in "12":
        editor.node("noise").get_by_role("spinbutton", name="seed").focus()
        page.keyboard.type(seed)
        page.keyboard.press("Enter")
        page.get_by_role("button", name=re.compile("Run|Queue again")).first.click()
    expect(page.get_by_role("button", name="Run", exact=True)).to_be_visible()
    expect(editor.node("save").locator("video")).to_be_visible()

    def look(name: str) -> None:
        page.wait_for_timeout(200)
        assert (name, serious(page)) == (name, [])
        page.keyboard.press("Escape")
        page.wait_for_timeout(150)
        page.evaluate("document.activeElement?.blur()")

    page.get_by_role("button", name="Kinograph: ").click()
    expect(page.get_by_role("menuitem", name="Export")).to_be_visible()
    look("file menu")
    editor.node("noise").locator(".node-title").click(button="right")
    expect(page.get_by_role("menuitem", name="Bypass")).to_be_visible()
    look("node menu")
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="Add a node")).to_be_focused()
    look("search")
    editor.node("noise").locator(".node-title").click()
    page.keyboard.press("w")
    expect(page.locator("[role=combobox]")).to_be_focused()
    look("wiring")
    page.keyboard.press("Control+o")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("open")
    page.keyboard.press("Control+Shift+s")
    expect(page.get_by_role("dialog")).to_be_visible()
    look("save")
    editor.node("save").locator("video").hover()
    editor.node("save").get_by_role("button", name="Large").click()
    expect(page.get_by_role("dialog").locator("video")).to_be_visible()
    look("player")
    page.keyboard.press("g")
    for place in (0, 1):
        page.get_by_role("complementary", name="Gallery").get_by_role("checkbox").nth(place).check()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog", name="Compare").locator("video").first).to_be_visible()
    look("compare")


def test_nodes_sockets_and_wires_have_names(editor: Any) -> None:
    """What a screen reader says."""
    page = editor.page
    editor.template("Text to video")
    expect(page.get_by_role("group", name="VAE Decode, node decode")).to_be_visible()
    expect(page.get_by_role("button", name="Input latent, Latent, connected").first).to_be_attached()
    expect(
        page.get_by_role("button", name="Wire from VAE Decode.frames to Upscale Video.frames, Frames")
    ).to_be_attached()


ENGLISH = """() => {
    const english = (text) => /[A-Za-z]{3,}/.test(text) && !/\\p{Script=Han}/u.test(text);
    const found = [];
    const names = ".field, .row-name, .facts, option, kbd, input, textarea, code, .brand-name, .tile-name, .socket-list, .socket";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const holder = node.parentElement;
        if (!holder.closest(`script, style, ${names}`) && english(node.textContent)) found.push(node.textContent);
    }
    for (const holder of document.querySelectorAll("button[aria-label], button[title], [role][aria-label]")) {
        if (holder.closest(`${names}, [title=English]`)) continue;
        const said = holder.getAttribute("aria-label") ?? holder.title;
        if (english(said)) found.push(said);
    }
    return found;
}"""
"""What is left in English, apart from names that documents and the command line share: sockets, types, files, keys."""


def test_chinese(editor: Any) -> None:
    """One press changes every word: of the start, the graph with its nodes, every panel, the search, the keys."""
    page = editor.page
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="想做点什么？")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert page.evaluate(ENGLISH) == []
    editor.template("文字生成视频")
    expect(page.get_by_role("group", name="DiT 采样器，节点 sampler")).to_be_visible()
    expect(editor.node("sampler").locator(".footer")).to_contain_text("会运行：尚未运行过")
    page.get_by_role("button", name="运行", exact=True).click()
    expect(editor.node("save").locator("video")).to_be_visible()
    assert page.evaluate(ENGLISH) == []
    for key in ("q", "g", "h", "v", "?"):
        page.evaluate("document.activeElement?.blur()")
        page.keyboard.press(key)
        page.wait_for_timeout(200)
        assert (key, page.evaluate(ENGLISH)) == (key, [])
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("/")
    for query in ("采样", "sampler"):  # by either name
        page.get_by_role("combobox", name="添加节点").fill(query)
        expect(page.get_by_role("listbox").get_by_role("option").first).to_contain_text("DiT 采样器")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="English", exact=True).click()
    expect(page.get_by_role("group", name="VAE Decode, node decode")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(390, 844), (844, 390)], ids=["portrait", "landscape"])
def test_the_form_on_a_phone(browser: Any, fake_server: str, width: int, height: int) -> None:
    """Held either way: nothing cut off, no zooming into fields, controls that a finger hits, the result in sight."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, has_touch=True, is_mobile=True, locale="en-GB"
    )
    page = context.new_page()
    page.request.put(f"{fake_server}api/workflows/film", data=(ROOT / "workflows/text_to_video.json").read_text())
    page.goto(f"{fake_server}?view=form&workflow=film")
    page.get_by_role("textbox", name="Prompt").fill("a small boat")
    page.get_by_role("button", name="Run", exact=True).tap()
    result = page.get_by_role("region", name="Results").locator("video")
    expect(result).to_be_in_viewport(ratio=0.6)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate(
        "[...document.querySelectorAll('input, textarea')].map((field) => getComputedStyle(field).fontSize)"
    )
    assert set(sizes) == {"16px"}, "a phone zooms into smaller ones"
    for button in page.get_by_role("region", name="Results").get_by_role("button").all():
        box = button.bounding_box()
        assert box["width"] >= 40 and box["height"] >= 40, button.get_attribute("aria-label")
    assert serious(page) == []
    context.close()


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
