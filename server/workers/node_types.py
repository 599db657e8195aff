"""Node types for the editor and for checking workflows: from a file until the worker has loaded, then from the worker.

The file is keyed by the names, sizes and times of the plugins' Python files, so that a changed plugin is never shown
as it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import engine
from engine.folders import Folders
from engine.isolation.loading import IsolatedPlugins
from engine.node_types.described import registry_of
from engine.node_types.registry import Registry
from engine.node_types.schema import NodeTypeInfo
from engine.plugins.code import Code
from engine.plugins.discovery import candidates


class NodeTypeCatalogue:
    """What is known of node types now."""

    def __init__(self, folders: Folders, plugins: Sequence[Path]) -> None:
        self._file = folders.data / "cache" / "node_types.json"
        self._all = folders
        self._folders = [folders.plugins, *plugins]
        self._known = asyncio.Event()
        self._checker: Registry | None = None
        self._keeping: asyncio.Future[None] | None = None
        self.revision = ""
        self.live = False
        self.body = b""

    def load(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Read the file of an earlier run, if the plugins are still the same. Runs on a thread of its own."""
        try:
            stored = json.loads(self._file.read_bytes())
            if stored["plugins"] != self.fingerprint():
                return False
            found = stored["found"]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        loop.call_soon_threadsafe(self._take_old, found)
        return True

    def _take_old(self, found: dict[str, Any]) -> None:
        if not self.live:
            self._take(found)

    def take(self, payload: bytes) -> bool:
        """Take what a worker found; whether it is other than before."""
        before = self.revision
        found = json.loads(payload)
        self.live = True
        self._take(found)
        self._keeping = asyncio.get_running_loop().run_in_executor(None, self._keep, found)
        return self.revision != before

    def _keep(self, found: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # it is only for a faster start
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}.{threading.get_ident()}")
            temporary.write_text(json.dumps({"plugins": self.fingerprint(), "found": found}))
            temporary.replace(self._file)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._keeping is not None:
            await self._keeping

    def _take(self, found: dict[str, Any]) -> None:
        text = json.dumps(found, sort_keys=True)
        revision = hashlib.sha256(text.encode()).hexdigest()[:16]
        if revision != self.revision:
            self.revision = revision
            self._found = found
            self._checker = None
            self.body = json.dumps({**found, "revision": revision}, separators=(",", ":"), ensure_ascii=False).encode()
        self._known.set()

    async def wait(self, timeout: float = 60.0) -> bool:
        """Wait until node types are known; ``False`` when the time was not enough."""
        if not self._known.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._known.wait(), timeout)
        return self._known.is_set()

    @property
    def registry(self) -> Registry:
        """A registry that can check workflows."""
        if self._checker is None:
            self._checker = registry_of([NodeTypeInfo.model_validate(item) for item in self._found["node_types"]])
        return self._checker

    def fingerprint(self) -> str:
        """Names, sizes and times of all files that plugins are made of."""
        found, _ = candidates(self._folders)
        own = Code("engine", Path(engine.__file__).parent)
        summary = hashlib.sha256()
        for code in [own, *(candidate.code for candidate in found)]:
            for path, size, modified in code.stamp():
                summary.update(f"{path}\0{size}\0{modified}\n".encode("utf-8", "surrogateescape"))
        for path, modified in IsolatedPlugins(self._all).stamp():
            summary.update(f"{path}\0{modified}\n".encode("utf-8", "surrogateescape"))
        return summary.hexdigest()
