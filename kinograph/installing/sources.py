"""Where a plugin comes from: the name of a package, a wheel, a folder, or a git repository. The result is a wheel."""

from __future__ import annotations

import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import parse_qs, urlsplit, urlunsplit

from kinograph.installing.tools import InstallError, pip, run
from kinograph.installing.wheels import WheelFacts, read_wheel

_GIT = ("git+https://", "git+ssh://", "git+file://")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[\w,.-]+\])?\s*([=<>!~]=?[\w.*,<>=!~ +-]+)?")
_NOT_COPIED = (".git", "__pycache__", "build", "dist", "*.egg-info", ".venv", "node_modules", ".pytest_cache")


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

    def only_wheels(self) -> list[str]:
        """For pip: no package may run a build script, unless that is allowed."""
        return [] if self.allow_builds else ["--only-binary=:all:"]


def is_built(spec: str) -> bool:
    """Whether a wheel has to be built from this, by code that comes with it."""
    return spec.startswith(_GIT) or (not spec.endswith(".whl") and Path(spec).expanduser().is_dir())


def fetch_wheel(spec: str, folder: Path, options: Options) -> WheelFacts:
    """Get the plugin's wheel: download it, copy it, or build it from a folder or a git repository.

    Raises:
        InstallError, NotAPlugin, ManifestError: saying what is wrong.
    """
    path = Path(spec).expanduser()
    if not spec.strip() or spec.startswith("-") or any(letter in spec for letter in "\n\r;"):
        raise _no_package(spec)
    if spec.startswith(_GIT):
        return _from_git(spec, folder, options)
    if re.match(r"[\w+]+:", spec) is not None:
        raise _no_package(spec)
    if path.suffix == ".whl":
        if not path.is_file():
            raise InstallError(f"there is no file {path}")
        return replace(read_wheel(Path(shutil.copy(path, folder))), source=str(path.resolve()))
    if path.is_dir():
        return replace(_built(path, folder, options), source=str(path.resolve()))
    if spec.startswith(("/", "./", "../", "~")):
        raise InstallError(f"there is no folder {path}")
    if _NAME.fullmatch(spec) is None:
        raise _no_package(spec)
    into = ["-w" if options.allow_builds else "-d", str(folder), *options.words()]
    pip("wheel" if options.allow_builds else "download", "--quiet", "--no-deps", *options.only_wheels(), *into, spec)
    return replace(_single(folder, spec), source=spec)


def _no_package(spec: str) -> InstallError:
    return InstallError(f"{spec!r} is not a package: a name, a wheel, a folder or a git URL (git+https://) is wanted")


def _from_git(spec: str, folder: Path, options: Options) -> WheelFacts:
    """``git+https://HOST/PATH[@REF][#subdirectory=DIR]``; the source names the commit, whatever the ref was."""
    url = urlsplit(spec.removeprefix("git+"))
    path, at, ref = url.path.rpartition("@")
    path, ref = (path, ref) if at else (ref, "")
    if ref.startswith("-"):
        raise InstallError(f"{ref!r} is no branch, tag or commit")
    address = urlunsplit((url.scheme, url.netloc, path, "", ""))
    inner = parse_qs(url.fragment).get("subdirectory", [""])[0]
    with tempfile.TemporaryDirectory() as cloned:
        run(["git", "clone", "--quiet", "--", address, cloned])
        if ref:
            run(["git", "-C", cloned, "checkout", "--quiet", "--detach", ref])
        commit = run(["git", "-C", cloned, "rev-parse", "HEAD"]).strip()
        project = (Path(cloned) / inner).resolve()
        if not project.is_relative_to(Path(cloned).resolve()) or not project.is_dir():
            raise InstallError(f"there is no folder {inner!r} in {address}")
        wheel = _built(project, folder, options)
    return replace(wheel, source=f"git+{address}@{commit}" + (f"#subdirectory={inner}" if inner else ""))


def _built(project: Path, folder: Path, options: Options) -> WheelFacts:
    """Build a project's wheel, with build tools that are installed already or downloaded for it."""
    isolation = ["--no-build-isolation"] if _backend_is_here(project) else []
    with tempfile.TemporaryDirectory() as copied:  # builds leave things behind
        source = shutil.copytree(project, Path(copied) / "source", ignore=shutil.ignore_patterns(*_NOT_COPIED))
        pip("wheel", "--quiet", "--no-deps", *isolation, "-w", str(folder), *options.words(), str(source))
    return _single(folder, str(project))


def _single(folder: Path, spec: str) -> WheelFacts:
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise InstallError(f"{spec} gave {len(wheels)} wheels; one is wanted")
    return read_wheel(wheels[0])


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
