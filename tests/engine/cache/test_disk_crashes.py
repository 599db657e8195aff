"""The disk tier when the lights go out: at every point of a write, after any history, with several writers."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.cache import DiskStore
from tests.engine.cache.blobs import CODECS, KEY, OTHER, Blobs, entry, files_of
from tests.searching import examples


@pytest.fixture
def store(tmp_path):
    return DiskStore(tmp_path / "cache", CODECS)


class Crash(BaseException):
    """The process ends here."""


class Fuse:
    """Lets some calls pass, then ends everything: before or after the call itself."""

    def __init__(self, at: int, after: bool, error: type[BaseException]) -> None:
        self.left, self.after, self.error = at, after, error

    def wrap(self, function):
        def call(*arguments, **options):
            self.left -= 1
            if self.left == 0 and not self.after:
                raise self.error("lights out")
            result = function(*arguments, **options)
            if self.left == 0:
                raise self.error("lights out")
            return result

        return call


@pytest.mark.parametrize("error", [Crash, OSError])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("at", range(1, 15))
def test_an_end_at_any_point_of_a_write_leaves_a_readable_cache(store, monkeypatch, at, after, error):
    store.write(OTHER, entry("other"))
    fuse = Fuse(at, after, error)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", fuse.wrap(Path.mkdir))
        patch.setattr(Path, "open", fuse.wrap(Path.open))
        patch.setattr(Path, "replace", fuse.wrap(Path.replace))
        patch.setattr(Path, "write_text", fuse.wrap(Path.write_text))
        patch.setattr(os, "fsync", fuse.wrap(os.fsync))
        patch.setattr(Blobs, "save", fuse.wrap(Blobs.save))
        if error is Crash:
            patch.setattr(Path, "unlink", lambda *_, **__: None)  # a killed process does not tidy up
        with contextlib.suppress(Crash, OSError):
            store.write(KEY, entry("new"))
    found = store.read(KEY)
    assert found is None or (found.outputs["value"], found.outputs["blob"].data) == ("new", b"x" * 100)
    assert store.read(OTHER).outputs["value"] == "other"
    if error is OSError and found is None:
        assert not [path for path in files_of(store) if KEY in path.name]  # it tidies up where it can
    store.write(KEY, entry("newer"))
    assert store.read(KEY).outputs["value"] == "newer"


writes = st.lists(st.tuples(st.sampled_from([KEY, OTHER]), st.integers(0, 10**6), st.integers(0, 4000)),
                  min_size=1, max_size=6)  # fmt: skip


@examples(100)
@given(writes, st.integers(1, 80), st.booleans(), st.floats(0, 1))
def test_after_any_history_of_writes_the_lights_may_go_out_anywhere(history, at, after, torn):
    """Also what was written but not flushed is lost then: such files keep a part of their content, or nothing."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        store = DiskStore(Path(folder), CODECS)
        fuse, flushed = Fuse(at, after, Crash), set()

        def flush(file: int) -> None:
            flushed.add(os.fstat(file).st_ino)

        for name in ("mkdir", "open", "replace", "write_text"):
            patch.setattr(Path, name, fuse.wrap(getattr(Path, name)))
        patch.setattr(os, "fsync", fuse.wrap(flush))
        patch.setattr(Blobs, "save", fuse.wrap(Blobs.save))
        unlink = Path.unlink  # a killed process does not tidy up
        patch.setattr(Path, "unlink", lambda *a, **o: unlink(*a, **o) if fuse.left > 0 else None)
        finished: dict[str, str] = {}
        begun = ("", "")
        with contextlib.suppress(Crash):
            for key, number, size in history:
                begun = (key, str(number))
                store.write(key, entry(str(number), size=size))
                finished[key] = str(number)
        patch.undo()
        for file in files_of(store):
            if file.stat().st_ino not in flushed:
                os.truncate(file, int(file.stat().st_size * torn))
        again = DiskStore(Path(folder), CODECS)
        for key in (KEY, OTHER):
            found = again.read(key)
            allowed = {finished.get(key)} | ({begun[1]} if begun[0] == key else set())
            assert (None if found is None else found.outputs["value"]) in allowed
            again.write(key, entry("after"))
            assert again.read(key).outputs["value"] == "after"


WRITER = """
import sys
sys.path.insert(0, {root!r})
from tests.engine.cache.blobs import CODECS, entry
from pathlib import Path
from engine.cache import DiskStore
store = DiskStore(Path(sys.argv[1]), CODECS, cap=1 << 20)
print("ready", flush=True)
for turn in range(10_000):
    store.write(f"{{turn % 40:032x}}", entry(str(turn), size=20_000))
    store.read(f"{{(turn * 7) % 40:032x}}")
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER.format(root=str(Path(__file__).parents[3])), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def test_killed_writers_and_two_at_once_leave_a_readable_cache(tmp_path):
    chance = random.Random(1)
    store = DiskStore(tmp_path, CODECS)
    for _ in range(2):
        writers = [start_writer(tmp_path) for _ in range(2)]
        deadline = time.monotonic() + 0.15 + chance.random() * 0.1
        while time.monotonic() < deadline:  # read while they write
            found = store.read(f"{chance.randrange(40):032x}")
            assert found is None or found.outputs["blob"].data == b"x" * 20_000
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
            writer.wait()
            writer.stdout.close()
        for number in range(40):
            found = store.read(f"{number:032x}")
            if found is not None:
                assert found.outputs["value"].isdecimal() and found.outputs["blob"].data == b"x" * 20_000
