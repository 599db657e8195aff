"""Hostile plugins, each a file that says itself what the checks must report of it. Nothing of them gets out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from kinograph.conformance import CHECKS, Report, check_plugin

FOLDER = Path(__file__).parents[1] / "hostile_plugins"
PLUGINS = sorted(FOLDER.glob("*.py"))
EXPECTED = re.compile(r"^# expected: (\w+) (failed|warning) (.+)$", re.MULTILINE)


@pytest.fixture(scope="module")
def reports(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Report]]]:
    """The reports that are asked for, made a few at a time, in a home folder with something to lose."""
    home = tmp_path_factory.mktemp("home")
    (home / "precious").write_text("precious")
    (home / ".ssh").mkdir()
    (home / ".ssh" / "id_ed25519").write_text("the key")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setenv("HOME", str(home))
        asked = " ".join(item.name for item in request.session.items)
        wanted = [path for path in PLUGINS if f"[{path.stem}]" in asked or path.stem == "crashes_at_import"]
        yield {path.stem: pool.submit(check_plugin, path, stage_seconds=15.0) for path in wanted}
    assert (home / "precious").read_text() == "precious"
    assert sorted(path.name for path in home.iterdir() if path.name[0] != ".") == ["precious"]


def test_there_are_thirty_and_more() -> None:
    assert len(PLUGINS) >= 30


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_it_is_reported_as_what_it_is(path: Path, reports: dict[str, Future[Report]]) -> None:
    expected = EXPECTED.findall(path.read_text())
    assert expected, "the file says nothing"
    report = reports[path.stem].result(600)
    for check, level, words in expected:
        told = [f"{finding.message}\n{finding.details}" for finding in report.of(check, level)]
        assert any(words in text for text in told), (check, words, told)
    # and of nothing else
    failed = {finding.check for finding in report.findings if finding.level == "failed"}
    assert failed == {check for check, level, _ in expected if level == "failed"}
    assert failed <= CHECKS.keys()


def test_what_breaks_at_import_does_not_hide_that_the_rest_was_not_reached(
    reports: dict[str, Future[Report]],
) -> None:
    lines = "\n".join(reports["crashes_at_import"].result(600).lines())
    assert "FAILED   import" in lines
    assert "not reached" in lines
    assert lines.endswith("1 thing to mend")
