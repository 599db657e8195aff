"""What it costs to run a node in a process of its own: per call and per megabyte.

    OMP_NUM_THREADS=1 python benchmarks/isolation.py [--pause]

Each new clip is made within the time that is shown, in ordinary memory or with ``kinograph.empty``. The calls follow
each other at once; with ``--pause`` there are 1.5 ms per megabyte between them, as when nodes work on their clips, and
what Kinograph does meanwhile (finding and giving back pages) is not seen.

Compared with the same call here, and with Python's own way to another process (multiprocessing: the value is pickled
and copied through a pipe). "per MB" is how much more each further megabyte costs. A clip that the plugin "knows" has
crossed before. Where it says "a copy", one is made, since no operating system can move private pages into another
process. Torch's idle threads sleep (``OMP_WAIT_POLICY=passive``), so that they do not disturb the measurement.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch

from engine.folders import Folders
from engine.isolation.describing import CONTEXT
from engine.isolation.host import IsolatedPlugin, Places
from engine.isolation.installed import Installed, site_packages
from engine.isolation.loading import IsolatedPlugins, with_isolated
from engine.node_types.context import NodeContext
from engine.node_types.registry import Registry
from engine.plugins.discovery import discover
from engine.plugins.manifest import Manifest
from kinograph import Frames, empty

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
SIZES_MB = (1, 16, 64, 128)


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


def milliseconds(work: Callable[[], object], repeats: int = 15, pause: float = 0.0) -> float:
    """Median time of a call, with giving back what it returned, and with so many seconds between two calls."""
    times = []
    for _ in range(repeats + 2):
        time.sleep(pause)
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times[2:]) * 1000


def echo(connection: Connection) -> None:
    """Another process that gives back what it gets."""
    while True:
        try:
            connection.send(connection.recv())
        except EOFError:
            return


def clip(megabytes: int, *, crosses: bool) -> Frames:
    """A clip of so many megabytes; one that ``crosses`` lies where Kinograph's own nodes make theirs."""
    shape = (1, megabytes * 256, 1024, 1)
    pixels = empty(*shape) if crosses else torch.empty(shape)
    return Frames(pixels.fill_(0.5))


def table(registry: Registry, pickled: Callable[[object], object], pause: float) -> None:
    """Print it: per kind of call the time here, isolated, and what that is more; ``pause`` in seconds per MB."""
    context = {CONTEXT: NodeContext()}
    same, mean, made, new, number = (
        partial(registry[f"bench.{name}"].function, **context) for name in ("Pass", "Mean", "Made", "New", "Number")
    )
    call = milliseconds(lambda: number(value=1), repeats=500)
    print(f"a call with a number: {call:.3f} ms (through a pipe of multiprocessing: ", end="")
    print(f"{milliseconds(lambda: pickled(1), repeats=500):.3f} ms)\n")
    sizes = "".join(f"{f'{size} MB':>25}" for size in SIZES_MB)
    print(f"{'ms: here / isolated = more':<41}{sizes}{'per MB':>9}")

    def row(what: str, here: Callable[[int], object], there: Callable[[int], object], repeats: int = 11) -> None:
        found = [
            tuple(milliseconds(partial(side, size), repeats, pause * size) for side in (here, there))
            for size in SIZES_MB
        ]
        more = [isolated - plain for plain, isolated in found]
        cells = (f"{plain:.2f} / {isolated:.2f} = {isolated - plain:+.2f}" for plain, isolated in found)
        slope = (more[-1] - more[0]) / (SIZES_MB[-1] - SIZES_MB[0])
        print(f"{what:<41}" + "".join(f"{cell:>25}" for cell in cells) + f"{slope:>9.3f}", flush=True)

    kept = {size: clip(size, crosses=True) for size in SIZES_MB}
    row("known clip: given and given back", lambda size: kept[size], lambda size: same(frames=kept[size]))
    row("known clip: read", lambda size: float(kept[size].pixels.mean()), lambda size: mean(frames=kept[size]))
    ordinary = partial(clip, crosses=False)
    row("new clip by empty: given", ordinary, lambda size: same(frames=clip(size, crosses=True)))
    row("new clip by empty: made by the plugin", ordinary, lambda size: made(megabytes=size))
    row("new clip of ordinary memory: given", ordinary, lambda size: same(frames=ordinary(size)))
    row("new clip of ordinary memory: made", ordinary, lambda size: new(megabytes=size))
    row("for comparison: pickled through a pipe", lambda _: 0, lambda size: pickled(kept[size].pixels.numpy()), 2)


def main() -> None:
    """Print one table."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = multiprocessing.Pipe()
        other = multiprocessing.get_context("fork").Process(target=echo, args=(theirs,), daemon=True)
        other.start()
        folders = Folders.at(Path(folder))
        install(folders)
        isolated = IsolatedPlugins(folders)
        registry = with_isolated(discover(), isolated).registry()

        def pickled(value: object) -> object:
            ours.send(value)
            return ours.recv()

        table(registry, pickled, 0.0015 if "--pause" in sys.argv[1:] else 0.0)
        isolated.close()
        other.kill()


if __name__ == "__main__":
    main()
