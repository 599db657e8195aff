"""The programs that installing needs: pip, uv where it is there, git."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

QUIET = ("--disable-pip-version-check", "--no-input", "--no-python-version-warning")
_MAX_SAID = 3000


class InstallError(RuntimeError):
    """An installation failed; nothing was changed."""


def uv() -> str | None:
    """The program uv, where it is installed."""
    return shutil.which("uv")


def pip(*words: str, python: str = sys.executable) -> str:
    """Run pip for an interpreter; what it printed. An environment that uv has made has none: uv lends one then.

    Raises:
        InstallError: with what it said, or when there is neither.
    """
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip"]
    elif (lender := uv()) is not None:
        command = [lender, "tool", "run", "pip"]
    else:
        raise InstallError("there is neither pip nor uv here; 'python -m ensurepip' brings pip")
    own = ["--python", python] if python != sys.executable or command[0] != sys.executable else []
    return run([*command, *own, *words[:1], *QUIET, *words[1:]])


def run(command: list[str]) -> str:
    """Run a program that asks nobody anything; what it printed.

    Raises:
        InstallError: with what it said, when it cannot be started or fails.
    """
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment, check=False
        )
    except OSError as error:
        raise InstallError(f"{command[0]} cannot be started: {error}") from None
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-_MAX_SAID:]
        raise InstallError(f"{' '.join(command[:6])} ... failed:\n{said}")
    return done.stdout
