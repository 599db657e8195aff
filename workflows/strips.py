"""Make the strips of frames of Mini's abilities for the docs: `python workflows/strips.py [NAME ...]`.

Every workflow is run as it is, with the weights of the package; a row has its title and eight frames of its result,
evenly spread from the first to the last. Nothing is picked.
"""

from __future__ import annotations

import json
import sys
import tempfile

from PIL import Image, ImageDraw, ImageFont
from thumbnails import HERE, frames_of, made

ABILITIES = (
    "text_to_video",
    "image_to_video",
    "between_two_frames",
    "extend_video",
    "loop",
    "video_to_video",
    "change_a_region",
    "prompts_over_time",
    "negative_prompt",
    "long_video",
)
OUTPUT = HERE.parent / "docs" / "images" / "abilities.webp"
FRAMES = 8
HEIGHT = 96
GAP = 4
LABEL = 22


def spread(pictures: list[Image.Image]) -> list[Image.Image]:
    """Eight of a clip's frames, the first and the last among them."""
    last = len(pictures) - 1
    return [pictures[round(place * last / (FRAMES - 1))] for place in range(FRAMES)]


def row(title: str, pictures: list[Image.Image]) -> Image.Image:
    """The title above the frames, each as high as the others."""
    frames = [
        one.resize((round(one.width * HEIGHT / one.height), HEIGHT), Image.Resampling.LANCZOS) for one in pictures
    ]
    width = sum(frame.width + GAP for frame in frames) + GAP
    picture = Image.new("RGB", (width, LABEL + HEIGHT + GAP), "white")
    ImageDraw.Draw(picture).text((GAP, 3), title, fill="black", font=ImageFont.load_default(15))
    left = GAP
    for frame in frames:
        picture.paste(frame, (left, LABEL))
        left += frame.width + GAP
    return picture


def main() -> None:
    """All abilities, or those that are named."""
    rows = []
    for name in sys.argv[1:] or ABILITIES:
        path = HERE / f"{name}.json"
        with tempfile.TemporaryDirectory() as folder:
            pictures, _ = frames_of(made(path, folder))
        rows.append(row(json.loads(path.read_text(encoding="utf-8"))["meta"]["title"], spread(pictures)))
        print(name, flush=True)
    sheet = Image.new("RGB", (max(one.width for one in rows), sum(one.height for one in rows)), "white")
    top = 0
    for one in rows:
        sheet.paste(one, (0, top))
        top += one.height
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(OUTPUT, quality=80, method=6)
    print(OUTPUT, OUTPUT.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
