"""Where the web parts of plugins lie: a folder that the manifest names, found without importing any plugin."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.folders import Folders
from engine.isolation.installed import read_installed
from engine.plugins.discovery import OWN, candidates
from engine.plugins.manifest import ManifestError, read_manifest

ENTRY = "index.js"
"""The module that the editor loads."""


class WebParts:
    """Looks up folders by plugin name.

    Args:
        folders: the data folder.
        plugins: further drop-in folders.
    """

    def __init__(self, folders: Folders, plugins: Sequence[Path]) -> None:
        self._folders = folders
        self._plugins = [folders.plugins, *plugins]

    def folder(self, name: str) -> Path | None:
        """The folder of a plugin's web parts; ``None`` where it has none."""
        return next((folder for plugin, folder in self._all() if plugin == name), None)

    def names(self) -> list[str]:
        """Plugins that have web parts."""
        return sorted({name for name, folder in self._all() if (folder / ENTRY).is_file()})

    def _all(self) -> list[tuple[str, Path]]:
        packages = [candidate.code.folder for candidate in candidates(self._plugins)[0] if candidate.code.name != OWN]
        found: list[tuple[str, Path]] = []
        for package in packages:
            try:
                manifest = read_manifest(package) if package is not None else None
            except ManifestError:
                continue
            if package is not None and manifest is not None and manifest.web:
                found.append((manifest.name, package / manifest.web))
        for _, record in read_installed(self._folders.environments):
            if not isinstance(record, str) and record.enabled and record.manifest.web:
                found.append((record.name, Path(record.package) / record.manifest.web))
        return found
