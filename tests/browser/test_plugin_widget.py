"""A plugin's own widget: it shows and changes a value, and its code reaches nothing but that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Editor
from tests.server.live import workflow

NODES = '''
from dataclasses import dataclass
from typing import Annotated
from kinograph import Widget, node

@dataclass(frozen=True)
class Needle:
    """Where a needle points."""

    angle: float
    marks: object

@dataclass(frozen=True)
class Plain:
    """Has no viewer."""

    size: int

@node("dial.Needle", category="dial")
def needle(angle: float = 30.0) -> Needle:
    """Make a needle."""
    import torch
    return Needle(angle, torch.tensor([0.5, -2.0], dtype=torch.bfloat16))

@node("dial.Plain", category="dial")
def plain(size: int = 4) -> Plain:
    """Make something that no viewer knows."""
    return Plain(size)

@node("dial.Turn", category="dial")
def turn(value: Annotated[int, Widget("dial.knob")] = 3) -> int:
    """Give a number back."""
    return value

@node("dial.Spy", category="dial")
def spy(found: Annotated[str, Widget("dial.spy")] = "") -> str:
    """Say what a widget could reach."""
    return found

@node("dial.Broken", category="dial")
def broken(value: Annotated[int, Widget("dial.missing")] = 5) -> int:
    """Its widget is not there."""
    return value
'''

MODULE = """
export const api = 1;
const attempt = async (work) => { try { return String(await work()); } catch (error) { return "refused"; } };
export const viewers = {
  "dial.Needle": (root, host) => {
    const shown = document.createElement("output");
    const draw = () => {
      const { angle, marks } = host.value;
      shown.textContent = `${angle} degrees, ${marks.values.join(" and ")} of ${marks.dtype}, ${host.theme}, ${typeof host.set}`;
    };
    host.onValue = draw;
    draw();
    root.append(shown);
  },
};
export const widgets = {
  "dial.knob": (root, host) => {
    const shown = document.createElement("output");
    const button = document.createElement("button");
    button.textContent = "turn";
    shown.textContent = host.value;
    button.onclick = () => { host.set(host.value + 1, "turning"); shown.textContent = host.value; };
    host.onValue = (value) => { shown.textContent = value; };
    root.append(button, shown);
  },
  "dial.spy": async (root, host) => {
    const script = document.createElement("script");
    script.textContent = "window.planted = 1";
    root.append(script);
    host.set(JSON.stringify({
      api: await attempt(() => fetch(location.origin + "/api/jobs")),
      absolute: await attempt(() => fetch(new URL("/api/jobs", location.href))),
      foreign: await attempt(() => fetch("https://example.com/")),
      socket: await attempt(() => new Promise((done, fail) => {
        const it = new WebSocket(location.href.replace(/^http/, "ws").replace(/plugins.*/, "api/stream"));
        it.onopen = done; it.onerror = fail;
      })),
      evaluated: await attempt(() => eval("1 + 1")),
      inline: await attempt(() => { if (!window.planted) throw 1; return "ran"; }),
      page: await attempt(() => parent.document.title),
      storage: await attempt(() => localStorage.length),
      cookies: await attempt(() => document.cookie),
      picture: await attempt(() => new Promise((done, fail) => {
        const it = new Image(); it.onload = done; it.onerror = fail; it.src = "/icon.svg";
      })),
      popup: await attempt(() => { if (!open("about:blank")) throw 1; }),
    }));
  },
};
"""


def test_a_plugins_widget_works_and_can_reach_nothing_else(
    page: Any, start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    package = tmp_path / "data" / "plugins" / "dial"
    (package / "web").mkdir(parents=True)
    (package / "__init__.py").write_text(NODES)
    (package / "kinograph.toml").write_text('[plugin]\nname = "dial"\nweb = "web"\n')
    (package / "web" / "index.js").write_text(MODULE)
    url, _ = start_real_server()
    editor = Editor(page).open(url)
    document = workflow({"turn": ("dial.Turn", {}), "spy": ("dial.Spy", {}), "broken": ("dial.Broken", {})})
    document["layout"] = {"nodes": {"turn": {"x": 0, "y": 0}, "spy": {"x": 400, "y": 0}, "broken": {"x": 0, "y": 300}}}
    editor.drop("dial.json", "application/json", json.dumps(document).encode())
    knob = editor.node("turn").frame_locator("iframe")
    expect(knob.locator("output")).to_have_text("3")
    knob.get_by_role("button").click()
    knob.get_by_role("button").click()
    expect(knob.locator("output")).to_have_text("5")
    page.screenshot(path=str(tmp_path / "dial.png"))
    found: dict[str, str] = {}
    for _ in range(100):
        nodes = editor.document()["nodes"]
        if nodes["spy"]["values"].get("found"):
            found = json.loads(nodes["spy"]["values"]["found"])
            break
        page.wait_for_timeout(200)
    assert nodes["turn"]["values"]["value"] == 5
    assert found == dict.fromkeys(found, "refused")
    assert len(found) == 11
    expect(editor.node("broken").locator(".plugin-widget")).to_have_attribute(
        "title", "Error: there is no widget dial.missing"
    )


def test_a_plugins_viewer_shows_a_value_of_its_class(
    page: Any, start_real_server: Callable[..., Any], tmp_path: Path
) -> None:
    package = tmp_path / "data" / "plugins" / "dial"
    (package / "web").mkdir(parents=True)
    (package / "__init__.py").write_text(NODES)
    (package / "kinograph.toml").write_text('[plugin]\nname = "dial"\nweb = "web"\n')
    (package / "web" / "index.js").write_text(MODULE)
    url, _ = start_real_server()
    editor = Editor(page).open(url)
    document = workflow({"needle": ("dial.Needle", {}), "plain": ("dial.Plain", {})})
    document["layout"] = {"nodes": {"needle": {"x": 0, "y": 0}, "plain": {"x": 400, "y": 0}}}
    editor.drop("dial.json", "application/json", json.dumps(document).encode())
    tray = page.get_by_role("region", name="Viewers")
    expect(editor.node("needle")).to_contain_text("will run", timeout=30_000)  # its type has arrived
    editor.node("needle").locator(".node-title").click()
    page.keyboard.press("1")
    tray.get_by_role("button", name="Run to here").click()
    shown = tray.frame_locator("iframe").locator("output")
    expect(shown).to_have_text("30 degrees, 0.5 and -2 of bfloat16, dark, undefined", timeout=60_000)
    expect(tray).to_contain_text("angle")  # its parts stay below, to be looked into
    page.screenshot(path=str(tmp_path / "viewer.png"))
    editor.node("plain").locator(".node-title").click()
    page.keyboard.press("2")
    tray.get_by_role("button", name="Run to here").click()
    expect(tray).to_contain_text("size", timeout=30_000)
    expect(tray.locator("iframe")).to_have_count(0)
