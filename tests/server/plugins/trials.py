"""Nodes that behave badly, or slowly, on purpose."""

import ctypes
import json
import mmap
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinograph import Expansion, Frames, NodeContext, SavedFile, node


@node("trials.Sleep", output=True, cache=False, lane="io")
def sleep(seconds: float = 0.1, salt: int = 0) -> float:
    """Wait without the interpreter."""
    time.sleep(seconds)
    return seconds + salt


@node("trials.Polite", output=True, cache=False)
def polite(context: NodeContext, steps: int = 100, pause: float = 0.02, after: float = 0.0) -> int:
    """Report progress, and end when asked."""
    for step in range(steps):
        context.progress(step, steps)
        time.sleep(pause)
    return steps


@node("trials.Spin", output=True, cache=False)
def spin(seconds: float = 60.0) -> float:
    """Compute in Python and never look up."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds


@node("trials.HoldInterpreter", output=True, cache=False)
def hold(seconds: int = 60) -> int:
    """Sleep in C without letting go of the interpreter."""
    ctypes.PyDLL(None).sleep(seconds)
    return seconds


@node("trials.Die", output=True, cache=False)
def die(how: str = "exit", number: int = 0) -> int:
    """End the process."""
    if how == "exit":
        os._exit(7)
    if how == "segfault":
        ctypes.string_at(0)
    if how == "abort":
        os.abort()
    if how == "bus":
        shrinking = Path(os.environ.get("TRIALS_FOLDER", "/tmp")) / f"mapped-{os.getpid()}"
        shrinking.write_bytes(bytes(1 << 20))
        with shrinking.open("r+b") as stream, mmap.mmap(stream.fileno(), 0) as mapped:
            stream.truncate(0)
            shrinking.unlink()
            return mapped[1 << 19]
    if how == "sys":
        raise SystemExit(3)
    if how == "memory":
        raise MemoryError("as if")
    raise RuntimeError(how)


@node("trials.DieOnce", output=True, cache=False)
def die_once(marker: str = "marker", times: int = 1) -> int:
    """End the process the first few times."""
    path = Path(os.environ.get("TRIALS_FOLDER", "/tmp")) / Path(marker).name
    count = int(path.read_text()) if path.exists() else 0
    if count < times:
        path.write_text(str(count + 1))
        os._exit(9)
    return count


@node("trials.Flood", output=True, cache=False)
def flood(context: NodeContext, count: int = 100_000) -> int:
    """Report progress as fast as possible."""
    for step in range(count):
        context.progress(step, count)
    return count


@node("trials.Shout", output=True, cache=False)
def shout(lines: int = 100) -> int:
    """Print a lot, with control characters."""
    for number in range(lines):
        print(f"\x1b[31mline {number}\r\nforged: token=abcdef")
    return lines


@node("trials.BadUi", output=True, cache=False)
def bad_ui() -> float:
    """Return what JSON cannot say."""
    return float("nan")


def note(what: str, seed: int, *more: int) -> None:
    """Write down that something was done, for those who count (a line of JSON in the file ``TRIALS_LOG``)."""
    log = os.environ.get("TRIALS_LOG")
    if log:
        with Path(log).open("a") as stream:
            stream.write(json.dumps([what, seed, *more]) + "\n")


@node("trials.Load")
def load(seed: int = 0, seconds: float = 0.3) -> int:
    """Take a while, as loading a model does."""
    note("load", seed)
    time.sleep(seconds)
    return seed


@node("trials.Work")
def work(context: NodeContext, seed: int = 0, steps: int = 40, pause: float = 0.02, x: int = 0) -> int:
    """A computation with state that goes on where it was: each step depends on the one before."""
    kept = context.restore()
    state, first = (kept["state"], kept["step"]) if kept is not None else (seed * 7919 + x, 0)
    note("sampling", seed, first)
    for step in range(first, steps):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 48)
        note("step", seed, step)
        time.sleep(pause)
        context.checkpoint({"state": state, "step": step + 1})
        context.progress(step + 1, steps)
    return state


@node("trials.Decode")
def decode(value: int, seed: int = 0, seconds: float = 0.5) -> int:
    """Take a while, and change nothing."""
    note("decode", seed)
    time.sleep(seconds)
    return value


@node("trials.Clip")
def clip(seed: int = 0, frames: int = 8, seconds: float = 0.5) -> Frames:
    """Take as long as sampling a small clip does."""
    import torch

    note("clip", seed)
    time.sleep(seconds)
    pixels = torch.rand(frames, 64, 64, 3, generator=torch.Generator().manual_seed(seed))
    return Frames(pixels, 8.0)


@node("trials.Save", output=True)
def save(context: NodeContext, number: int, name: str = "number", size: int = 0) -> SavedFile:
    """Write a number to a file."""
    with context.output_file(f"{name}.txt", "text/plain") as file:
        file.path.write_text(f"{number}\n" + "x" * size)
    return file.saved


@node("trials.Add")
def add(a: int = 0, b: int = 0) -> int:
    """Add."""
    return a + b


@dataclass(frozen=True)
class Colours:
    """Colours with weights."""

    name: str
    colours: list[tuple[float, float, float]]
    weights: Any
    missing: float


@node("trials.Palette")
def palette() -> Colours:
    """Give two colours."""
    import torch

    return Colours("dusk", [(1.0, 0.5, 0.0), (0.2, 0.1, 0.4)], torch.tensor([0.75, 0.25]), float("nan"))


@node("trials.Hog", output=True, cache=False)
def hog(megabytes: int = 100) -> int:
    """Take memory."""
    held = bytearray(megabytes << 20)
    for at in range(0, len(held), 4096):
        held[at] = 1
    return len(held)


@node("trials.Ask", output=True, cache=False)
def ask(context: NodeContext) -> str:
    """Ask a person."""
    return context.ask("Go on?", ("yes", "no"))


@node("trials.Forever", output=True, cache=False)
def forever(depth: int = 0) -> int:
    """Expand into itself."""
    expansion = Expansion()
    inner = expansion.add("trials.Forever", depth=depth + 1)
    expansion.outputs["value"] = inner["value"]
    return expansion  # type: ignore[return-value]


@node("trials.SlowSave", output=True)
def slow_save(
    context: NodeContext, number: int, name: str = "slow", pieces: int = 20, pause: float = 0.02, seed: int = 0
) -> SavedFile:
    """Write a file piece by piece, and linger a moment after it has its name."""
    note("encode", seed)
    with context.output_file(f"{name}.txt", "text/plain") as file, file.path.open("w") as stream:
        for piece in range(pieces):
            stream.write(f"{number} {piece}\n")
            stream.flush()
            time.sleep(pause)
    note("commit", seed)
    time.sleep(pause * pieces / 2)
    return file.saved


@node("trials.Tick", output=True, cache=False)
def tick(context: NodeContext, rate: int = 30, seconds: float = 5.0) -> int:
    """Say the time, regularly."""
    start = time.monotonic()
    for number in range(int(rate * seconds)):
        context.logger.info(repr(time.time()))
        time.sleep(max(0.0, start + (number + 1) / rate - time.monotonic()))
    return rate
