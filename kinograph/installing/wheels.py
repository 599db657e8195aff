"""What a wheel says of itself, read from the file without running anything of it."""

from __future__ import annotations

import configparser
import hashlib
import zipfile
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from engine.plugins.discovery import GROUP
from engine.plugins.manifest import FILE, MAX_BYTES, Manifest, parse_manifest

_MAX_METADATA = 4 << 20


class NotAPlugin(ValueError):
    """A package is no plugin, or a broken one."""


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """A plugin's wheel.

    Attributes:
        module: the package that is imported.
        requires: its dependencies, as written.
        sha256: of the file.
        source: what it was asked for as; from git, with the commit.
    """

    path: Path
    name: str
    version: str
    summary: str
    module: str
    manifest: Manifest
    requires: tuple[str, ...]
    sha256: str
    source: str = ""


def read_wheel(path: Path) -> WheelFacts:
    """Read a wheel.

    Raises:
        NotAPlugin: when it is no wheel, or no plugin.
        ManifestError: when its manifest has a mistake.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = {item.filename: item for item in archive.infolist()}
            info = next((name.partition("/")[0] for name in files if name.endswith(".dist-info/METADATA")), None)
            if info is None:
                raise NotAPlugin(f"{path.name} is not a wheel: it has no METADATA")
            headers = HeaderParser().parsestr(_text(archive, files[f"{info}/METADATA"]))
            entries = configparser.ConfigParser(delimiters=("=",), interpolation=None)
            if f"{info}/entry_points.txt" in files:
                entries.read_string(_text(archive, files[f"{info}/entry_points.txt"]))
            found = dict(entries.items(GROUP)) if entries.has_section(GROUP) else {}
            if len(found) != 1:
                what = "no entry point" if not found else f"{len(found)} entry points"
                raise NotAPlugin(f"{path.name} has {what} in the group {GROUP!r}; a plugin has one")
            ((_, target),) = found.items()
            module = target.partition(":")[0].strip()
            manifest_file = files.get(f"{module.replace('.', '/')}/{FILE}")
            if manifest_file is None:
                manifest = Manifest.model_validate({"name": module.partition(".")[0].lower()})
            else:
                manifest = parse_manifest(_text(archive, manifest_file, MAX_BYTES))
    except (zipfile.BadZipFile, OSError, configparser.Error, UnicodeDecodeError) as error:
        raise NotAPlugin(f"{path.name} is not a wheel: {error}") from None
    return WheelFacts(
        path,
        str(headers["Name"]),
        str(headers["Version"]),
        str(headers.get("Summary", "")),
        module,
        manifest,
        tuple(headers.get_all("Requires-Dist") or ()),
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _text(archive: zipfile.ZipFile, item: zipfile.ZipInfo, most: int = _MAX_METADATA) -> str:
    if item.file_size > most:
        raise NotAPlugin(f"{item.filename} is larger than {most >> 10} KiB")
    return archive.read(item).decode("utf-8")
