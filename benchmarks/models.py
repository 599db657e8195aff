"""The stock diffusers pipeline and this engine, in turn, on the same weights: ``python benchmarks/models.py``.

A small Wan (about 10 M parameters in the transformer) is made in a temporary folder, in the real layout, with random
weights. Printed are the median seconds of text encoding, sampling and decoding together, the share of the stock
pipeline's time, and how far frames are from the stock pipeline's (PSNR in dB).
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)  # the project's rooms, and not this folder's files of the same names

import torch  # noqa: E402 - after the path is set
from torch import Tensor  # noqa: E402

from kinograph import NodeContext  # noqa: E402
from nodes.diffusion.conditioning import text_encode  # noqa: E402
from nodes.diffusion.latents import noise_latent  # noqa: E402
from nodes.diffusion.loading import LoadedParts, load_model  # noqa: E402
from nodes.diffusion.model_options import step_cache  # noqa: E402
from nodes.diffusion.sampler import dit_sampler  # noqa: E402
from nodes.diffusion.vae import vae_decode  # noqa: E402

PROMPT, NEGATIVE = "a red ball runs over the meadow", "low quality"
SIZE = {"width": 128, "height": 96}


def small_wan(folder: Path) -> Path:
    """Wan with a transformer of about 10 M parameters."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanTransformer3DModel

    from tests.nodes.families.checkpoint_parts import TEXT_WIDTH, randomised, saved, t5_encoder, t5_tokenizer

    transformer = WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=4, attention_head_dim=64, in_channels=16, out_channels=16,
        text_dim=TEXT_WIDTH, freq_dim=64, ffn_dim=1024, num_layers=9,
    )  # fmt: skip
    components = {
        "tokenizer": t5_tokenizer(),
        "text_encoder": t5_encoder("UMT5EncoderModel"),
        "transformer": randomised(transformer, 2, gain=0.5),
        "vae": randomised(AutoencoderKLWan(base_dim=16, z_dim=16, num_res_blocks=1), 3),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, num_train_timesteps=1000, flow_shift=3.0
        ),
    }
    return saved(folder, "WanPipeline", components)


def stock_run(pipeline: Any, frames: int, steps: int) -> Tensor:
    """Frames of the stock pipeline."""
    generator = torch.Generator().manual_seed(1)
    made = pipeline(
        prompt=PROMPT, negative_prompt=NEGATIVE, num_frames=frames, num_inference_steps=steps, guidance_scale=5.0,
        generator=generator, output_type="np", **SIZE,
    )  # fmt: skip
    return torch.as_tensor(made.frames[0])


def our_run(parts: LoadedParts, frames: int, steps: int, **settings: Any) -> Tensor:
    """Frames of the nodes."""
    context = NodeContext()
    positive, negative = (text_encode(context, parts.encoder, text) for text in (PROMPT, NEGATIVE))
    start = noise_latent(parts.model, 1, frames=frames, **SIZE)
    clean = dit_sampler(context, parts.model, positive, start, negative, steps, 5.0, **settings)
    return vae_decode(context, parts.vae, clean).pixels


def psnr(one: Tensor, other: Tensor) -> float:
    """Peak signal-to-noise ratio of frames in 0..1, in dB."""
    error = (one.double() - other.double()).square().mean().item()
    return math.inf if error == 0.0 else -10.0 * math.log10(error)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--frames", type=int, default=17)
    arguments = parser.parse_args()
    from diffusers import WanPipeline

    with tempfile.TemporaryDirectory() as folder:
        small_wan(Path(folder))
        pipeline = WanPipeline.from_pretrained(folder, dtype=torch.float32)
        pipeline.set_progress_bar_config(disable=True)
        parts = load_model(NodeContext(), folder=Path(folder))
        size = (arguments.frames, arguments.steps)

        def cached(method: Any, strength: float) -> Callable[[], Tensor]:
            faster = parts._replace(model=step_cache(parts.model, method, strength))
            return lambda: our_run(faster, *size)

        runs: dict[str, Callable[[], Tensor]] = {
            "stock pipeline": lambda: stock_run(pipeline, *size),
            "ours, exact": lambda: our_run(parts, *size),
            "ours, guidance together": lambda: our_run(parts, *size, guidance_batching="together"),
            "ours, guidance from 0.4 up": lambda: our_run(parts, *size, guidance_low=0.4),
            "ours, first block .05": cached("first block", 0.05),
            "ours, first block .15": cached("first block", 0.15),
            "ours, magnitude .06": cached("magnitude", 0.06),
            "ours, taylor 2": cached("taylor", 2.0),
            "ours, spectral .25": cached("spectral", 0.25),
        }
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        frames: dict[str, Tensor] = {name: run() for name, run in runs.items()}  # also loads everything
        for _ in range(arguments.rounds):
            for name, run in runs.items():
                began = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - began)
    stock = statistics.median(seconds["stock pipeline"])
    print(f"{'':28} {'seconds':>8} {'of stock':>9} {'PSNR dB':>8}")
    for name, found in seconds.items():
        median = statistics.median(found)
        quality = psnr(frames[name], frames["stock pipeline"])
        print(f"{name:28} {median:8.3f} {median / stock:9.2f} {quality:8.1f}")


if __name__ == "__main__":
    main()
