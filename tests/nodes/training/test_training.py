"""Training goes on from a checkpoint with the same bits, and a short run learns."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nodes.models.discriminator import PatchDiscriminator, opponent_loss, sharpness_loss
from nodes.models.mini import MiniParts
from nodes.models.tokenizer import Tokenizer
from nodes.models.video_vae import VideoVAE, VideoVAEConfig
from nodes.training.codec import CodecTraining, psnr, sample_batch, start_from_components, train_codec
from nodes.training.flow import FlowRun, FlowTraining, train_flow
from nodes.training.latents import (
    LatentSet,
    encode_clip,
    encode_frames,
    encode_world,
    latent_cover,
    latent_outline,
    load_sets,
    set_path,
)
from nodes.training.later_words import EMBEDDING, without_untrained_words
from nodes.training.muon import Muon, orthogonalise
from nodes.training.run_state import cosine, load_checkpoint, save_checkpoint, trapezoid
from nodes.training.samples import SampleOrder, StepSchedule, cut_windows, known_cells, object_windows
from nodes.training.world.captions import caption, vocabulary
from nodes.training.world.render import to_signed
from nodes.training.world.size import BASE, ClipSize
from nodes.training.world.specs import ClipSpec, ObjectSpec, ToldClip

TINY_VAE = VideoVAEConfig(
    latent_channels=8, width=16, encoder_blocks=1, decoder_blocks=1, refine_width=8, refine_blocks=1
)
TINY_CODEC = CodecTraining(TINY_VAE, steps=4, batch=2, component_clips=32, checkpoint_every=2)
TINY_FLOW = FlowTraining(width=64, depth=1, steps=6, cells=1280, checkpoint_every=3, compiled=False, warmup=2)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def latents() -> LatentSet:
    vae = VideoVAE(TINY_VAE)
    start_from_components(vae, 32, 1)
    return encode_world(vae.requires_grad_(False), 24, seed=3)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(vocabulary())


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_flow_training_resumes_with_the_same_bits(latents: LatentSet, tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole = train_flow(TINY_FLOW, [latents], tokenizer, tmp_path / "whole")
    first = FlowRun(TINY_FLOW, [latents], tokenizer)
    for _ in range(3):
        first.train_step()
    save_checkpoint(tmp_path / "parts" / "checkpoint.pt", first.state())
    resumed = train_flow(TINY_FLOW, [latents], tokenizer, tmp_path / "parts")
    assert resumed.step == whole.step == 6
    assert same(resumed.model, whole.model)
    assert same(resumed.average, whole.average)


def test_a_new_run_can_start_from_finished_weights(latents: LatentSet, tokenizer: Tokenizer, tmp_path: Path) -> None:
    trained = train_flow(TINY_FLOW, [latents], tokenizer, tmp_path / "first")
    parts = MiniParts(tokenizer, trained.average.text_encoder, VideoVAE(TINY_VAE), trained.average.dit)
    run = FlowRun(TINY_FLOW, [latents], tokenizer)
    run.start_from(parts)
    assert run.step == 0
    assert same(run.model, trained.average)


def test_a_short_run_learns(latents: LatentSet, tokenizer: Tokenizer) -> None:
    run = FlowRun(replace(TINY_FLOW, steps=60, decay=0.1), [latents], tokenizer)
    losses = [float(run.train_step().error.mean()) for _ in range(60)]
    assert sum(losses[-10:]) < 0.8 * sum(losses[:5]) * 2


def test_every_clip_is_seen_once_per_pass(latents: LatentSet) -> None:
    order = SampleOrder(latents, seed=1, cells=1280, crowded=1.0)
    assert order.batch == 4  # clips of 5 x 8 x 8 cells
    seen = [i for number in range(6) for i in order.chosen(number)]
    assert sorted(seen) == list(range(24))


def test_single_frames_are_learnt_from_in_their_share_of_the_steps(latents: LatentSet, tokenizer: Tokenizer) -> None:
    frames = encode_frames(VideoVAE(TINY_VAE), 10, seed=3)
    assert frames.latents.shape[2] == 1 and len(frames.specs) == len(frames.latents) == 10
    recipe = replace(TINY_FLOW, image_steps=0.25, window=0, clip_window=0)
    run = FlowRun(recipe, [latents, frames], tokenizer)
    sizes = [(len(batch.ids), batch.latent.shape[2]) for batch in map(run.batch, range(8))]
    assert sizes.count((20, 1)) == 2  # frames of 8 x 8 cells
    assert sizes.count((4, latents.latents.shape[2])) == 6
    for _ in range(4):
        run.train_step()
    assert run.seen == {"clips": 3 * 4, "frames": 20}
    again = FlowRun(recipe, [latents, frames], tokenizer)
    again.restore(run.state())
    assert again.seen == run.seen


def test_sets_of_several_sizes_live_side_by_side(tmp_path: Path) -> None:
    vae = VideoVAE(TINY_VAE)
    for size in (BASE, ClipSize(96, 64, 9), ClipSize(64, 64, 5)):
        data = encode_world(vae, 3, seed=4, size=size)
        assert data.size == size
        assert data.cover.shape == (3, *data.latents.shape[2:])
        data.save(set_path(tmp_path, 4, size))
    encode_world(vae, 2, seed=5, size=ClipSize(96, 64, 9)).save(set_path(tmp_path, 5, ClipSize(96, 64, 9)))
    sets = load_sets(tmp_path)
    assert {name: (data.size.name, len(data.specs)) for name, data in sets.items()} == {
        "": ("64x64x17", 3),
        "96x64x9": ("96x64x9", 5),
        "64x64x5": ("64x64x5", 3),
    }


def test_a_run_goes_on_when_words_have_joined(latents: LatentSet) -> None:
    words = vocabulary()
    old = FlowRun(TINY_FLOW, [latents], Tokenizer(words[:359]))
    for _ in range(2):
        old.train_step()
    state = old.state()
    run = FlowRun(TINY_FLOW, [latents], Tokenizer(words))
    run.restore(state)
    table = run.model.text_encoder.embedding.weight
    assert torch.equal(table[:359], old.model.text_encoder.embedding.weight)
    run.train_step()
    parts = MiniParts(old.tokenizer, old.average.text_encoder, VideoVAE(TINY_VAE), old.average.dit)
    again = FlowRun(TINY_FLOW, [latents], Tokenizer(words))
    again.start_from(parts)
    assert torch.equal(again.model.text_encoder.embedding.weight[:359], old.average.text_encoder.embedding.weight)
    with pytest.raises(ValueError, match="another vocabulary"):
        FlowRun(TINY_FLOW, [latents], Tokenizer([*words[:3], "other", *words[3:]])).start_from(parts)


def test_sets_of_a_kind_take_turns_by_their_number_of_samples(latents: LatentSet) -> None:
    large = SampleOrder(latents, seed=1, cells=1280, crowded=1.0)
    small = SampleOrder(_part(latents, 6), seed=1, cells=1280, crowded=1.0)
    schedule = StepSchedule([large, small], image_steps=0.5)  # no frames: all steps are clips'
    turns = [schedule.at(step) for step in range(20)]
    assert sum(order is small for order, _ in turns) == 4
    assert [number for order, number in turns if order is large] == list(range(16))
    assert schedule.at(7) == turns[7]


def test_windows_hold_the_object_and_are_where_they_are_cut() -> None:
    cover = torch.zeros(3, 1, 8, 8)
    cover[0, 0, 0, 7] = cover[1, 0, 3:5, 2:5] = cover[2, 0, :, 1:3] = 1  # a corner, somewhere, larger than the window
    rng = np.random.default_rng(1)
    for _ in range(20):
        corners = object_windows(cover, 5, rng)
        cut = cut_windows(cover[:, None], corners, 5)
        assert cut.shape == (3, 1, 1, 5, 5)
        assert cut.sum((1, 2, 3, 4)).tolist() == [1, 6, 10]
        assert corners[0].tolist()[0] == 0 and corners[0].tolist()[1] == 3 and corners[2, 0] in (1, 2)


def test_only_clips_that_stay_within_a_window_are_cut(latents: LatentSet) -> None:
    cover = torch.zeros_like(latents.cover)
    cover[:, :, 2:4, 2:4] = 1
    cover[0, :, 0, :] = 1  # from side to side
    cover[1, 0, 0, 0] = cover[1, -1, 7, 7] = 1  # from corner to corner in time
    data = replace(latents, cover=cover)
    assert SampleOrder(data, seed=1, cells=1280, crowded=1.0, window=4).pool == list(range(2, len(data.specs)))
    assert SampleOrder(data, seed=1, cells=1280, crowded=1.0).pool == list(range(len(data.specs)))


def test_words_that_no_caption_had_are_left_out(latents: LatentSet, tokenizer: Tokenizer) -> None:
    run = FlowRun(TINY_FLOW, [latents], tokenizer)
    before = run.state()
    assert len(without_untrained_words(before)[EMBEDDING]) == len(tokenizer.words)  # nothing is known of any
    for _ in range(3):
        run.train_step()
    words = len(without_untrained_words(run.state())[EMBEDDING])
    assert 3 < words <= 359 < len(tokenizer.words)  # "behind" and the like joined last
    run.known_words = len(tokenizer.words)  # the run began with weights that knew them all
    assert len(without_untrained_words(run.state())[EMBEDDING]) == len(tokenizer.words)


def test_steps_on_windows_take_more_samples(latents: LatentSet, tokenizer: Tokenizer) -> None:
    frames = encode_frames(VideoVAE(TINY_VAE), 60, seed=3)
    run = FlowRun(replace(TINY_FLOW, windowed=0.5), [frames], tokenizer)
    batches = [run.batch(step) for step in range(4)]
    sizes = [(len(batch.ids), *batch.latent.shape[2:]) for batch in batches]
    assert sorted(sizes) == [(20, 1, 8, 8)] * 2 + [(51, 1, 5, 5)] * 2
    assert all(batch.outline.shape == (len(batch.ids), batch.latent[0, 0].numel(), 64) for batch in batches)
    for _ in range(2):
        run.train_step()


def test_known_parts_are_whole_frames_or_all_but_a_box() -> None:
    rng = np.random.default_rng(5)
    drawn = [known_cells((5, 8, 8), 0.5, rng)[0] for _ in range(400)]
    given = [known for known in drawn if known.any()]
    assert 0.4 < len(given) / len(drawn) < 0.6
    whole = [known.flatten(1).all(1) for known in given]
    boxes = [known for known, frames in zip(given, whole, strict=True) if not frames.any()]
    assert 0 < len(boxes) < 0.4 * len(given) and all(torch.equal(k, k[:1].expand_as(k)) for k in boxes)
    assert any(frames[0] and not frames[-1] for frames in whole) and any(frames[0] and frames[-1] for frames in whole)


def test_what_is_known_is_told_to_the_model(latents: LatentSet, tokenizer: Tokenizer) -> None:
    run = FlowRun(replace(TINY_FLOW, known=1.0), [latents], tokenizer)
    assert run.batch(0).known.flatten(1).any(1).all()
    known_in = run.model.dit.known_in
    assert known_in is not None and not known_in.weight.any()
    for _ in range(3):
        run.train_step()
    assert known_in.weight.any()


def test_crowded_clips_can_be_thinned_out(latents: LatentSet) -> None:
    simple = [i for i, s in enumerate(latents.specs) if len(s.objects) == 1 and s.camera == "static"]
    assert SampleOrder(latents, seed=1, cells=1280, crowded=0.0).pool == simple
    half = SampleOrder(latents, seed=1, cells=1280, crowded=0.5).pool
    assert len(half) - len(simple) == (24 - len(simple)) // 2


def _part(data: LatentSet, count: int) -> LatentSet:
    return LatentSet(data.latents[:count], data.cover[:count], data.outline[:count], data.specs[:count])


def test_clips_that_somebody_filmed_keep_what_is_said_of_them(tmp_path: Path) -> None:
    clip = encode_clip(VideoVAE(TINY_VAE), torch.zeros(1, 5, 3, 32, 40, dtype=torch.uint8), "a grey cat sleeps")
    assert clip.size == ClipSize(40, 32, 5)
    clip.save(tmp_path / "clip.safetensors")
    loaded = LatentSet.load(tmp_path / "clip.safetensors")
    assert loaded.specs == [ToldClip("a grey cat sleeps")]
    assert caption(loaded.specs[0], np.random.default_rng(0), "zh", 1.0) == "a grey cat sleeps"
    assert not loaded.outline.any() and bool((loaded.cover == 1).all())


def test_outlines_fill_the_cells_they_come_from() -> None:
    cover = torch.zeros(1, 5, 8, 16)
    cover[0, 0, :2, 8:10] = 1
    cover[0, 4, 6:, 14:] = 1
    outline = latent_outline(cover).view(2, 2, 4, 4, 4)  # frame, cell, frame within, row, column
    assert outline[0, 1, :, 0, 0].tolist() == [255] * 4
    assert outline[1, 1, :, 3, 3].tolist() == [0, 0, 0, 255]
    assert int((outline > 0).sum()) == 5


def test_codec_training_resumes_with_the_same_bits(tmp_path: Path) -> None:
    whole = train_codec(TINY_CODEC, tmp_path / "whole")
    train_codec(replace(TINY_CODEC, checkpoint_every=3), tmp_path / "parts")
    state = load_checkpoint(tmp_path / "parts" / "checkpoint.pt")
    assert state["step"] == 4
    stopped = tmp_path / "stopped"
    stop_after(TINY_CODEC, stopped, 2)
    assert same(train_codec(TINY_CODEC, stopped), whole)


def test_a_codec_that_learns_against_an_opponent_resumes_with_the_same_bits(tmp_path: Path) -> None:
    recipe = replace(TINY_CODEC, adversarial=0.1, steps=3, checkpoint_every=1)
    whole = train_codec(recipe, tmp_path / "whole")
    assert not same(whole, train_codec(replace(TINY_CODEC, steps=3), tmp_path / "plain"))
    stop_after(recipe, tmp_path / "stopped", 1)
    assert same(train_codec(recipe, tmp_path / "stopped"), whole)


def test_the_opponent_learns_to_tell_soft_from_sharp() -> None:
    torch.manual_seed(0)
    opponent = PatchDiscriminator(16)
    optimizer = torch.optim.AdamW(opponent.parameters(), 2e-3)
    for step in range(25):
        real = to_signed(sample_batch(3, step, 2).frames)[:, :, :5]
        soft = torch.nn.functional.avg_pool3d(real, (1, 5, 5), 1, (0, 2, 2))
        opponent.zero_grad()
        opponent_loss(opponent, real, soft).backward()
        optimizer.step()
    real = to_signed(sample_batch(4, 0, 4).frames)[:, :, :5]
    soft = torch.nn.functional.avg_pool3d(real, (1, 5, 5), 1, (0, 2, 2))
    with torch.no_grad():
        assert float(opponent(real)[0].mean()) > float(opponent(soft)[0].mean()) + 0.1
        assert float(sharpness_loss(opponent, real, soft)) > float(sharpness_loss(opponent, real, real))


def stop_after(recipe: CodecTraining, folder: Path, step: int) -> None:
    """Train as `train_codec` does and keep only the checkpoint of a step, as a kill would leave it."""

    class Killed(Exception):
        pass

    import nodes.training.codec as codec

    original = codec.save_checkpoint

    def save_then_die(path: Path, state: dict[str, object]) -> None:
        original(path, state)
        if state.get("step") == step:
            raise Killed

    codec.save_checkpoint = save_then_die
    try:
        with pytest.raises(Killed):
            train_codec(recipe, folder)
    finally:
        codec.save_checkpoint = original


def test_principal_components_reconstruct_well_from_the_start() -> None:
    torch.manual_seed(0)
    vae = VideoVAE(replace(TINY_VAE, latent_channels=32))
    before = psnr(vae, sample_batch(5, 0, 4))
    start_from_components(vae, 64, 1)
    assert psnr(vae, sample_batch(5, 0, 4)) > max(before, 22)


def test_latent_set_file_round_trip(latents: LatentSet, tmp_path: Path) -> None:
    latents.save(tmp_path / "set.safetensors")
    loaded = LatentSet.load(tmp_path / "set.safetensors")
    assert loaded.specs == latents.specs
    assert torch.equal(loaded.latents, latents.latents)
    assert loaded.specs[0] == ClipSpec(
        tuple(ObjectSpec(**vars(o)) for o in loaded.specs[0].objects),
        *[getattr(loaded.specs[0], name) for name in ("background", "camera", "layout", "seed")],
    )


def test_latent_cover_takes_the_largest_of_its_frames() -> None:
    cover = torch.zeros(1, 5, 8, 16)
    cover[0, 3, :, 8:] = 1
    assert latent_cover(cover)[0, :, 0].tolist() == [[0, 0], [0, 1]]


def test_orthogonalise_makes_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalise(torch.randn(2, 12, 30)).float())
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.4


def test_muon_descends() -> None:
    torch.manual_seed(0)
    weight = torch.nn.Parameter(torch.randn(8, 6))
    target = torch.randn(8, 6)
    optimizer = Muon([weight], lr=0.05)
    first = float((weight - target).detach().square().mean())
    for _ in range(120):
        loss = (weight - target).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert float(loss.detach()) < 0.25 * first


def test_learning_rate_shapes() -> None:
    assert [round(trapezoid(step, 10, 2, 0.4), 2) for step in (0, 1, 5, 8, 10)] == [0.5, 1, 1, 0.5, 0]
    assert cosine(0, 100, 10, 0.3) == pytest.approx(0.1)
    assert cosine(20, 100, 10, 0.3) == 1
    assert cosine(100, 100, 10, 0.3) == pytest.approx(0)


def test_a_torn_checkpoint_is_never_seen(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, {"step": 1})

    class Unsavable:
        def __reduce__(self) -> str:
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        save_checkpoint(path, {"step": Unsavable()})
    assert load_checkpoint(path)["step"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_write_one_checkpoint_and_the_last_one_stays(tmp_path: Path) -> None:
    path = tmp_path / "codec" / "final.pt"
    code = "import sys, pathlib; from nodes.training.run_state import save_checkpoint\n"
    code += "for n in range(50): save_checkpoint(pathlib.Path(sys.argv[1]), {'step': n})"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert load_checkpoint(path)["step"] == 49
    assert list(path.parent.iterdir()) == [path]
