"""``kinograph cache``: what is kept on disk, how much, how much may be, and where an entry came from."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

from engine.cache import TIERS, Budgets, Codecs, DiskStore, Stored, read_chosen, save_chosen
from engine.folders import Folders
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.plan import readable_bytes

_BY_MACHINE = -1
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (_, text) in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        action.add_argument("--json", action="store_true", help="as JSON, for programs")
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        add_data_folder(action)
        if name == "why":
            action.add_argument("key", help="an entry's key, the beginning of it, or the id of the node that made it")
        if name == "limits":
            for tier in TIERS:
                action.add_argument(
                    f"--{tier}", type=_size, metavar="SIZE", help="such as 4G or 500M; auto: as the machine allows"
                )


def run(arguments: argparse.Namespace) -> int:
    """Look, set, or clear."""
    folders = folders_of(arguments)
    act, _ = _ACTIONS[arguments.action]
    return act(folders, arguments)


def _store(folders: Folders) -> DiskStore:
    budgets = Budgets.of(read_chosen(folders.cache_budgets), folders.cache)
    return DiskStore(folders.cache, Codecs(), budgets.disk)


def _stats(folders: Folders, arguments: argparse.Namespace) -> int:
    store = _store(folders)
    entries, used = store.list(), store.used()
    seconds = sum(item.seconds for item in entries)
    if arguments.json:
        found = {"folder": str(folders.cache), "entries": len(entries), "bytes": used, "cap": store.cap}
        print(json.dumps({**found, "seconds_saved": seconds}))
        return 0
    amount = f"{readable_bytes(used)} of {readable_bytes(store.cap)}"
    print(f"{len(entries)} entries, {amount}, worth {seconds:.1f} s of computing\nin {folders.cache}")
    return 0


def _list(folders: Folders, arguments: argparse.Namespace) -> int:
    entries = _store(folders).list()
    if arguments.json:
        print(json.dumps([asdict(item) for item in entries], ensure_ascii=False))
        return 0
    for item in entries:
        age = _ago(time.time() - item.used)
        size, source = readable_bytes(item.nbytes), f"{item.about.type_id} ({item.about.node_id})"
        print(f"{item.key}  {size:>10}  {item.seconds:8.2f} s  {age:>9}  {source}")
    if not entries:
        print(f"the cache in {folders.cache} is empty")
    return 0


def _clear(folders: Folders, arguments: argparse.Namespace) -> int:
    freed = _store(folders).clear()
    print(json.dumps({"bytes": freed}) if arguments.json else f"{readable_bytes(freed)} freed")
    return 0


def _why(folders: Folders, arguments: argparse.Namespace) -> int:
    store = _store(folders)
    matches = _matching(store.list(), arguments.key)
    if len(matches) != 1:
        said = (
            f"no entry begins with {arguments.key!r} or comes from a node of that id; 'kinograph cache list' shows all"
        )
        if matches:
            lines = [f"{item.key}  {item.about.type_id} ({item.about.node_id})" for item in matches[:10]]
            said = "\n  ".join([f"{len(matches)} entries fit {arguments.key!r}; name one by its key:", *lines])
        print(f"kinograph: {said}", file=sys.stderr)
        return 2
    (match,) = matches
    head = store.describe(match.key)
    if head is None:
        print("kinograph: the entry is damaged; it will be computed again", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(head, ensure_ascii=False))
        return 0
    about = head.get("about") or {}
    place = f"node {about.get('node_id')!r} (plugin {about.get('plugin')})"
    age = _ago(time.time() - head["created"])
    print(f"{match.key}: outputs of {about.get('type_id')} at {place}")
    print(f"computed {age} ago in {head['seconds']:.2f} s, {readable_bytes(head['nbytes'])}")
    for name, value in (about.get("values") or {}).items():
        print(f"  {name} = {value!r}")
    for name, source in (about.get("upstream") or {}).items():
        print(f"  {name} <- {source}")
    return 0


def _matching(entries: list[Stored], wanted: str) -> list[Stored]:
    return [item for item in entries if item.key.startswith(wanted) or item.about.node_id == wanted]


def _limits(folders: Folders, arguments: argparse.Namespace) -> int:
    given = {tier: size for tier in TIERS if (size := getattr(arguments, tier)) is not None}
    chosen = {tier: size for tier, size in (read_chosen(folders.cache_budgets) | given).items() if size != _BY_MACHINE}
    if given:
        save_chosen(folders.cache_budgets, chosen)
    budgets = asdict(Budgets.of(chosen, folders.cache))
    if arguments.json:
        print(json.dumps(budgets))
        return 0
    for tier, size in budgets.items():
        amount, origin = readable_bytes(size), "as set" if tier in chosen else "as the machine allows"
        if tier == "device" and tier not in chosen:
            amount = "half of it"  # which device it is, a run decides
        print(f"{tier:7} {amount:>10}  {origin}")
    if given:
        print("A server that runs already takes this up when it is started again.")
    return 0


def _size(text: str) -> int:
    """``4G`` in bytes; ``auto`` is :data:`_BY_MACHINE`.

    Raises:
        ArgumentTypeError: when it is no size.
    """
    if text == "auto":
        return _BY_MACHINE
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in _UNITS else (text, "")
    try:
        size = float(number) * _UNITS.get(unit, 1)
        if not 0 <= size < 2**63:
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; it should be like 4G, 500M, 0 or auto") from None
    return int(size)


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


_ACTIONS: dict[str, tuple[Callable[[Folders, argparse.Namespace], int], str]] = {
    "stats": (_stats, "how much is kept, and what it is worth"),
    "list": (_list, "what is kept"),
    "clear": (_clear, "remove all"),
    "why": (_why, "where an entry came from: its node, values and sources"),
    "limits": (_limits, "how much each tier may keep; with sizes, set it for this data folder"),
}
