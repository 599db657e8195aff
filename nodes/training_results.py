"""What to do with trained weights: use them, blend a LoRA in, measure them, save them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from kinograph import (
    DiffusionModel,
    Display,
    Facts,
    Field,
    InvalidInput,
    NodeContext,
    SavedFile,
    TextEncoder,
    VideoVAE,
    Widget,
    node,
)
from nodes.loading import LoadedParts
from nodes.training_data import Length, Pixels, check_mini, clip_size
from nodes.training_nodes import TrainedWeights, mini_parts, trained_facts
from nodes.video_files import file_facts, file_name

if TYPE_CHECKING:
    from nodes.models.mini import MiniParts


def parts_with(weights: TrainedWeights, base: MiniParts | None) -> MiniParts:
    """The networks of trained weights; those that they lack from ``base``.

    Raises:
        InvalidInput: when a network is in neither.
    """
    from nodes.models.mini import BUILDERS, MiniParts
    from nodes.models.tokenizer import Tokenizer

    found: dict[str, Any] = {}
    for role in ("text_encoder", "video_vae", "dit"):
        if role in weights.weights:
            module = BUILDERS[role](json.loads(weights.configs[role]))
            module.load_state_dict(weights.weights[role])
            found[role] = module.eval().requires_grad_(False)
        elif base is not None:
            found[role] = getattr(base, role)
        else:
            raise InvalidInput("model", f"the weights hold no {role}", wanted="the other networks, from LoadModel")
    if weights.words:
        tokenizer = Tokenizer(weights.words)
    elif base is not None:
        tokenizer = base.tokenizer
    else:
        raise InvalidInput("encoder", "the weights hold no vocabulary", wanted="the other networks, from LoadModel")
    return MiniParts(tokenizer, found["text_encoder"], found["video_vae"], found["dit"])


def base_of(model: DiffusionModel | None, encoder: TextEncoder | None, vae: VideoVAE | None) -> MiniParts | None:
    """The networks on the wires, when they are all there."""
    if model is None or encoder is None or vae is None:
        return None
    return mini_parts(model, encoder, vae)


def part_facts(model: Any, encoder: Any, vae: Any) -> dict[str, Facts]:
    """Geometry and defaults of Mini, for what is wired behind."""
    from nodes.families.mini import TRAITS

    trained_facts(model, encoder, vae)
    traits = TRAITS.facts()
    return {"model": traits, "encoder": Facts(family=TRAITS.family), "vae": traits}


@node(
    "TrainedParts",
    category="training",
    title="Use Trained Weights",
    keywords=("load", "checkpoint", "weights"),
    lane="device",
    infer=part_facts,
)
def trained_parts(
    context: NodeContext,
    weights: TrainedWeights,
    model: DiffusionModel | None = None,
    encoder: TextEncoder | None = None,
    vae: VideoVAE | None = None,
) -> LoadedParts:
    """Use what a training made, as LoadModel gives it.

    Networks that were not trained come from another model: after TrainVAE the transformer, after TrainDiT the VAE.

    Args:
        weights: from TrainVAE, TrainDiT or Distil.
        model: from LoadModel, for what the weights lack; all three or none.
        encoder: from LoadModel.
        vae: from LoadModel.
    """
    from nodes.families.mini import assemble

    if model is None and encoder is None and vae is not None and "dit" in weights.weights:
        return LoadedParts(*assemble(with_vae(weights, vae), context.device))
    return LoadedParts(*assemble(parts_with(weights, base_of(model, encoder, vae)), context.device))


def with_vae(weights: TrainedWeights, vae: VideoVAE) -> MiniParts:
    """A trained transformer with the VAE that it was trained for."""
    from nodes.models.mini import BUILDERS, MiniParts
    from nodes.models.tokenizer import Tokenizer

    check_mini("vae", vae.family)
    built: dict[str, Any] = {}
    for role in ("dit", "text_encoder"):
        module = BUILDERS[role](json.loads(weights.configs[role]))
        module.load_state_dict(weights.weights[role])
        built[role] = module.eval().requires_grad_(False)
    return MiniParts(Tokenizer(weights.words), built["text_encoder"], vae.module, built["dit"])  # type: ignore[arg-type]


class Adapted(NamedTuple):
    """A model with a LoRA in it.

    Args:
        model: the transformer.
        encoder: the text encoder.
    """

    model: DiffusionModel
    encoder: TextEncoder


def adapted_facts(model: Any, encoder: Any) -> dict[str, Facts]:
    """The facts of the model, which stay."""
    trained_facts(model, encoder)
    return {name: value for name, value in (("model", model), ("encoder", encoder)) if isinstance(value, Facts)}


@node(
    "ApplyLoRA",
    category="training",
    title="Apply LoRA",
    keywords=("adaptation", "low rank", "blend", "style"),
    lane="device",
    infer=adapted_facts,
)
def apply_lora(
    model: DiffusionModel,
    encoder: TextEncoder,
    lora: TrainedWeights,
    weight: Annotated[float, Field(ge=-2.0, le=2.0), Widget(kind="slider", step=0.05)] = 1.0,
) -> Adapted:
    """Add what TrainLoRA taught to a model: 0 changes nothing, 1 is as trained, between is between.

    Args:
        model: the transformer that the LoRA was trained on.
        encoder: its text encoder.
        lora: from TrainLoRA.
        weight: how much of it.
    """
    from dataclasses import replace

    from nodes.families.mini import encode_ids
    from nodes.models.lora import with_changes
    from nodes.training.flow import TextToVelocity

    trained_facts(Facts(family=model.family), Facts(family=encoder.family))
    if "lora" not in lora.weights:
        raise InvalidInput("lora", "these are the weights of a whole network", wanted="a LoRA, from TrainLoRA")
    changes = {name: tensor for name, tensor in lora.weights["lora"].items() if name != "words"}
    try:
        both = with_changes(TextToVelocity(encoder.module, model.module), changes, weight)  # type: ignore[arg-type]
        words = both.text_encoder.embedding.weight
        words.data += weight * lora.weights["lora"]["words"].to(words)
    except (ValueError, RuntimeError) as error:
        raise InvalidInput(
            "lora", f"it does not fit this model: {error}", wanted="the model that it was trained on"
        ) from error
    both.eval().requires_grad_(False)
    empty = encode_ids(both.text_encoder, encoder.extras["tokenizer"].encode("").ids)
    return Adapted(
        replace(model, module=both.dit, digest="", extras={**model.extras, "unconditional": empty}),
        replace(encoder, module=both.text_encoder, digest=""),
    )


class Measured(NamedTuple):
    """How often clips show what held-out prompts say.

    Args:
        right: per cent of clips in which everything asked for is right.
        table: all attributes, with 95 % confidence intervals.
    """

    right: float
    table: str


@node(
    "Evaluate",
    category="training",
    keywords=("adherence", "measure", "benchmark", "accuracy", "checker"),
    lane="device",
    output=True,
    infer=trained_facts,
)
def evaluate(
    context: NodeContext,
    model: DiffusionModel,
    encoder: TextEncoder,
    vae: VideoVAE,
    prompts: Annotated[int, Field(ge=1, le=10_000)] = 40,
    seeds: Annotated[int, Field(ge=1, le=100)] = 1,
    kind: Literal["one object", "camera", "two objects", "passing behind", "returning"] = "one object",
    language: Literal["en", "zh"] = "en",
    steps: Annotated[int, Field(ge=1, le=1000)] = 20,
    guidance: Annotated[float, Field(ge=0.0, le=100.0)] = 6.0,
    solver: Literal["euler", "heun", "dpmpp_2m", "unipc"] = "euler",
    width: Pixels = 64,
    height: Pixels = 64,
    frames: Length = 17,
) -> Display[Measured]:
    """Measure a model: make clips for prompts about combinations that training never saw, and look at them.

    What the clips show is computed by simple vision that does not know what was asked for; background, colour, shape,
    motion and camera count separately. See docs/mini.md.

    Args:
        model: the transformer.
        encoder: its text encoder.
        vae: its VAE.
        prompts: how many.
        seeds: clips of each prompt.
        kind: what the prompts are about.
        language: of the prompts.
        steps: of sampling.
        guidance: scale of classifier-free guidance.
        solver: see DiTSampler.
        width: of the clips, in pixels.
        height: of the clips, in pixels.
        frames: of the clips; in a single one motion and camera count as right.
    """
    from nodes.evaluation.adherence import SamplerSettings, answers, held_out_requests, shares, table

    parts = mini_parts(model, encoder, vae)
    requests = held_out_requests(prompts, seeds, [kind], [language], size=clip_size((width, height, frames)))
    if not requests:
        raise InvalidInput("frames", "whether an object comes back cannot be told in so few", wanted="9 or more")
    found = []
    for answer in answers(parts, requests, SamplerSettings(steps, guidance, solver)):
        found.append(answer)
        right = sum(one.right["all"] for one in found)
        context.progress(len(found), len(requests), message=f"{right} of {len(found)} right")
    text = table(found)
    return Display(Measured(shares(found)[requests[0].group]["all"], text), {"text": text})


@node(
    "SaveModel",
    category="training",
    title="Save Model",
    keywords=("export", "checkpoint", "weights", "safetensors"),
    output=True,
    outputs=("file",),
)
def save_model(
    context: NodeContext,
    weights: TrainedWeights,
    model: DiffusionModel | None = None,
    encoder: TextEncoder | None = None,
    vae: VideoVAE | None = None,
    part: Literal["all", "dit", "text_encoder", "video_vae", "upscaler", "lora"] = "all",
    name: Annotated[str, Field(max_length=200)] = "model",
) -> Display[SavedFile]:
    """Save trained weights in the output folder (float16), with their model card inside.

    All together they are a ZIP with the files of a model: unpack it into a folder of its own in the models folder and
    choose that in LoadModel. One part alone is a safetensors file; that of an upscaler is for UpscaleVideo.

    Args:
        weights: from a training node.
        model: from LoadModel, for networks that were not trained; all three or none.
        encoder: from LoadModel.
        vae: from LoadModel; after TrainDiT this one alone is enough.
        part: everything, or one network.
        name: beginning of the file's name; a number and the ending are added.
    """

    from safetensors.torch import save_file

    from nodes.models.mini import save_mini

    if part != "all":
        if part not in weights.weights:
            there = ", ".join(weights.weights)
            raise InvalidInput("part", f"the weights hold no {part}", wanted=f"one of: {there}")
        state = {key: tensor.half().contiguous() for key, tensor in weights.weights[part].items()}
        metadata = {"format": "pt", "architecture": part, "config": weights.configs[part], "card": weights.card}
        with context.output_file(file_name(name, "model", ".safetensors"), "application/octet-stream") as file:
            save_file(state, file.path, metadata=metadata)
        return Display(file.saved, {"files": [file_facts(file.saved)]})
    if model is None and encoder is None and vae is not None and "dit" in weights.weights:
        parts = with_vae(weights, vae)
    else:
        parts = parts_with(weights, base_of(model, encoder, vae))
    with context.temporary_folder() as folder:
        save_mini(parts, folder / "model", json.loads(weights.card))
        files = sorted((folder / "model").iterdir())
        with context.output_file(file_name(name, "model", ".zip"), "application/zip") as file:
            archived(files, file.path)
    return Display(file.saved, {"files": [file_facts(file.saved)]})


def archived(files: list[Path], target: Path) -> None:
    """Put files into a ZIP, as they are: weights do not get smaller."""
    import zipfile

    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            archive.write(path, path.name)
