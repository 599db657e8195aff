"""Shared memory lies ready for who needs it next, within bounds, and never with what somebody else left in it."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from engine import allocation
from engine.isolation import reserve as reserve_module
from engine.isolation.crossing import Customs
from engine.isolation.made import Made
from engine.isolation.mapping import MEANWHILE, Meanwhile, memory_at
from engine.isolation.memory import Segment
from engine.isolation.reserve import Reserve, let_go, new_piece
from kinograph import Frames, empty
from nodes.tensors import TORCH_BUFFERS

SIZE = 4 << 20


@pytest.fixture
def reserve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reserve]:
    """One with room for three pieces, on a machine with memory to spare."""
    monkeypatch.setattr(reserve_module, "available_memory", lambda: 64 << 30)
    found = Reserve(budget=3 * SIZE, seconds=1000.0)
    yield found
    found.close()


def ready(reserve: Reserve) -> list[int]:
    """Sizes of what lies ready."""
    MEANWHILE.wait()
    return [piece.size for piece in reserve._ready]


def resident(address: int) -> int:
    """Bytes of the mapping at an address that have their pages, by what the kernel says."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first = line.split()[0]
        if not first.endswith(":"):
            inside = int(first.split("-")[0], 16) <= address < int(first.split("-")[1], 16)
        elif inside and first == "Rss:":
            return int(line.split()[1]) * 1024
    raise AssertionError("no such mapping")


def test_what_was_given_back_unused_is_taken_again_with_its_pages(reserve: Reserve) -> None:
    first = reserve.take(SIZE)
    reserve.give_back(first)
    again = reserve.take(SIZE)
    assert again is first
    assert reserve.take(SIZE) is not first


def test_what_is_ordered_is_made_meanwhile_with_all_its_pages(reserve: Reserve) -> None:
    reserve.order(SIZE)
    assert ready(reserve) == [SIZE]
    piece = reserve.take_ready(SIZE)
    assert piece is not None
    assert resident(piece.address) == SIZE
    let_go(piece)
    assert resident_of_new_piece() == 0  # the kernel waits otherwise


def resident_of_new_piece() -> int:
    piece = new_piece(SIZE)
    try:
        return resident(piece.address)
    finally:
        let_go(piece)


def test_no_more_lies_ready_than_is_allowed_and_two_of_a_size_are_enough(reserve: Reserve) -> None:
    for _ in range(4):
        reserve.order(SIZE)
        MEANWHILE.wait()
    assert ready(reserve) == [SIZE, SIZE]
    reserve.order(2 * SIZE)
    assert ready(reserve) == [SIZE, SIZE]
    pieces = [reserve.take(SIZE) for _ in range(5)]
    for piece in pieces:
        reserve.give_back(piece)
    assert ready(reserve) == [SIZE] * 3


def test_only_the_same_size_fits_and_nothing_is_left_behind_its_end(reserve: Reserve) -> None:
    piece = reserve.take(SIZE)
    os.pwrite(piece.descriptor, b"\xff" * SIZE, 0)
    reserve.give_back(piece)
    assert reserve.take_ready(SIZE // 2) is None
    assert reserve.take_ready(SIZE - 100) is piece
    assert os.pread(piece.descriptor, 101, SIZE - 101) == b"\xff" + bytes(100)


def test_what_lies_unused_too_long_goes_and_all_of_it_when_memory_is_scarce(
    reserve: Reserve, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve.order(SIZE)
    assert ready(reserve) == [SIZE]
    reserve.shed()
    assert ready(reserve) == [SIZE]
    monkeypatch.setattr(reserve, "_seconds", 0.0)
    reserve.shed()
    assert ready(reserve) == []
    monkeypatch.setattr(reserve, "_seconds", 1000.0)
    reserve.give_back(reserve.take(SIZE))
    monkeypatch.setattr(reserve_module, "available_memory", lambda: SIZE)
    reserve.shed()
    assert ready(reserve) == []
    reserve.order(SIZE)
    assert ready(reserve) == []


def test_who_is_idle_looks_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.isolation.mapping._SECONDS", 0.01)
    looked = Looked()
    meanwhile = Meanwhile()
    meanwhile.repeat(weakref.WeakMethod(looked.look))
    meanwhile.start()
    while looked.times < 3:
        meanwhile.wait()


class Looked:
    """Counts."""

    times = 0

    def look(self) -> None:
        """Once more."""
        self.times += 1


def test_a_closed_reserve_keeps_nothing_and_its_files_are_closed(reserve: Reserve) -> None:
    before = open_files()
    piece = reserve.take(SIZE)
    reserve.order(SIZE)
    MEANWHILE.wait()
    reserve.close()
    reserve.give_back(piece)
    reserve.order(SIZE)
    assert ready(reserve) == []
    assert open_files() == before


def open_files() -> set[str]:
    """Shared memory that this process has open."""
    MEANWHILE.wait()
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        if entry.is_symlink() and "memfd:kinograph" in str(entry.readlink()):
            found.add(entry.name)
    return found


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, reserve: Reserve) -> Customs:
    """The worker's end, whose outputs are made in memory of the reserve."""
    made = Made(trusted=True, reserve=reserve)
    monkeypatch.setattr(allocation, "_sources", [made.memory])
    return Customs((Frames,), (TORCH_BUFFERS,), made=made)


def clip() -> Frames:
    """A clip of one piece."""
    return Frames(empty(1, SIZE // 4096, 1024, 1).fill_(0.5))


def address_of_a_clip() -> int:
    """Where one was made, of which nothing is left."""
    return int(clip().pixels.data_ptr())


def test_a_clip_that_no_plugin_saw_leaves_its_memory_to_the_next(worker: Customs) -> None:
    assert address_of_a_clip() == address_of_a_clip()


def test_memory_that_a_plugin_has_seen_is_never_written_again(worker: Customs, reserve: Reserve) -> None:
    frames = clip()
    packed, (segment,) = worker.pack(frames)
    kept = os.dup(segment.descriptor)  # a plugin that never lets go
    del frames, packed, segment
    others = [clip() for _ in range(4)]
    for one in others:
        one.pixels.fill_(0.125)
    assert torch.frombuffer(bytearray(os.pread(kept, SIZE, 0)), dtype=torch.float32).unique().tolist() == [0.5]
    os.close(kept)
    del others, one


def test_in_place_of_a_clip_that_has_left_another_piece_is_made(worker: Customs, reserve: Reserve) -> None:
    frames = clip()
    assert ready(reserve) == []
    worker.pack(frames)
    assert ready(reserve) == [SIZE]


@pytest.mark.parametrize("trusted", [True, False])
def test_what_was_made_in_ordinary_memory_is_copied_into_a_piece_that_is_ready(reserve: Reserve, trusted: bool) -> None:
    customs = Customs((Frames,), (TORCH_BUFFERS,), made=Made(trusted=trusted, reserve=reserve))
    first, second = (Frames(torch.rand(1, SIZE // 4096, 1024, 1)) for _ in range(2))
    customs.pack(first)
    (piece,) = reserve_pieces(reserve)
    _, (segment,) = customs.pack(second)
    assert segment.descriptor == piece.descriptor
    arrived = torch.frombuffer(segment.view(0, segment.size), dtype=torch.float32)
    assert torch.equal(arrived, second.pixels.flatten())
    with pytest.raises(PermissionError):
        os.pwrite(segment.descriptor, b"x", 0)
    if not trusted:
        assert Segment.received(os.dup(segment.descriptor)).size == SIZE


def reserve_pieces(reserve: Reserve) -> list[reserve_module.Piece]:
    """What lies ready."""
    MEANWHILE.wait()
    return list(reserve._ready)


def test_a_received_tensor_is_one_open_file() -> None:
    sender, receiver = (Customs((Frames,), (TORCH_BUFFERS,)) for _ in range(2))
    before = len(open_files())
    packed, (segment,) = sender.pack(Frames(torch.rand(1, SIZE // 4096, 1024, 1)))
    descriptor = os.dup(segment.descriptor)
    del segment
    arrived = [receiver.unpack(packed, [descriptor])]
    assert len(open_files()) == before + 1  # what was sent has died with its tensor
    del arrived[0]
    assert len(open_files()) == before


def test_work_is_done_by_who_brings_it_where_nobody_else_does() -> None:
    alone = Meanwhile()
    done: list[str] = []
    alone.do(lambda: done.append("at once"))
    alone.do_later(lambda: done.append("never"))
    assert done == ["at once"]


def test_work_does_not_pile_up_behind_what_takes_long() -> None:
    meanwhile = Meanwhile(most=1)
    meanwhile.start()
    begun, go_on = threading.Event(), threading.Event()
    done: list[str] = []
    meanwhile.do(lambda: (begun.set(), go_on.wait()))
    assert begun.wait(60)
    meanwhile.do(lambda: done.append("waits"))
    meanwhile.do(lambda: done.append("at once"))
    meanwhile.do_later(lambda: done.append("never"))
    assert done == ["at once"]
    go_on.set()
    meanwhile.wait()
    assert done == ["at once", "waits"]


def test_a_value_with_an_empty_tensor_beside_a_large_one_is_copied_too(reserve: Reserve) -> None:
    customs = Customs((), (TORCH_BUFFERS,), made=Made(reserve=reserve))
    for _ in range(2):
        tensors = [torch.zeros(0, 3), torch.rand(SIZE // 4)]
        packed, segments = customs.pack(tensors)
        empty_one, arrived = customs.unpack(packed, [os.dup(segment.descriptor) for segment in segments])
        assert empty_one.shape == (0, 3)
        assert torch.equal(arrived, tensors[1])
        MEANWHILE.wait()


def test_memory_is_given_back_when_the_last_view_of_it_is_gone() -> None:
    piece = new_piece(SIZE)
    gone: list[bool] = []
    tensor = torch.frombuffer(memory_at(piece.address, SIZE, lambda: gone.append(True))[4096:], dtype=torch.float32)
    part = tensor[:7].clone(), tensor[7:9]
    del tensor
    assert gone == []
    del part
    assert gone == [True]
    let_go(piece)
