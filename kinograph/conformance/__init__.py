"""Kinograph's checks of a plugin: ``kinograph plugins test PATH``, and the same in an author's own pytest.

A check runs in a process of its own, so that a plugin that hangs, leaves or crashes is a line of the report and not the
end of it. The plugin's code is watched while it runs: what it changes, opens and starts.
"""

from kinograph.conformance.report import CHECKS, Finding, Report
from kinograph.conformance.supervise import check_plugin

__all__ = ["CHECKS", "Finding", "Report", "check_plugin"]
