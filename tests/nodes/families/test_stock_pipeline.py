"""Models of no family of ours: their own diffusers pipeline, as one node that passes nothing over."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from kinograph import Frames, InvalidInput, NodeContext
from nodes.diffusion.loading import load_model
from nodes.stock_pipeline import stock_pipeline
from tests.nodes.families.conftest import Checkpoint
from tests.nodes.families.parity import TOLERANCE, Stock, picture

pytest.importorskip("diffusers", reason="needs the extra: pip install '.[models]'")

SIZE = {"width": 64, "height": 64, "frames": 4, "steps": 2}


def test_a_pipeline_without_a_family_makes_its_clip(checkpoint: Checkpoint) -> None:
    folder = checkpoint("latte")
    seen: list[tuple[float, float]] = []
    with pytest.raises(InvalidInput, match="no model of a known family") as caught:
        load_model(NodeContext(), folder=folder)
    assert "for others StockPipeline" in str(caught.value.wanted)
    context = NodeContext(_on_progress=lambda step, total, *_: seen.append((step, total)))
    clip = stock_pipeline(context, folder, "a red ball", "blurry", 3, **SIZE, guidance=5.0, fps=12.0)
    generator = torch.Generator().manual_seed(3)
    stock = Stock(folder).pipeline(
        "a red ball", "blurry", width=64, height=64, video_length=4, num_inference_steps=2, guidance_scale=5.0,
        generator=generator, output_type="np",
    ).frames  # fmt: skip
    assert (clip.pixels - torch.as_tensor(stock[0])).abs().max() <= TOLERANCE
    assert (clip.fps, clip.pixels.shape) == (12.0, (4, 64, 64, 3))
    assert seen == [(0, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("values", "socket", "message"),
    [
        ({"image": Frames(picture(1, 64))}, "image", "LattePipeline takes no image"),
        ({"width": 60}, "folder", "divisible by 8"),
    ],
)
def test_what_it_cannot_do_is_refused(
    checkpoint: Checkpoint, values: dict[str, Any], socket: str, message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        stock_pipeline(NodeContext(), checkpoint("latte"), "a red ball", **{**SIZE, **values})
    assert caught.value.socket == socket


def test_a_folder_cannot_name_any_class(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Neither code of its own nor classes that are no pipeline; nor weights that are pickles."""
    folder = Path(shutil.copytree(checkpoint("latte"), tmp_path / "model"))
    index = folder / "model_index.json"
    whole = json.loads(index.read_text())
    for name in ("OwnPipeline", "AutoencoderKL", "utils", "__class__"):
        index.write_text(json.dumps({**whole, "_class_name": name}))
        with pytest.raises(InvalidInput, match=f"has no pipeline '{name}'"):
            stock_pipeline(NodeContext(), folder)
    index.write_text(json.dumps({**whole, "vae": ["own_code", "AutoencoderKL"]}))
    with pytest.raises(InvalidInput, match="expected diffusers or transformers"):
        stock_pipeline(NodeContext(), folder)
    index.write_text(json.dumps(whole))
    weights = folder / "vae/diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_name("diffusion_pytorch_model.bin"))
    with pytest.raises(InvalidInput, match="is a pickle"):
        stock_pipeline(NodeContext(), folder)
