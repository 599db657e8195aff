"""Running again what failed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Editor

MOODY = '''
from pathlib import Path

from kinograph import node


@node("moody.Ask", category="moody")
def ask(file: str) -> str:
    """Read a file that may not be there yet.

    Args:
        file: its path.
    """
    return Path(file).read_text()
'''


def asking(*files: Path) -> dict[str, Any]:
    """A workflow that reads each file, and shows it."""
    nodes: dict[str, Any] = {}
    for place, file in enumerate(files):
        nodes[f"ask{place}"] = {"type": "moody.Ask", "values": {"file": str(file)}}
        nodes[f"show{place}"] = {"type": "Inspect", "values": {}}
    return {
        "format": "kinograph-workflow",
        "version": 1,
        "nodes": nodes,
        "edges": [{"from": [f"ask{place}", "value"], "to": [f"show{place}", "value"]} for place in range(len(files))],
        "layout": {
            "nodes": {name: {"x": 400 * (place % 2), "y": 260 * (place // 2)} for place, name in enumerate(nodes)}
        },
    }


def opened(page: Any, tmp_path: Path, start: Callable[..., tuple[str, Any]], *files: Path) -> Editor:
    """The editor of a server with that plugin, with the workflow dropped into it."""
    folder = tmp_path / "data" / "plugins"
    folder.mkdir(parents=True)
    (folder / "moody.py").write_text(MOODY)
    editor = Editor(page).open(start()[0])
    editor.drop("asking.json", "application/json", json.dumps(asking(*files)).encode())
    expect(editor.socket("show0", "input", "label")).to_be_visible()  # the server has told its node types
    return editor


def test_what_failed_is_tried_again(
    page: Any, tmp_path: Path, start_real_server: Callable[..., tuple[str, Any]]
) -> None:
    """The cause is taken away and Retry pressed: the new run succeeds, and the list says what it repeats."""
    file = tmp_path / "word.txt"
    opened(page, tmp_path, start_real_server, file)
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("button", name="Queue and history", exact=True).click()
    rows = page.get_by_role("complementary", name="Queue and history").locator("li.job")
    expect(rows.first.locator(".job-state-failed")).to_be_visible(timeout=60_000)
    expect(rows.first.locator(".job-error")).to_contain_text("word.txt")
    file.write_text("here it is")
    rows.first.get_by_role("button", name="Run again").click()
    expect(rows).to_have_count(2)
    expect(rows.first.locator(".job-state-succeeded")).to_be_visible(timeout=60_000)
    expect(rows.first.locator(".job-lineage")).to_be_visible()
    expect(rows.nth(1).locator(".job-state-failed")).to_be_visible()
