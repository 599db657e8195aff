"""Arranging frames in time; frame n of the clip has the value n."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kinograph import Facts, Frames, InvalidInput
from nodes.clips import frames as module
from nodes.clips.frames import (
    frames_info,
    join_frames,
    loop_frames,
    merge_frames,
    reverse_frames,
    select_frames,
    set_fps,
    split_frames,
)


def counted(length: int = 8, fps: float = 8.0, size: int = 2) -> Frames:
    return Frames(torch.arange(length).float()[:, None, None, None].expand(length, size, size, 3).contiguous(), fps)


def numbers(clip: Frames) -> list[float]:
    return clip.pixels[:, 0, 0, 0].tolist()


def test_select():
    assert numbers(select_frames(counted(), 2, 3)) == [2, 3, 4]
    assert numbers(select_frames(counted(), -1)) == [7]
    assert numbers(select_frames(counted(), -100, 2)) == [0, 1]
    every_third = select_frames(counted(), 1, 0, 3)
    assert numbers(every_third) == [1, 4, 7]
    assert every_third.fps == pytest.approx(8 / 3)
    with pytest.raises(InvalidInput, match="only 8 frames"):
        select_frames(counted(), 8)


@given(st.integers(1, 20), st.integers(-25, 25), st.integers(0, 25), st.integers(1, 7))
def test_what_select_infers_is_what_it_gives(length, start, count, stride):
    clip = counted(length, size=1)
    facts = Facts(frames=length, fps=8.0, width=1, height=1)
    try:
        expected = module._infer_select(facts, start, count, stride)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            select_frames(clip, start, count, stride)
        return
    result = select_frames(clip, start, count, stride)
    assert expected is not None
    assert (expected["frames"], expected["width"]) == (result.pixels.shape[0], 1)
    assert expected["fps"] == result.fps


def test_reverse_and_loop():
    assert numbers(reverse_frames(counted(3))) == [2, 1, 0]
    assert numbers(loop_frames(counted(3), 2)) == [0, 1, 2, 0, 1, 2]
    assert numbers(loop_frames(counted(4), 2, "ping_pong")) == [0, 1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1]
    assert numbers(loop_frames(counted(1), 3, "ping_pong")) == [0, 0, 0]
    for mode in ("repeat", "ping_pong"):
        assert module._infer_loop(Facts(frames=4), 3, mode)["frames"] == len(numbers(loop_frames(counted(4), 3, mode)))


def test_join_cuts_or_dissolves():
    joined = join_frames(counted(2), counted(3))
    assert numbers(joined) == [0, 1, 0, 1, 2]
    dissolved = join_frames(counted(4), Frames(torch.full((4, 2, 2, 3), 10.0)), crossfade=2)
    assert dissolved.pixels.shape[0] == 6
    assert numbers(dissolved)[:2] == [0, 1]
    assert numbers(dissolved)[2] == pytest.approx(2 * 2 / 3 + 10 / 3)
    assert numbers(dissolved)[4:] == [10, 10]
    inferred = module._infer_join(**{"clips.0": Facts(frames=4), "clips.1": Facts(frames=4), "crossfade": 2})
    assert inferred["frames"] == 6
    with pytest.raises(InvalidInput) as caught:
        join_frames(counted(), counted(size=3))
    assert caught.value.socket == "clips.1"
    with pytest.raises(InvalidInput):
        join_frames()
    with pytest.raises(InvalidInput, match="shorter"):
        join_frames(counted(2), counted(9), crossfade=3)


def test_numbers_that_came_over_a_wire_are_checked_too():
    for act, socket in (
        (lambda: loop_frames(counted(), 0), "times"),
        (lambda: set_fps(counted(), 0), "fps"),
        (lambda: set_fps(counted(), float("nan"), "resample"), "fps"),
    ):
        with pytest.raises(InvalidInput) as caught:
            act()
        assert caught.value.socket == socket


def test_rates():
    assert set_fps(counted(), 24).fps == 24
    assert numbers(set_fps(counted(4), 16, "resample")) == [0, 0, 1, 1, 2, 2, 3, 3]
    assert numbers(set_fps(counted(4), 4, "resample")) == [0, 2]
    assert numbers(set_fps(counted(3), 16, "resample", blend=True)) == [0, 0.5, 1, 1.5, 2, 2]
    assert module._infer_fps(Facts(frames=4, fps=8.0), 16.0, "resample")["frames"] == 8
    assert module._infer_fps(Facts(frames=4, fps=8.0), 16.0, "retime")["frames"] == 4


def test_info_split_and_merge():
    clip = counted(4)
    info = frames_info(clip)
    assert info == (2, 2, 4, 8.0, 0.5)
    assert module._infer_info(Facts(width=2, height=2, frames=4, fps=8.0)) == info._asdict()
    parts = split_frames(clip)
    assert [part.pixels.shape for part in parts] == [(1, 2, 2, 3)] * 4
    assert torch.equal(merge_frames(parts).pixels, clip.pixels)
    with pytest.raises(InvalidInput):
        merge_frames([])


def test_nothing_changes_its_input():
    clip = counted()
    before, version = clip.pixels.clone(), clip.pixels._version
    for act in (
        reverse_frames,
        loop_frames,
        select_frames,
        split_frames,
        lambda c: set_fps(c, 3, "resample"),
        frames_info,
    ):
        act(clip)
    assert torch.equal(clip.pixels, before)
    assert clip.pixels._version == version
