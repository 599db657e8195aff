"""``kinograph cache``: what is kept on disk, how much, and where an entry came from."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from engine.cache import Codecs, DiskStore
from kinograph.commands.common import add_data_folder, folders_of
from kinograph.commands.plan import readable_bytes


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    parser.add_argument(
        "action",
        choices=["stats", "list", "clear", "why"],
        help="stats: how much; list: what; clear: remove all; why: where KEY came from",
    )
    parser.add_argument("key", nargs="?", help="an entry's key or the beginning of it, for why")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    add_data_folder(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look, or clear."""
    folder = folders_of(arguments).cache
    store = DiskStore(folder, Codecs())
    if arguments.action == "clear":
        print(f"{readable_bytes(store.clear())} freed")
        return 0
    if arguments.action == "why":
        return _why(store, arguments)
    entries = store.list()
    if arguments.action == "stats":
        return _stats(store, folder, len(entries), sum(item.seconds for item in entries), arguments.json)
    if arguments.json:
        print(json.dumps([asdict(item) for item in entries], ensure_ascii=False))
        return 0
    for item in entries:
        age = _ago(time.time() - item.used)
        size, source = readable_bytes(item.nbytes), f"{item.about.type_id} ({item.about.node_id})"
        print(f"{item.key}  {size:>10}  {item.seconds:8.2f} s  {age:>9}  {source}")
    if not entries:
        print(f"the cache in {folder} is empty")
    return 0


def _stats(store: DiskStore, folder: Path, count: int, seconds: float, as_json: bool) -> int:
    used = store.used()
    if as_json:
        print(
            json.dumps(
                {
                    "folder": str(folder),
                    "entries": count,
                    "bytes": used,
                    "cap": store.cap,
                    "seconds_saved": seconds,
                }
            )
        )
    else:
        amount = f"{readable_bytes(used)} of {readable_bytes(store.cap)}"
        print(f"{count} entries, {amount}, worth {seconds:.1f} s of computing\nin {folder}")
    return 0


def _why(store: DiskStore, arguments: argparse.Namespace) -> int:
    beginning = arguments.key or "?"
    matches = [key for key in store.keys() if key.startswith(beginning)]  # noqa: SIM118 - not a mapping
    if len(matches) != 1:
        print(f"kinograph: {len(matches)} entries begin with {arguments.key!r}; 'kinograph cache list' shows all keys")
        return 2
    head = store.describe(matches[0])
    if head is None:
        print("kinograph: the entry is damaged; it will be computed again")
        return 2
    about = head.get("about") or {}
    if arguments.json:
        print(json.dumps(head, ensure_ascii=False))
        return 0
    place = f"node {about.get('node_id')!r} (plugin {about.get('plugin')})"
    age = _ago(time.time() - head["created"])
    print(f"{matches[0]}: outputs of {about.get('type_id')} at {place}")
    print(f"computed {age} ago in {head['seconds']:.2f} s, {readable_bytes(head['nbytes'])}")
    for name, value in (about.get("values") or {}).items():
        print(f"  {name} = {value!r}")
    for name, source in (about.get("upstream") or {}).items():
        print(f"  {name} <- {source}")
    return 0


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
