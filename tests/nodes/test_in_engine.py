"""The nodes inside the engine: what is known before, who runs again after a change, going on after a stop."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.cancel import CancelToken
from engine.document.workflow import Workflow
from engine.events import Event, NodeFinished, NodeLogged, NodePreview, NodeProgress
from engine.execution.checkpoints import CheckpointStore
from engine.folders import Folders
from engine.plugins.discovery import Discovered, discover
from engine.runtime import Runtime, codecs_of

MODULES = ("conditioning", "diffusion_views", "latents", "loading", "sampler", "vae")


def text_to_video(**changes: dict[str, Any]) -> Workflow:
    """Prompt to frames; ``changes`` are values by node."""
    values: dict[str, dict[str, Any]] = {
        "load": {"folder": "tiny"},
        "prompt": {"prompt": "a red ball"},
        "noise": {"seed": 1, "width": 32, "height": 24, "frames": 9},
        "sample": {"steps": 6},
        "decode": {},
    }
    types = ("LoadModel", "TextEncode", "NoiseLatent", "DiTSampler", "VAEDecode")
    wires = """load.encoder prompt.encoder
        load.model noise.model
        load.model sample.model
        prompt.conditioning sample.positive
        noise.latent sample.latent
        sample.latent decode.latent
        load.vae decode.vae"""
    return Workflow.model_validate(
        {
            "format": "kinograph-workflow",
            "version": 1,
            "nodes": {
                name: {"type": kind, "values": {**given, **changes.get(name, {})}}
                for kind, (name, given) in zip(types, values.items(), strict=True)
            },
            "edges": [
                {"from": source.split("."), "to": target.split(".")}
                for source, target in (line.split() for line in wires.splitlines())
            ],
        }
    )


@pytest.fixture(scope="module")
def plugins() -> Discovered:
    return discover([])


@pytest.fixture
def runtime(tmp_path: Path, tiny_folder: Path, plugins: Discovered) -> Iterator[Runtime]:
    opened = open_runtime(tmp_path / "data", tiny_folder, plugins)
    yield opened
    opened.close()


def open_runtime(data: Path, tiny_folder: Path, plugins: Discovered) -> Runtime:
    if not data.exists():
        shutil.copytree(tiny_folder, data / "models" / "tiny")
    runtime = Runtime.open(Folders.at(data), discovered=plugins, disk=0)
    store = CheckpointStore(data / "checkpoints", codecs_of(runtime.registry), interval=0.0)
    runtime.executor.checkpoints = store
    return runtime


def run(runtime: Runtime, workflow: Workflow, **more: Any) -> tuple[Any, list[Event]]:
    events: list[Event] = []
    result = runtime.run(workflow, targets=["decode"], on_event=events.append, **more)
    return result, events


def ran(events: list[Event]) -> set[str]:
    return {event.node for event in events if isinstance(event, NodeFinished)}


def test_only_what_depends_on_a_change_runs_again(runtime: Runtime) -> None:
    first, events = run(runtime, text_to_video())
    assert first.status == "succeeded" and ran(events) == {"load", "prompt", "noise", "sample", "decode"}
    assert first.values["decode"]["frames"].pixels.shape == (9, 24, 32, 3)
    again, events = run(runtime, text_to_video())
    assert ran(events) == set()
    assert torch.equal(again.values["decode"]["frames"].pixels, first.values["decode"]["frames"].pixels)
    _, events = run(runtime, text_to_video(noise={"seed": 2}))
    assert ran(events) == {"noise", "sample", "decode"}
    _, events = run(runtime, text_to_video(prompt={"prompt": "a blue ball"}))
    assert ran(events) == {"prompt", "sample", "decode"}


def test_sizes_are_known_before_anything_runs(runtime: Runtime) -> None:
    facts = runtime.facts(text_to_video())
    assert {name: facts["decode"]["frames"][name] for name in ("width", "height", "frames")} == {
        "width": 32,
        "height": 24,
        "frames": 9,
    }
    problems = runtime.problems(text_to_video(noise={"frames": 10}))
    assert [(problem.node, problem.socket, problem.example) for problem in problems] == [("noise", "frames", 9)]


def other_weights(weights: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(weights, "pt") as file:
        tensors = {name: file.get_tensor(name) * 1.1 for name in file.keys()}  # noqa: SIM118  # no mapping
        metadata = file.metadata()
    save_file(tensors, weights, metadata=metadata)


def test_other_weights_are_other_results_and_the_reason(runtime: Runtime) -> None:
    run(runtime, text_to_video())
    other_weights(runtime.folders.models / "tiny" / "dit.safetensors")
    reasons = {step.node: step.reason for step in runtime.plan(text_to_video()).steps()}
    assert reasons["load"] == "model file changed (folder: tiny)"
    assert reasons["decode"] == "upstream sample, load changed"
    _, events = run(runtime, text_to_video())
    assert {"load", "sample", "decode"} <= ran(events)


def test_weights_that_came_with_the_package_are_told_apart_too(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(runtime.folders.models / "tiny", tmp_path / "shipped" / "mini")
    monkeypatch.setattr("nodes.diffusion.loading.SHIPPED_WEIGHTS", tmp_path / "shipped")
    workflow = text_to_video(load={"folder": None})
    run(runtime, workflow)
    other_weights(tmp_path / "shipped" / "mini" / "dit.safetensors")
    assert {step.node: step.reason for step in runtime.plan(workflow).steps()}["load"] == "model file changed"


def test_weights_are_read_once_for_key_and_model(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import engine.file_digests

    read: list[str] = []
    original = engine.file_digests.file_digest
    monkeypatch.setattr(engine.file_digests, "file_digest", lambda path: (read.append(path.name), original(path))[1])
    shutil.copytree(runtime.folders.models / "tiny", runtime.folders.models / "copy")
    result, _ = run(runtime, text_to_video(load={"folder": "copy"}))
    assert result.status == "succeeded"
    assert sorted(read) == sorted({*read}) and "dit.safetensors" in read


def test_stopped_and_continued_elsewhere_with_the_same_bits(
    runtime: Runtime, tmp_path: Path, tiny_folder: Path, plugins: Discovered
) -> None:
    workflow = text_to_video(sample={"steps": 40})
    expected, _ = run(runtime, workflow)
    data = tmp_path / "other"
    first = open_runtime(data, tiny_folder, plugins)
    token = CancelToken()

    def stop_when_under_way(event: Event) -> None:
        if isinstance(event, NodeProgress) and event.node == "sample" and event.step >= 3:
            token.cancel()

    stopped = first.run(workflow, targets=["decode"], on_event=stop_when_under_way, cancel=token)
    first.close()
    assert stopped.status == "cancelled"

    second = open_runtime(data, tiny_folder, plugins)
    result, events = run(second, workflow)
    second.close()
    steps = [event.step for event in events if isinstance(event, NodeProgress) and event.node == "sample"]
    assert steps[0] >= 3 and steps[-1] == 40
    assert torch.equal(result.values["decode"]["frames"].pixels, expected.values["decode"]["frames"].pixels)


def test_warnings_and_previews_reach_the_node(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.diffusion.previews.SHARE", 1.0)
    workflow = text_to_video(prompt={"prompt": "a red unicorn"}, sample={"steps": 30})
    result, events = run(runtime, workflow, previews=lambda: True)
    assert result.status == "succeeded"
    logged = [event for event in events if isinstance(event, NodeLogged)]
    assert [(event.node, event.level) for event in logged] == [("prompt", "warning")]
    assert "unicorn" in logged[0].message
    assert any(isinstance(event, NodePreview) and event.node == "sample" for event in events)


def test_modules_come_without_torch_and_every_input_is_documented(plugins: Discovered) -> None:
    code = "import sys, importlib\n" + "".join(
        f"importlib.import_module('nodes.diffusion.{name}')\n" for name in MODULES
    )
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)
    modules = {f"nodes.diffusion.{name}" for name in MODULES}
    ours = [kind for kind in plugins.registry() if kind.function.__module__ in modules]
    assert len(ours) >= 11
    for kind in ours:
        assert kind.summary, kind.id
        assert not [name for name, socket in kind.inputs.items() if not socket.doc], kind.id
