"""Start the checking process, listen to it, and go on behind what it could not survive."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

from engine.plugins.manifest import ManifestError, read_manifest
from kinograph.conformance.process import FELL
from kinograph.conformance.report import Finding, Report

STAGE_SECONDS = 30.0
_MAX_PRINTED = 3_000
_MAX_FALLS = 40
_ROOT = Path(__file__).resolve().parents[2]


def check_plugin(package: Path, *, stage_seconds: float = STAGE_SECONDS) -> Report:
    """Check a plugin's package (or single file).

    Args:
        package: the folder with its ``__init__.py``, or a file.
        stage_seconds: how long one check of one node may take before it counts as hanging.
    """
    report = Report(package.stem)
    report.findings.append(_check_manifest(package))
    if not report.passed:
        return report
    done: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="kinograph-check-") as folder:
        for _ in range(_MAX_FALLS):
            fallen = _Listening(package, Path(folder), report, done, stage_seconds).run()
            if fallen is None or fallen in ("import", "torch", "") or fallen.startswith("again "):
                break
            done.add(FELL + fallen)
    return report


def _check_manifest(package: Path) -> Finding:
    if package.is_file():
        return Finding("manifest", "skipped", "", "a single file has none")
    try:
        manifest = read_manifest(package)
    except ManifestError as error:
        return Finding("manifest", "failed", "", str(error))
    if manifest is None:
        return Finding("manifest", "failed", "", "there is no kinograph.toml beside __init__.py")
    if manifest.name != package.name:
        message = f"its name is {manifest.name!r}; the package's is {package.name!r}"
        return Finding("manifest", "failed", "", message)
    if not manifest.description:
        return Finding("manifest", "warning", "", "it has no description")
    return Finding("manifest", "ok")


class _Listening:
    """One life of the checking process."""

    def __init__(self, package: Path, folder: Path, report: Report, done: set[str], seconds: float) -> None:
        self._package = package
        self._folder = folder
        self._report = report
        self._done = done
        self._seconds = seconds
        self._stage = ""
        self._since = time.monotonic()

    def run(self) -> str | None:
        """The stage that it did not survive; ``None`` when it came to its end."""
        temporary = self._folder / "tmp"
        temporary.mkdir(exist_ok=True)
        path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH", ""))))
        command = [sys.executable, "-X", "faulthandler", "-m", "kinograph.conformance.process"]
        with tempfile.TemporaryFile() as printed:
            process = subprocess.Popen(
                [*command, str(self._package), str(self._folder), *sorted(self._done)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=printed,
                cwd=self._folder,
                env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True,
            )
            try:
                late = self._listen(process)
            finally:
                _end(process)
            code = process.wait()
            if self._stage == "end":
                return None
            self._fell(code, late, printed)
        return self._stage

    def _listen(self, process: subprocess.Popen[bytes]) -> bool:
        """Take its lines until it ends; whether it took too long for one stage."""
        assert process.stdout is not None
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while True:
                left = self._since + self._allowed() - time.monotonic()
                if not selector.select(max(0.0, left)):
                    return True
                data = os.read(process.stdout.fileno(), 1 << 16)
                if not data:
                    return False
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    with contextlib.suppress(ValueError):  # a plugin may write to any descriptor
                        self._take(json.loads(line))

    def _allowed(self) -> float:
        """Imports may take longer: large libraries from a slow disk do."""
        return self._seconds * 3 + 30.0 if self._stage in ("", "torch", "import") else self._seconds

    def _take(self, said: dict[str, Any]) -> None:
        if "begin" in said:
            if self._stage.partition(" ")[0] not in ("", "torch", "again"):
                self._done.add(self._stage)
            self._stage, self._since = said["begin"], time.monotonic()
        elif "finding" in said:
            self._report.findings.append(Finding(**said["finding"]))
        elif "nodes" in said:
            self._report.nodes, self._report.seconds = said["nodes"], said["seconds"]

    def _fell(self, code: int, late: bool, printed: IO[bytes]) -> None:
        check, _, node = self._stage.partition(" ")
        if late:
            what = f"it hung ({self._allowed():g} s)"
        elif code < 0:
            what = f"it crashed ({signal.Signals(-code).name})"
        else:
            what = f"it ended the program (exit code {code})"
        if check in ("", "torch", "again"):
            check, what = "import", f"the check could not begin: {what}"
        size = printed.seek(0, os.SEEK_END)
        printed.seek(max(0, size - _MAX_PRINTED))
        text = printed.read().decode("utf-8", "replace")
        own = ("kinograph/conformance/", "<frozen runpy>", "Extension modules:")
        details = "\n".join(line for line in text.splitlines() if not any(name in line for name in own))
        self._report.findings.append(Finding(check, "failed", node, what, details))


def _end(process: subprocess.Popen[bytes]) -> None:
    for end in (os.killpg, os.kill):
        try:
            if process.poll() is None or end is os.killpg:
                end(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
