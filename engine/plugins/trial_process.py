"""The process in which plugins are imported for the first time: ``python -m engine.trial_process``.

It reads one plugin a line (JSON) from standard input, forks a child for each, and answers with one line when the
child has ended: by itself, by a crash, by leaving, or because it took too long. What the plugin prints goes to a file
whose end is part of the answer. Forking keeps a trial short: Kinograph is imported once, before the first.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import selectors
import signal
import sys
import tempfile
import time
import traceback
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from engine.parent import end_with_parent, say_lines_at_once
from engine.plugins.code import Code, import_code, inner_modules

AT_ONCE = 4
_MAX_OUTPUT = 8_000
_LARGE = ("torch",)
"""Packages that take seconds to import, kept here once a plugin has wanted them."""


@dataclass(slots=True)
class _Trial:
    name: str
    pid: int
    pipe: int
    output: IO[bytes]
    deadline: float
    answer: bytes = b""


def main() -> None:
    """Serve until standard input is closed: whoever asked is gone, and nobody hears an answer any more."""
    for name in sys.argv[1:]:
        importlib.import_module(name)  # before the first fork, so that no child has to
    waiting: deque[dict[str, Any]] = deque()
    running: dict[int, _Trial] = {}
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    rest = b""
    while True:
        while waiting and len(running) < AT_ONCE:
            trial = _begin(waiting.popleft())
            running[trial.pipe] = trial
            selector.register(trial.pipe, selectors.EVENT_READ)
        next_deadline = min((trial.deadline for trial in running.values()), default=None)
        patience = None if next_deadline is None else max(0.0, next_deadline - time.monotonic())
        for key, _ in selector.select(patience):
            data = os.read(key.fd, 1 << 16)
            if key.fd == 0:
                if not data:
                    for trial in running.values():
                        _kill(trial.pid)
                    return
                *lines, rest = (rest + data).split(b"\n")
                waiting += [json.loads(line) for line in lines if line]
            elif data:
                running[key.fd].answer += data
            else:
                selector.unregister(key.fd)
                _tell(running.pop(key.fd), late=False)
        now = time.monotonic()
        for trial in [trial for trial in running.values() if trial.deadline <= now]:
            selector.unregister(trial.pipe)
            _tell(running.pop(trial.pipe), late=True)


def _begin(asked: dict[str, Any]) -> _Trial:
    reading, writing = os.pipe()
    output = tempfile.TemporaryFile()  # noqa: SIM115 - open until the trial is over
    seconds, parent = float(asked["seconds"]), os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            end_with_parent(parent)
            os.close(reading)
            _become_quiet(output)
            os.setsid()
            faulthandler.enable(output)
            faulthandler.dump_traceback_later(max(0.1, seconds - 0.3), file=output)
            answer = _import(asked)
        except BaseException:
            answer = {"message": "cannot be imported", "details": traceback.format_exc()}
        answer["details"] = str(answer.get("details", ""))[-_MAX_OUTPUT:]
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    return _Trial(asked["name"], pid, reading, output, time.monotonic() + seconds)


def _become_quiet(output: IO[bytes]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(output.fileno(), 1)
    os.dup2(output.fileno(), 2)
    say_lines_at_once()


def _import(asked: dict[str, Any]) -> dict[str, Any]:
    code = Code(asked["name"], Path(asked["root"]) if asked["root"] else None, asked["module"])
    started = time.perf_counter()
    try:
        inner_modules(import_code(code, again=bool(asked["again"])))
    except SystemExit as error:
        said = f"cannot be imported: it tried to end the program (exit code {error.code})"
        return {"message": said, "details": traceback.format_exc()}
    except BaseException as error:
        said = f"cannot be imported: {type(error).__name__}: {error}"
        return {"message": said[:4000], "details": traceback.format_exc()}
    return {
        "message": "",
        "seconds": time.perf_counter() - started,
        "large": [name for name in _LARGE if name in sys.modules],
    }


def _tell(trial: _Trial, *, late: bool) -> None:
    """One line about a trial that is over. Its whole session ends with it."""
    _kill(trial.pid)
    _, status = os.waitpid(trial.pid, 0)
    os.close(trial.pipe)
    answer: dict[str, Any]
    code = os.waitstatus_to_exitcode(status)
    if trial.answer:
        answer = json.loads(trial.answer)
    elif late:
        answer = {"message": "hangs while it is imported", "lasting": True}
    elif code < 0:
        answer = {"message": f"crashes while it is imported ({signal.Signals(-code).name})", "lasting": True}
    else:
        answer = {"message": f"ends the program while it is imported (exit code {code})", "lasting": True}
    printed = _end_of(trial.output)
    if answer["message"] and printed:
        answer["details"] = f"{answer.get('details', '')}\n{printed}".strip()
    trial.output.close()
    sys.stdout.write(json.dumps({"name": trial.name, **answer}) + "\n")
    sys.stdout.flush()
    for name in answer.get("large", ()):
        importlib.import_module(name)  # the next trial of such a plugin need not


def _kill(pid: int) -> None:
    for end in (os.killpg, os.kill):  # it may not have its session yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(pid, signal.SIGKILL)


def _end_of(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _MAX_OUTPUT))
    return output.read().decode("utf-8", "replace").strip()


if __name__ == "__main__":
    main()
