"""The cache: key -> outputs, in tiers. It never forgets without need, and it can say why."""

from engine.cache.budgets import TIERS, Budgets, read_chosen, save_chosen
from engine.cache.cache import Cache, worth_writing
from engine.cache.codecs import Codecs, NotStorable
from engine.cache.disk import DiskStore, Stored
from engine.cache.entry import About, Entry
from engine.cache.memory import MemoryTier
from engine.cache.policy import GreedyDualSizeFrequency, LeastRecentlyUsed, Policy

__all__ = [
    "TIERS",
    "About",
    "Budgets",
    "Cache",
    "Codecs",
    "DiskStore",
    "Entry",
    "GreedyDualSizeFrequency",
    "LeastRecentlyUsed",
    "MemoryTier",
    "NotStorable",
    "Policy",
    "Stored",
    "read_chosen",
    "save_chosen",
    "worth_writing",
]
