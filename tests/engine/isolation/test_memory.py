"""Tensors cross without being copied, in memory that nobody can change or shorten under its reader."""

from __future__ import annotations

import mmap
import os
import re
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

from engine import allocation
from engine.cache.codecs import DamagedEntry, NotStorable
from engine.isolation import mapping
from engine.isolation.crossing import Customs
from engine.isolation.made import Made
from engine.isolation.memory import Known, Mapped, NotSealed, Place, Segment
from engine.isolation.pipe import Pipe, PipeClosed, pair
from kinograph import Conditioning, Frames, Latent, empty
from nodes.tensors import TORCH_BUFFERS


@pytest.fixture
def ends() -> tuple[Customs, Customs]:
    """The worker's and the plugin's."""
    classes = (Frames, Latent, Conditioning)
    return Customs(classes, (TORCH_BUFFERS,)), Customs(classes, (TORCH_BUFFERS,))


def cross(sender: Customs, receiver: Customs, value: Any) -> Any:
    packed, segments = sender.pack(value)
    return receiver.unpack(packed, [os.dup(segment.descriptor) for segment in segments])


def is_shared(tensor: torch.Tensor) -> bool:
    """Whether its bytes lie in a mapping of a shared segment, by what the kernel says."""
    address = tensor.data_ptr()
    for line in Path("/proc/self/maps").read_text().splitlines():
        begin, end = (int(word, 16) for word in re.match(r"(\w+)-(\w+)", line).groups())  # type: ignore[union-attr]
        if begin <= address < end:
            return "memfd:kinograph" in line
    return False


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes were written into shared memory."""
    found: list[int] = []
    genuine = os.pwrite

    def pwrite(descriptor: int, data: Any, at: int) -> int:
        found.append(len(data))
        return genuine(descriptor, data, at)

    def copy(data: memoryview, address: int) -> None:
        found.append(data.nbytes)
        mapping.copy(data, address)

    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr("engine.isolation.made.copy", copy)
    return found


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> tuple[Customs, Customs]:
    """The plugin's end, whose outputs are made in shared memory, and the worker's."""
    made = Made()
    monkeypatch.setattr(allocation, "_sources", [made.memory])
    return Customs((Frames,), (TORCH_BUFFERS,), made=made), Customs((Frames,), (TORCH_BUFFERS,))


def test_what_was_made_for_it_crosses_without_a_copy(making: tuple[Customs, Customs], written: list[int]) -> None:
    pixels = empty(4, 64, 64, 3)
    torch.linspace(0, 1, pixels.numel(), out=pixels.view(-1))
    arrived = cross(*making, Frames(pixels, 12.0)).pixels
    assert written == []
    assert torch.equal(arrived, pixels)
    assert is_shared(arrived)
    assert cross(*making, Frames(pixels, 12.0)).pixels.equal(arrived)
    assert written == []


def test_what_the_maker_changes_afterwards_is_a_copy_of_its_own(
    making: tuple[Customs, Customs], written: list[int]
) -> None:
    pixels = empty(2, 64, 64, 3).zero_()
    arrived = cross(*making, Frames(pixels, 12.0)).pixels
    pixels.fill_(1.0)
    assert arrived.max() == 0.0
    again = cross(*making, Frames(pixels, 12.0)).pixels
    assert again.min() == 1.0
    assert written == [pixels.numel() * 4]


def test_a_part_of_what_was_made_crosses_too(making: tuple[Customs, Customs], written: list[int]) -> None:
    pixels = empty(4, 64, 64, 3).zero_()
    pixels[2:] = 0.5
    assert cross(*making, Frames(pixels[2:], 12.0)).pixels.unique().tolist() == [0.5]
    assert written == []


def test_what_is_handed_over_is_sealed_and_what_is_not_is_given_back(making: tuple[Customs, Customs]) -> None:
    pixels = empty(2, 64, 64, 3).zero_()
    _, (segment,) = making[0].pack(Frames(pixels, 12.0))
    with pytest.raises(PermissionError):
        os.pwrite(segment.descriptor, b"x", 0)
    before = set(Path("/proc/self/fd").iterdir())
    unused = empty(2, 64, 64, 3)
    del unused
    assert set(Path("/proc/self/fd").iterdir()) == before


def test_what_one_plugin_gave_reaches_another_without_a_copy(
    making: tuple[Customs, Customs], written: list[int]
) -> None:
    plugin, _ = making
    known = Known()
    worker = [Customs((Frames,), (TORCH_BUFFERS,), known=known) for _ in range(2)]
    other = Customs((Frames,), (TORCH_BUFFERS,))
    given = cross(plugin, worker[0], Frames(empty(2, 64, 64, 3).fill_(0.25), 12.0))
    arrived = cross(worker[1], other, given).pixels
    assert written == []
    assert is_shared(arrived)
    assert arrived.unique().tolist() == [0.25]


def test_what_the_worker_made_is_believed_by_plugins_and_comes_back_and_a_plugin_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, written: list[int]
) -> None:
    made = Made(trusted=True)
    monkeypatch.setattr(allocation, "_sources", [made.memory])
    worker = Customs((Frames,), (TORCH_BUFFERS,), made=made)
    plugin = Customs((Frames,), (TORCH_BUFFERS,), Mapped())
    pixels = empty(2, 64, 64, 3).fill_(0.5)
    _, (segment,) = worker.pack(Frames(pixels, 12.0))
    with pytest.raises(PermissionError):
        os.write(segment.descriptor, b"x")
    with pytest.raises(PermissionError):
        mmap.mmap(segment.descriptor, segment.size)
    given = cross(worker, plugin, Frames(pixels, 12.0))
    back = cross(plugin, worker, given)
    assert written == []
    assert back.pixels.unique().tolist() == [0.5]
    with pytest.raises(DamagedEntry, match="without seals"):
        cross(plugin, Customs((Frames,), (TORCH_BUFFERS,)), given)


def test_there_is_an_end_to_it_and_then_memory_is_ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(most=1)
    monkeypatch.setattr(allocation, "_sources", [made.memory])
    first, second = empty(1, 128, 128, 3), empty(1, 128, 128, 3)
    assert [is_shared(first), is_shared(second)] == [True, False]
    del first
    assert is_shared(empty(1, 128, 128, 3))


@pytest.mark.skipif(not Path("/sys/kernel/mm/transparent_hugepage").is_dir(), reason="this kernel has no large pages")
def test_large_pages_are_asked_for_by_who_makes_and_by_who_reads(making: tuple[Customs, Customs]) -> None:
    pixels = empty(16, 128, 128, 3).zero_()
    assert "hg" in flags_of(pixels)
    assert "hg" in flags_of(cross(*making, Frames(pixels, 12.0)).pixels)


def flags_of(tensor: torch.Tensor) -> list[str]:
    """What the kernel was told of the mapping that a tensor lies in."""
    inside = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line)
        if found is not None:
            inside = int(found[1], 16) <= tensor.data_ptr() < int(found[2], 16)
        elif inside and line.startswith("VmFlags:"):
            return line.split()[1:]
    return []


def test_elsewhere_it_is_ordinary_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocation, "_sources", [])  # as in a process without isolated plugins
    tensor = empty(4, 64, 64, 3, dtype="bfloat16")
    assert (tensor.shape, tensor.dtype) == ((4, 64, 64, 3), torch.bfloat16)
    assert not is_shared(tensor)


def test_a_clip_lies_over_shared_memory_on_the_other_side(ends: tuple[Customs, Customs]) -> None:
    clip = Frames(torch.rand(3, 8, 8, 3), 12.0)
    arrived = cross(*ends, clip)
    assert torch.equal(arrived.pixels, clip.pixels)
    assert arrived.fps == 12.0
    assert is_shared(arrived.pixels)
    assert not is_shared(clip.pixels)


def test_it_is_written_once_and_never_again(ends: tuple[Customs, Customs], written: list[int]) -> None:
    worker, plugin = ends
    clip = Frames(torch.rand(4, 64, 64, 3))
    arrived = cross(worker, plugin, clip)
    assert sum(written) == clip.pixels.nbytes
    cross(worker, plugin, clip)  # to a second node
    back = cross(plugin, worker, arrived)  # as its result
    cross(worker, plugin, {"frames": back})  # and on to the next plugin
    assert sum(written) == clip.pixels.nbytes
    assert torch.equal(back.pixels, clip.pixels)


def test_a_tensor_that_was_changed_in_between_is_written_anew(ends: tuple[Customs, Customs]) -> None:
    clip = Frames(torch.zeros(2, 2, 2, 3))
    cross(*ends, clip)
    clip.pixels.add_(1.0)
    assert cross(*ends, clip).pixels.sum() == clip.pixels.numel()


def test_who_changes_it_in_place_changes_a_copy(ends: tuple[Customs, Customs]) -> None:
    worker, plugin = ends
    made = cross(plugin, worker, Frames(torch.zeros(2, 2, 2, 3)))
    theirs = cross(worker, plugin, made)
    theirs.pixels.fill_(9.0)
    assert made.pixels.sum() == 0.0
    assert cross(worker, plugin, made).pixels.sum() == 0.0


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(7),
        torch.zeros(0, 3),
        torch.arange(24).reshape(2, 3, 4).transpose(0, 2),
        torch.rand(5).to(torch.bfloat16),
        torch.tensor([True, False]),
        torch.tensor([1 + 2j]).conj(),
        torch.rand(3, requires_grad=True),
        torch.rand(8).to(torch.float8_e4m3fn),
        torch.zeros(1).expand(1000),
    ],
    ids=["scalar", "empty", "strided", "bfloat16", "bool", "conjugated", "grad", "float8", "expanded"],
)
def test_every_kind_of_tensor_crosses(ends: tuple[Customs, Customs], tensor: torch.Tensor) -> None:
    arrived = cross(*ends, [tensor, "beside it"])[0]
    assert (arrived.dtype, arrived.shape) == (tensor.dtype, tensor.shape)
    assert torch.equal(arrived.to(torch.complex64), tensor.detach().to(torch.complex64))


def test_what_has_no_form_cannot_cross(ends: tuple[Customs, Customs]) -> None:
    with pytest.raises(NotStorable):
        ends[0].pack({"model": torch.nn.Linear(1, 1)})


def test_descriptors_are_closed_when_nobody_has_the_tensors_any_more(ends: tuple[Customs, Customs]) -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = count()
    for _ in range(20):
        cross(*ends, Frames(torch.rand(1, 4, 4, 3)))
    assert count() <= before + 1


def test_a_segment_without_seals_is_refused() -> None:
    for seals in (0, 0x0002):  # none; only against shrinking
        descriptor = os.memfd_create("evil", os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, 4096)
        if seals:
            import fcntl

            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        with pytest.raises(NotSealed):
            Segment.received(descriptor)
    with pytest.raises(NotSealed):
        Segment.received(os.open("/dev/null", os.O_RDONLY))


def test_a_sealed_segment_can_be_neither_changed_nor_shortened() -> None:
    segment, _ = Segment.holding([memoryview(b"as it was")])
    with pytest.raises(PermissionError):
        os.pwrite(segment.descriptor, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(segment.descriptor, 0)
    assert bytes(segment.view(0, 9)) == b"as it was"


@pytest.mark.parametrize(
    "change",
    [
        {"offset": 1 << 40},
        {"offset": -8},
        {"size": 1 << 40},
        {"segment": 3},
        {"about": {"dtype": "float32", "shape": [1 << 60]}},
        {"about": {"dtype": "__class__", "shape": [1]}},
        {"about": {"dtype": "float32", "shape": [-1, 2]}},
        {"about": {}},
    ],
)
def test_lies_about_where_a_tensor_lies_are_noticed(ends: tuple[Customs, Customs], change: dict[str, Any]) -> None:
    packed, segments = ends[0].pack([torch.rand(4)])
    packed["arrays"]["safetensors"]["0"].update(change)
    with pytest.raises(DamagedEntry):
        ends[1].unpack(packed, [os.dup(segment.descriptor) for segment in segments])


def test_extra_copies_are_kept_within_a_budget() -> None:
    known = Known(budget=100, most=10)
    segment, _ = Segment.holding([memoryview(bytes(60))])
    tensors = [torch.zeros(15) for _ in range(3)]
    for tensor in tensors:
        known.add(tensor, 0, Place(segment, 0, 60, {}), copied=True)
    assert [known.find(tensor, 0) is not None for tensor in tensors] == [False, False, True]


def test_arrays_come_and_go_in_many_threads_at_once() -> None:
    known = Known(budget=10**6, most=8)
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            for turn in range(300):
                arrays = [torch.zeros(4) for _ in range(8)]
                for array in arrays:
                    known.add(array, 0, Place(segment, 0, turn, {}), copied=turn % 2 == 0)
                    found = known.find(array, 0)
                    assert found is None or found.size == turn
        except BaseException as error:
            wrong.append(error)

    segment, _ = Segment.holding([memoryview(b"x")])
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    known.find(segment, 0)
    assert len(known._places) == 0


def test_what_was_received_lately_stays_mapped_within_a_budget() -> None:
    mapped = Mapped(budget=1 << 20, most=2)
    first, second, third = (Segment.holding([memoryview(bytes(8))])[0] for _ in range(3))
    taken = mapped.take(os.dup(first.descriptor))
    assert mapped.take(os.dup(first.descriptor)) is taken
    for other in (second, third):
        mapped.take(os.dup(other.descriptor))
    assert mapped.take(os.dup(first.descriptor)) is not taken
    mapped.clear()
    assert bytes(mapped.take(os.dup(first.descriptor)).view(0, 8)) == bytes(8)


def test_messages_of_any_size_pass_and_nonsense_ends_the_talk() -> None:
    ours, theirs = pair()
    sender, receiver = Pipe(ours), Pipe(theirs)
    for size in (10, 59_000, 61_000, 3_000_000):
        sender.send({"op": "x", "text": "y" * size})
        assert len(receiver.receive()[0]["text"]) == size
    ours.send(b"h[1, 2]")
    with pytest.raises(PipeClosed):
        receiver.receive()
    ours.send(b"a")
    with pytest.raises(PipeClosed):
        receiver.receive()
    sender.close()
    with pytest.raises(PipeClosed):
        receiver.receive()
