"""The checker reads true clips rightly and finds each kind of wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from nodes.evaluation.checker import ATTRIBUTES, check, look
from nodes.evaluation.outline import read_outline
from nodes.training.world.render import render
from nodes.training.world.size import BASE as BASE_SIZE
from nodes.training.world.size import ClipSize
from nodes.training.world.specs import (
    BACKGROUNDS,
    COLOUR_NAMES,
    MOTIONS,
    SHAPES,
    ClipSpec,
    ObjectSpec,
    WorldMix,
    possible,
    readable_backgrounds,
    sample_clip,
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def right_shares(mix: WorldMix, count: int, size: ClipSize = BASE_SIZE) -> dict[str, float]:
    rng = np.random.default_rng(12)
    specs = [sample_clip(rng, "held-out", mix) for _ in range(count)]
    rows = []
    for start in range(0, count, 16):
        batch = specs[start : start + 16]
        rows += [check(clip, spec) for clip, spec in zip(render(batch, size).frames, batch, strict=True)]
    return {name: sum(row[name] for row in rows) / count for name in ATTRIBUTES}


@pytest.mark.parametrize(
    "mix", [WorldMix(0, 0), WorldMix(0, 1), WorldMix(1, 0)], ids=["one object", "camera", "two objects"]
)
def test_true_clips_are_read_rightly(mix: WorldMix) -> None:
    assert min(right_shares(mix, 64).values()) >= 0.98  # at most one of 64; larger counts are in docs/mini.md


@pytest.mark.parametrize("name", ["64x64x17", "96x64x17", "48x80x9"])
def test_what_comes_back_is_read_rightly(name: str) -> None:
    size = ClipSize(*map(int, name.split("x")))
    assert min(right_shares(WorldMix(foresight=1.0), 34, size).values()) >= 0.97


@pytest.mark.parametrize("name", ["32x32x17", "96x64x9", "48x96x5", "160x64x1", "48x48x33"])
def test_other_sizes_and_lengths_are_read_rightly(name: str) -> None:
    size = ClipSize(*map(int, name.split("x")))
    assert min(right_shares(WorldMix(0.4, 0.3), 34, size).values()) >= 0.97


BASE = ClipSpec((ObjectSpec("red", "star", "right"),), "meadow", seed=5)


def changed(**fields: str) -> ClipSpec:
    return replace(BASE, objects=(replace(BASE.objects[0], **fields),))


def wrongs(spec: ClipSpec) -> set[str]:
    result = check(render([spec]).frames[0], BASE)
    return {name for name in ATTRIBUTES if not result[name]}


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != "star"])
def test_wrong_shape_is_found(shape: str) -> None:
    assert wrongs(changed(shape=shape)) == {"shape"}


@pytest.mark.parametrize("colour", [c for c in COLOUR_NAMES if "meadow" in readable_backgrounds((c,)) and c != "red"])
def test_wrong_colour_is_found(colour: str) -> None:
    assert wrongs(changed(colour=colour)) == {"colour"}


@pytest.mark.parametrize("motion", [m for m in MOTIONS if m != "right"])
def test_wrong_motion_is_found(motion: str) -> None:
    assert possible("star", motion)
    assert wrongs(changed(motion=motion)) == {"motion"}


@pytest.mark.parametrize("background", [b for b in BACKGROUNDS if b not in ("meadow", "sunset")])
def test_wrong_background_is_found(background: str) -> None:
    assert wrongs(replace(BASE, background=background)) == {"background"}


@pytest.mark.parametrize("camera", ["panleft", "panright", "zoomin", "zoomout"])
def test_wrong_camera_is_found(camera: str) -> None:
    assert "camera" in wrongs(replace(changed(motion="still"), camera=camera))


def test_what_does_not_come_back_is_found() -> None:
    spec = ClipSpec((ObjectSpec("red", "star", "returnleft"),), "meadow", seed=5)
    frames = render([spec]).frames[0]
    assert check(frames, spec)["all"]
    empty = frames[8]
    lost = torch.cat([frames[:9], empty.expand(8, -1, -1, -1)])
    assert not check(lost, spec)["motion"]
    other = render([replace(spec, objects=(replace(spec.objects[0], motion="returnright"),))]).frames[0]
    assert not check(torch.cat([frames[:8], other[8:]]), spec)["motion"]  # comes back from the other side


def test_one_that_comes_out_from_behind_as_another_is_found() -> None:
    subjects = (ObjectSpec("red", "star", "right"), ObjectSpec("blue", "square", "still"))
    spec = ClipSpec(subjects, "meadow", layout="behind", seed=5)
    changed_shape = replace(spec, objects=(replace(subjects[0], shape="circle"), subjects[1]))
    frames, other = render([spec, changed_shape]).frames
    assert check(frames, spec)["all"]
    assert not check(torch.cat([frames[:8], other[8:]]), spec)["shape"]


def test_nothing_is_asked_of_the_motion_of_a_single_frame() -> None:
    frame = render([BASE], ClipSize(64, 64, 1)).frames[0]
    assert check(frame, changed(motion="spin"))["all"]
    assert not check(frame, changed(shape="circle"))["all"]


def test_a_second_object_is_found() -> None:
    other = ObjectSpec("blue", "circle", "still")
    two = ClipSpec((ObjectSpec("red", "star", "still"), other), "meadow", layout="side by side", seed=1)
    one = ClipSpec((ObjectSpec("red", "star", "still"),), "meadow", seed=1)
    assert not check(render([two]).frames[0], one)["colour"]
    assert not check(render([one]).frames[0], two)["colour"]


def test_no_object_is_found_in_an_empty_scene() -> None:
    empty = render([BASE]).frames[0].clone()
    empty[:] = render([replace(BASE, background="black")]).frames[0][0, :, :1, :1]
    seen = look(empty)
    assert all(subject.shape == "none" for subject in seen.objects)


def blob(kind: str) -> Tensor:
    """Covers `[3, 64, 64]` of something that is no shape of the world."""
    line = torch.arange(64) + 0.5 - 32
    y, x = line[:, None], line[None, :]
    angle = torch.atan2(y, x)
    radius = {
        "egg": torch.hypot(x, 1.5 * y) - 14,
        "pebble": torch.hypot(x, y) - 12 * (1 + 0.25 * torch.sin(2 * angle) + 0.2 * torch.cos(3 * angle + 1)),
        "smear": torch.hypot(0.5 * x, 1.2 * y) - 8,
    }[kind]
    return (0.5 - radius).clamp(0, 1).expand(3, -1, -1)


@pytest.mark.parametrize("kind", ["egg", "pebble", "smear"])
def test_a_blob_is_no_shape(kind: str) -> None:
    assert read_outline(blob(kind)).shape == "none"


def test_a_star_that_melts_is_no_star() -> None:
    clip = render([changed(motion="still")])
    melted = functional.avg_pool2d(functional.pad(clip.cover, (5, 5, 5, 5)), 11, 1)[0]
    assert read_outline((melted > 0.45).float()).shape != "star"


def test_a_clip_played_backwards_moves_the_other_way() -> None:
    backwards = render([BASE]).frames[0].flip(0)
    assert look(backwards).objects[0].motion == "left"


def test_frozen_clips_are_still_and_noise_is_nothing() -> None:
    frames = render([BASE]).frames[0]
    assert look(frames[8:9].expand(17, -1, -1, -1)).objects[0].motion == "still"
    noise = torch.randint(0, 256, (17, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert not check(noise, BASE)["shape"]
