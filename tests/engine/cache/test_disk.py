"""The disk tier: round trips, damage, a full disk, the cap."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from engine.cache import About, Codecs, DiskStore, Entry, NotStorable
from tests.engine.cache.blobs import CODECS, KEY, OTHER, Blob, Blobs, Clip, Shade, entry, files_of


@pytest.fixture
def store(tmp_path):
    return DiskStore(tmp_path / "cache", CODECS)


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
