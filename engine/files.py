"""Files that nodes write: made under a temporary name, flushed, then renamed to a name of their own."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_RESERVED = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{kind}{n}" for kind in ("COM", "LPT") for n in range(1, 10))})
"""Names of devices on Windows."""
_OURS: set[Path] = set()
"""Files that this process has saved; two equal pictures of one run are two files."""
_NEARLY_NOTHING = 64 << 10
_UNSAFE = re.compile(r"[^\w.\- ()]+")


@dataclass(frozen=True, slots=True)
class SavedFile:
    """A file that a node wrote below the output folder.

    Attributes:
        path: where it is (absolute).
        media_type: IANA media type (``"video/mp4"``).
        digest: SHA-256 of the content, hexadecimal.
        size: length in bytes.
    """

    path: Path
    media_type: str
    digest: str = ""
    size: int = 0

    def __kinograph_valid__(self) -> bool:
        """Whether the file is still there; a cached result whose file is gone is made again."""
        try:
            return self.path.stat().st_size == self.size
        except OSError:
            return False


class NoSpaceError(OSError):
    """The disk is full. Nothing was left behind; what was computed is in the cache, so trying again is cheap."""


class PendingFile:
    """A file being written: write to ``path``; after the ``with`` block, ``saved`` is the finished file."""

    def __init__(self, path: Path, media_type: str) -> None:
        self.path = path
        self.media_type = media_type
        self._saved: SavedFile | None = None

    @property
    def saved(self) -> SavedFile:
        """The finished file.

        Raises:
            RuntimeError: inside the ``with`` block, while the file has no final name yet.
        """
        if self._saved is None:
            raise RuntimeError("the file has no final name yet: leave the 'with' block first")
        return self._saved


def safe_name(name: str, fallback: str = "output") -> str:
    """A file name made of letters, digits and ``. - _ ( )`` that stays inside its folder on every system."""
    cleaned = _UNSAFE.sub("_", name.replace("/", "_").replace("\\", "_")).strip(" .")
    suffix = Path(cleaned).suffix[:12]
    stem = cleaned.removesuffix(suffix)[:100].rstrip(" .")
    if stem.upper() in _RESERVED:
        stem = f"_{stem}"
    return f"{stem}{suffix}" if stem else fallback


def file_digest(path: Path) -> str:
    """SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def output_file(folder: Path, name: str, media_type: str, identity: str = "") -> Iterator[PendingFile]:
    """Write a file below ``folder`` that appears under its final name only when it is whole.

    ``name`` is like ``"video.mp4"``; the final name carries a number (``video_0007.mp4``) and never replaces an
    existing file. One that an earlier process saved with the same content is taken as it is: a run that was killed
    after saving saves only once. When the block raises, nothing is left behind.

    Args:
        folder: where the file goes.
        name: what it is called, without a number.
        media_type: IANA media type.
        identity: names the computation whose result this is. Files whose content is never twice the same (they are
            signed) are recognised by it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = Path(safe_name(name)).stem, Path(safe_name(name)).suffix
    temporary = folder / f".{stem}.{os.getpid()}.{os.urandom(4).hex()}.partial{suffix}"
    pending = PendingFile(temporary, media_type)
    try:
        yield pending
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        digest = file_digest(temporary)
        marks = Marks(folder)
        final = None
        for size, known in ((temporary.stat().st_size, digest), *marks.read(identity)):
            final = final or _same_content(size, known, folder, stem, suffix)
        if final is None:
            marks.write(identity, temporary.stat().st_size, digest)
            final = _claim(temporary, folder, stem, suffix)
        else:
            digest = file_digest(final)
        _OURS.add(final)
        pending._saved = SavedFile(final, media_type, digest, final.stat().st_size)
    except Exception as error:
        written = temporary.stat().st_size if temporary.exists() else 0
        free = shutil.disk_usage(folder).free
        if not _says_full(error) and free > _NEARLY_NOTHING:
            raise
        raise NoSpaceError(
            errno.ENOSPC,
            f"there is no space left on the disk for {stem}{suffix}: it needs more than {written + 1:,} bytes, "
            f"{written + free:,} were free",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _says_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


class Marks:
    """What was about to be saved, by identity, in hidden files beside the results: written before the file appears."""

    _KEPT = 2000

    def __init__(self, folder: Path) -> None:
        self._folder = folder / ".saved"

    def read(self, identity: str) -> list[tuple[int, str]]:
        """Size and digest of what was saved for this identity, if anything."""
        if not identity:
            return []
        try:
            size, digest = (self._folder / identity).read_text("ascii").split()
            return [(int(size), digest)]
        except (OSError, ValueError):
            return []

    def write(self, identity: str, size: int, digest: str) -> None:
        """Remember; without room for it, nothing is remembered."""
        if not identity:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            temporary = self._folder / f".{identity}.{os.urandom(4).hex()}.partial"
            temporary.write_text(f"{size} {digest}", "ascii")
            temporary.replace(self._folder / identity)
            marks = list(os.scandir(self._folder))
            if len(marks) > self._KEPT:
                marks.sort(key=lambda entry: entry.stat().st_mtime)
                for entry in marks[: self._KEPT // 2]:
                    os.unlink(entry.path)  # noqa: PTH108 - scandir gives names


def _same_content(size: int, digest: str, folder: Path, stem: str, suffix: str) -> Path | None:
    """A file of this name and content that an earlier process saved: a run killed after saving saves only once."""
    for entry in os.scandir(folder):
        numbered = re.fullmatch(re.escape(stem) + r"_(\d+)" + re.escape(suffix), entry.name)
        if numbered and entry.is_file(follow_symlinks=False) and entry.stat().st_size == size:
            path = Path(entry.path)
            if path not in _OURS and file_digest(path) == digest:
                return path
    return None


def _claim(temporary: Path, folder: Path, stem: str, suffix: str) -> Path:
    """Link the finished file to the first free numbered name; linking fails where the name is taken."""
    number = _highest_number(folder, stem, suffix)
    while True:
        number += 1
        final = folder / f"{stem}_{number:04d}{suffix}"
        try:
            os.link(temporary, final)
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links: take the name first, then rename over it
            try:
                final.touch(exist_ok=False)
            except FileExistsError:
                continue
            temporary.replace(final)
        return final


def _highest_number(folder: Path, stem: str, suffix: str) -> int:
    pattern = re.compile(re.escape(stem) + r"_(\d+)" + re.escape(suffix))
    numbers = (pattern.fullmatch(entry.name) for entry in os.scandir(folder))
    return max((int(match[1]) for match in numbers if match), default=0)
