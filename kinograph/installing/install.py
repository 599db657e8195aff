"""Install a plugin: its wheel, an environment with exactly the packages of its lock, and its record.

Only the command line calls this; no server does, and no workflow. Everything is made in a folder beside the final one
and moved there at the end, so that a failed installation leaves nothing and a working version is replaced at once.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from engine.folders import Folders
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import RECORD, Installed, site_packages
from kinograph.installing.wheels import NotAPlugin, WheelFacts, read_wheel

LOCK = "lock.txt"
_GIT = ("git+https://", "git+ssh://", "git+file://")
_NOT_COPIED = (".git", "__pycache__", "build", "dist", "*.egg-info", ".venv", "node_modules", ".pytest_cache")
_MAX_SAID = 3000


class InstallError(RuntimeError):
    """An installation failed; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where packages come from.

    Attributes:
        find_links: folders with wheels.
        no_index: use no package index.
        allow_builds: take dependencies that have no wheel and run their build scripts.
    """

    find_links: tuple[Path, ...] = ()
    no_index: bool = False
    allow_builds: bool = False

    def words(self) -> list[str]:
        """For pip and uv."""
        found = [word for folder in self.find_links for word in ("--find-links", str(folder.resolve()))]
        return [*found, *(["--no-index"] if self.no_index else [])]


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock."""

    name: str
    version: str
    sha256: str

    def line(self) -> str:
        """As pip reads it."""
        return f"{self.name}=={self.version} --hash=sha256:{self.sha256}"


def fetch_wheel(spec: str, folder: Path, options: Options) -> WheelFacts:
    """Get the plugin's wheel: download it, copy it, or build it from a folder or a git URL.

    Raises:
        InstallError, NotAPlugin, ManifestError: saying what is wrong.
    """
    foreign = re.match(r"[\w+]+:", spec) is not None and not spec.startswith(_GIT)
    if not spec.strip() or spec.startswith("-") or foreign or any(letter in spec for letter in "\n\r;"):
        raise InstallError(f"{spec!r} is not a package: a name, a wheel, a folder or git+https://... is wanted")
    path = Path(spec).expanduser()
    if path.suffix == ".whl":
        if not path.is_file():
            raise InstallError(f"there is no file {path}")
        return read_wheel(Path(shutil.copy(path, folder)))
    if path.is_dir():
        isolation = ["--no-build-isolation"] if _backend_is_here(path) else []
        with tempfile.TemporaryDirectory() as copied:  # builds leave things behind
            source = shutil.copytree(path, Path(copied) / "source", ignore=shutil.ignore_patterns(*_NOT_COPIED))
            _pip("wheel", "--no-deps", *isolation, "-w", str(folder), *options.words(), str(source))
    elif spec.startswith(_GIT):
        _pip("wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), *options.words(), spec)
    elif re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[\w,.-]+\])?\s*([=<>!~]=?[\w.*,<>=!~ +-]+)?", spec):
        only = [] if options.allow_builds else ["--only-binary=:all:"]
        _pip("wheel" if options.allow_builds else "download", "--no-deps", *only, *_into(options, folder), spec)
    else:
        raise InstallError(
            f"{spec!r} is not a package: a name, a wheel, a folder or a git URL (git+https://) is wanted"
        )
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise InstallError(f"{spec} gave {len(wheels)} wheels; one is wanted")
    return read_wheel(wheels[0])


def _into(options: Options, folder: Path) -> list[str]:
    return ["-w" if options.allow_builds else "-d", str(folder), *options.words()]


def _backend_is_here(project: Path) -> bool:
    """Whether everything that builds the project is installed already; then nothing has to be downloaded for it."""
    try:
        found = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        wanted = found["build-system"]["requires"]
    except (OSError, KeyError, TypeError, ValueError):
        return False
    for requirement in wanted:
        match = re.match(r"[A-Za-z0-9._-]+", str(requirement))
        try:
            distribution(match[0] if match else "")
        except (PackageNotFoundError, ValueError):
            return False
    return True


def conflicts(wheel: WheelFacts, options: Options) -> list[str]:
    """Which of Kinograph's own packages would have to be replaced to run the plugin beside them.

    Raises:
        InstallError: when its dependencies cannot be found at all.
    """
    found = []
    for item in _resolve([sys.executable, "-m", "pip"], wheel, options):
        try:
            here = distribution(item.name).version
        except PackageNotFoundError:
            continue
        if here != item.version and item.name.lower() != wheel.name.lower():
            found.append(f"it needs {item.name} {item.version}, and Kinograph runs with {here}")
    return found


def install_isolated(
    spec: str, wheel: WheelFacts, folders: Folders, options: Options, why: str, say: Callable[[str], None]
) -> Installed:
    """Make its environment, load it there once, and put everything in place.

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
        locked = _resolve([sys.executable, "-m", "pip", "--python", python], wheel, options)
        (staging / LOCK).write_text("".join(f"{item.line()}\n" for item in locked), encoding="utf-8")
        say(f"installing {len(locked)} package{'s' if len(locked) != 1 else ''}, held to their hashes")
        _install(python, staging / LOCK, wheel, options)
        package = site_packages(environment) / Path(*wheel.module.split("."))
        record = Installed(
            name=name,
            version=wheel.version,
            spec=spec,
            module=wheel.module,
            package=str(package),
            manifest=wheel.manifest,
            why=why,
            described={},
        )
        say("loading it")
        described = _describe(staging, record, folders)
        moved = str(site_packages(final / "env") / Path(*wheel.module.split(".")))
        record = record.model_copy(update={"described": described, "package": moved})
        record.save(staging)
        _replace(staging, final)
    return record


def install_trusted(wheel: WheelFacts, options: Options) -> list[Locked]:
    """Install it among Kinograph's own packages, where it has all rights.

    Raises:
        InstallError: saying what is wrong.
    """
    locked = _resolve([sys.executable, "-m", "pip"], wheel, options)
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / LOCK
        lock.write_text("".join(f"{item.line()}\n" for item in locked), encoding="utf-8")
        _install(sys.executable, lock, wheel, options)
    return locked


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
    uv = shutil.which("uv")
    if uv is not None:
        _run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)])
    else:
        _run([sys.executable, "-m", "venv", "--without-pip", str(environment)])
    host = [place for place in sys.path if place and Path(place).is_dir() and "site-packages" in place]
    (site_packages(environment) / "kinograph-host.pth").write_text("".join(f"{place}\n" for place in host))


def _resolve(pip: list[str], wheel: WheelFacts, options: Options) -> list[Locked]:
    """The wheel and what it needs that is not there, with versions and hashes. Nothing is installed."""
    only = [] if options.allow_builds else ["--only-binary=:all:"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        asked = ["install", "--dry-run", "--quiet", "--report", str(report), *only, *options.words()]
        _run([*pip, *asked[:1], *_QUIET, *asked[1:], str(wheel.path)])
        found: dict[str, Any] = json.loads(report.read_bytes())
    locked = []
    for item in found["install"]:
        about, origin = item["metadata"], item["download_info"]
        digest = (origin.get("archive_info", {}).get("hashes") or {}).get("sha256")
        if about["name"].lower().replace("_", "-") == wheel.name.lower().replace("_", "-"):
            digest = wheel.sha256
        if digest is None:
            raise InstallError(f"{about['name']} {about['version']} has no hash; it cannot be pinned")
        locked.append(Locked(about["name"], about["version"], digest))
    if not any(item.sha256 == wheel.sha256 for item in locked):
        locked.append(Locked(wheel.name, wheel.version, wheel.sha256))
    return sorted(locked, key=lambda item: item.name.lower())


def _install(python: str, lock: Path, wheel: WheelFacts, options: Options) -> None:
    sources = ["--find-links", str(wheel.path.parent), *options.words()]
    asked = ["install", "--no-deps", "--require-hashes", *sources, "-r", str(lock)]
    uv = shutil.which("uv")
    if uv is not None:
        _run([uv, "pip", "install", "--quiet", "--python", python, *asked[1:]])
    else:
        only = [] if options.allow_builds else ["--only-binary=:all:"]
        asked += [*only, "--no-compile", "--no-warn-script-location", *_QUIET]
        _run([sys.executable, "-m", "pip", "--python", python, *asked])


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


_QUIET = ["--disable-pip-version-check", "--no-input", "--no-python-version-warning"]


def _pip(*words: str) -> None:
    _run([sys.executable, "-m", "pip", *words[:1], *_QUIET, "--quiet", *words[1:]])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise InstallError(f"{command[0]} cannot be started: {error}") from None
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip()[-_MAX_SAID:]
        raise InstallError(f"{' '.join(command[:6])} ... failed:\n{said}")


__all__ = [
    "InstallError",
    "Locked",
    "NotAPlugin",
    "Options",
    "conflicts",
    "fetch_wheel",
    "install_isolated",
    "install_trusted",
]
