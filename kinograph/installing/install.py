"""Install a plugin: its wheel, an environment with exactly the packages of its lock, and its record.

Only the command line calls this; no server does, and no workflow. Everything is made in a folder beside the final one
and moved there at the end, so that a failed installation leaves nothing and a working version is replaced at once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from engine.files import file_digest
from engine.folders import Folders
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import RECORD, Installed, site_packages
from kinograph.installing.sources import Options
from kinograph.installing.tools import InstallError, pip, run, uv
from kinograph.installing.wheels import WheelFacts

LOCK = "lock.txt"
_DRIVE = re.compile(r"/[A-Za-z]:")
"""How the path of a file URL begins on Windows."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock."""

    name: str
    version: str
    sha256: str

    def line(self) -> str:
        """As pip reads it."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def conflicts(wheel: WheelFacts, options: Options) -> list[str]:
    """Which of Kinograph's own packages would have to be replaced to run the plugin beside them.

    Raises:
        InstallError: when its dependencies cannot be found at all.
    """
    found = []
    for item in _resolve(sys.executable, wheel, options):
        try:
            here = distribution(item.name).version
        except PackageNotFoundError:
            continue
        if here != item.version and item.name.lower() != wheel.name.lower():
            found.append(f"it needs {item.name} {item.version}, and Kinograph runs with {here}")
    return found


def install_isolated(
    wheel: WheelFacts,
    folders: Folders,
    options: Options,
    why: str,
    say: Callable[[str], None],
    linked: Path | None = None,
) -> Installed:
    """Make its environment, load it there once, and put everything in place.

    Args:
        wheel: the plugin.
        folders: where its folder goes.
        options: where the packages come from that it needs.
        why: why it has an environment of its own.
        say: told each step.
        linked: the package in its author's folder, which is used in place of the wheel's.

    Raises:
        InstallError: saying what is wrong.
    """
    name = wheel.manifest.name
    final = folders.environments / name
    with _staging(folders.environments, name) as staging:
        environment = staging / "env"
        say("making its environment")
        _make_environment(environment)
        say("looking for its dependencies")
        python = str(environment / "bin" / "python")
        locked = _resolve(python, wheel, options)
        if linked is not None:
            locked = [item for item in locked if item.sha256 != wheel.sha256]
        (staging / LOCK).write_text("".join(f"{item.line()}\n" for item in locked), encoding="utf-8")
        say(f"installing {len(locked)} package{'s' if len(locked) != 1 else ''}, held to their hashes")
        if locked:
            _install(python, staging / LOCK, wheel, options)
        inside = Path(*wheel.module.split("."))
        package = linked if linked is not None else site_packages(environment) / inside
        record = Installed(
            name=name,
            version=wheel.version,
            spec=wheel.source,
            module=wheel.module,
            package=str(package),
            manifest=wheel.manifest,
            why=why,
            linked=linked is not None,
            described={},
        )
        say("loading it")
        described = _describe(staging, record, folders)
        moved = str(linked if linked is not None else site_packages(final / "env") / inside)
        record = record.model_copy(update={"described": described, "package": moved})
        record.save(staging)
        _replace(staging, final)
    return record


def install_trusted(wheel: WheelFacts, options: Options) -> list[Locked]:
    """Install it among Kinograph's own packages, where it has all rights.

    Raises:
        InstallError: saying what is wrong.
    """
    locked = _resolve(sys.executable, wheel, options)
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / LOCK
        lock.write_text("".join(f"{item.line()}\n" for item in locked), encoding="utf-8")
        _install(sys.executable, lock, wheel, options)
    return locked


def uninstall(package: str) -> None:
    """Take a package away from Kinograph's own ones.

    Raises:
        InstallError: saying what is wrong.
    """
    program = uv()
    if program is not None:
        run([program, "pip", "uninstall", "--quiet", "--python", sys.executable, package])
    else:
        pip("uninstall", "--yes", "--quiet", package)


@contextmanager
def _staging(root: Path, name: str) -> Iterator[Path]:
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_environment(environment: Path) -> None:
    """A virtual environment that sees Kinograph's packages behind its own, so that only what differs is installed."""
    program = uv()
    if program is not None:
        run([program, "venv", "--quiet", "--python", sys.executable, str(environment)])
    else:
        run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    host = [place for place in sys.path if place and Path(place).is_dir() and "site-packages" in place]
    (site_packages(environment) / "kinograph-host.pth").write_text("".join(f"{place}\n" for place in host))


def _resolve(python: str, wheel: WheelFacts, options: Options) -> list[Locked]:
    """The wheel and what it needs that is not there, with versions and hashes. Nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = ["--dry-run", "--quiet", "--report", str(report), *options.only_wheels(), *options.words()]
        pip("install", *asked, str(wheel.path), python=python)
        found: dict[str, Any] = json.loads(report.read_bytes())
    locked = []
    for item in found["install"]:
        about = item["metadata"]
        is_the_wheel = about["name"].lower().replace("_", "-") == wheel.name.lower().replace("_", "-")
        digest = wheel.sha256 if is_the_wheel else sha256_of(item["download_info"])
        if digest is None:
            raise InstallError(f"{about['name']} {about['version']} has no hash; it cannot be pinned")
        locked.append(Locked(about["name"], about["version"], digest))
    if not any(item.sha256 == wheel.sha256 for item in locked):
        locked.append(Locked(wheel.name, wheel.version, wheel.sha256))
    return sorted(locked, key=lambda item: item.name.lower())


def sha256_of(origin: dict[str, Any]) -> str | None:
    """The digest of an archive that pip has found (PEP 610), which old ones do not tell of files of this machine."""
    archive = origin.get("archive_info", {})
    told: str | None = (archive.get("hashes") or {}).get("sha256")
    if told is None and str(archive.get("hash", "")).startswith("sha256="):
        told = archive["hash"].removeprefix("sha256=")
    place = urlsplit(origin.get("url", ""))
    if told is None and place.scheme == "file":
        local = unquote(place.path)
        path = Path(local[1:] if _DRIVE.match(local) else local)
        told = file_digest(path) if path.is_file() else None
    return told


def _install(python: str, lock: Path, wheel: WheelFacts, options: Options) -> None:
    sources = ["--find-links", str(wheel.path.parent), *options.words()]
    asked = ["--no-deps", "--require-hashes", *sources, "-r", str(lock)]
    program = uv()
    if program is not None:
        run([program, "pip", "install", "--quiet", "--python", python, *asked])
    else:
        held = ["--no-compile", "--no-warn-script-location", *options.only_wheels()]
        pip("install", *asked, *held, python=python)


def _describe(staging: Path, record: Installed, folders: Folders) -> dict[str, Any]:
    plugin = IsolatedPlugin(staging, record, Places(folders.inputs, folders.outputs, folders.models))
    try:
        return plugin.start()
    except Exception as error:
        notes = "\n".join(getattr(error, "__notes__", ()))
        raise InstallError(f"{error}\n{notes}".strip()) from None
    finally:
        plugin.close()


def _replace(staging: Path, final: Path) -> None:
    old = staging.with_name(f"{staging.name}-old")
    if final.exists():
        if (final / "home").is_dir():  # what the plugin has kept for itself
            shutil.rmtree(staging / "home", ignore_errors=True)
            (final / "home").rename(staging / "home")
        final.rename(old)
    staging.rename(final)
    os.utime(final / RECORD)
    shutil.rmtree(old, ignore_errors=True)
