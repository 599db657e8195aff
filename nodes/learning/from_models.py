"""Training that begins with a finished model, as nodes: an adaptation of it, a faster student of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

from kinograph import DiffusionModel, Field, NodeContext, TextEncoder, VideoVAE, Widget, node
from nodes.diffusion.latents import Seed
from nodes.learning.data import EncodedDataset
from nodes.learning.loop import Ending, train
from nodes.learning.training import (
    Minutes,
    Patience,
    Rate,
    SampleEvery,
    StepCount,
    Trained,
    TrainedWeights,
    card_of,
    flow_step,
    flow_weights,
    mini_parts,
    sampler_of,
    sets_of,
    trained_facts,
)


@node(
    "TrainLoRA",
    category="training",
    title="Train LoRA",
    keywords=("adaptation", "fine-tune", "low rank", "style", "teach"),
    lane="device",
    infer=trained_facts,
)
def train_lora(
    context: NodeContext,
    model: DiffusionModel,
    encoder: TextEncoder,
    vae: VideoVAE,
    *datasets: EncodedDataset,
    steps: StepCount = 200,
    rank: Annotated[int, Field(ge=1, le=256)] = 8,
    rate: Rate = 2e-3,
    cells: Annotated[int, Field(ge=16, le=1_000_000), Widget(advanced=True)] = 3200,
    prompt: str = "",
    sample_every: SampleEvery = 50,
    seed: Seed = 1,
    minutes: Minutes = 0.0,
    patience: Patience = 0,
) -> Trained:
    """Teach a model something new from a few clips: low-rank changes of its matrices (LoRA, arXiv:2106.09685).

    The model itself stays as it is; ApplyLoRA adds the changes by any weight from 0 to 1, LoadLoRA does so with a file
    of SaveModel. Words of your captions that the model does not know join its vocabulary. Give a part of the
    rendered world beside your own clips, so that it does not unlearn what it knew: every dataset gets the same share of
    the steps.

    Args:
        model: the transformer.
        encoder: its text encoder.
        vae: the VAE that encoded the datasets.
        datasets: from EncodeDataset, usually of a VideoFolder.
        steps: of training.
        rank: of the changes: how much they can hold.
        rate: learning rate.
        cells: latent cells of a step: as many clips as fit.
        prompt: of the samples. Empty: no samples.
        sample_every: steps between two samples; 0: none.
        seed: fixes order, captions and noise.
        minutes: end after so long, and keep what is there; 0: no limit.
        patience: end when the mean loss of this many steps is no better than before; 0: never.
    """
    from nodes.models.random_numbers import own_random_numbers
    from nodes.training.adaptation import LoRARun, LoRATraining, unknown_words
    from nodes.training.world.captions import own_texts

    base, sets = mini_parts(model, encoder, vae), sets_of(datasets)
    recipe = LoRATraining(steps, rank, rate, cells, seed)
    words = unknown_words((text for data in sets for text in own_texts(data.specs)), base.tokenizer)
    with own_random_numbers():
        run = LoRARun(recipe, sets, base, words)
    sample = sampler_of(run, vae.module, prompt, seed) if prompt else None
    losses = train(context, run, steps, flow_step(run), Ending(minutes, patience), sample, sample_every)
    card = card_of("LoRA", losses, recipe=asdict(recipe), base=model.digest)
    config = json.dumps({"rank": rank, "words": run.new_words}, ensure_ascii=False)
    return Trained(TrainedWeights({"lora": run.result()}, {"lora": config}, [], card), losses)


@node(
    "Distil",
    category="training",
    keywords=("distillation", "few steps", "turbo", "lightning", "fast"),
    lane="device",
    infer=trained_facts,
)
def distil(
    context: NodeContext,
    model: DiffusionModel,
    encoder: TextEncoder,
    vae: VideoVAE,
    *datasets: EncodedDataset,
    steps: StepCount = 300,
    levels: Annotated[int, Field(ge=1, le=64)] = 8,
    guidance: Annotated[float, Field(ge=1.0, le=100.0)] = 4.0,
    shift: Annotated[float, Field(gt=0.0, le=100.0), Widget(step=0.5, advanced=True)] = 2.0,
    rate: Rate = 3e-4,
    cells: Annotated[int, Field(ge=16, le=1_000_000), Widget(advanced=True)] = 3200,
    prompt: str = "a red ball bounces over a green meadow",
    sample_every: SampleEvery = 50,
    seed: Seed = 1,
    minutes: Minutes = 0.0,
    patience: Patience = 0,
) -> Trained:
    """Make a faster student of a model: few steps, and no guidance, which halves the time again.

    The student learns to go in one step where its guided teacher goes in two (arXiv:2202.00512, arXiv:2210.03142).
    Sample it with ``steps`` = levels, guidance 1 and the solver euler; distil it again with half the levels for half
    the steps.

    Args:
        model: the teacher.
        encoder: its text encoder.
        vae: the VAE that encoded the datasets.
        datasets: from EncodeDataset.
        steps: of training.
        levels: steps that the student needs.
        guidance: scale of the teacher's guidance.
        shift: of the schedule that the student is to be sampled with.
        rate: learning rate.
        cells: latent cells of a step: as many clips as fit.
        prompt: of the samples.
        sample_every: steps between two samples; 0: none.
        seed: fixes order, captions and noise.
        minutes: end after so long, and keep what is there; 0: no limit.
        patience: end when the mean loss of this many steps is no better than before; 0: never.
    """
    from nodes.models.random_numbers import own_random_numbers
    from nodes.training.distillation import Distillation, DistilRun

    recipe = Distillation(steps, levels, guidance, shift, rate, cells, seed)
    with own_random_numbers():
        run = DistilRun(recipe, sets_of(datasets), mini_parts(model, encoder, vae))
    sample = sampler_of(run, vae.module, prompt, seed, guidance=1.0)
    losses = train(context, run, steps, flow_step(run), Ending(minutes, patience), sample, sample_every)
    return Trained(flow_weights(run, card_of("Distilled transformer", losses, recipe=asdict(recipe))), losses)
