"""Make the strips of frames of docs/abilities.md: `python workflows/strips.py [NAME ...]`.

The workflow of every ability, or of those named, is run as it is, with the weights of the package (a long clip is made
shorter); a strip has eight frames of its result, four of wide ones, evenly spread from the first to the last. Nothing
is picked.
"""

from __future__ import annotations

import sys
import tempfile

from PIL import Image
from thumbnails import HERE, frames_of, made

ABILITIES = (
    "text_to_video",
    "text_to_image",
    "two_languages",
    "any_size",
    "image_to_video",
    "arrive_at_a_picture",
    "between_two_frames",
    "extend_video",
    "loop",
    "video_to_video",
    "change_a_region",
    "prompts_over_time",
    "negative_prompt",
    "out_of_sight",
    "long_video",
    "forward_noising",
    "noise_to_picture",
    "how_diffusion_works",
)
FOLDER = HERE.parent / "docs" / "images" / "abilities"
HEIGHT = 96
GAP = 4


def spread(pictures: list[Image.Image]) -> list[Image.Image]:
    """Some of a clip's frames, the first and the last among them."""
    wanted = min(len(pictures), 4 if pictures[0].width > 1.5 * pictures[0].height else 8)
    return [pictures[round(place * (len(pictures) - 1) / max(1, wanted - 1))] for place in range(wanted)]


def strip(pictures: list[Image.Image]) -> Image.Image:
    """Frames next to each other, each as high as the others."""
    frames = [
        one.resize((round(one.width * HEIGHT / one.height), HEIGHT), Image.Resampling.LANCZOS) for one in pictures
    ]
    row = Image.new("RGB", (sum(frame.width + GAP for frame in frames) - GAP, HEIGHT), "white")
    left = 0
    for frame in frames:
        row.paste(frame, (left, 0))
        left += frame.width + GAP
    return row


def main() -> None:
    """All abilities, or those that are named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or ABILITIES:
        with tempfile.TemporaryDirectory() as folder:
            pictures, _ = frames_of(made(HERE / f"{name}.json", folder))
        target = FOLDER / f"{name}.webp"
        strip(spread(pictures)).save(target, quality=70, method=6)
        print(target, target.stat().st_size, "bytes", flush=True)


if __name__ == "__main__":
    main()
