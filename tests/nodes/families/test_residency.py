"""Models within a budget: what leaves, what comes ahead, what streams, and that it is really bounded."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nodes.families.residency import BUDGET_VARIABLE, Memory, Resident, parse_size
from nodes.families.streaming import BlockStream, Source, take_away

ROOT = Path(__file__).resolve().parents[3]


class Part:
    """A network that says when it was loaded, and with how much room."""

    def __init__(self, memory: Memory, name: str, nbytes: int, least: int | None = None) -> None:
        self.rooms: list[int | None] = []
        self.resident = Resident(name, self._load, nbytes, least, memory=memory)

    def _load(self, room: int | None) -> nn.Module:
        self.rooms.append(room)
        return nn.Linear(2, 2)


def test_the_least_recently_used_leaves_first() -> None:
    memory = Memory(100)
    text, transformer, vae = (Part(memory, name, size) for name, size in (("text", 40), ("dit", 50), ("vae", 30)))
    for part in (text, transformer, text, vae):
        part.resident.get()
    assert [one.label for one in memory.loaded()] == ["text", "vae"]
    assert (text.rooms, transformer.rooms, memory.taken()) == ([None], [None], 70)


def test_a_network_larger_than_the_budget_gets_what_there_is() -> None:
    memory = Memory(100)
    vae, large = Part(memory, "vae", 30), Part(memory, "large", 400, least=50)
    vae.resident.get()
    large.resident.get()
    assert large.rooms == [100]
    assert [one.label for one in memory.loaded()] == ["large"]


def test_the_files_of_what_comes_next_are_read_ahead(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(bytes(20 << 20))
    resident = Resident("next", lambda room: nn.Linear(2, 2), 10, memory=Memory(100), files=(file,))
    thread = resident.read_ahead()
    assert thread is not None
    thread.join(30)
    assert resident.read == 3  # blocks of 8 MiB
    assert not resident.loaded
    resident.get()
    assert resident.read_ahead() is None


def test_whoever_needs_what_is_being_loaded_waits_for_it() -> None:
    begun, go_on = threading.Event(), threading.Event()
    loads: list[int] = []

    def load(room: int | None) -> nn.Module:
        begun.set()
        assert go_on.wait(30)
        loads.append(1)
        return nn.Linear(2, 2)

    resident = Resident("slow", load, 10, memory=Memory(100))
    other = threading.Thread(target=resident.get)
    other.start()
    assert begun.wait(30)
    assert not resident.leave()  # it is just being loaded
    threading.Timer(0.01, go_on.set).start()
    assert isinstance(resident.get(), nn.Linear)
    other.join()
    assert loads == [1]


def test_a_load_that_fails_takes_nothing() -> None:
    memory = Memory(100)

    def fail(room: int | None) -> nn.Module:
        raise ValueError("damaged")

    resident = Resident("damaged", fail, 90, memory=memory)
    with pytest.raises(ValueError, match="damaged"):
        resident.get()
    assert memory.taken() == 0


def test_saving_memory_makes_everything_as_small_as_it_can_be() -> None:
    memory = Memory()
    part = Part(memory, "large", 400, least=50)
    part.resident.get()
    with memory.saving():
        assert not part.resident.loaded
        part.resident.get()
        assert memory.taken() == 50
    assert part.rooms == [None, 50]
    assert not part.resident.loaded  # whole again, when it is used again


@pytest.mark.parametrize(("text", "nbytes"), [("6GiB", 6 << 30), ("800MB", 800_000_000), ("1.5k", 1536), ("12", 12)])
def test_sizes(text: str, nbytes: int) -> None:
    assert parse_size(text) == nbytes


def test_a_size_that_is_none() -> None:
    with pytest.raises(ValueError, match="expected something like 6GiB"):
        parse_size("much")


def stack(count: int) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(*(nn.Linear(8, 8) for _ in range(count)))


def streamed(network: nn.Sequential, begin: int, seen: list[int] | None = None) -> BlockStream:
    """Stream all blocks from this one on."""
    blocks = list(network)[begin:]
    kept = [take_away(block) for block in blocks]

    def fetch(index: int) -> dict[str, Source]:
        if seen is not None:
            seen.append(index)
        return {name: (tensor, tensor.dtype) for name, tensor in kept[index].items()}

    return BlockStream(blocks, [partial(fetch, index) for index in range(len(blocks))], "cpu")


def test_blocks_that_stream_compute_the_same_and_leave() -> None:
    whole, network = stack(5), stack(5)
    seen: list[int] = []
    stream = streamed(network, 1, seen)
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(2))
    places: set[int] = set()
    for block in list(network)[1:]:
        block.register_forward_pre_hook(lambda block, _: places.add(block.weight.data_ptr()))
    for _ in range(3):
        assert torch.equal(network(x), whole(x))
        assert all(parameter.is_meta for block in list(network)[1:] for parameter in block.parameters())
    stream.close()
    assert seen[:12] == [0, 1, 2, 3] * 3  # each was read once a round, in order, the next one ahead
    assert len(places) <= 3  # memory is filled again, not taken anew


def test_a_run_that_is_cut_short_leaves_the_stream_well() -> None:
    network, whole = stack(4), stack(4)
    stream = streamed(network, 0)
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(2))

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    handle = list(network)[2].register_forward_pre_hook(stop)
    with pytest.raises(KeyboardInterrupt):
        network(x)
    handle.remove()
    assert torch.equal(network(x), whole(x))
    stream.close()


MEASURE = """
import json, re, sys
from pathlib import Path
import torch
from kinograph import NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.families.residency import MEMORY
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import load_model
from nodes.diffusion.sampler import dit_sampler

def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

def watch(*_):
    global peak
    peak = max(peak, resident())

torch.set_num_threads(1)
parts = load_model(NodeContext(), folder=Path(sys.argv[1]))
bundle = parts.model.extras["bundle"]
weights = bundle.resident("transformer")
positive = text_encode(NodeContext(), parts.encoder, "a red ball")
start = noise_latent(parts.model, 1, 32, 32, 1)
runs = []
for budget in (MEMORY.budget, None):
    MEMORY.clear()
    MEMORY.budget = budget
    before = peak = resident()
    network = bundle.network("transformer")
    for block in network.blocks:
        block.register_forward_hook(watch)
    clean = dit_sampler(NodeContext(), parts.model, positive, start, None, 2, 1.0)
    stream = getattr(network, "block_stream", None)
    runs.append({"grown": peak - before, "loads": stream.loads if stream else 0,
        "latent": clean.samples.flatten().tolist()})
    del network
print(json.dumps({"nbytes": weights.nbytes, "least": weights.least, "runs": runs}))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is measured as Linux tells it")
def test_a_model_larger_than_the_budget_runs_in_bounded_memory(tmp_path: Path) -> None:
    """In a process of its own: the same latent, and much less resident memory than the weights have."""
    pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")
    from diffusers import WanTransformer3DModel

    from tests.nodes.families.checkpoint_parts import TEXT_WIDTH
    from tests.nodes.families.checkpoints import wan

    wan(tmp_path)
    large = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=4, attention_head_dim=128, in_channels=16, out_channels=16,
        text_dim=TEXT_WIDTH, freq_dim=32, ffn_dim=2048, num_layers=8,
    )  # fmt: skip
    large.save_pretrained(tmp_path / "transformer")
    del large
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)], env={**environment, BUDGET_VARIABLE: "50MB"},
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    small, whole = found["runs"]
    assert found["nbytes"] > 125e6
    assert whole["grown"] > 0.9 * found["nbytes"] and whole["loads"] == 0
    assert found["least"] < 50e6
    assert small["grown"] < 0.7 * found["nbytes"]  # the budget, a block's pages of the file, what is computed
    assert small["loads"] > 8  # blocks came in more than once
    one, other = (torch.tensor(run["latent"]) for run in (whole, small))
    assert (one - other).abs().max() <= 1e-4
