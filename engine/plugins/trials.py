"""Try out foreign plugins in a process beside this one before they are imported here.

What is known of a plugin's code is kept in a file, so that only new or changed code is tried: a start with a hundred
known plugins tries none. Errors that another installed package could mend are not kept; they are tried each time.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.plugins.code import Code
from engine.plugins.discovery import Verdict

HANG_SECONDS = 20.0
_PRELOADED = ("kinograph",)
"""What plugins import anyway."""
_TOLD_PENDING = "is still being imported"


class Trials:
    """A :class:`~engine.plugins.discovery.Tester` with a memory.

    Args:
        memory: the file in which it remembers.
        patience: seconds after which those that are not over are reported as pending; they go on meanwhile.
        hang: seconds after which an import counts as hanging.
        forget: try everything again, whatever is known.
    """

    def __init__(
        self, memory: Path, *, patience: float | None = None, hang: float = HANG_SECONDS, forget: bool = False
    ) -> None:
        self._memory = memory
        self._patience = patience if patience is not None else hang + 30.0
        self._hang = hang
        self._environment = environment()
        self._known: dict[str, dict[str, Any]] = {} if forget else self._read()
        self._changed = threading.Condition()
        self._running: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def verdicts(
        self, codes: Sequence[Code], fingerprints: Mapping[str, str], *, again: bool = False
    ) -> dict[str, Verdict]:
        """By plugin name, what came of it; ``again``: the code may have been compiled a moment ago."""
        with self._changed:
            for code in codes:
                fingerprint = fingerprints[code.name]
                if self._found(code.name, fingerprint) is None and self._running.get(code.name) != fingerprint:
                    self._ask(code, fingerprint, again)
            wanted = {code.name: fingerprints[code.name] for code in codes}
            self._changed.wait_for(
                lambda: all(self._running.get(name) != code for name, code in wanted.items()), self._patience
            )
            return {name: self._verdict(name, code) for name, code in wanted.items()}

    def over(self, name: str) -> bool:
        """Whether nothing is being tried of this plugin."""
        with self._changed:
            return name not in self._running

    def close(self) -> None:
        """End the process."""
        with self._changed:
            if self._process is not None:
                self._process.kill()
                self._process.wait()

    # ------------------------------------------------------------------------------------- knowledge

    def _found(self, name: str, code: str) -> dict[str, Any] | None:
        known = self._known.get(name)
        return known if known is not None and known["code"] == code and not known.get("fleeting") else None

    def _verdict(self, name: str, code: str) -> Verdict:
        known = self._known.get(name)
        if self._running.get(name) == code:
            return Verdict(_TOLD_PENDING, pending=True)
        if known is None or known["code"] != code:
            return Verdict("could not be tried out")
        return Verdict(known["message"], known.get("details", ""))

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            stored = json.loads(self._memory.read_bytes())
            return dict(stored["plugins"]) if stored["environment"] == self._environment else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write(self) -> None:
        kept = {name: known for name, known in self._known.items() if not known.get("fleeting")}
        with contextlib.suppress(OSError):  # it only saves time
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._memory.with_name(f".{self._memory.name}.{os.getpid()}")
            temporary.write_text(json.dumps({"environment": self._environment, "plugins": kept}))
            temporary.replace(self._memory)

    # ------------------------------------------------------------------------------------- trying

    def _ask(self, code: Code, fingerprint: str, again: bool) -> None:
        process = self._started()
        assert process.stdin is not None
        asked = {
            "name": code.name,
            "root": str(code.root) if code.root is not None else "",
            "module": code.module,
            "seconds": self._hang,
            "again": again,
        }
        self._running[code.name] = fingerprint
        try:
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            self._lost(process)

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            root = str(Path(__file__).resolve().parents[2])
            path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "engine.plugins.trial_process", *_PRELOADED],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path},
                cwd=tempfile.gettempdir(),
                start_new_session=True,
            )
            threading.Thread(target=self._listen, args=(self._process,), name="kinograph-trials", daemon=True).start()
        return self._process

    def prepare(self) -> None:
        """Start the process before there is anything to try."""
        with self._changed:
            self._started()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answer = json.loads(line)
            with self._changed:
                name = answer["name"]
                code = self._running.pop(name, "")
                fleeting = bool(answer["message"]) and not answer.get("lasting")
                self._known[name] = {
                    "code": code,
                    "message": answer["message"],
                    "details": answer.get("details", ""),
                    "fleeting": fleeting,
                    "tried": time.time(),
                }
                self._changed.notify_all()
                self._write()
        self._lost(process)

    def _lost(self, process: subprocess.Popen[bytes]) -> None:
        """The process is gone: nobody will answer what was asked."""
        with self._changed:
            if process is self._process:
                self._running.clear()
                self._changed.notify_all()


def environment() -> str:
    """Another text when packages were installed or removed, or Python or Kinograph is another one."""
    places = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(Path(__file__).parents[1])})
    times = []
    for place in places:
        with contextlib.suppress(OSError):
            times.append(f"{place} {Path(place).stat().st_mtime_ns}")
    return "; ".join([sys.version, *times])
