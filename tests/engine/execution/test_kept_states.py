"""States that are kept for a while: the nearest is found, the budget holds, nothing is necessary."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cache.codecs import Codecs
from engine.execution.kept_states import KeptStates


def test_the_nearest_state_is_found_also_by_another_process(tmp_path: Path) -> None:
    kept = KeptStates(tmp_path, Codecs())
    for number in (1, 2, 5):
        assert kept.keep("a", number, {"number": number})
    assert kept.nearest("a", 4) == {"number": 2}, "also before it is written"
    kept.close()
    again = KeptStates(tmp_path, Codecs())
    assert again.nearest("a", 9) == {"number": 5}
    assert again.nearest("b", 9) is None
    assert again.nearest("a", 0) is None


def test_what_was_not_used_for_long_leaves_first(tmp_path: Path) -> None:
    kept = KeptStates(tmp_path, Codecs(), budget=200_000)
    for number in range(1, 11):
        kept.keep("old", number, {"text": "x" * 15_000})
    kept.flush(30)
    for path in tmp_path.rglob("*.json"):
        os.utime(path, (1, 1))
    assert kept.nearest("old", 3) is not None  # used just now
    for number in range(1, 11):
        kept.keep("new", number, {"text": "y" * 15_000})
        kept.flush(30)
    kept.close()
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert size < 230_000
    assert kept.nearest("new", 10) == {"text": "y" * 15_000}
    assert kept.nearest("old", 3) == {"text": "x" * 15_000}
    assert all(kept.nearest("new", number) == {"text": "y" * 15_000} for number in range(1, 11))
    assert len(list(tmp_path.rglob("*.json"))) <= 14


def test_a_disk_that_refuses_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = KeptStates(tmp_path, Codecs())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(kept._store, "write", full)
    assert kept.keep("a", 1, {"x": 1})
    assert kept.flush(10)
    assert kept.nearest("a", 1) is None


def test_a_writer_that_falls_behind_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.execution.kept_states._MAX_QUEUED", 10_000)
    kept = KeptStates(tmp_path, Codecs())
    assert not kept.keep("a", 1, {"text": "x" * 20_000})
    assert kept.keep("a", 2, {"text": "x"})
    kept.close()


def test_the_thread_that_writes_has_ended_when_closed(tmp_path: Path) -> None:
    """One that gave tensors back while the interpreter ends would abort the process."""
    kept = KeptStates(tmp_path, Codecs())
    kept.keep("a", 1, {"number": 1})
    writer = kept._writer
    assert writer is not None and writer.is_alive()
    kept.close()
    assert not writer.is_alive()
