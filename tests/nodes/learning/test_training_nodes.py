"""Training as a workflow: data, every kind of training, its results; the same bits after a pause, early ends."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.document.workflow import read_workflow
from engine.folders import Folders
from engine.plugins.discovery import discover
from engine.runtime import Runtime
from kinograph import Cancelled, InvalidInput, NodeContext
from nodes.diffusion.conditioning import text_encode
from nodes.diffusion.latents import noise_latent
from nodes.diffusion.sampler import dit_sampler
from nodes.families.family import Parts
from nodes.families.mini import assemble
from nodes.learning.data import EncodedDataset, dataset_clip, encode_dataset, rendered_world, video_folder
from nodes.learning.from_models import distil, train_lora
from nodes.learning.loop import Ending, curve_preview, ended, packed, unpacked
from nodes.learning.results import evaluate, save_model, trained_parts
from nodes.learning.training import Trained, train_dit, train_upscaler_node, train_vae
from nodes.media.encode import write_video
from nodes.models.dit import DiT, DiTConfig
from nodes.models.mini import MiniParts, load_mini
from nodes.models.text_encoder import TextEncoder, TextEncoderConfig
from nodes.models.tokenizer import Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.training.flow import FlowTraining, sample_orders
from nodes.training.world.captions import vocabulary
from nodes.training.world.specs import ToldClip

SMALL = {"width": 64, "depth": 1, "cells": 64, "sample_every": 0}


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Kinograph Mini's architecture, small, with its own vocabulary and random weights."""
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        words = vocabulary()
        encoder = TextEncoder(TextEncoderConfig(len(words), width=64))
        vae = VideoVAE(VideoVAEConfig(8, 16, 1, 1, 8, 1))
        dit = DiT(DiTConfig(8, width=64, depth=1, text_width=64, known=True))
        for parameter in dit.parameters():
            parameter.data += 0.02 * torch.randn(parameter.shape)
        for network in (encoder, vae, dit):
            network.eval().requires_grad_(False)
    return assemble(MiniParts(Tokenizer(words), encoder, vae, dit), "cpu")


@pytest.fixture(scope="module")
def dataset(parts: Parts) -> EncodedDataset:
    return encode_dataset(NodeContext(), parts.vae, rendered_world(12, width=32, height=32, frames=5))


class Recording:
    """What a training told its context, and what it is given back."""

    def __init__(self, restored: Mapping[str, Any] | None = None, cancel_at: int | None = None) -> None:
        self.checkpoints: list[Mapping[str, Any]] = []
        self.messages: list[str] = []
        self.previews: list[Any] = []
        self.context = NodeContext(
            _on_progress=self._progress,
            _on_checkpoint=self.checkpoints.append,
            _is_cancelled=lambda: cancel_at is not None and len(self.messages) >= cancel_at,
            _restored=restored,
        )

    def _progress(self, step: float, total: float, message: str, preview: Any) -> None:
        self.messages.append(message)
        self.previews.append(preview)


def same(one: Trained, other: Trained) -> bool:
    roles = one.weights.weights
    return all(
        torch.equal(tensor, other.weights.weights[role][name]) for role in roles for name, tensor in roles[role].items()
    )


def test_clips_of_the_world_and_their_latents(parts: Parts, dataset: EncodedDataset) -> None:
    world = rendered_world(12, width=32, height=32, frames=5)
    clip = dataset_clip(world, 3)
    assert clip.frames.pixels.shape == (5, 32, 32, 3) and len(clip.caption.split()) > 2
    assert dataset.latents.shape == (12, 8, 2, 4, 4)
    assert dataset.latent_set().specs[3].objects[0].colour in json.dumps(dataset.specs[3])
    with pytest.raises(InvalidInput, match="12 clips"):
        dataset_clip(world, 12)
    with pytest.raises(InvalidInput, match="16 frames"):
        rendered_world(frames=16)


def test_a_folder_of_clips_with_captions(parts: Parts, tmp_path: Path) -> None:
    pictures = [torch.full((40, 48, 3), 20 * k, dtype=torch.uint8).numpy() for k in range(6)]
    write_video(tmp_path / "one.mp4", pictures, format="mp4", fps=8.0)
    with pytest.raises(InvalidInput, match=r"no caption for one\.mp4"):
        video_folder(tmp_path)
    (tmp_path / "one.txt").write_text("a grey wall gets brighter\n", encoding="utf-8")
    found = video_folder(tmp_path, 32, 32, 5)
    assert found.files == ((str(tmp_path / "one.mp4"), "a grey wall gets brighter"),)
    assert dataset_clip(found).caption == "a grey wall gets brighter"
    encoded = encode_dataset(NodeContext(), parts.vae, found)
    assert encoded.latents.shape == (1, 8, 2, 4, 4)
    pictures = encode_dataset(NodeContext(), parts.vae, found, pictures=3)
    assert pictures.latents.shape == (3, 8, 1, 4, 4) and len(pictures.specs) == 3
    with pytest.raises(InvalidInput, match="6 frames"):
        encode_dataset(NodeContext(), parts.vae, video_folder(tmp_path, 32, 32, 9))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no videos"):
        video_folder(tmp_path / "empty")


def test_pictures_of_a_dataset_are_frames_of_its_clips(parts: Parts, dataset: EncodedDataset) -> None:
    world = rendered_world(12, width=32, height=32, frames=5)
    pictures = encode_dataset(NodeContext(), parts.vae, world, pictures=2)
    assert pictures.latents.shape == (24, 8, 1, 4, 4)
    assert [spec["seed"] for spec in pictures.specs[:4]] == [spec["seed"] for spec in dataset.specs[:2] for _ in "ab"]
    first, last = pictures.latents[0::2, :, 0], pictures.latents[1::2, :, 0]
    assert torch.equal(first, dataset.latents[:, :, 0])  # the codec keeps a first frame on its own
    assert not torch.equal(first, last)


def test_what_is_not_known_to_be_somewhere_is_never_cut_out(parts: Parts) -> None:
    world = encode_dataset(NodeContext(), parts.vae, rendered_world(4, frames=1), pictures=1).latent_set()
    told = replace(world, specs=[ToldClip("mine")] * 4, cover=torch.ones_like(world.cover))
    recipe = FlowTraining(cells=64)
    assert [order.window for order in sample_orders(world, recipe)] == [0, 5]
    assert [order.window for order in sample_orders(told, recipe)] == [0]


def test_training_resumes_with_the_same_bits(parts: Parts, dataset: EncodedDataset) -> None:
    whole = train_dit(NodeContext(), parts.vae, dataset, steps=5, **SMALL)
    paused = Recording(cancel_at=3)
    with pytest.raises(Cancelled):
        train_dit(paused.context, parts.vae, dataset, steps=5, **SMALL)
    (stored,) = paused.checkpoints
    resumed = Recording(restored=stored)
    rest = train_dit(resumed.context, parts.vae, dataset, steps=5, **SMALL)
    assert len(resumed.messages) - 1 == 5 - len(stored["losses"])
    assert same(whole, rest) and rest.losses == whole.losses


def test_every_kind_of_training_resumes_with_the_same_bits(parts: Parts, dataset: EncodedDataset) -> None:
    three = (parts.model, parts.encoder, parts.vae)
    trainings: list[Any] = [
        lambda context: train_vae(context, 3, 1, width=16, channels=8, component_clips=32),
        lambda context: train_vae(context, 3, 1, parts.vae, adversarial=0.1),
        lambda context: train_lora(context, *three, dataset, steps=3, rank=2, cells=64, sample_every=0),
        lambda context: distil(context, *three, dataset, steps=3, levels=4, cells=64, sample_every=0),
        lambda context: train_upscaler_node(context, parts.vae, 3, clips=1, pool=1),
    ]
    for training in trainings:
        paused = Recording(cancel_at=2)
        with pytest.raises(Cancelled):
            training(paused.context)
        rest = training(Recording(restored=paused.checkpoints[-1]).context)
        assert same(training(NodeContext()), rest)


def test_a_student_comes_nearer_to_its_guided_teacher(parts: Parts, dataset: EncodedDataset) -> None:
    three = (parts.model, parts.encoder, parts.vae)
    losses = distil(NodeContext(), *three, dataset, steps=40, levels=2, rate=3e-3, cells=256, sample_every=0).losses
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_a_checkpoint_holds_only_what_can_be_stored(parts: Parts, dataset: EncodedDataset) -> None:
    paused = Recording(cancel_at=2)
    with pytest.raises(Cancelled):
        train_dit(paused.context, parts.vae, dataset, steps=4, **SMALL)
    pending: list[Any] = [paused.checkpoints[0]]
    while pending:
        value = pending.pop()
        assert value is None or isinstance(value, dict | list | torch.Tensor | int | float | str)
        if isinstance(value, dict):
            assert all(isinstance(key, str) for key in value)
            pending += value.values()
        elif isinstance(value, list):
            pending += value


def test_states_are_packed_and_unpacked() -> None:
    state = {"a": {0: {"x": torch.ones(2)}, 1: {}}, "b": (1, 2.5, None), "c": "text"}
    back = unpacked(packed(state))
    assert torch.equal(back["a"][0]["x"], torch.ones(2)) and back["a"][1] == {}
    assert back["b"] == [1, 2.5, None] and back["c"] == "text"


def test_ends_early_and_keeps_what_is_there(parts: Parts, dataset: EncodedDataset) -> None:
    assert ended([1.0] * 4, Ending(patience=2), 0.0) and not ended([4.0, 3.0, 2.0, 1.0], Ending(patience=2), 0.0)
    assert not ended([1.0] * 3, Ending(patience=2), 0.0)
    short = train_dit(NodeContext(), parts.vae, dataset, steps=1000, minutes=0.002, **SMALL)
    assert 0 < len(short.losses) < 1000
    assert json.loads(short.weights.card)["steps"] == len(short.losses)


def test_the_loss_and_a_sample_are_shown(parts: Parts, dataset: EncodedDataset) -> None:
    seen = Recording()
    train_dit(seen.context, parts.vae, dataset, steps=2, **{**SMALL, "sample_every": 2})
    assert "loss" in seen.messages[-1] and "s/step" in seen.messages[-1]
    preview = seen.previews[-1]()
    assert preview.media_type == "image/webp" and len(preview.data) > 1000
    assert curve_preview([], None)() is not None


def test_trained_weights_are_used_and_saved(parts: Parts, dataset: EncodedDataset, tmp_path: Path) -> None:
    trained = train_dit(NodeContext(), parts.vae, dataset, steps=2, **SMALL)
    used = trained_parts(NodeContext(), trained.weights, vae=parts.vae)
    prompt = text_encode(NodeContext(), used.encoder, "a red ball")
    latent = dit_sampler(NodeContext(), used.model, prompt, noise_latent(used.model, 1, 32, 32, 5), steps=2)
    assert latent.samples.isfinite().all()
    context = NodeContext(output_folder=tmp_path)
    saved = save_model(context, trained.weights, vae=parts.vae, name="mine").value
    with zipfile.ZipFile(saved.path) as archive:
        archive.extractall(tmp_path / "mine")
    loaded = load_mini(tmp_path / "mine")
    assert torch.allclose(loaded.dit.latent_in.weight, used.model.module.latent_in.weight, atol=1e-3)  # type: ignore[union-attr]
    single = save_model(context, trained.weights, part="dit").value
    assert single.path.suffix == ".safetensors"
    with pytest.raises(InvalidInput, match="no lora"):
        save_model(context, trained.weights, part="lora")
    with pytest.raises(InvalidInput, match="no video_vae"):
        trained_parts(NodeContext(), trained.weights)
    codec = train_vae(NodeContext(), 1, 1, width=16, channels=8, component_clips=32)
    with_codec = trained_parts(NodeContext(), codec.weights, parts.model, parts.encoder, parts.vae)
    assert with_codec.model.module is parts.model.module and with_codec.vae.module is not parts.vae.module


def test_training_goes_on_from_a_model(parts: Parts, dataset: EncodedDataset) -> None:
    further = train_dit(NodeContext(), parts.vae, dataset, steps=1, model=parts.model, encoder=parts.encoder, **SMALL)
    fresh = train_dit(NodeContext(), parts.vae, dataset, steps=1, **SMALL)
    assert not same(further, fresh)
    with pytest.raises(InvalidInput, match="go together"):
        train_dit(NodeContext(), parts.vae, dataset, steps=1, model=parts.model, **SMALL)


def test_a_measure_is_taken(parts: Parts) -> None:
    shown = evaluate(NodeContext(), parts.model, parts.encoder, parts.vae, 2, steps=1, width=32, height=32, frames=1)
    assert 0 <= shown.value.right <= 100 and "one object, en, 32x32x1" in shown.value.table
    with pytest.raises(InvalidInput, match="cannot be told"):
        evaluate(NodeContext(), parts.model, parts.encoder, parts.vae, 2, kind="returning", frames=5)


def test_other_families_are_refused(parts: Parts, dataset: EncodedDataset) -> None:
    other = replace(parts.vae, family="wan")
    with pytest.raises(InvalidInput, match="wan is not trained here"):
        train_dit(NodeContext(), other, dataset, steps=1)
    with pytest.raises(InvalidInput, match="nothing to learn from"):
        train_dit(NodeContext(), parts.vae, steps=1)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    opened = Runtime.open(Folders.at(tmp_path / "data"), discovered=discover([]), disk=0)
    yield opened
    opened.close()


def test_the_small_training_improves_the_measure_over_its_start(runtime: Runtime) -> None:
    """The reduced form of train_mini: backgrounds and colours become right far more often than at first."""

    def backgrounds_and_colours(steps: int) -> float:
        workflow = read_workflow(Path(__file__).parents[3] / "workflows" / "train_small.json")
        workflow.nodes["train"].values |= {"steps": steps, "sample_every": 0}
        result = runtime.run(workflow, targets=["measure"])
        assert result.status == "succeeded", result.failures
        row = result.values["measure"]["table"].splitlines()[1]
        cells = [float(cell.split()[0]) for cell in row.replace("one object, en, 32x32x1", "").split("]")[:2] if cell]
        return sum(cells)

    assert backgrounds_and_colours(160) > backgrounds_and_colours(1) + 25
