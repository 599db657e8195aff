"""Long clips: the windows fit each other, the memory stays, the file is whole."""

import gc
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from kinograph import Conditioning, Facts, Frames, InvalidInput, NodeContext
from nodes.diffusion.conditioning import prompt_schedule, text_encode
from nodes.diffusion.long_video import Windows, check_windows, long_facts, long_video, window_count
from nodes.diffusion.settings import Settings
from nodes.families.family import Parts
from nodes.media.decode import Selection, read_frames
from nodes.media.probe import probe

SETTINGS = Settings(steps=2, guidance=1.0)


def prompt(tiny: Parts) -> Conditioning:
    return text_encode(NodeContext(), tiny.encoder, "a red ball")


@pytest.mark.parametrize(("frames", "count"), [(1, 1), (17, 1), (18, 2), (29, 2), (30, 3), (960, 80)])
def test_windows_cover_the_clip(frames: int, count: int) -> None:
    assert window_count(frames, 17, 5) == count


def test_a_file_of_the_wanted_length_is_written(tiny: Parts, tmp_path: Path) -> None:
    context = NodeContext(output_folder=tmp_path)
    shown = long_video(
        context, tiny.model, tiny.vae, prompt(tiny), seconds=3.0, fps=10.0, width=32, height=24, window=9, overlap=5,
        steps=2, guidance=1.0,
    )  # fmt: skip
    saved = shown.value
    info = probe(saved.path)
    assert (info.frames, info.width, info.height, info.fps) == (30, 32, 24, 10.0)
    assert len(list(read_frames(saved.path, Selection()))) == 30


def test_each_window_begins_with_the_end_of_the_one_before(tiny: Parts) -> None:
    windows = Windows(30, 9, 5, 32, 24, 8.0, seed=3)
    parts: list[torch.Tensor] = []
    given: list[Frames | None] = []

    class Watched(Windows):
        def window(self, *arguments: Any) -> torch.Tensor:
            given.append(arguments[5])
            parts.append(super().window(*arguments))
            return parts[-1]

    watched = Watched(30, 9, 5, 32, 24, 8.0, seed=3)
    pictures = list(watched.pictures(NodeContext(), tiny.model, tiny.vae, prompt(tiny), None, None, SETTINGS))
    assert len(pictures) == 30 and len(parts) == windows.count == 7
    assert given[0] is None
    for before, known in zip(parts, given[1:], strict=False):
        assert known is not None and torch.equal(known.pixels, before[-5:])
    again = list(windows.pictures(NodeContext(), tiny.model, tiny.vae, prompt(tiny), None, None, SETTINGS))
    assert all((a == b).all() for a, b in zip(pictures, again, strict=True))


def test_memory_does_not_grow_with_the_length(tiny: Parts) -> None:
    """Counted are the live tensors and Python's own memory, while frames are taken one by one and dropped."""

    def peak(frames: int) -> tuple[int, int]:
        windows = Windows(frames, 9, 5, 32, 24, 8.0, seed=3)
        most = 0
        gc.collect()
        tracemalloc.start()
        for index, _ in enumerate(
            windows.pictures(NodeContext(), tiny.model, tiny.vae, prompt(tiny), None, None, SETTINGS)
        ):
            if index % 16 == 15:
                gc.collect()
                most = max(most, sum(o.numel() for o in gc.get_objects() if type(o) is torch.Tensor))
        _, python = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, python

    short, long = peak(32), peak(160)
    assert long[0] <= short[0]
    assert long[1] < short[1] + 300_000


def test_a_schedule_runs_over_the_whole_clip(tiny: Parts) -> None:
    whole = prompt_schedule(NodeContext(), tiny.encoder, "0%: a red ball\n50%: a blue ball", 0.1)
    windows = Windows(33, 17, 1, 32, 24, 8.0, seed=3)
    first, second = (windows.part_of_schedule(whole, number) for number in (0, 1))
    assert [part.at for part in first.later] == [1.0]
    assert [part.at for part in second.later] == [0.0]
    assert first.blend == pytest.approx(0.2)
    single = prompt(tiny)
    assert windows.part_of_schedule(single, 1) is single


def test_a_given_beginning_is_kept(tiny: Parts) -> None:
    first = Frames(torch.full((5, 24, 32, 3), 0.5))
    windows = Windows(9, 9, 5, 32, 24, 8.0, seed=3)
    free, begun = (
        list(windows.pictures(NodeContext(), tiny.model, tiny.vae, prompt(tiny), None, begin, SETTINGS))
        for begin in (None, first)
    )
    assert any((a != b).any() for a, b in zip(free, begun, strict=True))


def test_cancelled_it_leaves_no_file(tiny: Parts, tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    def progress(step: float, total: float, message: str, preview: Any) -> None:
        if step >= 4:
            raise Stop

    context = replace(NodeContext(output_folder=tmp_path), _on_progress=progress)
    with pytest.raises(Stop):
        long_video(context, tiny.model, tiny.vae, prompt(tiny), seconds=4.0, width=32, height=24, window=9, steps=2)
    assert list(tmp_path.rglob("*.*")) == []


@pytest.mark.parametrize(("window", "overlap", "socket"), [(16, 5, "window"), (17, 4, "overlap"), (17, 17, "overlap")])
def test_windows_that_cannot_be_joined_are_refused(tiny: Parts, window: int, overlap: int, socket: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_windows(tiny.model.extras["traits"], window, overlap)
    assert caught.value.socket == socket


def test_mistakes_are_known_before_anything_runs(tiny: Parts) -> None:
    mini = tiny.model.extras["traits"].facts()
    long_facts(mini, Facts(family="mini"), None, None, 17, 5, 64, 64)
    for arguments in (
        (mini, Facts(family="wan"), None, None, 17, 5, 64, 64),
        (mini, None, Facts(family="wan"), None, 17, 5, 64, 64),
        (mini, None, None, None, 17, 4, 64, 64),
        (mini, None, None, None, 17, 5, 60, 64),
    ):
        with pytest.raises(InvalidInput):
            long_facts(*arguments)
