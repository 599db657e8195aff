"""Low-rank changes of a model (LoRA) as nodes: of a training in this graph, or of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol, cast

from kinograph import (
    Block,
    DiffusionModel,
    Facts,
    Field,
    FilePicker,
    InvalidInput,
    TextEncoder,
    Widget,
    node,
)
from nodes.denoising import check_family
from nodes.families.registry import family_named
from nodes.training_nodes import TrainedWeights, trained_facts

Weight = Annotated[float, Field(ge=-2.0, le=2.0), Widget(kind="slider", step=0.05)]


class TakesLoRA(Protocol):
    """A model family whose networks can be changed by a LoRA file."""

    def with_lora(
        self, model: DiffusionModel, encoder: TextEncoder | None, path: Path, weight: float
    ) -> tuple[DiffusionModel, TextEncoder | None]:
        """The networks with ``weight`` times the file's changes; those that were given stay as they are.

        Raises:
            ValueError: when the file is no LoRA of this family, or of another size.
        """
        ...


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
    keywords=("adaptation", "low rank", "blend", "style", "adapter", "safetensors"),
    lane="device",
    infer=adapted_facts,
)
def load_lora(
    model: DiffusionModel,
    file: Annotated[Path, FilePicker("model", (".safetensors",))],
    encoder: TextEncoder | None = None,
    weight: Weight = 1.0,
) -> Adapted:
    """Change a model by a LoRA file: 0 changes nothing, 1 is as trained, between is between.

    One node after the other adds several. The model that came in stays as it is.

    Args:
        model: the transformer that the LoRA was trained on.
        file: a file of SaveModel (part lora), or one in the usual format of the model's family; in the models folder.
        encoder: its text encoder; a LoRA of Kinograph Mini changes that too.
        weight: how much of it.
    """
    family = family_named(model.family)
    if not hasattr(family, "with_lora"):
        raise InvalidInput("model", f"no LoRA can be put into {model.family} yet", wanted="another model")
    if encoder is not None:
        check_family("encoder", encoder.family, model.family)
    try:
        found, words = cast("TakesLoRA", family).with_lora(model, encoder, file, weight)
    except ValueError as error:
        raise does_not_fit("file", error) from error
    nothing: Any = Block("no text encoder was given")
    return Adapted(found, nothing if words is None else words)


def does_not_fit(socket: str, error: ValueError) -> InvalidInput:
    """The mistake of a LoRA for another model."""
    return InvalidInput(socket, f"it does not fit this model: {error}", wanted="the model that it was trained on")
