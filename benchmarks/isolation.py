"""What it costs to run a node in a process of its own: per call and per megabyte.

    python benchmarks/isolation.py

Compared with the same function called here, and with Python's own way to another process (multiprocessing: the value is
pickled and copied through a pipe). "known" is a clip that has crossed before, or that came from an isolated plugin;
"new" is one that was made in the worker's own memory, which is written into shared memory once. A clip that the plugin
makes is "known" when it is made with ``kinograph.empty``, and "new" when it is made in ordinary memory.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from engine.folders import Folders
from engine.isolation.describing import CONTEXT
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import Installed, site_packages
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.node_types.context import NodeContext
from engine.plugins.discovery import discover
from engine.plugins.manifest import Manifest
from kinograph import Frames

CODE = '''
from kinograph import Frames, empty, node

@node("bench.Number")
def number(value: int = 0) -> int:
    """Give a number back."""
    return value + 1

@node("bench.Pass")
def same(frames: Frames) -> Frames:
    """Give a clip back."""
    return frames

@node("bench.Made")
def made(megabytes: int = 1) -> Frames:
    """Make a clip in memory that crosses."""
    return Frames(empty(1, megabytes * 256, 1024, 1).fill_(0.5))

@node("bench.New")
def new(megabytes: int = 1) -> Frames:
    """Make a clip in ordinary memory."""
    import torch
    return Frames(torch.full((1, megabytes * 256, 1024, 1), 0.5))

@node("bench.Mean")
def mean(frames: Frames) -> float:
    """Read every number of a clip."""
    return float(frames.pixels.mean())
'''
SIZES_MB = (1, 16, 128)


def install(folders: Folders) -> None:
    """An isolated plugin, put in place by hand: nothing of it needs a package."""
    folder = folders.environments / "bench"
    package = site_packages(folder / "env") / "bench"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(CODE)
    manifest, where = Manifest(name="bench"), str(package)
    record = Installed(
        name="bench", version="1", spec="here", module="bench", package=where, manifest=manifest, described={}
    )
    plugin = IsolatedPlugin(folder, record, Places(folders.inputs, folders.outputs, folders.models))
    record.model_copy(update={"described": plugin.start()}).save(folder)
    plugin.close()


def milliseconds(work: Callable[[], object], repeats: int) -> float:
    """Median time of a call."""
    work()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def echo(connection: Connection) -> None:
    """Another process that gives back what it gets."""
    while True:
        try:
            connection.send(connection.recv())
        except EOFError:
            return


def clip(megabytes: int) -> Frames:
    """A clip of so many megabytes."""
    return Frames(torch.rand(1, megabytes * 256, 1024, 1).contiguous())


def main() -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory() as folder:
        folders = Folders.at(Path(folder))
        install(folders)
        isolated = IsolatedPlugins(folders)
        registry = with_isolated(discover(), isolated).registry()
        context = {CONTEXT: NodeContext()}
        ours, theirs = multiprocessing.Pipe()
        other = multiprocessing.get_context("fork").Process(target=echo, args=(theirs,), daemon=True)
        other.start()
        names = ("Number", "Pass", "Mean", "Made", "New")
        number, same, mean, made, new = (registry[f"bench.{name}"].function for name in names)

        def pickled(value: object) -> object:
            ours.send(value)
            return ours.recv()

        print(f"{'a call with':<24}{'here':>10}{'isolated, known':>18}{'isolated, new':>16}{'pickled':>12}   (ms)")
        call = milliseconds(lambda: number(value=1, **context), 500)
        print(f"{'a number':<24}{0.0:>10.3f}{call:>18.3f}{call:>16.3f}{milliseconds(lambda: pickled(1), 500):>12.3f}")
        for size in SIZES_MB:
            known = clip(size)
            repeats = 30 if size < 100 else 8
            passed = milliseconds(lambda: same(frames=known, **context), repeats)  # noqa: B023
            fresh = milliseconds(lambda: same(frames=Frames(known.pixels + 0), **context), repeats)  # noqa: B023
            fresh -= milliseconds(lambda: known.pixels + 0, repeats)  # noqa: B023
            array = known.pixels.numpy()
            copied = milliseconds(lambda: pickled(array), repeats)  # noqa: B023
            print(f"{f'a clip of {size} MB':<24}{0.0:>10.3f}{passed:>18.3f}{fresh:>16.3f}{copied:>12.3f}")
            here = milliseconds(lambda: float(known.pixels.mean()), repeats)  # noqa: B023
            there = milliseconds(lambda: mean(frames=known, **context), repeats)  # noqa: B023
            print(f"{'  and reading all of it':<24}{here:>10.3f}{there:>18.3f}")
            here = milliseconds(lambda: torch.full((1, size * 256, 1024, 1), 0.5), repeats)  # noqa: B023
            there = milliseconds(lambda: made(megabytes=size, **context), repeats)  # noqa: B023
            fresh = milliseconds(lambda: new(megabytes=size, **context), repeats)  # noqa: B023
            print(f"{'  made by the node':<24}{here:>10.3f}{there:>18.3f}{fresh:>16.3f}")
        isolated.close()
        other.kill()


if __name__ == "__main__":
    main()
