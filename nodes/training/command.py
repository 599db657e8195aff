"""`kinograph train`: make Kinograph Mini from nothing, in stages that can be stopped and continued."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from nodes.training.world.specs import DEFAULT_MIX, MOTIONS

STAGES = """stages, in order (all files are under --run; a stage that was stopped goes on from its checkpoint):
  codec    train the video VAE                                  -> RUN/codec/final.pt
  decoder  (optional, any time) train the codec's decoder alone -> RUN/codec/final.pt
  latents  render and encode clips; once per --seed, adds up    -> RUN/latents/SEED.safetensors
           with --size or --frames                            -> RUN/latents/96x64x33/SEED.safetensors
  frames   (optional) render and encode single frames; --clips is their number -> RUN/frames/SEED.safetensors
  dit      train the diffusion transformer and text encoder     -> RUN/dit/checkpoint.pt
  upscaler (optional) train the 4x upscaler                   -> RUN/upscaler/upscaler.safetensors
  export   write the weights that LoadModel reads               -> --output
"""

MIX = {
    "two_objects": "of two objects",
    "camera": "under a moving camera, among those of one object",
    "foresight": "whose object passes behind another, or leaves and returns",
}
"""What the latents and frames stages render of each kind (see `WorldMix`)."""


def main(argv: list[str]) -> int:
    """Run one stage of the training; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="kinograph train",
        description="Train Kinograph Mini on its rendered world.",
        epilog=STAGES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=["codec", "decoder", "latents", "frames", "dit", "upscaler", "export"])
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--steps", type=int, help="steps of the codec or dit stage (default: the recipe's)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the stage (default 1)")
    parser.add_argument("--clips", type=int, default=24_000, help="clips of the latents stage (default 24000)")
    parser.add_argument(
        "--size", default="64x64", metavar="WxH", help="pixels of the latents and frames stages, e.g. 96x64 (32 to 160)"
    )
    parser.add_argument("--frames", type=int, default=17, help="length of their clips, 1 + 4k up to 65 (default 17)")
    for name, meaning in MIX.items():
        default = getattr(DEFAULT_MIX, name)
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_share,
            default=default,
            help=f"share of clips {meaning}, 0 to 1 (default {default:g})",
        )
    parser.add_argument(
        "--motions",
        nargs="+",
        choices=MOTIONS,
        default=MOTIONS,
        metavar="MOTION",
        help="motions of clips of one object (default: all), to learn some of them further",
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of the processor (default 2)")
    parser.add_argument(
        "--start", type=Path, help="weights folder that the latents and dit stages of a new run start from"
    )
    parser.add_argument("--output", type=Path, help="folder for the exported weights")
    arguments = parser.parse_args(argv)
    if arguments.steps is not None and arguments.steps < 1:
        parser.error(f"--steps must be at least 1, got {arguments.steps}")
    if arguments.stage == "export" and arguments.output is None:
        parser.error("the export stage needs --output FOLDER")

    from nodes.training.stages import run_stage
    from nodes.training.world.size import parse_size

    try:
        run_stage(
            arguments.stage,
            arguments.run,
            arguments.steps,
            arguments.seed,
            arguments.clips,
            arguments.threads,
            arguments.output,
            arguments.start,
            parse_size(arguments.size, arguments.frames),
            replace(DEFAULT_MIX, motions=tuple(arguments.motions), **{name: getattr(arguments, name) for name in MIX}),
        )
    except (FileNotFoundError, ValueError) as error:
        parser.exit(2, f"kinograph train: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped; the same command goes on from the last checkpoint\n")
    return 0


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"a share is from 0 to 1, got {text}")
    return value
