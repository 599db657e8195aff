"""Wheels of plain Python projects, made without a build backend: tests reach no package index."""

from __future__ import annotations

import base64
import hashlib
import tomllib
import zipfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest


def skip_without_setuptools() -> None:
    """Asked without importing it: it refuses where Python's own distutils is loaded already."""
    try:
        found = version("setuptools")
    except PackageNotFoundError:
        pytest.skip("setuptools is not installed")
    if tuple(map(int, found.split(".")[:2])) < (70, 1):
        pytest.skip(f"setuptools {found} is too old to build wheels alone")


def build_wheel(project: Path, into: Path) -> Path:
    """The wheel of a project with a ``pyproject.toml`` that lists its packages."""
    settings = tomllib.loads((project / "pyproject.toml").read_text())
    about = settings["project"]
    files: dict[str, bytes] = {}
    for package in settings["tool"]["setuptools"]["packages"]:
        for path in sorted((project / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                files[path.relative_to(project).as_posix()] = path.read_bytes()
    return write_wheel(
        into, about["name"], about["version"], files, about.get("dependencies", []), about.get("entry-points", {})
    )


def write_wheel(
    into: Path,
    name: str,
    version: str,
    files: dict[str, bytes],
    requires: list[str] | None = None,
    entry_points: dict[str, dict[str, str]] | None = None,
) -> Path:
    """A wheel with these files."""
    plain = name.replace("-", "_")
    info = f"{plain}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires or [])
    files = dict(files)
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if entry_points:
        groups = (
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in entry_points.items()
        )
        files[f"{info}/entry_points.txt"] = "\n".join(groups).encode()
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    into.mkdir(parents=True, exist_ok=True)
    wheel = into / f"{plain}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(zipfile.ZipInfo(path), data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
