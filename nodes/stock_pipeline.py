"""The way out for models that are no family of ours: their own diffusers pipeline as one node."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from kinograph import Field, FilePicker, Frames, InvalidInput, NodeContext, Widget, node
from nodes.diffusion.latents import Seed
from nodes.diffusion.loading import Precision

Pixels = Annotated[int | None, Field(ge=8, le=8192), Widget(placeholder="the pipeline's own")]
OWN = Widget(placeholder="the pipeline's own")


@node(
    "StockPipeline",
    category="loading",
    title="Any Diffusers Pipeline",
    keywords=(
        "diffusers",
        "fallback",
        "other model",
        "sana",
        "latte",
        "cosmos",
        "animatediff",
        "stable video diffusion",
    ),
    lane="device",
)
def stock_pipeline(
    context: NodeContext,
    folder: Annotated[Path, FilePicker("model", folder=True)],
    prompt: Annotated[str, Widget(multiline=True)] = "",
    negative: Annotated[str, Widget(multiline=True)] = "",
    seed: Seed = 0,
    width: Pixels = None,
    height: Pixels = None,
    frames: Annotated[int | None, Field(ge=1, le=4000), OWN] = None,
    steps: Annotated[int | None, Field(ge=1, le=1000), OWN] = None,
    guidance: Annotated[float | None, Field(ge=0.0, le=100.0), OWN] = None,
    image: Frames | None = None,
    fps: Annotated[float, Field(gt=0.0, le=240.0)] = 8.0,
    dtype: Annotated[Precision, Widget(advanced=True)] = "auto",
) -> Frames:
    """Make a clip with any video pipeline that the installed diffusers has, from prompt to frames in one node.

    For models that LoadModel does not know. It gives what the pipeline gives; there are no latents between and no
    previews, and a run that was cut short begins again. What the pipeline has no parameter for is an error, never
    passed over. No code from the folder is run, and its weights have to be safetensors.

    Args:
        folder: a model folder in diffusers layout (``model_index.json``).
        prompt: what the clip shows.
        negative: what it should not show.
        seed: the number that fixes the noise.
        width: in pixels. Empty: the pipeline's own.
        height: in pixels. Empty: the pipeline's own.
        frames: number of frames. Empty: the pipeline's own.
        steps: number of sampling steps. Empty: the pipeline's own.
        guidance: guidance scale. Empty: the pipeline's own.
        image: a picture to begin with, for pipelines that take one (the first frame of the clip).
        fps: frames per second at which the clip is shown.
        dtype: number format of weights and computation. auto: float32 on a processor, bfloat16 on other devices.
    """
    from nodes.families.any_pipeline import arguments, assembled, default_steps, run

    try:
        pipeline = assembled(folder, context.device, dtype)
    except (OSError, ValueError, TypeError) as error:
        raise error if isinstance(error, InvalidInput) else InvalidInput("folder", str(error)) from error
    said = {
        "prompt": prompt,
        "negative": negative or None,
        "width": width,
        "height": height,
        "frames": frames,
        "steps": steps,
        "guidance": guidance,
        "image": None if image is None else picture(image),
    }
    given = arguments(pipeline, said)
    total = steps or default_steps(pipeline)
    context.progress(0, total)
    try:
        pixels = run(pipeline, given, seed, lambda done: context.progress(min(done, total), total))
    except ValueError as error:  # what a pipeline says of sizes that it cannot make
        raise error if isinstance(error, InvalidInput) else InvalidInput("folder", str(error)) from error
    return Frames(pixels, fps)


def picture(clip: Frames) -> object:
    """The first frame of a clip as pipelines take pictures."""
    from PIL import Image

    return Image.fromarray((clip.pixels[0, ..., :3].clamp(0, 1) * 255.0).round().byte().cpu().numpy())
