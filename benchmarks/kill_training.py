"""Kill a training again and again, and see whether it ends with the same bits as one that nobody disturbed.

    python benchmarks/kill_training.py [--kills N] [--steps N]

A small flow training writes a checkpoint after every step. It is killed (SIGKILL) at random moments, within steps and
within writing; after each kill the checkpoint must be whole, and the weights at the end must be those of a run in one
piece.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def train(folder: Path, steps: int) -> None:
    """The training itself, in a process of its own."""
    import torch

    from nodes.models.tokenizer import Tokenizer
    from nodes.training.flow import FlowTraining, train_flow
    from nodes.training.latents import LatentSet
    from nodes.training.world.captions import vocabulary
    from nodes.training.world.specs import sample_clip

    torch.set_num_threads(1)
    import numpy as np

    drawn = torch.Generator().manual_seed(0)
    rng = np.random.default_rng(0)
    shape = (8, 2, 4, 4)
    data = LatentSet(
        torch.randn(8, *shape, generator=drawn).bfloat16(),
        torch.rand(8, *shape[1:], generator=drawn).bfloat16(),
        torch.randint(0, 255, (8, *shape[1:], 64), generator=drawn).byte(),
        [sample_clip(rng) for _ in range(8)],
    )
    recipe = FlowTraining(width=64, depth=1, steps=steps, cells=128, warmup=2, checkpoint_every=1, compiled=False)
    train_flow(recipe, [data], Tokenizer(vocabulary()), folder)


def started(folder: Path, steps: int) -> subprocess.Popen[bytes]:
    """The training as a process."""
    command = [sys.executable, __file__, "--folder", str(folder), "--steps", str(steps)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def reached(folder: Path) -> int:
    """The step of the checkpoint, which must be whole."""
    from nodes.training.run_state import load_checkpoint

    path = folder / "checkpoint.pt"
    return int(load_checkpoint(path)["step"]) if path.exists() else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        train(arguments.folder, arguments.steps)
        return
    import torch

    from nodes.training.run_state import load_checkpoint

    moments = random.Random(1)
    with tempfile.TemporaryDirectory() as place:
        whole, killed = Path(place) / "whole", Path(place) / "killed"
        assert started(whole, arguments.steps).wait() == 0
        kills, last = 0, 0
        while kills < arguments.kills:
            process = started(killed, arguments.steps)
            while process.poll() is None and reached(killed) <= last:
                time.sleep(0.1)
            time.sleep(moments.uniform(0.0, 0.3))
            if process.poll() is not None:
                break  # it came to its end before all the kills
            process.kill()
            process.wait()
            kills += 1
            last = reached(killed)
            print(f"kill {kills}: step {last}", flush=True)
        assert started(killed, arguments.steps).wait() == 0
        one, other = (load_checkpoint(folder / "checkpoint.pt") for folder in (whole, killed))
        same = all(torch.equal(one["average"][name], other["average"][name]) for name in one["average"])
    print(f"{kills} kills, every checkpoint whole, weights at the end {'the same' if same else 'DIFFERENT'}")
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
