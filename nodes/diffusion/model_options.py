"""What only some model families have: options beside the sampler's and the decoder's own inputs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, TypeVar

from kinograph import DiffusionModel, Facts, Field, VideoVAE, Widget, node

Model = TypeVar("Model", DiffusionModel, VideoVAE)
Optional01 = Annotated[float | None, Field(ge=0.0, le=1.0), Widget(step=0.005, placeholder="the model's own")]
OptionalScale = Annotated[float | None, Field(ge=0.0, le=100.0), Widget(step=0.5, placeholder="the model's own")]


def same_facts(model: Any = None, vae: Any = None) -> Facts | None:
    """Options change nothing that is known of a model."""
    found = model if isinstance(model, Facts) else vae
    return found if isinstance(found, Facts) else None


def model_facts(model: Any) -> Facts | None:
    """See :func:`same_facts`."""
    return same_facts(model=model)


def vae_facts(vae: Any) -> Facts | None:
    """See :func:`same_facts`."""
    return same_facts(vae=vae)


@node(
    "GuidanceOptions",
    category="sampling",
    keywords=("hunyuan", "wan 2.2", "embedded guidance", "distilled", "dynamic cfg", "expert"),
    infer=model_facts,
)
def guidance_options(
    model: DiffusionModel,
    embedded: OptionalScale = None,
    low_noise: OptionalScale = None,
    dynamic: bool = False,
) -> DiffusionModel:
    """Guidance of particular families. What a family does not have is passed over.

    Args:
        model: the transformer.
        embedded: the scale that a guidance-distilled transformer is told (HunyuanVideo: 6). It costs nothing, unlike
            the sampler's own guidance.
        low_noise: guidance of the low-noise expert of Wan 2.2 A14B; empty: the sampler's.
        dynamic: let guidance rise along a cosine (CogVideoX).

    Returns:
        The same transformer with these options.
    """
    settings = {"embedded_guidance": embedded, "guidance_2": low_noise, "dynamic_guidance": dynamic}
    return with_settings(model, settings)


@node(
    "ForcingOptions",
    category="sampling",
    keywords=("diffusion forcing", "skyreels", "long video", "causal", "autoregressive", "overlap", "window"),
    infer=model_facts,
)
def forcing_options(
    model: DiffusionModel,
    window: Annotated[int, Field(ge=5, le=1025)] = 97,
    overlap: Annotated[int, Field(ge=1, le=1021)] = 17,
    lag: Annotated[int, Field(ge=0, le=100)] = 0,
    block: Annotated[int, Field(ge=0, le=64)] = 0,
    noise: Annotated[int, Field(ge=0, le=60)] = 0,
) -> DiffusionModel:
    """How a model with diffusion forcing (SkyReels V2 DF) makes long clips. Others pass it over.

    Args:
        model: the transformer.
        window: frames that are made at a time; a longer clip is made window after window (97 for 540p, 121 for 720p).
        overlap: frames of a window that are known from the one before it (17 or 37).
        lag: steps by which each block of frames is behind the one before it (its pipeline's ``ar_step``). 0 makes all
            frames of a window together; 5 takes longer and may follow the prompt better.
        block: latent frames in a block, which sees itself and those before it (``causal_block_size``); 5 with a lag of
            5. 0: as the model was trained. Windows, overlap and clip have to be whole numbers of blocks.
        noise: how much noise known frames get, in thousandths, and are said to have (``addnoise_condition``); 20 makes
            transitions smoother.

    Returns:
        The same transformer with these options.
    """
    forcing = {"window": window, "overlap": overlap, "lag": lag, "block": block, "noise": noise}
    return with_settings(model, {"forcing": forcing})


CacheMethod = Literal["first block", "magnitude", "taylor", "spectral"]
STRENGTHS: dict[str, float] = {"first block": 0.15, "magnitude": 0.06, "taylor": 3.0, "spectral": 0.25}


@node(
    "StepCache",
    category="sampling",
    keywords=("speed", "faster", "teacache", "first block cache", "fbcache", "magcache", "taylorseer", "seacache"),
    infer=model_facts,
)
def step_cache(
    model: DiffusionModel,
    method: CacheMethod = "first block",
    strength: Annotated[
        float | None, Field(gt=0.0, le=100.0), Widget(step=0.01, placeholder="the method's own")
    ] = None,
) -> DiffusionModel:
    """Skip most of the transformer at steps where it would change little. Faster, and no longer exact.

    The result differs from the exact one, the more the greater the strength; a run with a cache does not go on from a
    checkpoint. For models that load through diffusers; Mini has no such cache and passes it over.

    Args:
        model: the transformer.
        method: first block: skip while the first block's output changes by less than ``strength`` (relative).
            magnitude: skip while the expected accumulated change stays below ``strength`` (MagCache,
            arXiv:2506.09045, with a flat curve). taylor: evaluate every ``strength``-th step and extrapolate
            (TaylorSeer, arXiv:2503.06923). spectral: skip while what the step changes in the clip, weighted by
            frequency, stays below ``strength`` (SeaCache, arXiv:2602.18993).
        strength: see the methods. Empty: 0.15, 0.06, 3 and 0.25.
    """
    return with_settings(model, {"step_cache": (method, STRENGTHS[method] if strength is None else strength)})


Attention = Literal["native", "cudnn", "math", "flash", "flash 3", "sage", "xformers", "flex"]


@node(
    "ComputeOptions",
    category="sampling",
    keywords=("speed", "faster", "torch compile", "flash attention", "sage attention", "xformers"),
    infer=model_facts,
)
def compute_options(model: DiffusionModel, attention: Attention = "native", compile: bool = False) -> DiffusionModel:
    """How a transformer is computed: other kernels for attention, compiled blocks. The same up to rounding.

    For models that load through diffusers; Mini passes it over. What is not installed is refused when the sampler runs,
    with the name of the package.

    Args:
        model: the transformer.
        attention: native is torch's own choice. flash, flash 3, sage and xformers need their packages and a GPU; sage
            computes in eight bits, which changes frames a little.
        compile: compile the repeated blocks with torch.compile. The first run of each size takes some time longer
            (seconds to minutes). Needs a C++ compiler on a processor. Not for models that stream.

    Returns:
        The same transformer with these options.
    """
    return with_settings(
        model, {"attention": None if attention == "native" else attention, "compile": True if compile else None}
    )


@node(
    "DecodeOptions",
    category="latent",
    keywords=("ltx", "decode timestep", "decode noise scale"),
    infer=vae_facts,
)
def decode_options(vae: VideoVAE, decode_timestep: Optional01 = None, decode_noise: Optional01 = None) -> VideoVAE:
    """How a decoder that finishes denoising works (LTX-Video from 0.9.1 on). Other VAEs pass it over.

    Args:
        vae: the VAE.
        decode_timestep: how noisy the decoder takes the latent to be (published value 0.05); empty: 0.
        decode_noise: how much noise is mixed in (published value 0.025); empty: as ``decode_timestep``.

    Returns:
        The same VAE with these options.
    """
    return with_settings(vae, {"decode_timestep": decode_timestep, "decode_noise": decode_noise})


def with_settings(model: Model, settings: dict[str, Any]) -> Model:
    """The same network with these settings beside those that it has; ``None`` leaves one as it is."""
    given = {name: value for name, value in settings.items() if value is not None}
    merged = {**model.extras.get("settings", {}), **given}
    suffix = "".join(f"\0{name}={value!r}" for name, value in sorted(merged.items()))
    plain = model.digest.split("\0")[0]
    return replace(model, digest=plain + suffix if plain else "", extras={**model.extras, "settings": merged})
