"""What the adversarial term does: the decoder of the package trained further, with a discriminator and without.

    python benchmarks/adversarial.py [--steps N] [--clips N] [--weight W]

Both begin with the same weights and see the same clips; the codec gate measures them, and where they began, on unseen
clips.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--clips", type=int, default=64, help="of each kind, to measure with")
    parser.add_argument("--weight", type=float, default=0.1, help="of the adversarial term")
    arguments = parser.parse_args()

    import torch

    from nodes.evaluation.codec_gate import codec_gate, gate_report
    from nodes.models.mini import load_mini
    from nodes.training.codec import CodecRun, CodecTraining

    vae = load_mini().video_vae
    print("as shipped")
    print(gate_report(codec_gate(vae, arguments.clips)), flush=True)
    recipe = CodecTraining(vae.config, arguments.steps, decoder_only=True)
    for weight in (0.0, arguments.weight):
        torch.manual_seed(0)
        run = CodecRun(replace(recipe, adversarial=weight))
        run.vae.load_state_dict(vae.state_dict())
        for _ in range(arguments.steps):
            run.train_step()
        print(f"{arguments.steps} steps of the decoder, adversarial {weight:g}")
        print(gate_report(codec_gate(run.finish().eval(), arguments.clips)), flush=True)


if __name__ == "__main__":
    main()
