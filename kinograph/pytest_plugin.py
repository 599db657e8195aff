"""Kinograph's checks of a plugin inside an author's own pytest: ``pytest -p kinograph.pytest_plugin``.

Every ``kinograph.toml`` that pytest comes across is a test file; its tests are those of ``kinograph plugins test``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.plugins.manifest import FILE
from kinograph.conformance import CHECKS, Report, check_plugin


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A manifest beside an ``__init__.py`` is a plugin."""
    if file_path.name == FILE and (file_path.parent / "__init__.py").is_file():
        return ManifestFile.from_parent(parent, path=file_path)
    return None


class ManifestFile(pytest.File):
    """The checks of one plugin. They run once, when the first is asked for."""

    report: Report | None = None

    def collect(self) -> Iterator[CheckItem]:
        """One test per check."""
        for check in CHECKS:
            yield CheckItem.from_parent(self, name=check)

    def checked(self) -> Report:
        """The report."""
        if self.report is None:
            self.report = check_plugin(self.path.parent)
        return self.report


class CheckFailed(Exception):
    """A check found something."""


class CheckItem(pytest.Item):
    """One check."""

    def runtest(self) -> None:
        """Fail with what was found; skip what could not be checked."""
        assert isinstance(self.parent, ManifestFile)
        report = self.parent.checked()
        found = report.of(self.name)
        failed = [item for item in found if item.level == "failed"]
        if failed:
            lines = [
                f"{item.node + ': ' if item.node else ''}{item.message}\n{item.details}".rstrip() for item in failed
            ]
            raise CheckFailed("\n".join(lines))
        if not found:
            raise CheckFailed("not reached: an earlier check failed")
        if all(item.level == "skipped" for item in found):
            pytest.skip("; ".join(dict.fromkeys(item.message for item in found)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str | Any:
        """What was found, without our own traceback."""
        if isinstance(excinfo.value, CheckFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it stands in the report."""
        return self.path, None, f"kinograph: {self.name}: {CHECKS[self.name]}"
