"""What was run: the queue in its order, a fork from a sampler's step, two runs side by side, versions as a picture."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import ROOT, Editor
from tests.browser.test_files import save_as
from tests.browser.test_looking import run_text_to_video
from tests.browser.test_together import COUNTING


def post(url: str, body: dict[str, Any]) -> None:
    """Send JSON to the server, as a script would."""
    headers = {"Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).close()


def test_a_fork_is_seen_compared_and_shown_in_the_graph(
    page: Any, start_real_server: Callable[..., tuple[str, Any]]
) -> None:
    """From step 6 with another prompt: the graph says where it came from, the list too, and both videos compare."""
    editor = Editor(page).open(start_real_server()[0])
    run_text_to_video(editor)
    editor.node("sampler").locator(".node-title").click(button="right")
    page.get_by_role("menuitem", name="Go on from a step").click()
    dialog = page.get_by_role("dialog", name="Go on from a step")
    expect(dialog.locator(".fork-shown")).to_be_visible()
    expect(dialog.get_by_role("button", name="Run from step")).to_be_disabled()
    dialog.get_by_role("slider", name="From which step").fill("6")
    dialog.get_by_role("textbox", name="prompt").fill("a blue ball bounces over a green meadow")
    dialog.get_by_role("button", name="Run from step 6").click()
    expect(dialog).to_have_count(0)
    expect(editor.node("sampler_origin")).to_contain_text("First Steps")
    expect(editor.node("prompt_origin")).to_contain_text("a red ball")
    expect(page.locator(".run-note")).to_have_text("Everything is cached", timeout=90_000)

    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("q")
    panel = page.get_by_role("complementary", name="Queue and history")
    rows = panel.locator("li.job")
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".job-lineage")).to_contain_text("from Text to video")
    for row in (rows.nth(1), rows.nth(0)):
        row.get_by_role("checkbox").check()
    panel.get_by_role("button", name="Compare").click()
    compare = page.get_by_role("dialog", name="Compare")
    expect(compare.locator("video")).to_have_count(2)
    expect(compare.get_by_role("row", name="prompt.prompt")).to_contain_text("a blue ball")
    expect(compare.get_by_role("row", name="prompt.prompt")).to_contain_text("a red ball")
    compare.get_by_role("button", name="Pause").click()
    compare.get_by_role("slider", name="Position").fill("1")
    expect(compare.get_by_role("button", name="Play")).to_be_visible()
    page.wait_for_timeout(600)
    times = compare.locator("video").evaluate_all("all => all.map(video => video.currentTime)")
    assert abs(times[0] - 1) < 0.1
    assert abs(times[0] - times[1]) < 0.01
    compare.get_by_role("radio", name="Difference").click()
    expect(compare.locator(".compare-top")).to_have_css("mix-blend-mode", "difference")
    compare.get_by_role("button", name="Show in the graph").click()
    diff = page.get_by_role("dialog")
    expect(diff.locator('[data-node="sampler_origin"]')).to_have_attribute("data-fate", "added")
    expect(diff.locator('[data-node="prompt"]')).to_contain_text("changed")
    expect(diff.locator(".diff-wire-added").first).to_be_attached()


def test_versions_differ_visibly_and_come_back(page: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """An older version beside now: what is new is green, what is gone is red and dashed, values before and after."""
    editor = Editor(page).open(start_real_server()[0])
    editor.drop("count.json", "application/json", json.dumps(COUNTING).encode())
    expect(editor.node("sum").get_by_role("combobox")).to_be_visible()
    expect(save_as(editor, "Counting")).to_have_count(0)
    editor.node("first").locator(".node-title").click()
    page.keyboard.press("Delete")
    editor.node("sum").get_by_role("combobox").select_option("multiply")
    page.get_by_role("button", name="Fit", exact=True).focus()
    page.keyboard.press("h")
    page.get_by_role("complementary").get_by_role("button", name="Version 1").last.click()
    diff = page.get_by_role("dialog", name="→ Now")
    gone = diff.locator('[data-node="first"]')
    expect(gone).to_have_attribute("data-fate", "removed")
    expect(gone).to_have_css("border-style", "dashed")
    expect(diff.locator('[data-node="sum"]')).to_have_attribute("data-fate", "changed")
    expect(diff.locator('[data-node="sum"]').locator("del")).to_have_text("add")
    expect(diff.locator(".diff-wire-removed")).to_have_count(1)
    words = diff.get_by_role("listitem")
    expect(words.filter(has_text="sum.operation")).to_contain_text("add → multiply")
    expect(words.filter(has_text="first removed")).to_be_visible()
    expect(words.filter(has_text="is no longer wired to first.")).to_be_visible()
    diff.get_by_role("button", name="Take this version").click()
    expect(editor.node("first")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(editor.node("first")).to_have_count(0)


def test_the_queue_changes_its_order(page: Any, start_real_server: Callable[..., tuple[str, Any]]) -> None:
    """Waiting jobs are put before each other; what the server runs next is what stands first."""
    url, _ = start_real_server()
    Editor(page).open(url)
    sleepy = json.loads((ROOT / "workflows/text_to_video.json").read_text())
    for number in range(1, 8):  # a worker takes four at once; three wait
        sleepy["meta"]["title"] = f"job {number}"
        sleepy["nodes"]["noise"]["values"]["seed"] = number
        sleepy["nodes"]["sampler"]["values"]["steps"] = 200
        post(f"{url}api/jobs", {"workflow": sleepy})
    page.evaluate("document.activeElement?.blur()")
    page.keyboard.press("q")
    queue = page.get_by_role("complementary").locator("section").first.locator("li.job")
    expect(queue).to_have_count(7)
    waiting = queue.filter(has_text="Waiting").locator(".job-title")
    expect(waiting).to_have_text(["job 5", "job 6", "job 7"])
    queue.filter(has_text="job 7").get_by_role("button", name="Run earlier").click()
    expect(waiting).to_have_text(["job 5", "job 7", "job 6"])
    queue.filter(has_text="job 6").drag_to(queue.filter(has_text="job 5"))
    expect(waiting).to_have_text(["job 6", "job 5", "job 7"])
    with urllib.request.urlopen(f"{url}api/jobs?state=queued") as reply:
        assert [job["title"] for job in json.load(reply)["jobs"]] == ["job 6", "job 5", "job 7"]
    queue.filter(has_text="job 5").get_by_role("button", name="Pause").click()
    expect(queue.filter(has_text="job 5")).to_contain_text("Paused")
    queue.filter(has_text="job 5").get_by_role("button", name="Resume").click()
    expect(queue.filter(has_text="job 5")).to_contain_text("Waiting")
    for number in range(7, 0, -1):
        queue.filter(has_text=f"job {number}").get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("complementary").locator("li.job").filter(has_text="Cancelled")).to_have_count(7)
