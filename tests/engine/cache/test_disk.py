"""The disk tier: round trips, damage, crashes at every point, several processes, a full disk, the cap."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.buffers import BufferAdapter
from engine.cache import About, Codecs, DiskStore, Entry, NotStorable


class Blob:
    """An array of bytes, to be stored beside the description."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Blobs(BufferAdapter):
    name = "blobs"

    def owns(self, value: object) -> bool:
        return isinstance(value, Blob)

    def nbytes(self, value: Any) -> int:
        return len(value.data)

    def identity(self, value: Any) -> int:
        return id(value)

    def version(self, value: Any) -> int:
        return 0

    def device(self, value: Any) -> str:
        return "cpu"

    def to_device(self, value: Any, device: str) -> Any:
        return value

    def save(self, buffers: Mapping[str, Any], path: Path) -> None:
        path.write_text(json.dumps({name: blob.data.hex() for name, blob in buffers.items()}))

    def load(self, path: Path, device: str) -> dict[str, Any]:
        return {name: Blob(bytes.fromhex(text)) for name, text in json.loads(path.read_text()).items()}


@dataclass(frozen=True)
class Clip:
    name: str
    blob: Blob


class Shade(enum.Enum):
    LIGHT = 1
    DARK = 2


KEY = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
CODECS = Codecs([Clip, Shade], (Blobs(),))


@pytest.fixture
def store(tmp_path):
    return DiskStore(tmp_path / "cache", CODECS)


def entry(text: str = "hello", size: int = 100, seconds: float = 1.0) -> Entry:
    return Entry({"value": text, "blob": Blob(b"x" * size)}, {"shown": 1}, seconds, size)


def files_of(store: DiskStore) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file()) if store.root.exists() else []


def test_a_round_trip_keeps_everything(store):
    outputs = {
        "numbers": [1, 2.5, -0.0, float("inf"), float("-inf"), True, None, 2**70],
        "text": 'Größe 視頻 \n "quoted"',
        "tuple": (1, (2, "three")),
        "dict": {"$kind": "tuple", "items": [1], "": {"deep": [{}]}},
        "path": Path("some/where.mp4"),
        "clip": Clip("first", Blob(b"abc")),
        "shade": Shade.DARK,
    }
    about = About("Type", "node", "plugin", {"a": 1}, {"b": "c"})
    assert store.write(KEY, Entry(outputs, {"ui": [1]}, 2.5, 77, about=about)) > 0
    found = store.read(KEY)
    assert found is not None
    clip = found.outputs.pop("clip")
    outputs.pop("clip")
    assert repr(found.outputs) == repr(outputs)
    assert (clip.name, clip.blob.data) == ("first", b"abc")
    assert (found.ui, found.seconds, found.nbytes, found.about) == ({"ui": [1]}, 2.5, 77, about)
    assert store.has(KEY) and list(store.keys()) == [KEY]
    assert store.list()[0].about == about


def test_nan_survives(store):
    store.write(KEY, Entry({"value": float("nan")}))
    value = store.read(KEY).outputs["value"]
    assert value != value


def test_one_array_in_two_places_is_stored_once_and_comes_back_as_one(store):
    blob = Blob(b"y" * 1000)
    store.write(KEY, Entry({"a": blob, "b": [blob, Blob(b"z")]}))
    outputs = store.read(KEY).outputs
    assert outputs["a"] is outputs["b"][0] and outputs["a"] is not outputs["b"][1]


@pytest.mark.parametrize("value", [object(), {1: 2}, b"bytes", {1, 2}, lambda: 1, type("Own", (str,), {})("text")])
def test_what_has_no_form_on_disk_is_refused_and_leaves_nothing(store, value):
    with pytest.raises(NotStorable):
        store.write(KEY, Entry({"value": [value]}))
    assert files_of(store) == []


def test_an_unknown_key_is_a_miss(store):
    assert store.read(KEY) is None and not store.has(KEY) and store.describe(KEY) is None


def damaged(store: DiskStore, change: str, position: int = 0) -> None:
    description = next(path for path in files_of(store) if path.suffix == ".json")
    arrays = next(path for path in files_of(store) if path.suffix == ".blobs")
    path = arrays if change.startswith("arrays") else description
    content = path.read_bytes()
    if change.endswith("gone"):
        path.unlink()
    elif change.endswith("empty"):
        path.write_bytes(b"")
    elif change.endswith("short"):
        path.write_bytes(content[: len(content) // 2])
    elif change.endswith("longer"):
        path.write_bytes(content + b" ")
    elif change.endswith("flipped"):
        at = position % len(content)
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    elif change.endswith("foreign"):
        path.write_bytes(b'{"somebody": "else"}')
    elif change.endswith("binary"):
        path.write_bytes(bytes(range(256)))


DAMAGES = [f"{what} {how}" for what in ("description", "arrays")
           for how in ("gone", "empty", "short", "longer", "foreign", "binary")]  # fmt: skip


@pytest.mark.parametrize("change", DAMAGES)
def test_a_damaged_entry_is_a_miss_and_removed(store, change):
    store.write(KEY, entry())
    damaged(store, change)
    assert store.read(KEY) is None
    assert not store.has(KEY)
    if change != "description gone":
        assert files_of(store) == []
    store.write(KEY, entry())  # and can be written again
    assert store.read(KEY).outputs["value"] == "hello"


@pytest.mark.parametrize("what", ["description flipped", "arrays flipped"])
def test_every_single_flipped_bit_is_noticed(store, what):
    chance = random.Random(0)
    for _ in range(30):
        store.write(KEY, entry())
        damaged(store, what, chance.randrange(10_000))
        assert store.read(KEY) is None
        assert not store.has(KEY)


def test_an_entry_under_another_name_is_a_miss(store):
    store.write(KEY, entry())
    source = store._json_path(KEY)
    target = store._json_path(OTHER)
    target.parent.mkdir(parents=True)
    target.write_bytes(source.read_bytes())
    assert store.read(OTHER) is None and not store.has(OTHER)
    assert store.read(KEY) is not None


def test_another_class_than_was_written_is_a_miss(tmp_path):
    DiskStore(tmp_path, CODECS).write(KEY, Entry({"clip": Clip("a", Blob(b"b"))}))
    without = DiskStore(tmp_path, Codecs([], (Blobs(),)))
    assert without.read(KEY) is None


class Crash(BaseException):
    """The process ends here."""


CALLS = ("mkdir", "save", "open", "fsync", "replace", "write_text")


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


@settings(max_examples=150)
@given(writes, st.integers(1, 80), st.booleans(), st.floats(0, 1))
def test_after_any_history_of_writes_the_lights_may_go_out_anywhere(history, at, after, torn):
    """Also what was written but not flushed is lost then: such files keep a part of their content, or nothing."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        store = DiskStore(Path(folder), CODECS)
        fuse, flushed, fsync = Fuse(at, after, Crash), set(), os.fsync

        def flush(file: int) -> None:
            flushed.add(os.fstat(file).st_ino)
            fsync(file)

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
sys.path[:0] = {paths!r}
from test_disk import CODECS, entry
from pathlib import Path
from engine.cache import DiskStore
store = DiskStore(Path(sys.argv[1]), CODECS, cap=1 << 20)
print("ready", flush=True)
for turn in range(10_000):
    store.write(f"{{turn % 40:032x}}", entry(str(turn), size=20_000))
    store.read(f"{{(turn * 7) % 40:032x}}")
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[3])]
    command = [sys.executable, "-c", WRITER.format(paths=paths), str(folder)]
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


def test_what_killed_writers_left_is_swept_away_after_an_hour(store):
    store.write(KEY, entry())
    folder = store._json_path(KEY).parent
    left = [folder / f".{OTHER}.1.ab.blobs.tmp", folder / f"{OTHER}.0123456789abcdef.blobs"]
    for path in left:
        path.write_bytes(b"half")
    store.sweep()
    assert all(path.exists() for path in left)  # somebody may be writing them just now
    long_ago = time.time() - 7200
    for path in left:
        os.utime(path, (long_ago, long_ago))
    store.sweep()
    assert not any(path.exists() for path in left)
    assert store.read(KEY) is not None


def test_writing_a_key_again_leaves_no_old_arrays_behind(store):
    for turn in range(20):
        store.write(KEY, entry(str(turn), size=1000 + turn))
    assert len(files_of(store)) == 2
    assert store.read(KEY).outputs["value"] == "19"


def test_a_full_disk_is_an_error_and_the_old_entry_stays(store, monkeypatch):
    store.write(KEY, entry("old"))
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space left"):
        store.write(KEY, entry("new", size=5))
    assert store.read(KEY).outputs["value"] == "old"
    assert len(files_of(store)) == 2


def test_a_folder_that_cannot_be_written_is_an_error_not_a_crash(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    store = DiskStore(tmp_path / "cache", CODECS)
    with pytest.raises(OSError):
        store.write(KEY, entry())
    assert store.read(KEY) is None and not store.has(KEY)
    assert store.used() == 0 and list(store.keys()) == [] and store.sweep() == 0


def test_above_the_cap_the_cheapest_per_byte_leave_first(tmp_path):
    store = DiskStore(tmp_path, CODECS, cap=200_000)
    for number in range(10):
        store.write(f"{number:032x}", entry(size=5_000, seconds=float(number)))
    store.cap = 60_000
    store.sweep()
    keys = list(store.keys())
    left = sorted(int(key, 16) for key in keys)
    assert left == list(range(10 - len(left), 10)) and 0 < len(left) < 10
    assert store.used() <= store.cap


def test_unused_entries_age(tmp_path):
    store = DiskStore(tmp_path, CODECS, cap=1 << 20)
    store.write(KEY, entry(size=5_000, seconds=10.0))
    store.write(OTHER, entry(size=5_000, seconds=2.0))
    long_ago = time.time() - 5 * 604_800
    os.utime(store._json_path(KEY), (long_ago, long_ago))  # halved five times: worth less than the other
    store.cap = 20_000
    store.sweep()
    assert list(store.keys()) == [OTHER]


def test_reading_counts_as_use(store):
    store.write(KEY, entry())
    long_ago = time.time() - 604_800
    os.utime(store._json_path(KEY), (long_ago, long_ago))
    store.read(KEY)
    assert time.time() - store._json_path(KEY).stat().st_mtime < 60


def test_writing_keeps_the_folder_under_its_cap(tmp_path):
    store = DiskStore(tmp_path, CODECS, cap=100_000)
    for number in range(40):
        store.write(f"{number:032x}", entry(size=2_000))
    assert store.used() <= store.cap * 1.1


def test_clear_removes_everything(store):
    store.write(KEY, entry())
    store.write(OTHER, entry())
    assert store.clear() > 0
    assert files_of(store) == []
