"""Make the moving pictures that the editor shows for the workflows of this folder, by running them with Kinograph Mini.

    python workflows/thumbnails.py [NAME ...]

Each becomes ``thumbnails/NAME.webp`` (moving, a few kB) and ``thumbnails/NAME.still.webp`` (for people who want less
motion). A result that is wider than a card is shown whole on a dark ground.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
SIZE = (208, 118)
MOST_FRAMES = 16
GROUND = (13, 14, 16)
LESS: dict[str, list[str]] = {"long_video": ["--set", "long.seconds=4"]}
"""What is run shorter for its picture."""


def made(path: Path, folder: str) -> Path:
    """Run a workflow; the first picture or video that it made."""
    command = [sys.executable, "-m", "kinograph", "run", str(path), "--output-dir", folder, "--json"]
    done = subprocess.run([*command, *LESS.get(path.stem, [])], capture_output=True, text=True, check=True)
    outputs = json.loads(done.stdout.splitlines()[-1])["outputs"]
    return next(Path(one["path"]) for one in outputs if one["media_type"].startswith(("video/", "image/")))


def frames_of(path: Path) -> tuple[list[Image.Image], float]:
    """The frames of a video or picture, and their rate."""
    if path.suffix in (".png", ".jpg", ".webp"):
        return [Image.open(path).convert("RGB")], 8.0
    import imageio_ffmpeg

    reader = imageio_ffmpeg.read_frames(str(path))
    about = next(reader)
    return [Image.frombytes("RGB", about["size"], frame) for frame in reader], float(about["fps"])


def card(picture: Image.Image) -> Image.Image:
    """A frame as large as a card: cut to it, or whole on the ground where its shape is another one."""
    wanted = SIZE[0] / SIZE[1]
    shape = picture.width / picture.height
    if 0.9 < shape < 1.1 * wanted:
        height = round(picture.width / wanted) if shape < wanted else picture.height
        top = (picture.height - height) // 2
        return picture.crop((0, top, picture.width, top + height)).resize(SIZE, Image.Resampling.LANCZOS)
    scale = min(SIZE[0] / picture.width, SIZE[1] / picture.height)
    whole = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", SIZE, GROUND)
    ground.paste(whole, ((SIZE[0] - whole.width) // 2, (SIZE[1] - whole.height) // 2))
    return ground


def write(name: str, path: Path) -> None:
    """The moving picture and the still one."""
    pictures, rate = frames_of(path)
    step = max(1, -(-len(pictures) // MOST_FRAMES))
    cards = [card(picture) for picture in pictures[::step]]
    settings: dict[str, Any] = {"quality": 55, "method": 6}
    folder = HERE / "thumbnails"
    folder.mkdir(exist_ok=True)
    cards[len(cards) // 2].save(folder / f"{name}.still.webp", **settings)
    duration = round(1000 * step / rate)
    cards[0].save(
        folder / f"{name}.webp", save_all=True, append_images=cards[1:], duration=duration, loop=0, **settings
    )


def main() -> None:
    """Those that are named, or all that have pictures already (others need models that are not here, or hours)."""
    names = sys.argv[1:] or sorted({path.name.split(".")[0] for path in (HERE / "thumbnails").glob("*.webp")})
    for path in (HERE / f"{name}.json" for name in names):
        with tempfile.TemporaryDirectory() as folder:
            write(path.stem, made(path, folder))
        print(path.stem, (HERE / "thumbnails" / f"{path.stem}.webp").stat().st_size, "bytes", flush=True)


if __name__ == "__main__":
    main()
