"""One case through a stock pipeline of diffusers and through Kinograph's nodes, stage by stage."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinograph import Frames, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.known import known_frames
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.loading import LoadedParts, load_model
from nodes.diffusion.model_options import decode_options
from nodes.diffusion.sampler import dit_sampler
from nodes.diffusion.vae import vae_decode

TOLERANCE = 1e-4
DECODED: dict[str, Any] = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}
"""How the stock pipelines of LTX decode where the decoder denoises; see :func:`with_options`."""


@dataclass(frozen=True)
class Case:
    """What is asked of both."""

    prompt: str = "a red ball runs over the meadow"
    negative: str = "low quality"
    width: int = 96
    height: int = 64
    frames: int = 9
    steps: int = 3
    guidance: float = 5.0
    seed: int = 7
    batching: str = "auto"
    dtype: str = "float32"
    stock: Mapping[str, Any] = field(default_factory=dict)  # further arguments of the stock pipeline
    ours: Mapping[str, Any] = field(default_factory=dict)  # and of DiTSampler
    first: Tensor | None = None  # known frames [n, H, W, 3]
    last: Tensor | None = None
    middle: Tensor | None = None
    at: int = 0
    strength: float = 1.0

    @property
    def known(self) -> bool:
        """Whether frames are."""
        return any(clip is not None for clip in (self.first, self.last, self.middle))


@dataclass
class Stages:
    """What came out: text embeddings, starting noise, latents after every step, frames ``[T, H, W, 3]``."""

    embeds: Tensor
    noise: Tensor
    latents: list[Tensor]
    frames: Tensor

    def differences(self, other: Stages) -> dict[str, float]:
        """The largest absolute difference of every stage, in units of its deviation where that is above 1 (Allegro's
        noise begins at 157)."""
        assert len(self.latents) == len(other.latents)
        pairs = {"embeds": (self.embeds, other.embeds), "noise": (self.noise, other.noise)}
        pairs |= {f"step {i + 1}": pair for i, pair in enumerate(zip(self.latents, other.latents, strict=True))}
        pairs["frames"] = (self.frames, other.frames)
        found = {}
        for name, (one, two) in pairs.items():
            assert one.shape == two.shape, f"{name}: {tuple(one.shape)} and {tuple(two.shape)}"
            found[name] = (one.float() - two.float()).abs().max().item() / max(1.0, two.float().std().item())
        return found


def five_dimensional(latent: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A latent in the layout of a stock pipeline as ``[B, C, t, h, w]``."""
    if latent.ndim == 3:  # tokens
        return latent.transpose(1, 2).reshape(shape)
    if latent.shape[1] == shape[1]:
        return latent
    if latent.shape[2] == shape[1]:  # frames before channels
        return latent.transpose(1, 2)
    return latent[..., : shape[1]].permute(0, 4, 1, 2, 3)  # channels last, places for known frames behind them


def picture(seed: int, width: int = 96, height: int = 64) -> Tensor:
    """A picture ``[1, H, W, 3]`` of soft colours, in values that eight bits can hold."""
    coarse = torch.rand(1, 3, 3, 4, generator=torch.Generator().manual_seed(seed))
    soft = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear", align_corners=True)
    return (soft * 255.0).round().div(255.0).permute(0, 2, 3, 1)


def picture_of(clip: Tensor) -> Any:
    """The only frame of a clip as a PIL image."""
    from PIL import Image

    return Image.fromarray((clip[0] * 255.0).round().byte().numpy())


def conditions_of(case: Case) -> list[Any]:
    """Known frames as LTX's pipeline takes them."""
    from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

    places = [(case.first, 0), (case.middle, case.at)]
    places += [] if case.last is None else [(case.last, case.frames - len(case.last))]
    return [
        LTXVideoCondition(video=[picture_of(one[None]) for one in clip], frame_index=at, strength=case.strength)
        for clip, at in places
        if clip is not None
    ]


class Stock:
    """A stock pipeline, loaded once for several cases."""

    def __init__(
        self, folder: Path, dtype: str = "float32", kind: str = "DiffusionPipeline", **components: Any
    ) -> None:
        import diffusers

        self.pipeline: Any = getattr(diffusers, kind).from_pretrained(folder, dtype=getattr(torch, dtype), **components)
        self.pipeline.set_progress_bar_config(disable=True)

    def embeds(self, prompt: str) -> Tensor:
        """The prompt's embeddings, as long as the pipeline asks for when it is called."""
        length = getattr(inspect.signature(self.pipeline.__call__).parameters.get("max_sequence_length"), "default", 0)
        with torch.no_grad():
            wanted = inspect.signature(self.pipeline.encode_prompt).parameters
            given = {"do_classifier_free_guidance": False, "max_sequence_length": length}
            given = {name: value for name, value in given.items() if name in wanted}
            if "image" in wanted:
                return torch.zeros(1)  # nobody compares them here
            found: Tensor = self.pipeline.encode_prompt(prompt, **given)[0]
        return found

    def guidance(self, case: Case) -> dict[str, float]:
        """HunyuanVideo has two scales: one that the transformer is told, and one of real guidance."""
        if hasattr(self.pipeline, "guider"):
            self.pipeline.guider.guidance_scale = case.guidance
            return {}
        if "true_cfg_scale" in inspect.signature(self.pipeline.__call__).parameters:
            return {"true_cfg_scale": case.guidance}
        return {"guidance_scale": case.guidance}

    def known(self, case: Case) -> dict[str, Any]:
        """First and last picture as the stock pipelines take them."""
        if type(self.pipeline).__name__ == "LTXConditionPipeline":
            return {"conditions": conditions_of(case)} if case.known else {}
        given = {"image": case.first, "last_image": case.last}
        return {name: picture_of(clip) for name, clip in given.items() if clip is not None}

    def __call__(self, case: Case, shape: tuple[int, ...]) -> Stages:
        latents: list[Tensor] = []
        noise: list[Tensor] = []
        step = self.pipeline.scheduler.step

        @wraps(step)  # the pipeline looks at its parameters
        def watched(*args: Any, **kwargs: Any) -> Any:
            if not noise:
                samples = [value for value in args if isinstance(value, Tensor) and value.ndim >= 3]
                noise.append(samples[-1].clone())  # the sample comes after the model's output
            result = step(*args, **kwargs)
            if not takes_callback:
                latents.append(five_dimensional(result[0], shape).clone())
            return result

        def after_step(pipeline: Any, index: int, t: Any, found: dict[str, Any]) -> dict[str, Any]:
            latents.append(five_dimensional(found["latents"], shape).clone())
            return {}

        known = inspect.signature(self.pipeline.__call__).parameters
        takes_callback = "callback_on_step_end" in known
        callback = {"callback_on_step_end": after_step} if takes_callback else {}
        size = {name: getattr(case, name) for name in ("width", "height") if name in known}
        self.pipeline.scheduler.step = watched
        if hasattr(self.pipeline.vae, "enable_tiling") and type(self.pipeline).__name__.startswith("Allegro"):
            self.pipeline.vae.enable_tiling()  # it does nothing without
        try:
            frames = self.pipeline(
                prompt=case.prompt,
                negative_prompt=case.negative,
                num_frames=case.frames,
                num_inference_steps=case.steps,
                output_type="np",
                **callback,
                **size,
                **self.guidance(case),
                **self.known(case),
                **{"generator": torch.Generator().manual_seed(case.seed), **case.stock},
            ).frames[0]
        finally:
            self.pipeline.scheduler.step = step
        unit = five_dimensional(noise[0], shape) / float(getattr(self.pipeline.scheduler, "init_noise_sigma", 1.0))
        return Stages(self.embeds(case.prompt), unit, latents, torch.as_tensor(frames))


def loaded(folder: Path, dtype: str = "float32") -> LoadedParts:
    """The parts as LoadModel gives them."""
    return load_model(NodeContext(), folder=folder, dtype=dtype)  # type: ignore[arg-type]


def ours(parts: LoadedParts, case: Case, checkpoints: list[Any] | None = None) -> Stages:
    """The same through the nodes; ``checkpoints`` receives what the sampler would store."""
    steps: list[Tensor] = []
    context = NodeContext(_on_checkpoint=lambda state: steps.append(state["latent"]))
    beside = parts.encoder.extras["bundle"].has("image_processor") and parts.encoder.family == "hunyuan_video"
    shown = Frames(case.first) if beside and case.first is not None else None
    positive = text_encode(NodeContext(), parts.encoder, case.prompt, shown)
    negative = text_encode(NodeContext(), parts.encoder, case.negative)
    fps = case.stock.get("frame_rate")
    start = noise_latent(parts.model, case.seed, case.width, case.height, case.frames, fps=fps)
    if case.known:
        first, last, middle = (None if clip is None else Frames(clip) for clip in (case.first, case.last, case.middle))
        start = known_frames(NodeContext(), parts.vae, start, first, last, "exact", middle, case.at, case.strength)
    clean = dit_sampler(
        context, parts.model, positive, start, negative, case.steps, case.guidance,
        guidance_batching=case.batching, **case.ours,  # type: ignore[arg-type]
    )  # fmt: skip
    if checkpoints is not None:
        checkpoints += steps
    steps.append(clean.samples)
    frames = vae_decode(NodeContext(), parts.vae, clean)
    return Stages(positive.tensors["embeds"], start.samples, steps, frames.pixels)


def with_options(name: str, parts: LoadedParts) -> LoadedParts:
    """LTX with a decoder that denoises, with the values that :data:`DECODED` gives to its stock pipeline."""
    if name not in ("ltx_091", "ltx_condition"):
        return parts
    return parts._replace(vae=decode_options(parts.vae, decode_timestep=0.05, decode_noise=0.025))


def compare(folder: Path, case: Case, stock: Stock | None = None, parts: LoadedParts | None = None) -> dict[str, float]:
    """The largest absolute difference of every stage between both."""
    mine = ours(parts or loaded(folder, case.dtype), case)
    theirs = (stock or Stock(folder, case.dtype))(case, tuple(mine.noise.shape))
    lead = mine.noise.shape[2] - mine.latents[-1].shape[2]
    theirs.latents[-1] = theirs.latents[-1][:, :, lead:]
    return mine.differences(theirs)
