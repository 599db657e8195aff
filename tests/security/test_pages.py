"""Foreign text in a real browser: names, titles, notes, errors and files full of HTML run nothing."""

from __future__ import annotations

import base64
import json
import shutil
import zlib
from typing import Any

import pytest

from tests.security.conftest import Target
from tests.server.live import ROOT, workflow

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
EVIL = "<img src=x onerror=window.__xss=1><script>window.__xss=1</script>"
LINKS = "[a](javascript:window.__xss=1) <iframe src=javascript:parent.__xss=1></iframe> <a href=data:text/html,x>b</a>"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
    pytest.mark.skipif(not (ROOT / "server/static/index.html").is_file(), reason="the editor is not built"),
]


def link(document: dict[str, Any]) -> str:
    """The fragment of an address that opens a workflow in the editor."""
    squeezer = zlib.compressobj(wbits=-15)
    packed = squeezer.compress(json.dumps(document).encode()) + squeezer.flush()
    return f"#workflow={base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def hostile() -> dict[str, Any]:
    """HTML wherever a document holds a text."""
    document = workflow(
        {
            EVIL: ("trials.Die", {"how": EVIL}),
            "text": ("TextEncode", {"prompt": f"{EVIL} {LINKS}"}),
            "ghost": (EVIL, {EVIL: EVIL}),
        },
    )
    document["meta"] = {"title": EVIL, "description": f"{EVIL} {LINKS}", "author": EVIL}
    document["nodes"][EVIL]["title"] = EVIL
    document["nodes"]["text"]["title"] = LINKS
    document["layout"] = {
        "groups": {"g": {"title": EVIL, "x": 0, "y": 0, "width": 100, "height": 100}},
        "notes": {"n": {"text": f"{EVIL} {LINKS}", "x": 0, "y": 0}},
        "nodes": {name: {"x": at * 300, "y": 0} for at, name in enumerate(document["nodes"])},
    }
    return document


def test_C04_C06_foreign_text_is_only_ever_text(target: Target) -> None:
    assert CHROMIUM is not None
    failing = workflow({EVIL: ("trials.Die", {"how": EVIL})}) | {"meta": {"title": EVIL}}
    failed = target.wait_job(target.submit(failing))
    assert EVIL in failed["error"]["message"]
    named = workflow({"s": ("trials.Save", {"number": 1, "name": EVIL})}) | {"meta": {"title": EVIL}}
    target.wait_job(target.submit(named))
    target.request("PUT", "/api/workflows/%3Cimg%20src=x%20onerror=window.__xss=1%3E", hostile())
    target.request("POST", "/api/uploads?name=%3Cimg%20src=x%3E.png", None, {"Content-Type": "image/png"}, raw=b"x")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        foreign: list[str] = []
        page.on(
            "request",
            lambda request: (
                foreign.append(request.url) if not request.url.startswith((target.url, "data:", "blob:")) else None
            ),
        )
        page.goto(f"{target.url}/{link(hostile())}")
        page.wait_for_selector(".node", timeout=60_000)
        assert page.locator(".node").count() >= 2, "the hostile workflow is shown"
        buttons = page.locator("button[aria-label], [role=tab]")
        pressed = 0
        for at in range(min(buttons.count(), 40)):
            button = buttons.nth(at)
            if button.is_visible() and button.is_enabled():
                button.click(timeout=2000, force=True, no_wait_after=True)
                pressed += 1
                page.keyboard.press("Escape")
        assert pressed >= 5, "panels were opened"
        page.evaluate("document.querySelectorAll('a').forEach(a => a.click())")
        page.wait_for_timeout(1000)
        assert page.evaluate("window.__xss") is None
        assert page.evaluate("document.querySelectorAll('img[src=x], [onerror]').length") == 0, "shown as text"
        scripts = page.evaluate("[...document.querySelectorAll('script')].map(s => s.src || s.textContent)")
        assert all(source.startswith(target.url) for source in scripts), scripts
        hrefs = page.evaluate("[...document.querySelectorAll('a')].map(a => a.getAttribute('href') || '')")
        assert not [href for href in hrefs if href.lower().startswith(("javascript:", "data:text"))]
        assert page.evaluate("document.querySelectorAll('iframe').length") == 0
        assert dialogs == []
        assert foreign == []
        page.evaluate("html => { document.body.insertAdjacentHTML('beforeend', html) }", EVIL)
        page.wait_for_timeout(300)
        assert page.evaluate("window.__xss") is None, "the page's policy stops what would slip through"
        browser.close()
