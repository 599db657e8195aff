"""A file that is never twice the same (it is signed) is still saved once by a run that was killed after saving."""

from __future__ import annotations

import os

from engine import files
from engine.files import output_file


def save(folder, identity, content=None):
    with output_file(folder, "clip.mp4", "video/mp4", identity) as pending:
        pending.path.write_bytes(content or os.urandom(64))
    return pending.saved


def another_process(monkeypatch):
    monkeypatch.setattr(files, "_OURS", set())


def test_another_process_takes_the_file_that_was_saved_for_the_same_computation(tmp_path, monkeypatch):
    first = save(tmp_path, "key-1")
    another_process(monkeypatch)
    again = save(tmp_path, "key-1")
    assert (again.path, again.digest, again.size) == (first.path, first.digest, first.size)
    assert [path.name for path in sorted(tmp_path.glob("*.mp4"))] == ["clip_0001.mp4"]


def test_other_computations_and_second_files_of_this_process_are_files_of_their_own(tmp_path, monkeypatch):
    first = save(tmp_path, "key-1")
    assert save(tmp_path, "key-1").path != first.path
    another_process(monkeypatch)
    assert save(tmp_path, "key-2").path.name == "clip_0003.mp4"


def test_a_file_that_is_gone_or_changed_is_made_again(tmp_path, monkeypatch):
    first = save(tmp_path, "key-1")
    first.path.write_bytes(b"x" * 64)
    another_process(monkeypatch)
    assert save(tmp_path, "key-1").path.name == "clip_0002.mp4"


def test_marks_do_not_pile_up(tmp_path, monkeypatch):
    monkeypatch.setattr(files.Marks, "_KEPT", 10)
    for number in range(40):
        save(tmp_path, f"key-{number}")
    assert len(list((tmp_path / ".saved").iterdir())) <= 11
