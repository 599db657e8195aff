"""The engine's own cost: graphs of trivial nodes, from 10 to 100,000, beside a plain loop and beside ComfyUI's engine.

    python benchmarks/engine.py [--comfyui FOLDER] [--comfyui-largest N]    # everything, about three minutes
    python benchmarks/engine.py --shapes tree --sizes 10,1000               # some of it
    python benchmarks/engine.py --lines [--server]    # the recorded table, line by line: met or not

Each row is measured in a process of its own. Times are processor time of that process (all threads), so that other
work on the machine does not count; they are the best of several turns. ``fresh``: nothing is cached; ``cached``:
everything is; ``last``, ``middle``: a value of the last node, or of the one in the middle, was changed. All four are
check + plan + run of a parsed document; parsing stands apart. ``peak`` is the memory of the whole process.
``loop`` is a plain Python loop that calls the same functions in the same order.

With ``--comfyui`` the engine of a ComfyUI checkout runs the same graphs in the same table (``benchmarks/comfyui.py``
says what of it runs). Without it, its recorded figures are shown: v0.3.64, the whole server, wall time, an idle
machine with 2 cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import measured

SIZES = (10, 100, 1_000, 10_000, 100_000)
SHAPES = ("chain", "blocks", "fan-out", "tree")
RECORDED = {
    ("chain", 100): (0.170, 0.370, None),
    ("chain", 980): (30.2, 28.7, 47.0),
    ("blocks", 1_000): (4.2, 1.05, None),
    ("blocks", 5_000): (93.0, 9.0, None),
}
"""ComfyUI v0.3.64: seconds fresh, cached, last node changed."""

Reads = list[tuple[int, ...]]


def reads_of(shape: str, count: int) -> Reads:
    """Which earlier nodes each node reads."""
    if shape == "chain":
        return [(place - 1,) if place else () for place in range(count)]
    if shape == "blocks":  # chains of 50
        return [(place - 1,) if place % 50 else () for place in range(count)]
    if shape == "fan-out":
        return [(0,) if place else () for place in range(count)]
    return [((place - 1) // 2,) if place else () for place in range(count)]  # every node is read by two


def document(reads: Reads, values: dict[int, int], first: int) -> dict[str, Any]:
    nodes = {f"n{place}": {"type": "Add", "values": {"b": values.get(place, 1)}} for place in range(len(reads))}
    for place, sources in enumerate(reads):
        if not sources:
            nodes[f"n{place}"]["values"]["a"] = first + place  # roots differ, so that no two nodes are the same
        elif place > 1:
            nodes[f"n{place}"]["values"]["b"] = values.get(place, place)
    edges = [
        {"from": [f"n{source}", "value"], "to": [f"n{place}", "a"]}
        for place, sources in enumerate(reads)
        for source in sources
    ]
    return {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges}


def add(a: int = 0, b: int = 1) -> int:
    return a + b


def best(turns: int, work: Callable[[int], float]) -> float:
    return min(work(turn) for turn in range(turns))


def measure_kinograph(shape: str, count: int) -> dict[str, float]:
    from engine.cache import Cache
    from engine.document.workflow import parse_workflow
    from engine.execution.executor import Executor
    from engine.graph.graph import check
    from engine.node_types.authoring import node
    from engine.node_types.registry import Registry
    from engine.node_types.signature import read_node
    from engine.planning.plan import make_plan

    registry = Registry.of([read_node(node("Add")(add))])
    executor = Executor(registry, Cache(memory=1 << 30))
    reads = reads_of(shape, count)
    parts = {"parse": 1e9, "check": 1e9, "plan": 1e9, "run": 1e9}

    def once(values: dict[int, int], first: int, *, split: bool = False) -> float:
        data = document(reads, values, first)
        clock = time.process_time
        started = clock()
        workflow = parse_workflow(data)
        parsed = clock()
        graph = check(workflow, registry)
        checked = clock()
        plan = make_plan(graph, cache=executor.cache)
        planned = clock()
        result = executor.run(plan)
        done = clock()
        assert result.status == "succeeded"
        if split:
            now = (parsed - started, checked - parsed, planned - checked, done - planned)
            for name, seconds in zip(parts, now, strict=True):
                parts[name] = min(parts[name], seconds)
        return done - parsed

    once({}, -10 * count)
    turns = 5 if count <= 10_000 else 3
    unit = 10 * count
    fresh = best(turns, lambda turn: once({}, unit * (turn + 1), split=True))
    cached = best(turns, lambda _: once({}, unit))
    last = best(turns, lambda turn: once({count - 1: 7 + turn + unit}, unit))
    middle = best(turns, lambda turn: once({count // 2: 7 + turn + unit}, unit))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    def loop(_: int) -> float:
        started = time.process_time()
        results: list[int] = []
        for place, sources in enumerate(reads):
            results.append(add(results[sources[0]], place) if sources else add(place, 1))
        return time.process_time() - started

    executor.close()
    return {**parts, "fresh": fresh, "cached": cached, "last": last, "middle": middle, "loop": best(5, loop),
            "peak": peak / 1024}  # fmt: skip


def measure_comfyui(folder: Path, shape: str, count: int) -> dict[str, Any]:
    from comfyui import ComfyUI

    comfyui = ComfyUI(folder)
    reads = reads_of(shape, count)
    ends = sorted(set(range(count)) - {source for sources in reads for source in sources})

    def once(values: dict[int, int], first: int) -> float:
        given = document(reads, values, first)
        prompt: dict[str, Any] = {}
        for place, sources in enumerate(reads):
            inputs = dict(given["nodes"][f"n{place}"]["values"])
            if sources:
                inputs["a"] = [f"n{sources[0]}", 0]
            prompt[f"n{place}"] = {"class_type": "Show" if place in ends else "Add", "inputs": inputs}
        started = time.process_time()
        comfyui.run(prompt, [f"n{place}" for place in ends])
        return time.process_time() - started

    once({}, -10 * count)
    fresh = once({}, 10 * count)
    cached = once({}, 10 * count)
    last = once({count - 1: 7}, 10 * count)
    return {"fresh": fresh, "cached": cached, "last": last, "version": comfyui.version}


def in_child(*arguments: str) -> Any:
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def machine() -> str:
    """Processor, how many cores of it, Python, and how busy all that is."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:,.1f}" if seconds < 1 else f"{seconds * 1000:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_numbers, help="how many nodes, by comma")
    parser.add_argument("--comfyui", type=Path, help="folder of a ComfyUI checkout")
    parser.add_argument("--comfyui-largest", type=int, default=300)
    parser.add_argument("--shapes", default=",".join(SHAPES), help="which graphs, by comma")
    parser.add_argument("--lines", action="store_true", help="only the recorded table, line by line")
    parser.add_argument("--server", action="store_true", help="with --lines: also what the server decides")
    parser.add_argument("--row", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--line", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.line is not None:
        measured.measure_line(arguments.line)
        return
    if arguments.lines:
        sys.exit(0 if measured.print_lines(in_child, server=arguments.server) else 1)
    if arguments.row:
        who, shape, count = arguments.row
        found = (
            measure_kinograph(shape, int(count))
            if who == "kinograph"
            else measure_comfyui(arguments.comfyui, shape, int(count))
        )
        print(json.dumps(found))
        return
    print(machine())
    if arguments.comfyui is None:
        print("ComfyUI is shown as it was recorded, on another day; give --comfyui FOLDER to run it beside.")
    print("| graph | nodes | engine | fresh ms | cached ms | last ms | middle ms | µs/node fresh | µs/node cached "
          "| parse + check + plan + run, µs/node | × plain loop | peak MiB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|---|")
    each_node: dict[str, list[tuple[float, float]]] = {}
    for shape in arguments.shapes.split(","):
        usual = {*SIZES, 300, *(size for what, size in RECORDED if what == shape)}
        for count in sorted(arguments.sizes or usual):
            ours = in_child("--row", "kinograph", shape, str(count))
            if ours is not None:
                if count >= 100:
                    each_node.setdefault(shape, []).append((ours["fresh"] / count * 1e6, ours["cached"] / count * 1e6))
                each = " + ".join(f"{ours[part] / count * 1e6:.1f}" for part in ("parse", "check", "plan", "run"))
                times = " | ".join(milliseconds(ours[name]) for name in ("fresh", "cached", "last", "middle"))
                print(
                    f"| {shape} | {count:,} | Kinograph | {times} | {ours['fresh'] / count * 1e6:.1f} | "
                    f"{ours['cached'] / count * 1e6:.1f} | {each} | {ours['fresh'] / max(ours['loop'], 1e-9):.0f} | "
                    f"{ours['peak']:.0f} |",
                    flush=True,
                )
            theirs = None
            if arguments.comfyui is not None and count <= arguments.comfyui_largest:
                theirs = in_child("--comfyui", str(arguments.comfyui), "--row", "comfyui", shape, str(count))
            if theirs is not None:
                rows = [
                    (f"ComfyUI {theirs['version']} (this run)", (theirs["fresh"], theirs["cached"], theirs["last"]))
                ]
            else:
                rows = []
            if (shape, count) in RECORDED:
                rows.append(("ComfyUI 0.3.64 (recorded)", RECORDED[(shape, count)]))
            for name, (fresh, cached, last) in rows:
                times = " | ".join(milliseconds(seconds) for seconds in (fresh, cached, last))
                each = f"{fresh / count * 1e6:,.0f} | {cached / count * 1e6:,.0f}"
                print(f"| {shape} | {count:,} | {name} | {times} | - | {each} | - | - | - |", flush=True)
    for shape, found in each_node.items():
        for name, figures, limit in zip(("fresh", "cached"), zip(*found, strict=True), (30, 10), strict=True):
            met = "met" if max(figures) <= limit else "**missed**"
            print(
                f"{shape}, {name}, from 100 nodes on: {min(figures):.1f} to {max(figures):.1f} µs per node "
                f"(wanted <= {limit}): {met}"
            )


if __name__ == "__main__":
    main()
