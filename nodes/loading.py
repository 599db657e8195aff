"""Loading models: from the weights that come with the package, or from a folder of the models folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from kinograph import (
    DiffusionModel,
    Facts,
    FilePicker,
    InvalidInput,
    NodeContext,
    TextEncoder,
    VideoVAE,
    Widget,
    node,
)
from nodes.families.family import Family
from nodes.families.registry import FAMILY_MODULES, SHIPPED_WEIGHTS, family_of
from nodes.families.weight_files import folder_digest

Shipped = Literal["mini"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]


class LoadedParts(NamedTuple):
    """The networks of a text-to-video model.

    Args:
        model: the diffusion transformer, for NoiseLatent and the samplers.
        encoder: the text encoder, for TextEncode.
        vae: the video VAE, for VAEDecode and VAEEncode.
    """

    model: DiffusionModel
    encoder: TextEncoder
    vae: VideoVAE


def model_folder(name: str, folder: Path | None) -> tuple[Path, Family]:
    """Where the weights lie, and whose they are.

    Raises:
        InvalidInput: when the folder holds no model of a known family.
    """
    place, socket = (SHIPPED_WEIGHTS / name, "name") if folder is None else (Path(folder), "folder")
    family = family_of(place) if place.is_dir() else None
    if family is None:
        raise InvalidInput(
            socket,
            f"no model of a known family in {place}",
            wanted=f"a folder with the files of one of: {', '.join(FAMILY_MODULES)}",
        )
    return place, family


def loaded_facts(name: str | None, folder: Path | None) -> dict[str, Facts]:
    """Family, geometry and defaults, which travel along the wires before anything is loaded."""
    if name is None:
        return {}
    try:
        place, family = model_folder(name, folder)
        traits = family.traits(place)
    except ValueError as error:
        raise error if isinstance(error, InvalidInput) else InvalidInput("folder", str(error)) from error
    return {"model": traits.facts(), "encoder": Facts(family=traits.family), "vae": traits.facts()}


def weights_fingerprint(name: str | None, folder: Path | None) -> str:
    """The content of the shipped weights, so that another training gives other keys.

    A chosen folder enters the key by its content already, as every file input does.
    """
    return "" if folder is not None else folder_digest(model_folder(name or "mini", None)[0])


@node(
    "LoadModel",
    category="loading",
    keywords=("checkpoint", "weights", "mini", "transformer", "diffusion", "safetensors"),
    lane="device",
    infer=loaded_facts,
    fingerprint=weights_fingerprint,
)
def load_model(
    context: NodeContext,
    name: Shipped = "mini",
    folder: Annotated[Path | None, FilePicker("model", folder=True), Widget(advanced=True)] = None,
    dtype: Annotated[Precision, Widget(advanced=True)] = "auto",
) -> LoadedParts:
    """Load a text-to-video model: its transformer, text encoder and VAE.

    Kinograph Mini comes with the package and needs no download. It knows a small world: coloured shapes that
    move before simple backgrounds. Other models lie in a folder in diffusers layout (``model_index.json`` and a
    folder per component), and need ``pip install 'kinograph[models]'``. Their files are checked here; each network
    is loaded when it is first used.

    Args:
        name: a model that comes with the package.
        folder: a model folder instead; its family is recognised by its files.
        dtype: number format of weights and computation. auto: float32 on a processor, bfloat16 on other devices.
            Mini is always float32.
    """
    place, family = model_folder(name, folder)
    try:
        parts = family.load(place, context.device, dtype)
    except (OSError, ValueError) as error:
        socket = "name" if folder is None else "folder"
        raise InvalidInput(socket, f"{family.name} cannot be loaded: {error}") from error
    return LoadedParts(*parts)
