"""The same model without the graph engine: what somebody would write by hand. Used by ``first_video.py``.

python benchmarks/plain_video.py "a red ball bounces over a green meadow" out.mp4 [SEED]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from nodes.families.mini import TRAITS
from nodes.models.mini import MiniParts, load_mini, load_part
from nodes.sampling.guidance import Guidance, guided_velocity
from nodes.sampling.noise import noise
from nodes.sampling.registry import sample, solver_named
from nodes.sampling.schedule import flow_sigmas
from nodes.sampling.solvers import State

SIZE = 256
UPSCALER = Path(__file__).resolve().parents[1] / "nodes" / "weights" / "upscaler" / "upscaler.safetensors"


@torch.no_grad()
def generate(mini: MiniParts, prompt: str, seed: int) -> Tensor:
    """Frames ``[T, 256, 256, 3]`` uint8."""
    encodings = [mini.text_encoder(mini.tokenizer.batch([text])) for text in (prompt, "")]
    positive, negative = (dict(zip(("tokens", "pooled", "mask"), encoding, strict=True)) for encoding in encodings)

    def model(x: Tensor, sigma: Tensor, given: Mapping[str, Tensor]) -> Tensor:
        return mini.dit(x, sigma, given["tokens"], given["pooled"], given["mask"])  # type: ignore[no-any-return]

    velocity = guided_velocity(model, positive, negative, Guidance(TRAITS.guidance))
    shape = TRAITS.latent_shape(TRAITS.width, TRAITS.height, TRAITS.frames)
    start = State(noise((1, *shape), seed), seed=seed)
    *_, last = sample(velocity, flow_sigmas(TRAITS.steps, TRAITS.shift), start, solver_named(TRAITS.solver))
    frames = mini.video_vae.decode(last.latent)[0].permute(1, 0, 2, 3)  # [T, 3, 64, 64]
    large = load_part(UPSCALER, "upscaler")(frames.clamp(-1, 1).transpose(0, 1)[None])[0].clamp(-1, 1)
    return ((large.permute(1, 2, 3, 0) + 1) * 127.5 + 0.5).to(torch.uint8)


def save(frames: Tensor, path: Path) -> None:
    """Write an MP4 with imageio's ffmpeg."""
    writer = imageio_ffmpeg.write_frames(str(path), (SIZE, SIZE), fps=TRAITS.fps, codec="libx264")
    writer.send(None)
    for frame in frames.numpy():
        writer.send(np.ascontiguousarray(frame))
    writer.close()


def main() -> None:
    prompt, path = sys.argv[1], Path(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    started = time.perf_counter()
    mini = load_mini()
    save(generate(mini, prompt, seed), path)
    print(f"{time.perf_counter() - started:.2f} s after imports")


if __name__ == "__main__":
    main()
