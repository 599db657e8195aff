"""Low-rank changes of a model (LoRA) as nodes: of a training in this graph, or of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from kinograph import (
    Block,
    DiffusionModel,
    Facts,
    Field,
    FilePicker,
    InvalidInput,
    NodeContext,
    TextEncoder,
    Widget,
    node,
)
from nodes.diffusion.denoising import check_family
from nodes.families.family import Expert, LoRAFile
from nodes.families.registry import family_named
from nodes.learning.training import TrainedWeights, trained_facts

Weight = Annotated[float, Field(ge=-2.0, le=2.0), Widget(kind="slider", step=0.05)]


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
    if isinstance(model, Facts) and isinstance(encoder, Facts):
        check_family("encoder", encoder.get("family"), model.get("family"))
    return {name: value for name, value in (("model", model), ("encoder", encoder)) if isinstance(value, Facts)}


def trained_lora_facts(model: Any, encoder: Any) -> dict[str, Facts]:
    """The same of the one family that is trained here."""
    trained_facts(model, encoder)
    return adapted_facts(model, encoder)


@node(
    "ApplyLoRA",
    category="training",
    title="Apply LoRA",
    keywords=("adaptation", "low rank", "blend", "style"),
    lane="device",
    infer=trained_lora_facts,
)
def apply_lora(model: DiffusionModel, encoder: TextEncoder, lora: TrainedWeights, weight: Weight = 1.0) -> Adapted:
    """Add what TrainLoRA taught to a model: 0 changes nothing, 1 is as trained, between is between.

    Args:
        model: the transformer that the LoRA was trained on.
        encoder: its text encoder.
        lora: from TrainLoRA.
        weight: how much of it.
    """
    from nodes.families.mini import adapted
    from nodes.models.lora import LoRA

    trained_facts(Facts(family=model.family), Facts(family=encoder.family))
    if "lora" not in lora.weights:
        raise InvalidInput("lora", "these are the weights of a whole network", wanted="a LoRA, from TrainLoRA")
    try:
        return Adapted(*adapted(model, encoder, LoRA.read(lora.weights["lora"], lora.configs["lora"]), weight))
    except ValueError as error:
        raise does_not_fit("lora", error) from error


@node(
    "LoadLoRA",
    category="loading",
    title="Load LoRA",
    keywords=("adaptation", "low rank", "blend", "style", "character", "adapter", "safetensors", "lightning"),
    lane="device",
    infer=adapted_facts,
)
def load_lora(
    context: NodeContext,
    model: DiffusionModel,
    file: Annotated[Path, FilePicker("model", (".safetensors",))],
    encoder: TextEncoder | None = None,
    weight: Annotated[float, Field(ge=-10.0, le=10.0), Widget(step=0.05)] = 1.0,
    expert: Annotated[Expert, Widget(advanced=True)] = "both",
) -> Adapted:
    """Change a model by a LoRA file: 0 changes nothing, 1 is as trained, between is between.

    One node after the other adds several. The model that came in stays as it is. Reads the names of diffusers and peft,
    the original names of the models' authors and those of common trainers; for Kinograph Mini a file of SaveModel (part
    lora). What of the file has no effect is named beside the node; a damaged file or one for another model is refused.

    Args:
        model: the transformer that the LoRA was trained on.
        file: a safetensors file in the models folder.
        encoder: its text encoder; a LoRA of Kinograph Mini changes that too. Other models need none.
        weight: how much of it; below 0 the opposite.
        expert: which transformer of Wan 2.2 A14B is changed.
    """
    if encoder is not None:
        check_family("encoder", encoder.family, model.family)
    try:
        found = family_named(model.family).with_lora(model, encoder, LoRAFile(file, weight, expert))
    except InvalidInput:
        raise
    except (OSError, ValueError) as error:
        raise does_not_fit("file", error) from error
    for warning in found.warnings:
        context.logger.warning(warning)
    nothing: Any = Block("no text encoder was given")
    return Adapted(found.model, nothing if found.encoder is None else found.encoder)


def does_not_fit(socket: str, error: Exception) -> InvalidInput:
    """The mistake of a LoRA for another model."""
    return InvalidInput(socket, f"it does not fit this model: {error}", wanted="the model that it was trained on")
