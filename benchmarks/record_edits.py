"""Record what the cache is asked for on a day of work: real workflows, real runs, real times and sizes.

    python benchmarks/record_edits.py benchmarks/data/edits.json    # about ten minutes of computing

The diary below is a day with text-to-video, written down edit by edit: looking for a seed, going back to a good one,
tuning guidance and steps, a second shot, and much work at the end of the graph (cut, loop, size, quality). What stands
between two bars was changed before one press on Run. Everything runs through the real engine with Kinograph Mini; the
file keeps, for each distinct step, its type, seconds, bytes and what it read, and for each run which steps were wanted.
``cache_policy.py`` replays it.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

NODES: dict[str, tuple[str, dict[str, Any]]] = {
    "load": ("LoadModel", {}),
    "prompt": ("TextEncode", {"prompt": "a red ball bounces over a green meadow"}),
    "noise": ("NoiseLatent", {"seed": 1}),
    "sampler": ("DiTSampler", {"steps": 6}),
    "decode": ("VAEDecode", {}),
    "cut": ("SelectFrames", {"start": 0}),
    "loop": ("LoopFrames", {"times": 1}),
    "size": ("Resize", {"width": 256, "height": 256, "filter": "bicubic"}),
    "sheet": ("ContactSheet", {}),
    "save": ("SaveVideo", {"name": "day"}),
    "picture": ("SaveImage", {"name": "sheet"}),
}
WIRES = """load.model noise.model
load.encoder prompt.encoder
load.model sampler.model
prompt.conditioning sampler.positive
noise.latent sampler.latent
sampler.latent decode.latent
load.vae decode.vae
decode.frames cut.frames
cut.frames loop.frames
loop.frames size.frames
size.frames save.frames
size.frames sheet.frames
sheet.frames picture.frames"""

MORNING = """
noise.seed=1 | noise.seed=2 | noise.seed=3 | noise.seed=4 | noise.seed=5 | noise.seed=6
noise.seed=3 | size.width=384 size.height=384 | size.filter=lanczos | save.quality=60 | save.quality=90
noise.seed=5 | noise.seed=3 | sampler.guidance=4 | sampler.guidance=8 | sampler.guidance=6 | sampler.steps=10
sampler.guidance=4 | sampler.guidance=6 | cut.start=2 | cut.start=4 | cut.start=2 | loop.times=2 | loop.times=3
loop.times=2 | size.width=512 size.height=512 | save.quality=80 | save.quality=95 | size.width=256 size.height=256
noise.seed=7 | noise.seed=8 | noise.seed=3 | save.quality=80
"""
NOON = """
prompt.prompt='a blue square moves to the right' | noise.seed=11 | noise.seed=12 | noise.seed=13 | noise.seed=12
prompt.prompt='a yellow star spins slowly' | noise.seed=12 | noise.seed=14
prompt.prompt='a blue square moves to the right' | noise.seed=12 | cut.start=0
size.filter=bicubic | size.filter=lanczos | size.width=384 size.height=384
save.quality=70 | save.quality=85 | loop.times=1 | loop.times=2 | loop.times=4 | loop.times=2
prompt.prompt='a red ball bounces over a green meadow' noise.seed=3 cut.start=2 | size.width=256 size.height=256
save.quality=80 | prompt.prompt='a blue square moves to the right' noise.seed=12 cut.start=0
size.width=384 size.height=384 | save.quality=85
"""
AFTERNOON = """
sampler.steps=14 | sampler.steps=10 | sampler.guidance=7 | sampler.guidance=5 | sampler.guidance=6
size.width=512 size.height=512 | cut.start=1 | cut.start=3 | cut.start=1 | loop.times=3 | loop.times=2
save.quality=60 | save.quality=75 | save.quality=90 | size.filter=nearest | size.filter=lanczos
prompt.prompt='a green triangle grows' noise.seed=21 | noise.seed=22 | noise.seed=23 | noise.seed=21
size.width=256 size.height=256 | cut.start=0 | loop.times=1 | loop.times=2 | save.quality=80 | save.quality=90
prompt.prompt='a red ball bounces over a green meadow' noise.seed=3 cut.start=2 | size.width=512 size.height=512
save.quality=95 | prompt.prompt='a blue square moves to the right' noise.seed=12 cut.start=1 | save.quality=90
prompt.prompt='a green triangle grows' noise.seed=21 cut.start=0 | size.filter=bicubic | size.filter=lanczos
noise.seed=24 | noise.seed=21 | loop.times=3 | loop.times=2 | save.quality=85 | save.quality=90
prompt.prompt='a red ball bounces over a green meadow' noise.seed=3 cut.start=2 save.quality=95
"""


def diary() -> list[dict[str, dict[str, Any]]]:
    """The values of all nodes at each press on Run."""
    values = {name: dict(given) for name, (_, given) in NODES.items()}
    days: list[dict[str, dict[str, Any]]] = []
    for edit in (MORNING + NOON + AFTERNOON).strip().replace("\n", " | ").split(" | "):
        for name, value in _assignments(edit):
            node, socket = name.split(".")
            values[node][socket] = value
        days.append({name: dict(given) for name, given in values.items()})
    return days


def _assignments(edit: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    rest = edit.strip()
    while rest:
        name, _, rest = rest.partition("=")
        if rest.startswith("'"):
            value, _, rest = rest[1:].partition("'")
            found.append((name.strip(), value))
        else:
            word, _, rest = rest.partition(" ")
            found.append((name.strip(), int(word) if word.isdigit() else word))
        rest = rest.strip()
    return found


def record() -> dict[str, Any]:
    """Run the diary; the trace as JSON."""
    from engine.document.workflow import parse_workflow
    from engine.events import NodeFinished
    from engine.folders import Folders
    from engine.runtime import Runtime

    edges = [
        {"from": source.split("."), "to": target.split(".")}
        for source, target in (line.split() for line in WIRES.splitlines())
    ]
    steps: list[list[Any]] = []
    number: dict[str, int] = {}
    runs: list[list[int]] = []
    with tempfile.TemporaryDirectory() as folder:
        runtime = Runtime.open(Folders.at(Path(folder)), memory=6 << 30, disk=0)
        for turn, values in enumerate(diary()):
            nodes = {name: {"type": NODES[name][0], "values": given} for name, given in values.items()}
            document = {"format": "kinograph-workflow", "version": 1, "nodes": nodes, "edges": edges}
            plan = runtime.plan(parse_workflow(document))
            costs: dict[str, tuple[float, int]] = {}

            def listen(event: Any, costs: dict[str, tuple[float, int]] = costs) -> None:
                if isinstance(event, NodeFinished):
                    costs[event.key] = (event.seconds, event.nbytes)

            result = runtime.run(plan, on_event=listen)
            assert result.status == "succeeded", result.failures
            for index in plan.order:
                key = plan.keys[index]
                if key not in number:
                    node = plan.graph.nodes[index]
                    number[key] = len(steps)
                    seconds, nbytes = costs[key]
                    upstream = sorted({number[plan.keys[link.source]] for link in node.links})
                    steps.append([node.type.id, round(seconds, 5), nbytes, upstream])
            runs.append([number[plan.keys[index]] for index in plan.targets])
            print(f"{turn + 1}: {result.nodes_run} ran in {result.seconds:.1f} s", file=sys.stderr, flush=True)
        runtime.close()
    about = f"Kinograph Mini, {platform.machine()}, CPU; each step as [type, seconds, bytes, steps that it reads]"
    return {"about": about, "steps": steps, "runs": runs}


def main() -> None:
    trace = record()
    lines = [f'"about": {json.dumps(trace["about"])}']
    steps = ",\n".join(json.dumps(step) for step in trace["steps"])
    lines += [f'"steps": [\n{steps}\n]', f'"runs": {json.dumps(trace["runs"])}']
    Path(sys.argv[1]).write_text("{" + ",\n".join(lines) + "}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
