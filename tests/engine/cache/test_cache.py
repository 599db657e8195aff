"""Tiers together: budgets, demotion, what is written, spoiled values, one computation at a time."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.buffers import BufferAdapter, measure
from engine.cache import Cache, Codecs, DiskStore, Entry, LeastRecentlyUsed, MemoryTier
from engine.cache.entry import watch_of


class Array:
    def __init__(self, size: int, device: str = "cpu") -> None:
        self.size, self.device, self.version = size, device, 0


class Arrays(BufferAdapter):
    name = "arrays"

    def __init__(self) -> None:
        self.on_save = lambda: None

    def owns(self, value: object) -> bool:
        return isinstance(value, Array)

    def nbytes(self, value: Any) -> int:
        return value.size

    def identity(self, value: Any) -> int:
        return id(value)

    def version(self, value: Any) -> int:
        return value.version

    def device(self, value: Any) -> str:
        return value.device

    def to_device(self, value: Any, device: str) -> Any:
        return Array(value.size, device)

    def save(self, buffers: Mapping[str, Any], path: Path) -> None:
        path.write_text(",".join(f"{name}={array.size}" for name, array in buffers.items()))
        self.on_save()

    def load(self, path: Path, device: str) -> dict[str, Any]:
        parts = (part.split("=") for part in path.read_text().split(","))
        return {name: Array(int(size), device) for name, size in parts}


ADAPTER = Arrays()


def key(number: int) -> str:
    return f"{number:032x}"


def array_entry(size: int, seconds: float = 1.0, device: str = "cpu") -> Entry:
    outputs = {"array": Array(size, device)}
    return Entry(outputs, None, seconds, size, watch_of(outputs, (ADAPTER,)))


def wait_until(condition: Callable[[], bool]) -> None:
    """The thread that writes may let go a moment later."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def disk(tmp_path):
    ADAPTER.on_save = lambda: None
    return DiskStore(tmp_path, Codecs([], (ADAPTER,)))


@pytest.fixture
def cache(disk):
    cache = Cache(memory=10_000, device=5_000, disk=disk, adapters=(ADAPTER,))
    yield cache
    cache.close()


def test_memory_first_then_disk_and_back_into_memory(cache):
    cache.put(key(1), array_entry(100))
    assert cache.where(key(1)) == "memory" and cache.where(key(2)) is None
    cache.flush()
    cache.clear(disk=False)
    assert cache.where(key(1)) == "disk"
    assert cache.get(key(1)).outputs["array"].size == 100
    assert cache.where(key(1)) == "memory"


def test_what_is_cheaper_to_compute_than_to_read_is_not_written(cache):
    cache.put(key(1), array_entry(100, seconds=0.0005))
    cache.put(key(2), array_entry(100, seconds=0.01))
    cache.put(key(3), Entry({"array": Array(9)}, None, 0.5, nbytes=1 << 29))  # half a second against one to read it
    cache.flush()
    assert [cache.disk.has(key(number)) for number in (1, 2, 3)] == [False, True, False]


def test_the_thread_that_writes_has_ended_when_closed(cache):
    cache.put(key(1), array_entry(100))
    writer = cache._writer
    assert writer is not None and writer.is_alive()
    cache.close()
    assert not writer.is_alive() and cache.disk.has(key(1))


def test_what_has_no_form_on_disk_stays_in_memory(cache):
    cache.put(key(1), Entry({"thing": object()}, None, 1.0))
    cache.flush()
    assert cache.where(key(1)) == "memory" and not cache.disk.has(key(1))
    assert cache.write_error == ""


def test_a_disk_that_fails_stops_nothing_and_says_why(cache, monkeypatch):
    monkeypatch.setattr(DiskStore, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    cache.put(key(1), array_entry(100))
    assert cache.flush(5)
    assert cache.get(key(1)) is not None
    assert cache.write_error == "No space left on device"
    monkeypatch.undo()
    cache.put(key(2), array_entry(100))
    assert cache.flush(5)
    assert cache.write_error == ""  # there is room again


def test_budgets_hold_and_the_least_worth_per_byte_leaves_first(cache):
    for number, seconds in enumerate((5.0, 0.1, 4.0, 0.2)):
        cache.put(key(number), array_entry(1_500, seconds))
    cache.put(key(9), array_entry(2_500, 9.0))
    used, budget = cache.usage()["memory"]
    assert used <= budget
    cache.flush()
    cache.disk.clear()
    assert [cache.where(key(number)) for number in (0, 1, 2, 3, 9)] == ["memory", None, "memory", "memory", "memory"]


def test_an_entry_larger_than_the_budget_is_not_kept_in_memory(cache):
    cache.put(key(1), array_entry(50_000))
    cache.flush()
    assert cache.where(key(1)) == "disk"
    assert cache.get(key(1)) is not None


def test_what_leaves_the_device_goes_to_memory(cache):
    for number in range(3):
        cache.put(key(number), array_entry(1_500, device="cuda:0"))
    places = [cache.where(key(number)) for number in range(3)]
    assert sorted(places) == ["device", "device", "memory"]
    moved = cache.get(key(places.index("memory")))
    assert moved.outputs["array"].device == "cpu" and not moved.spoiled()


def test_what_has_been_written_is_not_held_any_longer(cache):
    entry = array_entry(50_000)
    held = weakref.ref(entry)
    cache.put(key(1), entry)
    del entry
    cache.flush()
    wait_until(lambda: held() is None)


def test_what_a_run_holds_is_found_although_no_budget_keeps_it(cache):
    entry = array_entry(50_000)
    cache.put(key(1), entry)
    cache.flush()
    cache.disk.clear()
    assert cache.where(key(1)) == "memory" and cache.get(key(1)) is entry
    entry.outputs["array"].version += 1
    assert cache.get(key(1)) is None, "but not when it was changed in place"
    del entry
    wait_until(lambda: cache.where(key(1)) is None)


def test_a_spoiled_entry_is_not_demoted(cache):
    entries = [array_entry(1_500, device="cuda:0") for _ in range(3)]
    for number in range(2):
        cache.put(key(number), entries[number])
        entries[number].outputs["array"].version += 1
    cache.put(key(2), entries[2])
    cache.flush()
    cache.disk.clear()
    assert [cache.get(key(number)) is None for number in range(3)] == [True, True, False]


def test_a_spoiled_entry_is_a_miss_and_comes_again_from_disk(cache):
    entry = array_entry(100)
    cache.put(key(1), entry)
    cache.flush()
    entry.outputs["array"].version += 1
    entry.outputs["array"].size = 7
    assert cache.get(key(1)).outputs["array"].size == 100


def test_what_was_spoiled_before_it_was_written_never_reaches_the_disk(disk):
    cache = Cache(memory=10_000, disk=disk, adapters=(ADAPTER,))
    entry = array_entry(100)
    entry.outputs["array"].version += 1
    cache.put(key(1), entry)
    cache.close()
    assert not disk.has(key(1))


def test_what_is_spoiled_while_it_is_written_does_not_stay_on_disk(disk):
    cache = Cache(memory=10_000, disk=disk, adapters=(ADAPTER,))
    entry = array_entry(100)

    def spoil() -> None:
        entry.outputs["array"].version += 1

    ADAPTER.on_save = spoil
    cache.put(key(1), entry)
    cache.close()
    assert not disk.has(key(1))


def test_drop_forgets_everywhere(cache):
    cache.put(key(1), array_entry(100))
    cache.flush()
    cache.drop(key(1))
    assert cache.where(key(1)) is None


def test_resizing_makes_room_at_once(cache):
    for number in range(4):
        cache.put(key(number), array_entry(2_000))
    cache.resize(memory=3_000)
    assert cache.usage()["memory"][0] <= 3_000


class Perishable:
    """A value that can become invalid by itself."""

    def __init__(self) -> None:
        self.good = True

    def __kinograph_valid__(self) -> bool:
        return self.good


def test_a_value_that_became_invalid_is_a_miss():
    from engine.cache.entry import checks_of

    cache = Cache(memory=10_000)
    value = Perishable()
    outputs = {"values": [value]}
    cache.put(key(1), Entry(outputs, checks=checks_of(outputs)))
    assert cache.get(key(1)) is not None
    value.good = False
    assert cache.get(key(1)) is None and cache.where(key(1)) is None


def test_one_claims_and_the_others_are_told():
    cache, told = Cache(memory=1000), []
    assert cache.claim(key(1), lambda: told.append("first"))
    assert not cache.claim(key(1), lambda: told.append("second"))
    assert not cache.claim(key(1), lambda: told.append("third"))
    assert cache.claim(key(2), lambda: None)
    cache.release(key(1))
    assert told == ["second", "third"]
    assert cache.claim(key(1), lambda: None)


def test_many_threads_put_and_get(cache):
    errors = []

    def work(seed: int) -> None:
        try:
            for turn in range(200):
                number = (seed * 31 + turn * 7) % 50
                found = cache.get(key(number))
                assert found is None or found.outputs["array"].size == 100 + number
                cache.put(key(number), array_entry(100 + number, seconds=0.01 if turn % 5 == 0 else 0.0))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    used, budget = cache.usage()["memory"]
    assert used <= budget


def test_measure_counts_what_a_value_holds():
    assert measure("x" * 1_000_000, ()) >= 1_000_000
    assert measure(["x" * 1_000_000] * 2 + ["y" * 1_000_000], ()) >= 2_000_000  # the same text counts once
    assert measure({"a": [b"z" * 500_000]}, ()) >= 500_000
    assert measure(bytearray(300_000), ()) >= 300_000
    array = Array(5_000)
    assert 5_000 <= measure([array, array], (ADAPTER,)) < 10_000
    assert measure(list(range(100_000)), ()) >= 800_000


class Measured:
    """Like an array of a library that nobody registered."""

    nbytes = 4_000_000


def test_measure_asks_unknown_arrays_for_their_size():
    assert measure([Measured()], ()) >= 4_000_000


def test_eviction_order_of_least_recently_used():
    tier = MemoryTier(5_000, LeastRecentlyUsed())
    for number in range(2):
        tier.put(key(number), array_entry(1_500))
    tier.get(key(0))
    tier.put(key(2), array_entry(1_500))
    assert [key(number) in tier for number in range(3)] == [True, False, True]


def test_a_tier_never_goes_over_its_budget_and_counts_right():
    tier = MemoryTier(20_000)
    for number in range(500):
        tier.put(key(number % 37), array_entry(100 + number * 3, seconds=number % 5))
        assert tier.used <= tier.budget
    assert tier.used == sum(entry.nbytes + 512 for _, entry in tier)
    tier.clear()
    assert tier.used == 0 and len(tier) == 0
