"""What a plugin says of itself before any of its code runs: ``kinograph.toml`` beside its ``__init__.py``.

A plugin without the file is an ordinary one with no wishes. A file with a mistake keeps the plugin from being loaded:
what it may do is not guessed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

FILE = "kinograph.toml"
API = 1
"""Version of the interface that plugins are written against: the names of the ``kinograph`` package."""

MAX_BYTES = 64 << 10

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Line = Annotated[str, StringConstraints(max_length=500)]
Address = Annotated[str, StringConstraints(pattern=r"^(https://[^\s<>\"']+)?$", max_length=500)]
Folder = Literal["inputs", "outputs", "models"]


class ManifestError(ValueError):
    """The manifest cannot be used; every mistake is named."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Permissions(_Part):
    """What the plugin's code does beyond computing its outputs. A person sees it before enabling the plugin."""

    network: bool = Field(False, description="It talks to other machines.")
    files: tuple[Folder, ...] = Field((), description="It reads inputs or models, or writes outputs, by itself.")
    processes: bool = Field(False, description="It starts other programs.")
    gpu: bool = Field(False, description="It computes on the accelerator by itself.")

    def words(self) -> list[str]:
        """What is asked for, in words; empty for nothing."""
        found = []
        if self.network:
            found.append("network: talks to other machines")
        if self.files:
            found.append(f"files: uses the folders {', '.join(self.files)}")
        if self.processes:
            found.append("processes: starts other programs")
        if self.gpu:
            found.append("gpu: computes on the accelerator")
        return found


class Manifest(_Part):
    """The whole file.

    Attributes:
        name: the package's name, and the first word of its node ids.
        api: version of the interface that it was written against.
        isolated: it wants an environment and a process of its own.
        web: folder with its ES modules, below the package.
    """

    name: Name
    title: Line = ""
    description: Line = ""
    homepage: Address = ""
    api: Literal[1] = 1
    isolated: bool = False
    web: Annotated[str, StringConstraints(pattern=r"^([a-z0-9_-]+)?$", max_length=40)] = ""
    permissions: Permissions = Permissions()


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a package's folder; ``None`` where there is none.

    Raises:
        ManifestError: with every mistake.
    """
    path = folder / FILE
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ManifestError(f"{FILE} is larger than {MAX_BYTES >> 10} KiB")
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{FILE} cannot be read: {error}") from None
    return parse_manifest(text)


def parse_manifest(text: str) -> Manifest:
    """A manifest from its text: the table ``[plugin]``, and ``[permissions]`` beside it.

    Raises:
        ManifestError: with every mistake.
    """
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ManifestError(f"{FILE} is not TOML: {error}") from None
    unknown = sorted(set(found) - {"plugin", "permissions"})
    if unknown or not isinstance(found.get("plugin"), dict):
        what = f"unknown table {', '.join(unknown)}" if unknown else "there is no table [plugin]"
        raise ManifestError(f"{FILE}: {what}; it has the tables [plugin] and [permissions]")
    about = found["plugin"]
    if about.get("api", API) != API:
        message = f"written for plugin interface {about['api']!r}; this Kinograph has {API}. Another version fits"
        raise ManifestError(f"{FILE}: {message}")
    try:
        return Manifest.model_validate({**about, "permissions": found.get("permissions", {})})
    except ValidationError as error:
        told = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)]
        raise ManifestError(f"{FILE}: {'; '.join(told)}") from None
