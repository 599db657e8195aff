"""Budgets of the cache: chosen, or as the machine allows."""

from __future__ import annotations

import shutil

import pytest

from engine.cache import Budgets, read_chosen, save_chosen
from tests.engine.cache.blobs import Blobs


class OnDevice(Blobs):
    def capacity(self, device: str) -> int | None:
        return 24 << 30 if device.startswith("cuda") else None


def test_what_was_chosen_goes_before_what_the_machine_allows(tmp_path):
    allowed = Budgets.of({}, tmp_path)
    assert Budgets.of({"memory": 5, "disk": 0}, tmp_path) == Budgets(5, allowed.device, 0)


def test_a_device_is_used_by_half_where_a_library_knows_its_size(tmp_path):
    adapters = (Blobs(), OnDevice())
    assert Budgets.of({}, tmp_path, "cuda:0", adapters).device == 12 << 30
    assert Budgets.of({}, tmp_path, "cpu", adapters).device == Budgets.of({}, tmp_path).device


def test_a_small_disk_is_not_filled(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(8 << 30, 0, 8 << 30))
    assert Budgets.of({}, tmp_path / "not" / "there" / "yet").disk == 2 << 30


def test_a_choice_is_kept(tmp_path):
    file = tmp_path / "data" / "budgets.json"
    assert read_chosen(file) == {}
    save_chosen(file, {"disk": 7})
    assert read_chosen(file) == {"disk": 7}
    assert [path.name for path in file.parent.iterdir()] == ["budgets.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"disk": -1}', '{"disk": true}', '{"disk": "5"}', '{"other": 5}'])
def test_a_damaged_choice_counts_as_none(tmp_path, text):
    file = tmp_path / "budgets.json"
    file.write_text(text)
    assert read_chosen(file) == {}
