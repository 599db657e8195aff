"""Clips longer than a model makes at once: window after window, each begun with the end of the one before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from kinograph import (
    Conditioning,
    DiffusionModel,
    Display,
    Facts,
    Field,
    Frames,
    InvalidInput,
    NodeContext,
    SavedFile,
    VideoVAE,
    Widget,
    node,
)
from nodes.clips.video_files import file_facts, file_name
from nodes.diffusion.denoising import check_family, course_of, velocity_of
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import Seed, Side, clip_size, noise_latent
from nodes.diffusion.previews import PreviewMaker
from nodes.diffusion.sampler import OWN, GuidanceScale, Shift, Steps
from nodes.diffusion.settings import Settings, SolverName
from nodes.families.registry import family_named
from nodes.families.traits import Traits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

LONGEST = 3600.0
"""Seconds."""


def window_count(frames: int, window: int, overlap: int) -> int:
    """How many windows make a clip of ``frames``."""
    return 1 + max(0, math.ceil((frames - window) / (window - overlap)))


def check_windows(traits: Traits, window: int, overlap: int) -> None:
    """Raise where windows cannot be joined."""
    for socket, frames in (("window", window), ("overlap", overlap)):
        if (frames - 1) % traits.temporal:
            near = 1 + traits.temporal * max(0, round((frames - 1) / traits.temporal))
            raise InvalidInput(
                socket, f"{traits.family} takes no {frames} frames", wanted=f"{traits.temporal}k + 1", example=near
            )
    if overlap >= window:
        raise InvalidInput(
            "overlap", f"{overlap} frames of a window of {window}", wanted=f"fewer than {window}", example=5
        )


def long_facts(
    model: Any,
    vae: Any,
    positive: Any,
    negative: Any,
    window: int | None,
    overlap: int | None,
    width: int | None,
    height: int | None,
) -> None:
    """Refuses parts of different families, and sizes that the model cannot make, before anything runs."""
    if not isinstance(model, Facts):
        return
    for socket, value in (("vae", vae), ("positive", positive), ("negative", negative)):
        if isinstance(value, Facts):
            check_family(socket, value.get("family"), model.get("family"))
    traits = Traits.from_facts(model)
    length = window or traits.frames
    if overlap is not None:
        check_windows(traits, length, overlap)
    columns, rows, count, _ = clip_size(traits, width, height, length, None)
    traits.latent_shape(columns, rows, count)


@node(
    "LongVideo",
    category="sampling",
    title="Long Video",
    keywords=("long", "minute", "extend", "autoregressive", "windows", "endless", "sliding"),
    lane="device",
    output=True,
    outputs=("file",),
    infer=long_facts,
)
def long_video(
    context: NodeContext,
    model: DiffusionModel,
    vae: VideoVAE,
    positive: Conditioning,
    negative: Conditioning | None = None,
    first: Frames | None = None,
    seconds: Annotated[float, Field(gt=0.0, le=LONGEST)] = 60.0,
    fps: Annotated[float, Field(gt=0.0, le=240.0)] = 16.0,
    seed: Seed = 0,
    width: Side = None,
    height: Side = None,
    window: Annotated[int | None, Field(ge=5, le=1025), Widget(placeholder=OWN)] = None,
    overlap: Annotated[int, Field(ge=1, le=513)] = 5,
    steps: Steps = None,
    guidance: GuidanceScale = None,
    solver: SolverName = "auto",
    shift: Shift = None,
    format: Literal["mp4", "webm"] = "mp4",
    quality: Annotated[int, Field(ge=0, le=100), Widget(kind="slider")] = 80,
    name: Annotated[str, Field(max_length=200)] = "long_video",
    save_workflow: bool = True,
    aigc: Annotated[bool, Widget(advanced=True)] = True,
    iptc: Annotated[bool, Widget(advanced=True)] = True,
    c2pa: Annotated[bool, Widget(advanced=True)] = True,
) -> Display[SavedFile]:
    """Make a clip of any length, window after window, and write it while it is made.

    Each window begins with the last frames of the one before, which the sampler keeps (see KnownFrames). Nothing but
    one window is ever in memory, so the memory does not grow with the length. A prompt schedule runs over the whole
    clip. Cancelled, it leaves no file.

    Args:
        model: the transformer.
        vae: the VAE of the model.
        positive: what the clip shows; with PromptSchedule, what it shows when.
        negative: what the clip should not show.
        first: frames that the clip begins with (4k + 1 for Mini).
        seconds: how long the clip is.
        fps: frames per second at which it is shown.
        seed: fixes the noise; each window has its own.
        width: in pixels. Empty: the model's own.
        height: in pixels. Empty: the model's own.
        window: frames that are made at once, 4k + 1 for Mini. Empty: the model's own (Mini 17).
        overlap: how many frames of a window the next one begins with, 4k + 1 for Mini. More keep the motion better and
            cost more.
        steps: number of steps of each window. Empty: the model's own.
        guidance: scale of classifier-free guidance. Empty: the model's own.
        solver: see DiTSampler.
        shift: see DiTSampler.
        format: ``mp4`` or ``webm``.
        quality: 0 (smallest file) to 100 (best).
        name: beginning of the file's name; a number and the ending are added.
        save_workflow: store the workflow inside the file.
        aigc: mark the file with the AIGC label (GB 45438-2025), which programs read.
        iptc: mark the file with IPTC's digital source type.
        c2pa: sign the file (C2PA); needs the extra ``kinograph[provenance]`` and MP4.

    Returns:
        file: the finished file.
    """
    from nodes.clips.saving import sign_if_wanted, tags_of
    from nodes.media.encode import FORMATS, write_video
    from nodes.media.tags import WORKFLOW_KEY

    check_family("vae", vae.family, model.family)
    traits: Traits = model.extras["traits"]
    columns, rows, length, _ = clip_size(traits, width, height, window, fps)
    check_windows(traits, length, overlap)
    total = max(1, round(seconds * fps))
    settings = Settings(steps=steps, guidance=guidance, solver=solver, shift=shift)
    plan = Windows(total, length, overlap, columns, rows, fps, seed)
    info = FORMATS[format]
    tags = tags_of(context, save_workflow=save_workflow, aigc=aigc, iptc=iptc)
    with context.output_file(file_name(name, "long_video", info.suffix), info.media_type) as file:
        pictures = plan.pictures(context, model, vae, positive, negative, first, settings)
        written = write_video(file.path, pictures, format=format, fps=fps, quality=quality, tags=tags)
        signed = sign_if_wanted(context, file.path, info.media_type, c2pa)
    facts = {
        **file_facts(file.saved),
        "width": written.width,
        "height": written.height,
        "frames": written.frames,
        "fps": float(written.fps),
        "duration": written.duration,
        "workflow": WORKFLOW_KEY in tags,
        "signed": signed,
    }
    return Display(file.saved, {"files": [facts]})


class Windows:
    """The windows of one long clip."""

    def __init__(self, total: int, length: int, overlap: int, width: int, height: int, fps: float, seed: int) -> None:
        self.total, self.length, self.overlap = total, length, overlap
        self.width, self.height, self.fps, self.seed = width, height, fps, seed
        self.count = window_count(total, length, overlap)

    def pictures(
        self,
        context: NodeContext,
        model: DiffusionModel,
        vae: VideoVAE,
        positive: Conditioning,
        negative: Conditioning | None,
        first: Frames | None,
        settings: Settings,
    ) -> Iterator[NDArray[np.uint8]]:
        """All frames ``[H, W, 3]`` uint8, one after the other; holds one window at a time."""
        known, made = first, 0
        for number in range(self.count):
            prompt = self.part_of_schedule(positive, number)
            pixels = self.window(context, model, vae, prompt, negative, known, settings, number)  # [T, H, W, 3]
            known = Frames(pixels[-self.overlap :].clone(), self.fps)
            for picture in pixels[self.overlap if number else 0 :][: self.total - made].mul(255.0).add(0.5).byte():
                yield picture.cpu().numpy()
                made += 1

    def window(
        self,
        context: NodeContext,
        model: DiffusionModel,
        vae: VideoVAE,
        positive: Conditioning,
        negative: Conditioning | None,
        known: Frames | None,
        settings: Settings,
        number: int,
    ) -> Tensor:
        """One window ``[T, H, W, 3]`` in 0..1, begun with what is known."""
        import torch

        from nodes.sampling.known import finished
        from nodes.sampling.registry import sample

        latent = noise_latent(model, self.seed + number, self.width, self.height, self.length, self.fps)
        if known is not None:
            latent = known_frames(context, vae, latent, known)
        course = course_of(context, model, latent, settings)
        velocity = velocity_of(context, model, positive, latent, negative, settings, course.sampling)
        steps, state = len(course.levels) - 1, course.first
        previews = PreviewMaker(model, self.fps)
        with torch.no_grad(), course.sampling.around():
            for state in sample(velocity, course.levels, course.first, course.sampling.solver):
                shown = None if state.prediction is None else previews.of(state.prediction)
                done = number * steps + state.step
                context.progress(done, self.count * steps, shown, f"window {number + 1} of {self.count}")
            samples = state.latent
            if latent.keep is not None and latent.clean is not None:
                samples = finished(samples, latent.clean.to(samples), latent.keep)
            if not samples.isfinite().all():
                raise ArithmeticError("the latent became infinite or not a number: lower guidance")
            pieces = list(family_named(vae.family).decode_latent(vae, samples, context.memory_saving, latent.seed))
        pixels = torch.cat(pieces, 2)[0].permute(1, 2, 3, 0).float()  # [T, H, W, 3]
        return pixels.mul(0.5).add(0.5).clamp(0.0, 1.0)

    def part_of_schedule(self, positive: Conditioning, number: int) -> Conditioning:
        """The schedule as this window sees it: its shares are of the window instead of the clip."""
        if not positive.later:
            return positive
        begin = number * (self.length - self.overlap) / max(1, self.total - 1)
        share = (self.length - 1) / max(1, self.total - 1)
        later = tuple(replace(part, at=(part.at - begin) / share) for part in positive.later)
        return replace(positive, later=later, blend=positive.blend / share)
