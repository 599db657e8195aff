"""The checks of one node. Each is a function that yields findings; an exception of the node is for the caller."""

from __future__ import annotations

import contextlib
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cache import DiskStore, Entry
from engine.cache.codecs import Codecs, NotStorable
from engine.execution.outputs import BadOutput
from engine.node_types.authoring import Expansion
from engine.node_types.context import Cancelled
from engine.node_types.node_type import NodeType
from kinograph.conformance.calling import Heard, call
from kinograph.conformance.compare import CannotCompare, digest
from kinograph.conformance.report import Finding, Level
from kinograph.conformance.samples import NoSample, Samples, odd_values
from kinograph.conformance.watching import Left, Warden, changes, snapshot

MAX_SHOWN = 256 << 10
MAX_PREVIEW = 4 << 20
MAX_PROGRESS = 20_000
CANCEL_SECONDS = 1.0
_ODD_AT_MOST = 12
_KEY = "0" * 32
_HERE = Path(__file__).parent


@dataclass(slots=True)
class Bench:
    """What the checks work with."""

    samples: Samples
    codecs: Codecs
    warden: Warden
    folder: Path
    files: bool
    """Whether the manifest declares files, so that output files are the plugin's business."""


def check_runs(node_type: NodeType, bench: Bench) -> Iterator[Finding]:
    """Run it once: types of outputs, what it shows, what it leaves, changes and opens."""
    node = node_type.id
    values = bench.samples.of(node_type)
    try:
        digests = {name: digest(value, bench.codecs) for name, value in values.items()}
    except CannotCompare:
        digests = {}
    before, left, heard = snapshot(), Left(), Heard(bench.folder)
    result: Any = None
    error: BaseException | None = None
    ui: dict[str, Any] | None = None
    with bench.warden.watching() as seen:
        try:
            result, ui = call(node_type, values, heard)
        except BaseException as raised:
            error = raised
    yield from _told(node, seen, "contained")
    behind = left.behind()
    changed = changes(before, snapshot())
    told = [f"it changed {name}" for name in changed] + [f"it left a {thing} behind" for thing in behind]
    yield from _told(node, told, "state")
    if error is not None:
        if not seen:
            yield _failure(node, "runs", error)
        return
    yield from _judge_talk(node, heard, ui)
    for name, was in digests.items():
        if digest(values[name], bench.codecs) != was:
            yield Finding("inputs", "failed", node, f"it changed its input {name!r} in place; make a new value instead")
            break
    else:
        yield Finding("inputs", "ok", node)
    yield Finding("runs", "ok", node)
    if not isinstance(result, Expansion):
        bench.samples.made |= {type(value): value for value in result.values()}
        yield from _check_stored(node_type, result, bench)


def _told(node: str, things: list[str], check: str) -> Iterator[Finding]:
    if not things:
        yield Finding(check, "ok", node)
    for thing in dict.fromkeys(things[:20]):
        yield Finding(check, "failed", node, thing)


def _judge_talk(node: str, heard: Heard, ui: dict[str, Any] | None) -> Iterator[Finding]:
    shown = len(json.dumps(ui)) if ui else 0
    if shown > MAX_SHOWN:
        yield Finding("runs", "failed", node, f"it shows {shown >> 10:,} KiB of JSON; {MAX_SHOWN >> 10} KiB at most")
    if heard.preview > MAX_PREVIEW:
        message = f"a preview has {heard.preview >> 10:,} KiB; {MAX_PREVIEW >> 10:,} KiB at most"
        yield Finding("runs", "failed", node, message)
    if heard.progress > MAX_PROGRESS:
        yield Finding("runs", "warning", node, f"it reported progress {heard.progress:,} times; once a step is enough")


def _check_stored(node_type: NodeType, outputs: dict[str, Any], bench: Bench) -> Iterator[Finding]:
    node = node_type.id
    if not node_type.mark.cache:
        yield Finding("stored", "skipped", node, "its results are not cached")
        return
    store = DiskStore(bench.folder / "cache", bench.codecs)
    try:
        store.write(_KEY, Entry(outputs, None, 1.0, 1))
        found = store.read(_KEY)
        if found is None:
            yield Finding("stored", "failed", node, "the disk cache did not give its outputs back")
        elif digest(found.outputs, bench.codecs) != digest(outputs, bench.codecs):
            yield Finding("stored", "failed", node, "its outputs came back from the disk cache other than they were")
        else:
            yield Finding("stored", "ok", node)
    except NotStorable as error:
        advice = "give outputs as frozen dataclasses of numbers, text, lists and tensors, or mark it with cache=False"
        yield Finding("stored", "failed", node, f"its outputs cannot be stored ({error}): {advice}")


def check_deterministic(node_type: NodeType, bench: Bench) -> Iterator[Finding]:
    """Run it twice more with equal inputs."""
    node = node_type.id
    if not node_type.mark.cache:
        yield Finding("deterministic", "skipped", node, "it is marked with cache=False")
        return
    made: list[str] = []
    for _ in range(2):
        with bench.warden.watching():
            result, _ui = call(node_type, bench.samples.of(node_type), Heard(bench.folder / f"out{len(made)}"))
        if isinstance(result, Expansion) or node_type.mark.output:
            yield Finding("deterministic", "skipped", node, "it returns a sub-graph, or saves files")
            return
        try:
            made.append(digest(result, bench.codecs))
        except CannotCompare as error:
            yield Finding("deterministic", "skipped", node, f"its outputs cannot be compared: {error}")
            return
    if made[0] == made[1]:
        yield Finding("deterministic", "ok", node)
    else:
        advice = "take a seed input for random numbers, or mark it with cache=False"
        yield Finding("deterministic", "failed", node, f"the same inputs gave other outputs: {advice}")


def check_cancels(node_type: NodeType, bench: Bench) -> Iterator[Finding]:
    """Cancel it at once."""
    node, heard = node_type.id, Heard(bench.folder, cancel_at_once=True)
    began = time.monotonic()
    ended = "returned"
    with bench.warden.watching():
        try:
            call(node_type, bench.samples.of(node_type), heard)
        except Cancelled:
            ended = "cancelled"
        except Exception:
            ended = "raised"
    seconds = time.monotonic() - began
    if heard.raised and ended != "cancelled":
        yield Finding("cancels", "failed", node, "it caught Cancelled and went on; let it pass")
    elif not heard.looked and seconds > CANCEL_SECONDS:
        advice = "call context.progress() in its loop"
        yield Finding(
            "cancels", "failed", node, f"it ran {seconds:.1f} s and never asked whether it is cancelled: {advice}"
        )
    elif heard.looked and seconds > CANCEL_SECONDS:
        yield Finding("cancels", "failed", node, f"it went on for {seconds:.1f} s after it was cancelled")
    else:
        yield Finding("cancels", "ok", node)


def check_bad_input(node_type: NodeType, bench: Bench) -> Iterator[Finding]:
    """Give it one odd value at a time."""
    node = node_type.id
    silent = ""
    for name, socket in node_type.inputs.items():
        for number, value in enumerate(odd_values(socket)):
            if number >= _ODD_AT_MOST:
                break
            values = {**bench.samples.of(node_type), name: value}
            error = _survives(node_type, values, bench)
            if error is None:
                continue
            if isinstance(error, SystemExit | KeyboardInterrupt | MemoryError | GeneratorExit | RecursionError):
                message = f"input {name!r} = {_shown(value)} ends in {type(error).__name__}"
                yield Finding("bad_input", "failed", node, message, _trace(error))
                return
            if not str(error).strip():
                silent = f"input {name!r} = {_shown(value)} ends in {type(error).__name__} without a word"
    yield Finding("bad_input", "warning", node, silent) if silent else Finding("bad_input", "ok", node)


def _survives(node_type: NodeType, values: dict[str, Any], bench: Bench) -> BaseException | None:
    with bench.warden.watching():
        try:
            call(node_type, values, Heard(bench.folder))
        except BaseException as error:
            return error
    return None


def _shown(value: Any) -> str:
    shape = getattr(getattr(value, "pixels", None), "shape", None)
    text = f"a clip of {tuple(shape)}" if shape is not None else repr(value)
    return text if len(text) < 60 else f"{text[:60]}… ({len(text):,} characters)"


def _failure(node: str, check: str, error: BaseException) -> Finding:
    if isinstance(error, BadOutput):
        return Finding(check, "failed", node, f"it {error}")
    return Finding(check, "failed", node, f"{type(error).__name__}: {error}"[:2000], _trace(error))


def _trace(error: BaseException) -> str:
    """The traceback from where the plugin's code begins."""
    trace = error.__traceback__
    while trace is not None and Path(trace.tb_frame.f_code.co_filename).is_relative_to(_HERE):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))[-6000:]


def run_again(node_type: NodeType, bench: Bench) -> None:
    """Run a node that was checked already, for its outputs: other nodes take them."""
    with contextlib.suppress(Exception), bench.warden.watching():
        result, _ = call(node_type, bench.samples.of(node_type), Heard(bench.folder))
        if not isinstance(result, Expansion):
            bench.samples.made |= {type(value): value for value in result.values()}


CHECKS_OF_A_NODE: dict[str, Callable[[NodeType, Bench], Iterator[Finding]]] = {
    "runs": check_runs,
    "deterministic": check_deterministic,
    "cancels": check_cancels,
    "bad_input": check_bad_input,
}
"""Names under which findings stand that are made where a check itself breaks."""


def check_node(check: str, node_type: NodeType, bench: Bench) -> Iterator[Finding]:
    """One check of one node; whatever it raises becomes a finding."""
    level: Level = "failed"
    try:
        yield from CHECKS_OF_A_NODE[check](node_type, bench)
    except NoSample as error:
        yield Finding(check, "skipped", node_type.id, str(error))
    except BaseException as error:
        yield Finding(check, level, node_type.id, f"{type(error).__name__}: {error}"[:2000], _trace(error))
