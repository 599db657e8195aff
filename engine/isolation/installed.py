"""What is installed in environments of their own: one folder per plugin below ``environments`` in the data folder.

::

    NAME/plugin.json     what was installed, from where, with which permissions, and its node types as data
    NAME/described.json  of a linked plugin: its node types as its code is now
    NAME/lock.txt        every package with its version and hash
    NAME/env/            the virtual environment
    NAME/home/           the only folder that the plugin may write
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.files import write_whole
from engine.plugins.code import Code
from engine.plugins.manifest import Manifest

RECORD = "plugin.json"
_DESCRIBED = "described.json"


class Installed(BaseModel):
    """The content of ``plugin.json``.

    Attributes:
        spec: what was asked for at the command line.
        module: the package that is imported.
        package: its folder.
        why: why it has an environment of its own.
        linked: its package lies with its author, who may change it at any time.
        described: its node types as data.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    spec: str
    module: str
    package: str
    manifest: Manifest
    why: str = ""
    enabled: bool = True
    linked: bool = False
    described: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write it, whole or not at all."""
        write_whole(folder / RECORD, self.model_dump_json(indent=2))

    def code(self) -> Code:
        """Its package, as it lies there now. A linked one is imported from its folder, not by its name."""
        return Code(self.name, Path(self.package), "" if self.linked else self.module)


def keep_described(folder: Path, described: dict[str, Any]) -> None:
    """Remember what a linked plugin's code says now, so that the next start need not ask it."""
    write_whole(folder / _DESCRIBED, json.dumps(described))


def kept_described(folder: Path) -> dict[str, Any]:
    """What was remembered; empty where that is nothing."""
    try:
        found: Any = json.loads((folder / _DESCRIBED).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_installed(root: Path) -> Iterator[tuple[Path, Installed | str]]:
    """Every plugin's folder with its record, or with what is wrong with it; sorted by name."""
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if folder.name.startswith(".") or not (folder / RECORD).is_file():
            continue
        try:
            yield folder, Installed.model_validate_json((folder / RECORD).read_bytes())
        except (OSError, ValueError) as error:
            yield folder, f"its record cannot be read: {error}"


def site_packages(environment: Path) -> Path:
    """Where an environment's packages lie."""
    return environment / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"


def interpreter(environment: Path) -> Path:
    """The environment's Python; this process's own where the environment is only a folder of packages."""
    found = environment / "bin" / "python"
    return found if found.exists() else Path(sys.executable)
