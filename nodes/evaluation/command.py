"""`kinograph evaluate`: how often Mini's clips show what held-out prompts say."""

from __future__ import annotations

import argparse
from pathlib import Path


def main(argv: list[str]) -> int:
    """Print the table of adherence; returns 0, or 2 when the weights cannot be loaded."""
    parser = argparse.ArgumentParser(
        prog="kinograph evaluate",
        description="Make clips for held-out prompts (combinations never trained on) and check them by computed "
        "vision. Prints per cent right for each attribute with 95 % confidence intervals.",
    )
    parser.add_argument("--weights", type=Path, help="folder of the weights (default: those of the package)")
    parser.add_argument("--run", type=Path, help="evaluate the checkpoint of a training run instead")
    parser.add_argument(
        "--full",
        action="store_true",
        help="the whole table: every kind in English and Chinese; one object in other words, sizes, lengths, solvers",
    )
    parser.add_argument("--quick", action="store_true", help="12 prompts, one seed, bfloat16: a first look")
    parser.add_argument("--prompts", type=int, help="prompts of each kind and language (default 200)")
    parser.add_argument("--seeds", type=int, help="clips of each prompt (default 3; other lines of --full have one)")
    kinds = ["one object", "camera", "two objects", "passing behind", "returning"]
    parser.add_argument("--kind", action="append", choices=kinds, help="default: all; may be given several times")
    parser.add_argument("--language", action="append", choices=["en", "zh", "mixed"], help="default: en and zh")
    several = parser.add_argument_group("of these several may be given; the table has a line for each combination")
    several.add_argument("--size", nargs="+", default=["64x64"], metavar="WxH", help="pixels, e.g. 96x64 (32 to 160)")
    several.add_argument("--frames", nargs="+", type=int, default=[17], metavar="N", help="lengths, 1 + 4k up to 65")
    several.add_argument(
        "--wording",
        nargs="+",
        default=["drawn"],
        choices=["drawn", "plain", "synonyms", "word order", "paraphrase", "British", "American", "typos"],
        help="of English prompts (default drawn: at random, as in training)",
    )
    several.add_argument("--solver", nargs="+", default=["euler"], metavar="NAME")
    several.add_argument("--steps", nargs="+", type=int, default=[20], metavar="N")
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--guidance-interval", type=float, nargs=2, default=(0.0, 1.0), metavar=("LOW", "HIGH"))
    parser.add_argument("--shift", type=float, default=2.0)
    parser.add_argument("--draw", type=int, default=2026, help="another number draws other prompts (default 2026)")
    parser.add_argument("--bf16", action="store_true", help="prompts in bfloat16: faster, for watching a training")
    parser.add_argument("--threads", type=int, help="threads of the processor")
    parser.add_argument("--codec", action="store_true", help="only the codec gate: shapes after encoding and decoding")
    parser.add_argument("--truth", action="store_true", help="check rendered clips instead: calibrates the checker")
    parser.add_argument(
        "--abilities",
        action="store_true",
        help="first and last frames, extension, loops, regions, video to video: how exactly known parts come back, and "
        "whether the rest follows the prompt",
    )
    parser.add_argument(
        "--long", type=float, metavar="SECONDS", help="long clips: what stays right, and the memory, from start to end"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown, for a README")
    parser.add_argument("--json", type=Path, help="also write the figures to this file, line by line as they come")
    arguments = parser.parse_args(argv)
    with_defaults(arguments)
    if arguments.prompts < 1 or arguments.seeds < 1 or min(arguments.steps) < 1:
        parser.error("--prompts, --seeds and --steps must be at least 1")
    if arguments.long is not None and not 2 <= arguments.long <= 3600:
        parser.error("--long must be from 2 to 3600 seconds")

    from nodes.evaluation.report import run_report

    try:
        run_report(arguments)
    except (ValueError, FileNotFoundError) as error:
        parser.exit(2, f"kinograph evaluate: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped\n")
    return 0


def with_defaults(arguments: argparse.Namespace) -> None:
    """Put in how many prompts and seeds there are where it was not said."""
    usual = (3, 1) if arguments.long else (12, 1) if arguments.quick or arguments.abilities else (200, 3)
    arguments.prompts = usual[0] if arguments.prompts is None else arguments.prompts
    arguments.seeds = usual[1] if arguments.seeds is None else arguments.seeds
    arguments.bf16 = arguments.bf16 or arguments.quick
