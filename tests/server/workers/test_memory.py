"""What a job's peaks of memory are made of."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from server.workers.memory import JobMemory


class Accelerator:
    """Counts as ``torch.cuda`` does."""

    def __init__(self) -> None:
        self.peak = 0
        self.ready = True

    def is_initialized(self) -> bool:
        return self.ready

    def reset_peak_memory_stats(self, device: str) -> None:
        assert device == "cuda:1"
        self.peak = 0

    def max_memory_allocated(self, device: str) -> int:
        assert device == "cuda:1"
        return self.peak


def test_the_peak_on_the_device_is_of_the_jobs_that_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Accelerator()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    memory = JobMemory("cuda:1")
    with memory.measured():
        cuda.peak = 700
        with memory.measured():  # a second job: the first one's peak stays
            assert memory.peaks()["peak_device_memory"] == 700
    with memory.measured():
        cuda.peak += 5
        assert memory.peaks()["peak_device_memory"] == 5
        assert memory.peaks()["peak_memory"] > 1 << 20


@pytest.mark.parametrize("device", ["cpu", "mps", "cuda:1"])
def test_a_device_that_does_not_count_or_is_not_in_use_is_left_out(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unused = Accelerator()
    unused.ready = False
    monkeypatch.setitem(
        sys.modules, "torch", SimpleNamespace(cuda=unused, mps=SimpleNamespace(), cpu=SimpleNamespace())
    )
    memory = JobMemory(device)
    with memory.measured():
        assert set(memory.peaks()) == {"peak_memory"}
    monkeypatch.delitem(sys.modules, "torch")
    assert set(memory.peaks()) == {"peak_memory"}
