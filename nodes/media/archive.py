"""ZIP files of strangers: opened for reading, with one kind of error."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nodes.media.errors import DamagedMediaError, MediaError, TooLargeError
from nodes.media.limits import MAX_ELEMENTS


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP file, open for reading; whatever goes wrong inside the block becomes one of our errors.

    Raises:
        DamagedMediaError: when it is damaged or packed in a way that is not read.
        TooLargeError: when it has too many members.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > MAX_ELEMENTS:
                raise TooLargeError(f"{path.name}: the archive has more than {MAX_ELEMENTS:,} members")
            yield archive
    except MediaError:
        raise
    except Exception as error:  # zipfile raises whatever it trips over: OSError, zlib.error, RuntimeError ...
        raise DamagedMediaError(f"{path.name}: the archive is damaged: {error}") from error


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """The content of a member, unpacked only up to a limit.

    Raises:
        TooLargeError: when it has more bytes.
    """
    with archive.open(name) as stream:
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise TooLargeError(f"{name} in the archive has more than {limit:,} bytes")
    return data
