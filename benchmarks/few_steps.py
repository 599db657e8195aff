"""What fewer steps save: seconds of sampling with guidance, as Mini is sampled, and without, as its student is.

    python benchmarks/few_steps.py [--threads N]

A student of `workflows/train_few_steps.json` has the size of its teacher, so the weights of the package stand for both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

SETTINGS = ((20, 4.0), (8, 1.0), (4, 1.0))
"""Steps and guidance; 1 is without."""
TURNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    threads = parser.parse_args().threads

    import torch

    from kinograph import NodeContext
    from nodes.diffusion.conditioning import text_encode
    from nodes.diffusion.latents import noise_latent
    from nodes.diffusion.sampler import dit_sampler
    from nodes.families.mini import assemble
    from nodes.models.mini import load_mini

    torch.set_num_threads(threads)
    parts = assemble(load_mini(), "cpu")
    words = text_encode(NodeContext(), parts.encoder, "a red ball bounces over a green meadow")
    noise = noise_latent(parts.model, 1)
    usual = 0.0
    print(f"sampling 17 frames of 64x64, {threads} threads, median of {TURNS}")
    for steps, guidance in SETTINGS:
        taken = []
        for turn in range(TURNS + 1):
            began = time.perf_counter()
            dit_sampler(NodeContext(), parts.model, words, noise, steps=steps, guidance=guidance)
            if turn:  # the first one warms up
                taken.append(time.perf_counter() - began)
        seconds = statistics.median(taken)
        usual = usual or seconds
        how = f"guidance {guidance:g}" if guidance > 1 else "no guidance"
        print(f"{steps:3} steps, {how:12} {seconds:6.2f} s  {seconds / usual:5.2f} of the first", flush=True)


if __name__ == "__main__":
    main()
