"""What makes a transformer faster while a run lasts: step caches, attention back ends, compiled blocks.

All of it is undone when the run ends, so that the same network stays exact for others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from kinograph import InvalidInput
from nodes.families.bundle import library

COMPILER = "inductor"
"""Back end of torch.compile."""
ATTENTION: dict[str, str] = {
    "native": "native",
    "cudnn": "_native_cudnn",
    "math": "_native_math",
    "flash": "flash",
    "flash 3": "_flash_3",
    "sage": "sage",
    "xformers": "xformers",
    "flex": "flex",
}
"""Our names of attention back ends -> those of diffusers. None of these fetches anything."""


@contextmanager
def accelerated(network: Any, settings: Mapping[str, Any], steps: int) -> Iterator[None]:
    """A transformer of diffusers with what the settings of its model ask for.

    Raises:
        InvalidInput: when this machine or this model cannot do it.
    """
    with ExitStack() as stack:
        if "step_cache" in settings:
            network.enable_cache(cache_config(settings["step_cache"], steps))
            stack.callback(network.disable_cache)
        if "attention" in settings:
            stack.enter_context(_attending(network, settings["attention"]))
        if settings.get("compile"):
            stack.enter_context(_compiled(network))
        yield


def cache_config(chosen: tuple[str, float], steps: int) -> Any:
    """The configuration of a step cache of diffusers: ``(method, strength)`` as StepCache gives them."""
    method, strength = chosen
    diffusers = library("diffusers")
    if method == "first block":
        return diffusers.FirstBlockCacheConfig(threshold=strength)
    if method == "spectral":
        return diffusers.SeaCacheConfig(threshold=strength)
    if method == "magnitude":
        ratios = torch.full((steps,), 0.995)
        return diffusers.MagCacheConfig(threshold=strength, num_inference_steps=steps, mag_ratios=ratios)
    return diffusers.TaylorSeerCacheConfig(
        cache_interval=max(2, round(strength)), use_lite_mode=True, taylor_factors_dtype=torch.float32
    )


@contextmanager
def _attending(network: Any, name: str) -> Iterator[None]:
    registry = library("diffusers").models.attention_dispatch._AttentionBackendRegistry
    before = registry._active_backend
    try:
        network.set_attention_backend(ATTENTION[name])
    except (RuntimeError, ValueError) as error:
        raise InvalidInput("attention", f"{name} is not there: {error}", wanted="native") from error
    try:
        yield
    finally:
        network.reset_attention_backend()
        registry._active_backend = before


@contextmanager
def _compiled(network: Any) -> Iterator[None]:
    names = set(getattr(network, "_repeated_blocks", None) or ())
    blocks = [block for block in network.modules() if type(block).__name__ in names]
    if not blocks:
        raise InvalidInput("compile", f"{type(network).__name__} has no blocks to compile", wanted="off")
    if getattr(network, "block_stream", None) is not None:
        raise InvalidInput(
            "compile", "the model is larger than its memory and streams its blocks", wanted="off, or more memory"
        )
    made: dict[int, Any] = network.__dict__.setdefault("_kinograph_compiled", {})
    for index, block in enumerate(blocks):
        if index in made:
            block._compiled_call_impl = made[index]
        else:
            block.compile(backend=COMPILER)
            made[index] = block._compiled_call_impl
    try:
        yield
    finally:
        for block in blocks:
            block._compiled_call_impl = None
