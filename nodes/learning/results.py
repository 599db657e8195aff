"""What to do with trained weights: use them, blend a LoRA in, measure them, save them."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
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
    node,
)
from nodes.clips.video_files import file_facts, file_name
from nodes.diffusion.loading import LoadedParts
from nodes.learning.data import ClipDataset, Length, Pixels, check_mini, clip_size
from nodes.learning.training import TrainedWeights, mini_parts, trained_facts

if TYPE_CHECKING:
    from nodes.models.mini import MiniParts


SOCKETS = {"text_encoder": "encoder", "video_vae": "vae", "dit": "model"}
"""Role of a network -> the socket where one that was not trained comes in."""


def parts_with(
    weights: TrainedWeights, model: DiffusionModel | None, encoder: TextEncoder | None, vae: VideoVAE | None
) -> MiniParts:
    """The networks of trained weights; those that they lack are the ones on the wires.

    Raises:
        InvalidInput: when a network is in neither.
    """
    from nodes.models.mini import BUILDERS, MiniParts
    from nodes.models.random_numbers import own_random_numbers
    from nodes.models.tokenizer import Tokenizer

    wires: dict[str, DiffusionModel | TextEncoder | VideoVAE | None]
    wires = {"text_encoder": encoder, "video_vae": vae, "dit": model}
    found: dict[str, Any] = {}
    for role, wire in wires.items():
        if role in weights.weights:
            with own_random_numbers():
                module = BUILDERS[role](json.loads(weights.configs[role]))
            module.load_state_dict(weights.weights[role])
            found[role] = module.eval().requires_grad_(False)
        elif wire is not None:
            check_mini(SOCKETS[role], wire.family)
            found[role] = wire.module
        else:
            raise InvalidInput(SOCKETS[role], f"the weights hold no {role}", wanted="that network, from LoadModel")
    tokenizer = Tokenizer(weights.words) if weights.words or encoder is None else encoder.extras["tokenizer"]
    return MiniParts(tokenizer, found["text_encoder"], found["video_vae"], found["dit"])


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
        model: from LoadModel, for what the weights lack.
        encoder: from LoadModel.
        vae: from LoadModel.
    """
    from nodes.families.mini import assemble

    return LoadedParts(*assemble(parts_with(weights, model, encoder, vae), context.device))


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
    language: Literal["en", "zh", "mixed"] = "en",
    steps: Annotated[int, Field(ge=1, le=1000)] = 20,
    guidance: Annotated[float, Field(ge=0.0, le=100.0)] = 4.0,
    solver: Literal["euler", "heun", "dpmpp_2m", "unipc"] = "euler",
    width: Pixels = 64,
    height: Pixels = 64,
    frames: Length = 17,
    dataset: ClipDataset | None = None,
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
        dataset: ask for what these clips show (from NovelClips or RenderedWorld) instead of held-out combinations;
            their size counts.
    """
    from itertools import islice

    from nodes.evaluation.adherence import SamplerSettings, answers
    from nodes.evaluation.requests import clip_requests, held_out_requests
    from nodes.evaluation.tables import shares, table

    parts = mini_parts(model, encoder, vae)
    if dataset is None:
        requests = held_out_requests(prompts, seeds, [kind], [language], size=clip_size((width, height, frames)))
    elif dataset.kind == "folder":
        raise InvalidInput("dataset", "what own clips show is not known", wanted="NovelClips or RenderedWorld")
    else:
        specs, size = list(islice(dataset.specs(), prompts)), clip_size(dataset.size)
        requests = clip_requests(specs, seeds, dataset.novelty or dataset.split, language, size)
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
    """Save trained weights (float16), with their model card inside, in ``models`` below the output folder.

    Models are looked for there too, so the loading nodes offer them at once. All together they are a folder for
    LoadModel, and a ZIP of the same files to take elsewhere. One part alone is a safetensors file: that of an upscaler
    is for UpscaleVideo, a LoRA for LoadLoRA.

    Args:
        weights: from a training node.
        model: from LoadModel, for networks that were not trained.
        encoder: from LoadModel.
        vae: from LoadModel; after TrainDiT this one alone is enough.
        part: everything, one network, or the LoRA of TrainLoRA.
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
        with context.output_file(
            file_name(name, "model", ".safetensors"), "application/octet-stream", model=True
        ) as file:
            save_file(state, file.path, metadata=metadata)
        return Display(file.saved, {"files": [file_facts(file.saved)]})
    parts = parts_with(weights, model, encoder, vae)
    context.models_folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".saving-", dir=context.models_folder) as place:
        folder = Path(place) / "model"
        save_mini(parts, folder, json.loads(weights.card))
        with context.output_file(file_name(name, "model", ".zip"), "application/zip", model=True) as file:
            archived(sorted(folder.iterdir()), file.path)
        target = file.saved.path.with_suffix("")
        if not target.exists():  # an attempt that was killed may have come this far
            folder.rename(target)
    return Display(file.saved, {"files": [file_facts(file.saved)]})


def archived(files: list[Path], target: Path) -> None:
    """Put files into a ZIP, as they are: weights do not get smaller."""
    import zipfile

    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            archive.write(path, path.name)
