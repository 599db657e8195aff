"""The disk tier: results that survive restarts and are shared by all workflows and processes of one data folder.

An entry is a small JSON file and, where it holds arrays, one file of arrays per adapter. The JSON is renamed into
place last and carries the length and checksum of the others, so an entry exists exactly when it is whole: a crash at
any point leaves the cache readable. A damaged, truncated or foreign entry is a miss and is removed. When the folder
grows over its cap, the entries with the least cost to recompute per byte, aged by their last use, leave first.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.cache.codecs import Codecs, DamagedEntry, NotStorable
from engine.cache.entry import About, Entry

_FORMAT = 1
_KEY = re.compile(r"[0-9a-f]{32}")
_STALE_SECONDS = 3600.0
_MAX_JSON = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Stored:
    """What a listing shows of an entry on disk."""

    key: str
    nbytes: int
    seconds: float
    used: float
    about: About


class DiskStore:
    """Entries below one folder. Safe for several threads and processes at once.

    Args:
        root: the folder; made on first write.
        codecs: how values become files.
        cap: bytes; the oldest and cheapest entries leave above it.
    """

    def __init__(self, root: Path, codecs: Codecs, cap: int = 20 * 2**30) -> None:
        self.root = root
        self.codecs = codecs
        self.cap = cap
        self._written_since_sweep = cap  # the first write looks at what is there

    def _json_path(self, key: str) -> Path:
        return self.root / key[:2] / f"{key}.json"

    def has(self, key: str) -> bool:
        """Whether an entry is there (not whether it is sound)."""
        return os.path.exists(f"{self.root}/{key[:2]}/{key}.json")  # noqa: PTH110 - called once per planned step

    def write(self, key: str, entry: Entry) -> int:
        """Store an entry; bytes written.

        Raises:
            NotStorable: when a value has no form on disk.
            OSError: when the disk is full or read-only; nothing half-written stays under the entry's name.
        """
        tree, buffers = self.codecs.encode(entry.outputs)
        final = self._json_path(key)
        final.parent.mkdir(parents=True, exist_ok=True)
        unique = f".{key}.{os.getpid()}.{os.urandom(4).hex()}"
        before = self._array_names(key)
        made: list[Path] = []
        files: dict[str, dict[str, Any]] = {}
        try:
            for adapter in self.codecs.adapters:
                if adapter.name in buffers:
                    temporary = final.with_name(f"{unique}.{adapter.name}.tmp")
                    made.append(temporary)
                    adapter.save(buffers[adapter.name], temporary)
                    digest, size = _digest(temporary)
                    name = f"{key}.{digest[:16]}.{adapter.name}"
                    files[adapter.name] = {"file": name, "digest": digest, "size": size}
                    _flush(temporary)
                    temporary.replace(final.with_name(name))
            head = {
                "format": _FORMAT,
                "key": key,
                "outputs": tree,
                "ui": entry.ui,
                "seconds": entry.seconds,
                "nbytes": entry.nbytes,
                "created": time.time(),
                "files": files,
                "about": asdict(entry.about) if entry.about else None,
            }
            body = json.dumps(head, ensure_ascii=False, allow_nan=False)
            if len(body) > _MAX_JSON // 4:
                raise NotStorable("a value is too large for a description in JSON")
            sealed = f"{hashlib.blake2b(body.encode(), digest_size=16).hexdigest()}\n{body}"
            temporary = final.with_name(f"{unique}.json.tmp")
            made.append(temporary)
            temporary.write_text(sealed, encoding="utf-8")
            _flush(temporary)
            temporary.replace(final)
            superseded = before - {item["file"] for item in files.values()}
        except BaseException:
            superseded = {item["file"] for item in files.values()} - self._array_names(key)
            raise
        finally:
            for path in (*made, *(final.with_name(name) for name in superseded)):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
        written = len(sealed) + sum(int(item["size"]) for item in files.values())
        self._written_since_sweep += written
        if self._written_since_sweep > self.cap // 20:
            self.sweep()
        return written

    def read(self, key: str, device: str = "cpu") -> Entry | None:
        """The entry, or ``None``; a damaged one is removed."""
        path = self._json_path(key)
        for _ in range(2):
            known = _identity(path)
            if known is None:
                return None
            try:
                entry = self._read(path, key, device)
            except FileNotFoundError:
                pass  # its arrays are gone
            except OSError:
                return None  # the disk's mistake, not the entry's
            except Exception:  # whatever an adapter or a class says to damaged data
                pass
            else:
                with contextlib.suppress(OSError):
                    os.utime(path)
                return entry
            if _identity(path) == known:
                break  # otherwise another process has written it anew meanwhile: look again
        self.remove(key)
        return None

    def _read(self, path: Path, key: str, device: str) -> Entry:
        head = self._head(path, key)
        buffers = {}
        for adapter in self.codecs.adapters:
            if adapter.name in head["files"]:
                described = head["files"][adapter.name]
                file = path.with_name(Path(described["file"]).name)
                if _digest(file) != (described["digest"], described["size"]):
                    raise DamagedEntry("the arrays do not match their checksum")
                buffers[adapter.name] = adapter.load(file, device)
        outputs = self.codecs.decode(head["outputs"], buffers)
        if not isinstance(outputs, dict):
            raise DamagedEntry("no outputs")
        return Entry(outputs, head["ui"], float(head["seconds"]), int(head["nbytes"]), about=_about(head))

    def _array_names(self, key: str) -> set[str]:
        """Files beside an entry's description."""
        head = self.describe(key) if self.has(key) else None
        return {item["file"] for item in head["files"].values()} if head is not None else set()

    def _head(self, path: Path, key: str) -> dict[str, Any]:
        if path.stat().st_size > _MAX_JSON:
            raise DamagedEntry("too large")
        digest, _, body = path.read_text(encoding="utf-8").partition("\n")
        if hashlib.blake2b(body.encode(), digest_size=16).hexdigest() != digest:
            raise DamagedEntry("the description does not match its checksum")
        head = json.loads(body)
        if head["format"] != _FORMAT or head["key"] != key:
            raise DamagedEntry("another format or key")
        return head  # type: ignore[no-any-return]

    def describe(self, key: str) -> dict[str, Any] | None:
        """The stored description of an entry (everything but the arrays), or ``None``."""
        try:
            return self._head(self._json_path(key), key)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remove(self, key: str) -> int:
        """Remove an entry; bytes freed. The JSON goes first, so that no reader sees half of it."""
        path = self._json_path(key)
        freed = _unlink(path)
        with contextlib.suppress(OSError):
            for other in path.parent.glob(f"{key}.*"):
                freed += _unlink(other)
        return freed

    def keys(self) -> Iterator[str]:
        """All keys with an entry."""
        for path, _ in self._files():
            if path.suffix == ".json" and _KEY.fullmatch(path.stem):
                yield path.stem

    def list(self) -> list[Stored]:
        """All entries, most recently used first. Damaged ones are left out."""
        sizes = self._sizes()
        found = []
        for key in self.keys():
            head = self.describe(key)
            if head is not None:
                used = self._json_path(key).stat().st_mtime
                found.append(Stored(key, sizes.get(key, 0), float(head["seconds"]), used, _about(head) or About()))
        return sorted(found, key=lambda item: -item.used)

    def used(self) -> int:
        """Bytes on disk."""
        return sum(size for _, size in self._files())

    def clear(self) -> int:
        """Remove everything; bytes freed."""
        freed = 0
        for path, _ in list(self._files()):
            freed += _unlink(path)
        return freed

    def sweep(self) -> int:
        """Bring the folder under its cap and remove what crashed writers left; bytes freed."""
        self._written_since_sweep = 0
        now = time.time()
        freed = 0
        sizes = self._sizes()
        known = set(self.keys())
        for path, size in list(self._files()):
            key = path.name.lstrip(".").partition(".")[0]
            old = now - _modified(path, now) > _STALE_SECONDS
            if old and (path.suffix == ".tmp" or (path.suffix != ".json" and key not in known)):
                freed += _unlink(path) and size
        total = sum(sizes.values())
        if total <= self.cap:
            return freed
        ranked = sorted((self._rank(key, sizes.get(key, 0), now), key) for key in known)
        for _, key in ranked:
            if total <= self.cap * 0.9:
                break
            gone = self.remove(key)
            total -= gone
            freed += gone
        return freed

    def _rank(self, key: str, size: int, now: float) -> float:
        """Seconds of computing saved per byte, halved for each week without use."""
        head = self.describe(key)
        cost = float(head["seconds"]) if head else 0.0
        weeks = (now - _modified(self._json_path(key), now)) / 604_800
        return float(cost / max(size, 1) * 0.5**weeks)

    def _sizes(self) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for path, size in self._files():
            if path.suffix != ".tmp":
                key = path.name.partition(".")[0]
                sizes[key] = sizes.get(key, 0) + size
        return sizes

    def _files(self) -> Iterator[tuple[Path, int]]:
        with contextlib.suppress(OSError):
            for folder in os.scandir(self.root):
                if folder.is_dir(follow_symlinks=False) and len(folder.name) == 2:
                    with contextlib.suppress(OSError):
                        for file in os.scandir(folder.path):
                            with contextlib.suppress(OSError):
                                yield Path(file.path), file.stat(follow_symlinks=False).st_size


def _about(head: dict[str, Any]) -> About | None:
    return About(**head["about"]) if head.get("about") else None


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as stream:
        summary = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
        return summary.hexdigest(), stream.tell()


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _unlink(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except OSError:
        return 0
    return size


def _identity(path: Path) -> int | None:
    """Another number when the file has been replaced by a new one, ``None`` when it is not there."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _modified(path: Path, default: float) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return default
