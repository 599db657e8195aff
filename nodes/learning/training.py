"""Training as nodes: the VAE, the transformer, the upscaler; and what all training nodes share."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from kinograph import (
    DiffusionModel,
    Facts,
    Field,
    InvalidInput,
    NodeContext,
    TextEncoder,
    VideoVAE,
    Widget,
    node,
)
from nodes.diffusion.latents import Seed
from nodes.learning.data import EncodedDataset, check_mini
from nodes.learning.loop import Ending, train

if TYPE_CHECKING:
    from torch import Tensor, nn

    from nodes.models.mini import MiniParts
    from nodes.training.flow import FlowRun
    from nodes.training.latents import LatentSet

StepCount = Annotated[int, Field(ge=1, le=10_000_000)]
Minutes = Annotated[float, Field(ge=0.0, le=100_000.0), Widget(advanced=True)]
Patience = Annotated[int, Field(ge=0, le=1_000_000), Widget(advanced=True)]
SampleEvery = Annotated[int, Field(ge=0, le=1_000_000), Widget(advanced=True)]
Rate = Annotated[float, Field(gt=0.0, le=1.0), Widget(advanced=True)]
SAMPLE_STEPS = 8


@dataclass(frozen=True, slots=True)
class TrainedWeights:
    """Weights that a training made: of a whole network, or low-rank changes of one.

    Attributes:
        weights: by role (``dit``, ``text_encoder``, ``video_vae``, ``upscaler``, ``lora``), by name.
        configs: by role the sizes of the network, as JSON.
        words: the vocabulary, where a text encoder was trained.
        card: what was trained how, as JSON.
    """

    weights: dict[str, dict[str, Tensor]]
    configs: dict[str, str]
    words: list[str]
    card: str


class Trained(NamedTuple):
    """What a training gives.

    Args:
        weights: for TrainedParts, SaveModel and Evaluate.
        losses: the loss of every step.
    """

    weights: TrainedWeights
    losses: list[float]


def card_of(kind: str, losses: list[float], **more: Any) -> str:
    """What was trained how, as JSON."""
    return json.dumps({"name": kind, "licence": "Apache-2.0", "steps": len(losses), **more}, ensure_ascii=False)


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """The weights of a network, copied."""
    return {name: tensor.detach().clone() for name, tensor in module.state_dict().items()}


def mini_parts(model: DiffusionModel, encoder: TextEncoder, vae: VideoVAE) -> MiniParts:
    """The networks on the wires as the training takes them.

    Raises:
        InvalidInput: for another family than Mini.
    """
    from nodes.models.mini import MiniParts

    for socket, part in (("model", model), ("encoder", encoder), ("vae", vae)):
        check_mini(socket, part.family)
    return MiniParts(encoder.extras["tokenizer"], encoder.module, vae.module, model.module)  # type: ignore[arg-type]


def sets_of(items: tuple[EncodedDataset, ...]) -> list[LatentSet]:
    """The latent sets of a training.

    Raises:
        InvalidInput: when there are none.
    """
    if not items:
        raise InvalidInput("datasets.0", "there is nothing to learn from", wanted="a dataset from EncodeDataset")
    return [item.latent_set() for item in items]


def sampler_of(run: FlowRun, vae: Any, prompt: str, seed: int, guidance: float = 6.0) -> Callable[[], Tensor]:
    """A function that shows what the average of a run makes of a prompt, ``[T, H, W, 3]`` in 0..1."""

    def sample() -> Tensor:
        from nodes.evaluation.adherence import SamplerSettings, generate
        from nodes.models.mini import MiniParts

        parts = MiniParts(run.tokenizer, run.average.text_encoder, vae, run.average.dit)
        frames = generate(parts, [prompt], [seed], SamplerSettings(SAMPLE_STEPS, guidance))[0]
        return frames.permute(0, 2, 3, 1).float() / 255.0

    return sample


def trained_facts(model: Any = None, encoder: Any = None, vae: Any = None) -> None:
    """Refuses models of other families before anything runs."""
    for socket, part in (("model", model), ("encoder", encoder), ("vae", vae)):
        if isinstance(part, Facts):
            check_mini(socket, part.get("family"))


@node(
    "TrainVAE",
    category="training",
    title="Train VAE",
    keywords=("codec", "autoencoder", "adversarial", "discriminator"),
    lane="device",
    infer=trained_facts,
)
def train_vae(
    context: NodeContext,
    steps: StepCount = 1200,
    batch: Annotated[int, Field(ge=1, le=256)] = 8,
    start: VideoVAE | None = None,
    adversarial: Annotated[float, Field(ge=0.0, le=10.0), Widget(step=0.05)] = 0.0,
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=4), Widget(advanced=True)] = 192,
    channels: Annotated[int, Field(ge=4, le=256), Widget(advanced=True)] = 48,
    component_clips: Annotated[int, Field(ge=32, le=100_000), Widget(advanced=True)] = 1024,
    seed: Seed = 1,
    minutes: Minutes = 0.0,
    patience: Patience = 0,
) -> Trained:
    """Train a video VAE on the rendered world: reconstruction, and, if wanted, against a discriminator.

    Begins with principal components of patches and learns convolutions on top. With a ``start`` only its decoder
    learns: latents stay as they are, and a transformer that was trained on them still fits. Shows the loss and a
    reconstruction.

    Args:
        steps: of training.
        batch: clips of a step.
        start: a VAE whose decoder is trained further.
        adversarial: weight of a discriminator that tells rendered from reconstructed frames (0.1 makes edges sharper);
            0: without.
        width: channels of the convolutions.
        channels: of a latent.
        component_clips: from how many clips the principal components are taken.
        seed: fixes the clips and the noise.
        minutes: end after so long, and keep what is there; 0: no limit.
        patience: end when the mean loss of this many steps is no better than before; 0: never.
    """
    from nodes.models.random_numbers import own_random_numbers
    from nodes.models.video_vae import VideoVAEConfig
    from nodes.training.codec import CodecRun, CodecTraining, sample_batch, start_from_components
    from nodes.training.world.render import to_signed

    config = VideoVAEConfig(latent_channels=channels, width=width)
    if start is not None:
        check_mini("start", start.family)
        config = start.module.config  # type: ignore[assignment]
    recipe = CodecTraining(
        config,
        steps,
        batch,
        seed=seed,
        component_clips=component_clips,
        adversarial=adversarial,
        decoder_only=start is not None,
    )
    with own_random_numbers():
        run = CodecRun(recipe)
    if start is not None:
        run.vae.load_state_dict(start.module.state_dict())
    elif context.restore() is None:
        start_from_components(run.vae, component_clips, seed)

    def sample() -> Tensor:
        import torch

        with torch.no_grad():
            clip = run.vae.decode(run.vae.encode(to_signed(sample_batch(seed + 70_000, 0, 1).frames)))[0]
        return clip.permute(1, 2, 3, 0).mul(0.5).add(0.5).clamp(0.0, 1.0)

    losses = train(context, run, steps, run.train_step, Ending(minutes, patience), sample, max(1, steps // 12))
    vae = run.finish().eval()
    card = card_of("Video VAE", losses, recipe=asdict(recipe))
    return Trained(
        TrainedWeights({"video_vae": state_of(vae)}, {"video_vae": json.dumps(asdict(config))}, [], card), losses
    )


@node(
    "TrainDiT",
    category="training",
    title="Train DiT",
    keywords=("transformer", "flow matching", "fine-tune", "muon", "ema", "diffusion"),
    lane="device",
    infer=trained_facts,
)
def train_dit(
    context: NodeContext,
    vae: VideoVAE,
    *datasets: EncodedDataset,
    steps: StepCount = 5000,
    model: DiffusionModel | None = None,
    encoder: TextEncoder | None = None,
    width: Annotated[int, Field(ge=64, le=2048, multiple_of=64), Widget(advanced=True)] = 192,
    depth: Annotated[int, Field(ge=1, le=64), Widget(advanced=True)] = 6,
    cells: Annotated[int, Field(ge=16, le=1_000_000), Widget(advanced=True)] = 6400,
    known: Annotated[float, Field(ge=0.0, le=1.0), Widget(advanced=True)] = 0.3,
    matrix_rate: Rate = 3e-3,
    other_rate: Rate = 1.5e-3,
    decay: Annotated[float, Field(ge=0.0, le=1.0), Widget(advanced=True)] = 0.4,
    compiled: Annotated[bool, Widget(advanced=True)] = False,
    prompt: str = "a red ball bounces over a green meadow",
    sample_every: SampleEvery = 200,
    seed: Seed = 1,
    minutes: Minutes = 0.0,
    patience: Patience = 0,
) -> Trained:
    """Train a diffusion transformer and its text encoder by flow matching, from nothing or further.

    Logit-normal times, caption dropout, an average of the weights, Muon for matrices and AdamW for the rest, bfloat16.
    Shows the loss, and every so often a sample. Paused or killed it goes on with the same bits.

    Args:
        vae: the VAE that encoded the datasets; decodes the samples.
        datasets: from EncodeDataset, of any sizes and lengths; each takes its share of the steps.
        steps: of training.
        model: a transformer to go on from; needs ``encoder`` too. Empty: from nothing.
        encoder: the text encoder that belongs to it.
        width: channels of the transformer, when it begins from nothing.
        depth: blocks of the transformer, when it begins from nothing.
        cells: latent cells of a step: as many clips as fit.
        known: share of clips of which a part is given beside the noise, as KnownFrames does.
        matrix_rate: learning rate of Muon.
        other_rate: learning rate of AdamW.
        decay: share of the steps, at the end, over which the learning rates fall to 0.
        compiled: compile the blocks first; worth it from some thousand steps on.
        prompt: of the samples.
        sample_every: steps between two samples; 0: none.
        seed: fixes weights, order, captions and noise.
        minutes: end after so long, and keep what is there; 0: no limit.
        patience: end when the mean loss of this many steps is no better than before; 0: never.
    """
    from nodes.models.random_numbers import own_random_numbers
    from nodes.models.tokenizer import Tokenizer
    from nodes.training.flow import FlowRun, FlowTraining
    from nodes.training.world.captions import vocabulary

    check_mini("vae", vae.family)
    sets = sets_of(datasets)
    base = None
    if model is not None or encoder is not None:
        if model is None or encoder is None:
            missing = "encoder" if encoder is None else "model"
            raise InvalidInput(missing, "model and encoder go together", wanted="both from one LoadModel")
        base = mini_parts(model, encoder, vae)
        width, depth = base.dit.config.width, base.dit.config.depth
    recipe = FlowTraining(
        width=width,
        depth=depth,
        steps=steps,
        cells=cells,
        known=known,
        matrix_rate=matrix_rate,
        other_rate=other_rate,
        decay=decay,
        warmup=min(50, max(1, steps // 4)),
        seed=seed,
        compiled=compiled,
    )
    with own_random_numbers():
        run = FlowRun(recipe, sets, Tokenizer(vocabulary()))
    if base is not None:
        run.start_from(base)
    sample = sampler_of(run, vae.module, prompt, seed)
    losses = train(context, run, steps, flow_step(run), Ending(minutes, patience), sample, sample_every)
    return Trained(
        flow_weights(run, card_of("Diffusion transformer", losses, recipe=asdict(recipe), samples=run.seen)), losses
    )


def flow_step(run: FlowRun) -> Callable[[], float]:
    """One step of a flow run, as its mean loss."""
    return lambda: float(run.train_step().error.mean())


def flow_weights(run: FlowRun, card: str) -> TrainedWeights:
    """The averaged weights of a run."""
    modules: dict[str, Any] = {"dit": run.average.dit, "text_encoder": run.average.text_encoder}
    configs = {role: json.dumps(asdict(module.config)) for role, module in modules.items()}
    states = {role: state_of(module) for role, module in modules.items()}
    return TrainedWeights(states, configs, list(run.tokenizer.words), card)


@node(
    "TrainUpscaler",
    category="training",
    title="Train Upscaler",
    keywords=("super resolution", "enlarge", "sharp"),
    lane="device",
    infer=trained_facts,
)
def train_upscaler_node(
    context: NodeContext,
    vae: VideoVAE,
    steps: StepCount = 1500,
    clips: Annotated[int, Field(ge=1, le=64)] = 4,
    pool: Annotated[int, Field(ge=1, le=10_000), Widget(advanced=True)] = 48,
    seed: Seed = 1,
    minutes: Minutes = 0.0,
    patience: Patience = 0,
) -> Trained:
    """Train the network of UpscaleVideo: the rendered world at 64x64 through a VAE, against the same at 256x256.

    Args:
        vae: the VAE whose clips are to be enlarged.
        steps: of training.
        clips: of a step.
        pool: how many batches are rendered; later steps see them again.
        seed: fixes the clips and the noise.
        minutes: end after so long, and keep what is there; 0: no limit.
        patience: end when the mean loss of this many steps is no better than before; 0: never.
    """
    from nodes.models.random_numbers import own_random_numbers
    from nodes.training.upscaler import UpscalerRun, UpscalerTraining

    check_mini("vae", vae.family)
    recipe = UpscalerTraining(steps=steps, clips=clips, pool=pool, seed=seed)
    with own_random_numbers():
        run = UpscalerRun(recipe, vae.module)  # type: ignore[arg-type]
    losses = train(context, run, steps, run.train_step, Ending(minutes, patience))
    card = card_of("Upscaler", losses, recipe=asdict(recipe))
    configs = {"upscaler": json.dumps(asdict(recipe.model))}
    return Trained(TrainedWeights({"upscaler": state_of(run.model)}, configs, [], card), losses)
