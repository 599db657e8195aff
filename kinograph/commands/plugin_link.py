"""``kinograph plugins link``: a plugin under work, shown in the editor from where it lies."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from engine.folders import Folders
from engine.plugins.manifest import FILE, ManifestError, read_manifest
from engine.problems import Problem, WorkflowError
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.plugin_install import add_sources, check_free, say, sources_of
from kinograph.installing.install import install_isolated
from kinograph.installing.sources import Options, fetch_wheel
from kinograph.installing.tools import InstallError
from kinograph.installing.wheels import NotAPlugin


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("path", type=Path, help="the plugin's project, or its package")
    add_sources(parser)
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Link it into the drop-in folder; one that asks for it gets its environment and its process."""
    package = package_in(arguments.path)
    manifest = read_manifest(package) if package.is_dir() else None
    folders = folders_of(arguments)
    if manifest is not None and manifest.isolated:
        _link_isolated(package, folders, sources_of(arguments))
    else:
        _link(package, folders)
    print(f"{package.stem} is in the editor now, or at its next start. Saving a file of it is enough to reload it.")
    return 0


def _link(package: Path, folders: Folders) -> None:
    folders.plugins.mkdir(parents=True, exist_ok=True)
    link = folders.plugins / package.name
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise WorkflowError([Problem("folder_taken", f"there is a plugin {package.name} in {folders.plugins} already")])
    link.symlink_to(package, target_is_directory=package.is_dir())


def _link_isolated(package: Path, folders: Folders, options: Options) -> None:
    """Its dependencies in an environment of its own; its code from where it lies."""
    project = next((place for place in package.parents[:2] if (place / "pyproject.toml").is_file()), None)
    if project is None:
        message = (
            f"{package} asks for an environment of its own, and there is no pyproject.toml that says what it needs"
        )
        raise WorkflowError([Problem("no_project", message)])
    with tempfile.TemporaryDirectory(prefix="kinograph-link-") as work:
        try:
            wheel = fetch_wheel(str(project), Path(work), options)
            check_free(wheel.manifest.name, folders)
            install_isolated(wheel, folders, options, "its manifest asks for it", say, linked=package)
        except (InstallError, NotAPlugin, ManifestError) as error:
            raise WorkflowError([Problem("not_linked", f"{project} was not linked: {error}")]) from None


def package_in(path: Path) -> Path:
    """The package (or single file) of the plugin in a folder: itself, or the one below that has a manifest.

    Raises:
        WorkflowError: when there is none, or more than one.
    """
    path = path.expanduser().resolve()
    if not path.exists():
        raise WorkflowError([Problem("missing_file", f"there is no {path}")])
    if path.is_file() and path.suffix == ".py":
        return path
    if (path / "__init__.py").is_file():
        return _with_sound_manifest(path)
    below = [*path.glob(f"*/{FILE}"), *path.glob(f"src/*/{FILE}")]
    packages = sorted(file.parent for file in below if (file.parent / "__init__.py").is_file())
    if len(packages) != 1:
        found = "no package" if not packages else f"{len(packages)} packages"
        message = f"{path} holds {found} with a {FILE} beside its __init__.py"
        raise WorkflowError([Problem("no_plugin", message, wanted="one plugin; kinograph plugins new NAME makes one")])
    return _with_sound_manifest(packages[0])


def _with_sound_manifest(package: Path) -> Path:
    try:
        read_manifest(package)
    except ManifestError as error:
        raise WorkflowError([Problem("bad_manifest", f"{package}: {error}")]) from None
    return package
