"""LoRA files act as in the stock pipelines, by any weight and together; bad ones are refused and never half loaded."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kinograph import Block, InvalidInput, NodeContext
from nodes.diffusion.loading import LoadedParts
from nodes.diffusion.model_options import compute_options
from nodes.lora import load_lora
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import TOLERANCE, Case, Stock, loaded, ours

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

CASE = Case(steps=2, width=64, frames=5)
TARGETS = ("to_q", "to_v", "to_out.0", "net.0.proj", "proj_out")
ORIGINAL = {"attn1": "self_attn", "attn2": "cross_attn", "to_q": "q", "to_v": "v", "to_out.0": "o"}


def targets(folder: Path) -> dict[str, tuple[int, int]]:
    """The linear layers of a checkpoint that a LoRA changes, with their shapes."""
    from safetensors.torch import load_file

    weights = load_file(folder / "transformer/diffusion_pytorch_model.safetensors")
    layers = {name.removesuffix(".weight"): tensor for name, tensor in weights.items() if name.endswith(".weight")}
    return {name: tuple(tensor.shape) for name, tensor in layers.items() if name.endswith(TARGETS)}  # type: ignore[misc]


def matrices(folder: Path, seed: int = 1, ranks: tuple[int, ...] = (4,)) -> dict[str, Tensor]:
    """Random changes under diffusers' names, strong enough to be seen; the layers take the ranks in turn."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for index, (layer, (outputs, inputs)) in enumerate(sorted(targets(folder).items())):
        rank = ranks[index % len(ranks)]
        found[f"transformer.{layer}.lora_A.weight"] = torch.randn(rank, inputs, generator=generator) / inputs**0.5
        found[f"transformer.{layer}.lora_B.weight"] = torch.randn(outputs, rank, generator=generator) / rank
    return found


def written(path: Path, tensors: Mapping[str, Tensor], **metadata: str) -> Path:
    from safetensors.torch import save_file

    save_file(dict(tensors), path, metadata={"format": "pt", **metadata})
    return path


def in_wans_own_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same blocks as the model's authors call them, with an alpha of half the rank."""
    found = {}
    for name, tensor in tensors.items():
        match = re.fullmatch(r"transformer\.(blocks\.\d+)\.(attn[12])\.(to_q|to_v|to_out\.0)\.lora_(A|B)\.weight", name)
        if match is not None:
            layer = f"diffusion_model.{match[1]}.{ORIGINAL[match[2]]}.{ORIGINAL[match[3]]}"
            found[f"{layer}.lora_{'down' if match[4] == 'A' else 'up'}.weight"] = tensor
            found[f"{layer}.alpha"] = torch.tensor(2.0)
    return found


def with_loras(parts: LoadedParts, loras: list[tuple[Path, float]], **more: Any) -> LoadedParts:
    model = parts.model
    for file, weight in loras:
        model = load_lora(NodeContext(), model, file, weight=weight, **more).model
    return parts._replace(model=model)


def stock_frames(folder: Path, loras: list[tuple[Path, float]], case: Case, shape: tuple[int, ...]) -> Tensor:
    stock = Stock(folder, case.dtype)
    for index, (file, _) in enumerate(loras):
        stock.pipeline.load_lora_weights(str(file), adapter_name=f"lora{index}")
    stock.pipeline.set_adapters([f"lora{index}" for index in range(len(loras))], [weight for _, weight in loras])
    return stock(case, shape).frames


def compared(folder: Path, loras: list[tuple[Path, float]], case: Case = CASE) -> tuple[float, float]:
    """The largest difference of the frames to the stock pipeline, and to those without a LoRA."""
    parts = loaded(folder, case.dtype)
    mine, base = ours(with_loras(parts, loras), case), ours(parts, case)
    theirs = stock_frames(folder, loras, case, tuple(mine.noise.shape))
    return float((mine.frames - theirs).abs().max()), float((mine.frames - base.frames).abs().max())


@pytest.mark.parametrize("weights", [(0.0,), (0.5,), (1.0,), (1.0, -0.5)])
def test_a_lora_acts_as_in_the_stock_pipeline(checkpoint: Checkpoint, tmp_path: Path, weights: tuple[float]) -> None:
    folder = checkpoint("wan")
    files = [written(tmp_path / f"{n}.safetensors", matrices(folder, n, ranks=(4, 2))) for n in range(len(weights))]
    to_stock, to_base = compared(folder, list(zip(files, weights, strict=True)))
    assert to_stock <= TOLERANCE
    assert to_base == 0.0 if weights == (0.0,) else to_base > 10 * TOLERANCE


@pytest.mark.parametrize("name", ["ltx", "cogvideox"])
def test_of_other_families(checkpoint: Checkpoint, tmp_path: Path, name: str) -> None:
    folder = checkpoint(name)
    file = written(tmp_path / "lora.safetensors", matrices(folder))
    to_stock, to_base = compared(folder, [(file, 0.8)], Case(steps=2))
    assert to_stock <= TOLERANCE < 0.1 * to_base


def test_original_names_with_alpha(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    file = written(tmp_path / "lora.safetensors", in_wans_own_names(matrices(folder)))
    to_stock, to_base = compared(folder, [(file, 1.0)])
    assert to_stock <= TOLERANCE < 0.1 * to_base


def test_the_strength_that_the_metadata_says(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    said = {"transformer.r": 4, "transformer.lora_alpha": 8, "transformer.target_modules": list(targets(folder))}
    file = written(tmp_path / "lora.safetensors", matrices(folder), lora_adapter_metadata=json.dumps(said))
    to_stock, to_base = compared(folder, [(file, 0.5)])
    assert to_stock <= TOLERANCE < 0.1 * to_base


def test_names_without_a_beginning_and_those_of_peft_are_read(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    parts, tensors = loaded(folder), matrices(folder)
    wanted = with_loras(parts, [(written(tmp_path / "a.safetensors", tensors), 1.0)]).model.extras["adaptations"][0]
    for prefix in ("", "base_model.model."):
        renamed = {
            prefix + name.removeprefix("transformer.").replace(".weight", ".default.weight"): tensor
            for name, tensor in tensors.items()
        }
        file = written(tmp_path / "b.safetensors", renamed)
        found = with_loras(parts, [(file, 1.0)]).model.extras["adaptations"][0]
        assert found.layers.keys() == wanted.layers.keys()


def test_one_expert_of_two(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Each expert can have a LoRA of its own; neither changes the other's steps."""
    folder = checkpoint("wan_experts")
    file = written(tmp_path / "lora.safetensors", matrices(folder))
    parts, case = loaded(folder), Case(steps=5, width=64, frames=5, guidance=1.0)
    base = ours(parts, case).latents
    high = ours(with_loras(parts, [(file, 1.0)], expert="high noise"), case).latents
    low = ours(with_loras(parts, [(file, 1.0)], expert="low noise"), case).latents
    assert not torch.equal(high[0], base[0])
    assert torch.equal(low[0], base[0]) and not torch.equal(low[-1], base[-1])
    with pytest.raises(InvalidInput, match="one transformer only"):
        with_loras(loaded(checkpoint("wan")), [(file, 1.0)], expert="low noise")


def test_the_digest_follows_file_and_weight(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    parts = loaded(folder)
    one, two = (written(tmp_path / f"{n}.safetensors", matrices(folder, n)) for n in (1, 2))
    mixtures = [[], [(one, 1.0)], [(one, 0.5)], [(two, 1.0)], [(one, 1.0), (two, 1.0)], [(two, 1.0), (one, 1.0)]]
    assert len({with_loras(parts, mixture).model.digest for mixture in mixtures}) == len(mixtures)
    assert isinstance(load_lora(NodeContext(), parts.model, one).encoder, Block)


def test_compiled_blocks_are_refused_since_they_would_pass_it_over(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    parts = loaded(folder)
    compiled = parts._replace(model=compute_options(parts.model, compile=True))
    file = written(tmp_path / "lora.safetensors", matrices(folder))
    with pytest.raises(InvalidInput, match="compiled blocks do not hear a LoRA"):
        ours(with_loras(compiled, [(file, 1.0)]), CASE)


def test_what_has_no_effect_is_named(checkpoint: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As where a LoRA of an image-to-video model is used for text to video."""
    folder = checkpoint("wan")
    tensors = matrices(folder)
    for end in ("lora_A", "lora_B"):
        tensors[f"transformer.blocks.0.attn2.add_k_proj.{end}.weight"] = torch.ones(4, 4)
    tensors["text_encoder.layer.lora_A.weight"] = torch.ones(2, 2)
    tensors["text_encoder.layer.lora_B.weight"] = torch.ones(2, 2)
    with_loras(loaded(folder), [(written(tmp_path / "lora.safetensors", tensors), 1.0)])
    assert "'blocks.0.attn2.add_k_proj', 'text_encoder.layer': is no layer of WanTransformer3DModel" in caplog.text


def content(tensors: Mapping[str, Tensor]) -> bytes:
    from safetensors.torch import save

    return save(dict(tensors))


def layer(down: tuple[int, ...], up: tuple[int, ...], name: str = "transformer.blocks.0.attn1.to_q") -> bytes:
    return content({f"{name}.lora_A.weight": torch.ones(down), f"{name}.lora_B.weight": torch.ones(up)})


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was opened",))


HUGE_HEADER = (1 << 40).to_bytes(8, "little") + b"{}"
MISSHAPEN: dict[str, tuple[Callable[[], bytes], str]] = {
    "pickle in disguise": (lambda: pickle.dumps(Harmful()), "this is a pickle"),
    "header longer than the file": (lambda: HUGE_HEADER, "header is cut short or damaged"),
    "empty": (lambda: b"", "header is cut short or damaged"),
    "no tensors": (lambda: content({}), "holds 0 tensors"),
    "cut short": (lambda: layer((4, 24), (24, 4))[:-8], "the file is cut short"),
    "wrong shapes": (lambda: layer((4, 23), (24, 4)), r"to_q': shapes .* expected \[24, 4\] and \[4, 24\]"),
    "ranks that differ": (lambda: layer((3, 24), (24, 4)), "to_q': shapes"),
    "rank 0": (lambda: layer((0, 24), (24, 0)), "to_q': shapes"),
    "scalars": (lambda: layer((), ()), "to_q': shapes"),
    "one matrix only": (
        lambda: content({"transformer.blocks.0.attn1.to_q.lora_A.weight": torch.ones(4, 24)}),
        "has only down: expected both matrices",
    ),
    "of another model": (lambda: layer((4, 24), (24, 4), "transformer.middle.to_q"), "changes no layer of Wan"),
    "original names of another model": (
        lambda: layer((4, 24), (24, 4), "diffusion_model.double_blocks.0.img"), "its names are none that WanPipeline",
    ),
    "a hundred thousand names": (
        lambda: content({f"transformer.layer{n}.lora_A.weight": torch.ones(1) for n in range(100_000)}),
        "holds 100000 tensors",
    ),
    "whole numbers": (
        lambda: content({"transformer.blocks.0.attn1.to_q.lora_A.weight": torch.ones(4, 24, dtype=torch.int8)}),
        "stored as I8",
    ),
    "not a number": (
        lambda: content(
            {
                "transformer.blocks.0.attn1.to_q.lora_A.weight": torch.full((4, 24), float("nan")),
                "transformer.blocks.0.attn1.to_q.lora_B.weight": torch.ones(24, 4),
            }
        ),
        "infinite or not a number",
    ),
    "another kind of adaptation": (
        lambda: content({"transformer.blocks.0.attn1.to_q.lokr_w1": torch.ones(4, 4)}), "this is a LoKr",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISSHAPEN)
def test_a_bad_file_is_refused(checkpoint: Checkpoint, tmp_path: Path, name: str) -> None:
    """With the file's name and what is wrong, before the network is loaded."""
    make, message = MISSHAPEN[name]
    file = tmp_path / "lora.safetensors"
    file.write_bytes(make())
    parts = loaded(checkpoint("wan"))
    with pytest.raises(InvalidInput, match=message) as caught:
        load_lora(NodeContext(), parts.model, file)
    assert caught.value.socket == "file"
    assert str(file) in str(caught.value)
    assert not parts.model.module.loaded


def test_metadata_that_is_no_metadata(checkpoint: Checkpoint, tmp_path: Path) -> None:
    folder = checkpoint("wan")
    parts = loaded(folder)
    for said in ("[", "[1]", '{"transformer.lora_alpha": "many"}', '{"transformer.alpha_pattern": [3]}'):
        file = written(tmp_path / "lora.safetensors", matrices(folder), lora_adapter_metadata=said)
        with pytest.raises(InvalidInput, match="lora_adapter_metadata"):
            load_lora(NodeContext(), parts.model, file)
