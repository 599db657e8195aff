"""Any pipeline of diffusers, run as it is: for models that are no family of ours.

Everything that keeps a model folder from running code holds here, too: classes come from the installed diffusers and
transformers alone, weights from safetensors alone, and all files are checked first.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from kinograph import InvalidInput
from nodes.families.bundle import Bundle, library
from nodes.families.layout import INDEX, read_layout

NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "negative": ("negative_prompt",),
    "width": ("width",),
    "height": ("height",),
    "frames": ("num_frames", "frames", "video_length"),
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
    "image": ("image",),
}
"""What pipelines call what a person may say; the first that there is counts."""


def assembled(folder: Path, device: str, dtype: str) -> Any:
    """The pipeline of a folder with its components.

    Raises:
        ValueError: naming the file, and what is missing, damaged or unknown.
    """
    layout = read_layout(folder)
    diffusers = library("diffusers")
    kind = getattr(diffusers, layout.pipeline, None)
    if not (isinstance(kind, type) and issubclass(kind, diffusers.DiffusionPipeline)):
        raise ValueError(f"{folder / INDEX}: diffusers {diffusers.__version__} has no pipeline {layout.pipeline!r}")
    bundle = Bundle(layout, device, dtype)
    bundle.check()
    given: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if bundle.has(name):
            given[name] = part(bundle, name)
        elif name in layout.settings:
            given[name] = layout.settings[name]
        elif parameter.default is inspect.Parameter.empty:
            given[name] = None  # a part that the model leaves out
    return kind(**given)


def part(bundle: Bundle, name: str) -> Any:
    """A component: a network, a fresh scheduler, or a tokenizer."""
    if bundle.layout.component(name).has_weights:
        return bundle.network(name)
    return bundle.scheduler() if name == "scheduler" else bundle.plain(name)


def arguments(pipeline: Any, said: Mapping[str, Any]) -> dict[str, Any]:
    """What a person said, under the names that a pipeline has for it.

    Raises:
        InvalidInput: for something that it does not take, or does not work without.
    """
    kind = type(pipeline).__name__
    known = inspect.signature(pipeline.__call__).parameters
    found: dict[str, Any] = {}
    for socket, value in said.items():
        name = next((name for name in NAMES[socket] if name in known), None)
        if name is not None and value is not None:
            found[name] = value
        elif value is not None and value != "":
            raise InvalidInput(socket, f"{kind} takes no {socket}", wanted="nothing: leave it empty")
    for name, parameter in known.items():
        variable = parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if parameter.default is inspect.Parameter.empty and not variable and name not in found:
            socket = next((socket for socket, names in NAMES.items() if name in names), "folder")
            raise InvalidInput(socket, f"{kind} does not work without {name!r}", wanted=f"a value for {socket}")
    return found


def run(pipeline: Any, given: Mapping[str, Any], seed: int, after_step: Callable[[int], None]) -> Tensor:
    """The clip ``[T, H, W, 3]`` in 0..1 that a pipeline makes; ``after_step`` hears how many steps are done.

    Raises:
        InvalidInput: when it makes no frames.
    """
    step = pipeline.scheduler.step
    done = 0

    @wraps(step)  # pipelines look at its parameters
    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal done
        result = step(*args, **kwargs)
        done += 1
        after_step(done)
        return result

    pipeline.scheduler.step = counted
    pipeline.set_progress_bar_config(disable=True)
    known = inspect.signature(pipeline.__call__).parameters
    fixed = {"generator": torch.Generator("cpu").manual_seed(seed), "output_type": "np"}
    with torch.no_grad():
        output = pipeline(**given, **{name: value for name, value in fixed.items() if name in known})
    clips = output.get("frames", output.get("images"))
    if clips is None:
        raise InvalidInput("folder", f"{type(pipeline).__name__} makes no frames", wanted="a video pipeline")
    pixels = torch.as_tensor(clips).float()
    pixels = pixels[0] if pixels.ndim == 5 else pixels
    if pixels.ndim != 4 or pixels.shape[-1] not in (1, 3, 4):
        raise InvalidInput(
            "folder", f"{type(pipeline).__name__} gave values of shape {list(pixels.shape)}", wanted="a video pipeline"
        )
    return pixels.clamp(0.0, 1.0)


def default_steps(pipeline: Any) -> int:
    """How many steps a pipeline takes when nothing is said."""
    parameter = inspect.signature(pipeline.__call__).parameters.get("num_inference_steps")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else 1
