"""Memory runs out in a node: what is freed, the second attempt in smaller pieces, and the error when that fails too."""

from __future__ import annotations

import subprocess
import sys
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.cache import Entry
from kinograph import Frames, Latent, NodeContext, node
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode, vae_encode
from nodes.families.family import Parts
from nodes.tensors import TORCH_BUFFERS
from tests.engine.conftest import Lab

ROOT = Path(__file__).parents[2]
ERRORS = {
    "accelerator": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."),
    "system": MemoryError(),
    "allocator": RuntimeError(
        "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"
    ),
}
ATTEMPTS: list[bool] = []
HELD: list[weakref.ref[torch.Tensor]] = []


@node("test.Large", saves_memory=True)
def large(context: NodeContext, error: str, steps: int = 0, always: bool = False) -> int:
    """Run out of memory unless it is saved, after some steps that are kept."""
    ATTEMPTS.append(context.memory_saving)
    if HELD:
        assert HELD.pop()() is None, "the second attempt begins with what the first held"
    kept = context.restore()
    done = kept["step"] if kept is not None else 0
    mine = torch.zeros(1000)
    HELD.append(weakref.ref(mine))
    if always or not context.memory_saving:
        for step in range(done, steps):
            context.checkpoint({"step": step + 1})
        raise type(ERRORS[error])(*ERRORS[error].args)
    HELD.clear()
    return done


@node("test.Stubborn")
def stubborn(error: str) -> int:
    """Run out of memory."""
    ATTEMPTS.append(False)
    raise ERRORS[error]


@pytest.fixture
def lab() -> Lab:
    ATTEMPTS.clear()
    HELD.clear()
    return Lab(large, stubborn, buffers=(TORCH_BUFFERS,))


@pytest.mark.parametrize("error", ERRORS)
def test_a_node_that_offers_it_is_called_once_more(lab: Lab, error: str) -> None:
    lab.cache.put("0" * 32, Entry({"value": 1}, nbytes=1000))
    assert lab.value({"a": ("test.Large", {"error": error})}) == 0
    assert ATTEMPTS == [False, True]
    assert not lab.cache.in_memory("0" * 32), "the cache let go"
    assert lab.value({"a": ("test.Large", {"error": error})}) == 0
    assert ATTEMPTS == [False, True], "its result is kept"


@pytest.mark.parametrize("error", ERRORS)
def test_the_second_failure_is_a_clear_error_and_the_next_run_passes(lab: Lab, error: str) -> None:
    lab.run({"a": ("test.Large", {"error": error, "always": True})})
    assert ATTEMPTS == [False, True]
    assert "there was not enough memory" in lab.failed["a"]
    assert "smaller" in lab.failed["a"]
    HELD.clear()
    assert lab.value({"a": ("test.Large", {"error": error})}) == 0


def test_a_node_that_does_not_offer_it_fails_at_once(lab: Lab) -> None:
    lab.run({"a": ("test.Stubborn", {"error": "accelerator"})})
    assert ATTEMPTS == [False]
    assert lab.failed["a"].startswith("there was not enough memory: CUDA out of memory")


def test_the_second_attempt_goes_on_at_the_last_step(tmp_path: Path) -> None:
    from engine.cache.codecs import Codecs
    from engine.execution.checkpoints import CheckpointStore

    ATTEMPTS.clear()
    lab = Lab(large, buffers=(TORCH_BUFFERS,), checkpoints=CheckpointStore(tmp_path, Codecs()))
    assert lab.value({"a": ("test.Large", {"error": "system", "steps": 7})}) == 7


def test_the_smallest_pieces_give_the_same_frames_and_latents(tiny: Parts) -> None:
    saving = NodeContext(memory_saving=True)
    latent = Latent(torch.randn(1, 6, 5, 4, 6, generator=torch.Generator().manual_seed(1)), "mini")
    whole, pieces = vae_decode(NodeContext(), tiny.vae, latent), vae_decode(saving, tiny.vae, latent)
    assert (whole.pixels - pieces.pixels).abs().max() < 1e-5
    clip = Frames(torch.rand(17, 32, 48, 3, generator=torch.Generator().manual_seed(2)))
    both = [vae_encode(context, tiny.vae, clip).samples for context in (NodeContext(), saving)]
    assert (both[0] - both[1]).abs().max() < 1e-5


def test_a_sampler_that_saves_memory_takes_one_clip_and_one_prompt_at_a_time(tiny: Parts) -> None:
    sizes: list[int] = []

    class Watching(torch.nn.Module):
        def forward(self, x: torch.Tensor, *rest: Any) -> torch.Tensor:
            sizes.append(x.shape[0])
            return tiny.model.module(x, *rest)  # type: ignore[no-any-return]

    model = replace(tiny.model, module=Watching())
    prompt = text_encode(NodeContext(), tiny.encoder, "a red ball")
    latent = noise_latent(tiny.model, 3, 32, 24, 9, batch=3)
    plain = dit_sampler(NodeContext(), model, prompt, latent, steps=4, guidance=3.0)
    assert set(sizes) == {6}
    sizes.clear()
    saved = dit_sampler(NodeContext(memory_saving=True), model, prompt, latent, steps=4, guidance=3.0)
    assert set(sizes) == {1}
    assert torch.allclose(plain.samples, saved.samples, atol=1e-4)


_LIMITED = """
import resource, sys
import torch
from engine.document.workflow import parse_workflow
from engine.folders import Folders
from engine.runtime import Runtime
from nodes.families import mini
from pathlib import Path
torch.set_num_threads(1)
mini.PIXELS_AT_ONCE = 1 << 40  # the whole clip at once, unless memory is saved
runtime = Runtime.open(Folders.at(Path(sys.argv[1])), disk=0)
def document(seed, frames, side):
    return parse_workflow({"format": "kinograph-workflow", "version": 1, "nodes": {
        "load": {"type": "LoadModel"},
        "noise": {"type": "NoiseLatent", "values": {"seed": seed, "frames": frames, "width": side, "height": side}},
        "decode": {"type": "VAEDecode"}},
        "edges": [{"from": ["load", "model"], "to": ["noise", "model"]},
                  {"from": ["load", "vae"], "to": ["decode", "vae"]},
                  {"from": ["noise", "latent"], "to": ["decode", "latent"]}]})
assert runtime.run(document(1, 5, 32)).status == "succeeded"  # everything is loaded
held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = held + (int(sys.argv[2]) << 20)
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
result = runtime.run(document(2, 65, 160), on_event=lambda event: print(event.type, getattr(event, "message", "")))
print(result.status, *(failure.message for failure in result.failures))
print(runtime.run(document(3, 5, 32)).status)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits on address space are Linux's")
def test_a_real_limit_is_hit_and_the_clip_is_decoded_in_pieces(tmp_path: Path) -> None:
    def limited(megabytes: int) -> list[str]:
        command = [sys.executable, "-c", _LIMITED, str(tmp_path / "data"), str(megabytes)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout.splitlines()

    enough = limited(220)
    assert any("trying once more in smaller pieces" in line for line in enough), enough
    assert enough[-2:] == ["succeeded", "succeeded"]
    too_little = limited(8)
    assert "there was not enough memory" in too_little[-2], too_little
