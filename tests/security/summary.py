"""Which lines of the attack list passed, told at the end. Counted where the reports of all processes arrive."""

from __future__ import annotations

import re

import pytest

from tests.security.not_yet import NOT_YET

SLOWEST_HEALTH = "slowest answer of the health route, in seconds"
"""What a test records about the time that its attack lasted."""

_passed: dict[str, bool] = {}
_slowest: list[float] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """One phase of a test has ended. A line of the list may have several tests; all must pass."""
    test = report.nodeid.rpartition("::")[2]
    if report.when == "call" or report.failed:
        for line in re.findall(r"_([A-H]\d\d)", test):
            _passed[line] = _passed.get(line, True) and report.passed
    if report.when == "teardown":
        _slowest.extend(float(str(value)) for name, value in report.user_properties if name == SLOWEST_HEALTH)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Nothing where no attack was tried."""
    if not _passed:
        return
    terminalreporter.section("attacks")
    terminalreporter.line(
        f"{sum(_passed.values())}/{len(_passed)} lines passed, {len(NOT_YET)} do not apply yet or are proved elsewhere"
    )
    if _slowest:
        terminalreporter.line(f"slowest answer of the health route during an attack: {max(_slowest) * 1000:.0f} ms")
    failed = [line for line, good in _passed.items() if not good]
    if failed:
        terminalreporter.line(f"failed: {', '.join(sorted(failed))}")
    for line, reason in NOT_YET.items():
        terminalreporter.line(f"  {line}: {reason}")
