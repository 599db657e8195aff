"""Loading models: from the weights that come with the package, or from a folder of the models folder."""

from __future__ import annotations

from collections.abc import Mapping
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
from nodes.families.diffusers_family import DiffusersFamily
from nodes.families.family import Family
from nodes.families.layout import Layout, read_layout
from nodes.families.registry import FAMILY_MODULES, SHIPPED_WEIGHTS, family_of, family_of_pipeline
from nodes.families.single_files import PARTS, put_together
from nodes.families.weight_files import folder_digest

Shipped = Literal["mini"]
Precision = Literal["auto", "float32", "bfloat16", "float16"]
Weights = Literal["as stored", "int8", "fp8"]


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
            wanted=f"a folder with the files of one of: {', '.join(FAMILY_MODULES)}; for others StockPipeline",
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
    weights: Annotated[Weights, Widget(advanced=True)] = "as stored",
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
        weights: int8 and fp8 keep the weights of transformer and text encoder in eight bits and unpack them layer by
            layer: half of the memory of bfloat16, a small difference in the frames, no gain in speed. Not for Mini.
    """
    place, family = model_folder(name, folder)
    socket = "name" if folder is None else "folder"
    try:
        if weights == "as stored":
            return LoadedParts(*family.load(place, context.device, dtype))
        if not isinstance(family, DiffusersFamily):
            raise InvalidInput("weights", f"{family.name} has no packed weights", wanted="as stored")
        return LoadedParts(*family.load_layout(read_layout(place), context.device, dtype, weights))
    except InvalidInput:
        raise
    except (OSError, ValueError) as error:
        raise InvalidInput(socket, f"{family.name} cannot be loaded: {error}") from error


WeightFile = Annotated[Path | None, FilePicker("model", extensions=(".safetensors", ".gguf"))]
SecondFile = Annotated[Path | None, FilePicker("model", extensions=(".safetensors", ".gguf")), Widget(advanced=True)]
Folder = Annotated[Path | None, FilePicker("model", folder=True), Widget(advanced=True)]


def layout_of_files(
    files: Mapping[str, Path | None], folder: Path | None, tokenizer: Path | None
) -> tuple[DiffusersFamily, Layout]:
    """The family and the components of a model from single files.

    Raises:
        InvalidInput: naming the file that does not fit, or what is missing.
    """
    given = {part: Path(path) for part, path in files.items() if path is not None}
    socket = next(iter(given), "transformer")
    try:
        layout = put_together(given, folder, tokenizer)
        family = family_of_pipeline(layout.pipeline)
        if not isinstance(family, DiffusersFamily):
            raise ValueError(f"no family is known for {layout.pipeline}")
        return family, family.checked(layout)
    except InvalidInput:
        raise
    except (OSError, ValueError) as error:
        named = next((part for part, path in given.items() if str(path) in str(error)), socket)
        raise InvalidInput(named, str(error)) from error


def files_facts(
    transformer: Path | None,
    text_encoder: Path | None,
    vae: Path | None,
    transformer_2: Path | None,
    text_encoder_2: Path | None,
    tokenizer: Path | None,
    folder: Path | None,
) -> dict[str, Facts]:
    """Family, geometry and defaults, from the headers of the files."""
    files = named_files(transformer, transformer_2, vae, text_encoder, text_encoder_2)
    family, layout = layout_of_files(files, folder, tokenizer)
    facts = family.geometry(layout).facts()
    return {"model": facts, "encoder": Facts(family=family.name), "vae": facts}


def named_files(*files: Path | None) -> dict[str, Path | None]:
    """Files by the part that they are."""
    return dict(zip(PARTS, files, strict=True))


@node(
    "LoadModelFiles",
    category="loading",
    keywords=("checkpoint", "single file", "safetensors", "gguf", "fp8", "unet", "clip", "comfyui", "diffusion model"),
    lane="device",
    infer=files_facts,
)
def load_model_files(
    context: NodeContext,
    transformer: WeightFile = None,
    text_encoder: WeightFile = None,
    vae: WeightFile = None,
    transformer_2: SecondFile = None,
    text_encoder_2: SecondFile = None,
    tokenizer: Folder = None,
    folder: Folder = None,
    dtype: Annotated[Precision, Widget(advanced=True)] = "auto",
    weights: Annotated[Weights, Widget(advanced=True)] = "as stored",
) -> LoadedParts:
    """Load a model from single files, as they are shared: a transformer, a text encoder and a VAE.

    Wan, VACE, SkyReels V2, LTX-Video, Mochi and HunyuanVideo are recognised by the names of their weights, in
    safetensors files (also float8 with scales) and GGUF files; the others with a ``folder`` of the same model. Some
    files hold the VAE, too; some text encoders carry their tokenizer. What is not given comes from ``folder``, a
    model in diffusers layout, for example the VAEs of Mochi and HunyuanVideo.

    Args:
        transformer: the diffusion model.
        text_encoder: T5 or UMT5; for HunyuanVideo a Llama.
        vae: the VAE of Wan or LTX-Video.
        transformer_2: the low-noise expert of Wan 2.2 A14B.
        text_encoder_2: CLIP, for HunyuanVideo.
        tokenizer: folder with the tokenizer's files, where the text encoder carries none.
        folder: a model folder for everything that is not given as a file.
        dtype: number format of computation, and of weights that are not packed. auto: float32 on a processor,
            bfloat16 on other devices.
        weights: as stored keeps float8 and GGUF weights as they are in the file and unpacks them layer by layer; int8
            and fp8 pack all weights of transformer and text encoder like that.
    """
    files = named_files(transformer, transformer_2, vae, text_encoder, text_encoder_2)
    family, layout = layout_of_files(files, folder, tokenizer)
    packing = None if weights == "as stored" else weights
    try:
        return LoadedParts(*family.load_layout(layout, context.device, dtype, packing))
    except InvalidInput:
        raise
    except (OSError, ValueError) as error:
        named = next((part for part, path in files.items() if path and str(path) in str(error)), "transformer")
        raise InvalidInput(named, f"{family.name} cannot be loaded: {error}") from error
