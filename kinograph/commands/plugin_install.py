"""``kinograph plugins install``: from a package index, a wheel, a folder or git, after a look at what it may do."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

from engine.folders import Folders
from engine.plugins.discovery import GROUP
from engine.plugins.manifest import ManifestError
from engine.problems import Problem, WorkflowError
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.installing.install import conflicts, install_isolated, install_trusted
from kinograph.installing.sources import Options, fetch_wheel, is_built
from kinograph.installing.tools import InstallError
from kinograph.installing.wheels import NotAPlugin, WheelFacts


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument("spec", metavar="PACKAGE", help="a name, a wheel, a folder, or git+https://...")
    parser.add_argument(
        "--trusted", action="store_true", help="run it inside Kinograph's own process, where it may do everything"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_sources(parser)
    add_data_folder(parser)


def add_sources(parser: argparse.ArgumentParser) -> None:
    """The arguments that say where packages come from."""
    parser.add_argument(
        "--find-links", type=Path, action="append", default=[], metavar="DIR", help="a folder with wheels"
    )
    parser.add_argument("--no-index", action="store_true", help="use no package index")
    parser.add_argument(
        "--allow-builds",
        action="store_true",
        help="also take dependencies without a wheel, and run their build scripts",
    )


def sources_of(arguments: argparse.Namespace) -> Options:
    """What those arguments say."""
    return Options(tuple(arguments.find_links), arguments.no_index, arguments.allow_builds)


def run(arguments: argparse.Namespace) -> int:
    """Show, ask, install; exit code 1 when the person says no."""
    options = sources_of(arguments)
    folders = folders_of(arguments)
    with tempfile.TemporaryDirectory(prefix="kinograph-install-") as work:
        try:
            if is_built(arguments.spec) and not arguments.yes:
                print(f"{_plain(arguments.spec)} has to be built first.")
                print("That runs its build script, which may do everything that you may.")
                if not _agreed("Build it?"):
                    print("nothing was installed")
                    return 1
            wheel = fetch_wheel(arguments.spec, Path(work), options)
            why = _why_isolated(wheel, options, trusted=arguments.trusted)
            if why:
                check_free(wheel.manifest.name, folders)
            _show(wheel, why)
            if not arguments.yes and not _agreed("Install it?"):
                print("nothing was installed")
                return 1
            if why:
                record = install_isolated(wheel, folders, options, why, say)
                count = len(record.described["node_types"])
                said = f" with {count} node{'s' if count != 1 else ''}"
            else:
                install_trusted(wheel, options)
                shutil.rmtree(folders.environments / wheel.manifest.name, ignore_errors=True)
                said = " among Kinograph's own packages"
        except (InstallError, NotAPlugin, ManifestError) as error:
            raise WorkflowError([Problem("not_installed", f"{arguments.spec} was not installed: {error}")]) from None
    print(f"{wheel.manifest.name} {wheel.version} is installed{said}")
    return 0


def check_free(name: str, folders: Folders) -> None:
    """An isolated plugin would not be used beside one of its name that runs in Kinograph's process.

    Raises:
        InstallError: when there is one.
    """
    places = [str(path) for path in (folders.plugins / name, folders.plugins / f"{name}.py") if path.exists()]
    if any(entry.name == name for entry in entry_points(group=GROUP)):
        places.append("among Kinograph's own packages (--trusted)")
    if places:
        raise InstallError(
            f"a plugin {name!r} is there already: {places[0]}; take it away first: kinograph plugins remove {name}"
        )


def _why_isolated(wheel: WheelFacts, options: Options, *, trusted: bool) -> str:
    """Why it gets an environment and a process of its own; empty when it does not."""
    if wheel.manifest.isolated:
        return "its manifest asks for it"
    if not trusted:
        return "you did not say that you trust it (--trusted)"
    found = conflicts(wheel, options)
    return "its dependencies contradict Kinograph's: " + "; ".join(found) if found else ""


def _show(wheel: WheelFacts, why: str) -> None:
    manifest = wheel.manifest
    print(f"{_plain(manifest.title or wheel.name)} {wheel.version}")
    for line in (manifest.description or wheel.summary, manifest.homepage):
        if line:
            print(f"  {_plain(line)}")
    if wheel.requires:
        print(f"  needs {', '.join(map(_plain, wheel.requires))}")
    if why:
        print(f"It runs in an environment and a process of its own: {why}.")
        words = manifest.permissions.words()
        print("It may:" if words else "It may compute, and nothing else: no network, no programs, no files of yours.")
        for word in words:
            print(f"  - {word}")
        print("What holds it to that, and what does not: see docs/plugins.md, 'What is enforced'.")
    else:
        print("It runs inside Kinograph's own process and may do everything that you may.")


def _plain(text: str) -> str:
    """Without control characters: a description must not paint over the question."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:500]


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        print("say --yes to install it without being asked")
        return False
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def say(text: str) -> None:
    """One step of an installation."""
    print(f"  {text} ...", flush=True)
