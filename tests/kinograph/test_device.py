"""Which devices workers get when nobody says, found out without torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from kinograph.device import likely_devices, resolved


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("sys.platform", "linux")


def test_without_an_accelerator_there_is_the_cpu(tmp_path: Path) -> None:
    assert likely_devices(tmp_path) == ["cpu"]


def test_every_accelerator_is_a_device(tmp_path: Path) -> None:
    for bus in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "proc/driver/nvidia/gpus" / bus).mkdir(parents=True)
    assert likely_devices(tmp_path) == ["auto:0", "auto:1"]


def test_processors_of_an_amd_topology_do_not_count(tmp_path: Path) -> None:
    for node, number in (("0", "0"), ("1", "51234")):
        folder = tmp_path / "sys/class/kfd/kfd/topology/nodes" / node
        folder.mkdir(parents=True)
        (folder / "gpu_id").write_text(f"{number}\n")
    assert likely_devices(tmp_path) == ["auto:0"]


def test_what_is_hidden_from_torch_is_hidden_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0").mkdir(parents=True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert likely_devices(tmp_path) == ["cpu"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert likely_devices(tmp_path) == ["auto:0", "auto:1"]


def test_a_device_that_torch_does_not_find_is_the_cpu() -> None:
    import torch

    if not torch.accelerator.is_available():
        assert resolved("auto:3") == "cpu"
    assert resolved("cpu") == "cpu"
    assert resolved("cuda:1") == "cuda:1"
