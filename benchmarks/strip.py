"""Make the strip of frames for the README: `python benchmarks/strip.py [--weights DIR] [--output PNG]`.

One row per prompt: its sentence above, eight of the seventeen frames below. The prompts are fixed here, the seed of
the first row is `--seed`, the next rows take the next seeds; nothing is picked.
"""

from __future__ import annotations

import argparse
from pathlib import Path

PROMPTS = (
    "a red ball bounces over a green meadow",
    "a large green star spins in the desert",
    "a cyan heart grows on a black background",
    "a yellow ring floats up in the night sky",
    "a blue triangle moves left at sunset",
    "a purple square moves down and right over the ocean",
    "夕阳，一个白色的星星向右移动",
    "a green cross orbits the center on a gray background",
)
"""All but the first are combinations of colour, shape and motion that training never saw."""
ROOT = Path(__file__).parent.parent
FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/System/Library/Fonts/PingFang.ttc",
    "C:/Windows/Fonts/msyh.ttc",
)
FRAMES = range(1, 17, 2)
SCALE = 2
GAP = 4
LABEL = 24


def main() -> None:
    """Render the prompts and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "images" / "mini_strip.png")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()

    from PIL import Image, ImageDraw, ImageFont

    from nodes.evaluation.adherence import SamplerSettings, generate
    from nodes.models.mini import MINI_FOLDER, load_mini

    font_path = next((path for path in FONTS if Path(path).exists()), None)
    prompts = [p for p in PROMPTS if font_path or p.isascii()]
    parts = load_mini(arguments.weights or MINI_FOLDER)
    settings = SamplerSettings(steps=arguments.steps, guidance=arguments.guidance)
    clips = generate(parts, prompts, list(range(arguments.seed, arguments.seed + len(prompts))), settings)

    size = clips.shape[-1] * SCALE
    picture = Image.new("RGB", (len(FRAMES) * (size + GAP) + GAP, len(prompts) * (size + LABEL + GAP)), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(font_path, 15) if font_path else ImageFont.load_default(15)
    for row, (prompt, clip) in enumerate(zip(prompts, clips, strict=True)):
        top = row * (size + LABEL + GAP)
        draw.text((GAP, top + 3), prompt, fill="black", font=font)
        for column, index in enumerate(FRAMES):
            frame = Image.fromarray(clip[index].permute(1, 2, 0).numpy()).resize((size, size), Image.Resampling.BICUBIC)
            picture.paste(frame, (GAP + column * (size + GAP), top + LABEL))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    picture.save(arguments.output, optimize=True)
    print(arguments.output)


if __name__ == "__main__":
    main()
