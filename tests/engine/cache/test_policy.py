"""Who leaves first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.cache.policy import GreedyDualSizeFrequency, LeastRecentlyUsed


def order(policy) -> list[str]:
    found = []
    while (victim := policy.victim()) is not None:
        found.append(victim)
        policy.remove(victim)
    return found


def test_the_cheap_the_large_and_the_unused_leave_first():
    policy = GreedyDualSizeFrequency()
    policy.touch("dear", 10.0, 100)
    policy.touch("cheap", 0.1, 100)
    policy.touch("large", 10.0, 100_000)
    policy.touch("used", 0.1, 100)
    policy.touch("used", 0.1, 100)
    assert order(policy) == ["large", "cheap", "used", "dear"]


def test_what_was_precious_once_ages():
    policy = GreedyDualSizeFrequency()
    policy.touch("old", 1.0, 100)
    for turn in range(1000):
        policy.touch(f"new{turn}", 0.5, 100)
        if policy.victim() == "old":
            break
        policy.remove(policy.victim())
    else:
        raise AssertionError("what is never used again stays for ever")


def test_least_recently_used():
    policy = LeastRecentlyUsed()
    for name in "abcab":
        policy.touch(name, 1.0, 1)
    assert order(policy) == ["c", "a", "b"]


events = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["touch", "touch", "remove", "victim"]),
              st.floats(0, 100), st.integers(0, 10**9)),
    max_size=300,
)  # fmt: skip


@given(events)
def test_victims_are_always_present_and_none_is_lost(history):
    for policy in (GreedyDualSizeFrequency(), LeastRecentlyUsed()):
        present = set()
        for name, what, cost, size in history:
            if what == "touch":
                policy.touch(name, cost, size)
                present.add(name)
            elif what == "remove":
                policy.remove(name)
                present.discard(name)
            else:
                victim = policy.victim()
                assert (victim in present) if present else victim is None
        assert sorted(order(policy)) == sorted(present)


def test_on_the_recorded_day_the_default_is_no_worse_than_its_rivals_in_sum():
    """What ``benchmarks/cache_policy.py`` prints, as a test: the winner stays the default."""
    import importlib.util
    import sys
    from pathlib import Path

    file = Path(__file__).resolve().parents[3] / "benchmarks" / "cache_policy.py"
    spec = importlib.util.spec_from_file_location("cache_policy", file)
    assert spec is not None and spec.loader is not None
    comparison = importlib.util.module_from_spec(spec)
    sys.modules["cache_policy"] = comparison
    spec.loader.exec_module(comparison)
    trace = comparison.read_trace(comparison.TRACE)
    assert len(trace.runs) > 100
    lost = {
        name: sum(comparison.replay(trace, make(), budget << 20)[1] for budget in comparison.BUDGETS)
        for name, make in comparison.POLICIES.items()
    }
    default = lost.pop("GreedyDual-Size-Frequency (the engine's)")
    assert default <= min(lost.values())
