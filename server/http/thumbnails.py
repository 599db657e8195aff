"""Small pictures of images and videos, made by a child process with limits, kept in the cache folder.

The child gets the open file, never a name, so a picture can only be of what was asked for. It is ended when it takes
too much time or memory; a file that cannot be decoded has no thumbnail, which is no error.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import sys
from pathlib import Path

from server.places import child_environment
from server.storage.files import OpenFile

_SECONDS = 15.0
_MAX_BYTES = 2 << 20
_AT_ONCE = 2
_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


async def thumbnail(folder: Path, found: OpenFile, size: int) -> bytes | None:
    """A WebP of at most ``size`` pixels on the longer side, or ``None``."""
    if not found.media_type.startswith(("image/", "video/")):
        return None
    status = os.fstat(found.descriptor)
    identity = f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{size}"
    kept = folder / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.webp"
    with contextlib.suppress(OSError):
        return await asyncio.to_thread(kept.read_bytes)
    loop = asyncio.get_running_loop()
    async with _gates.setdefault(loop, asyncio.Semaphore(_AT_ONCE)):
        data = await _make(found, size)
    if data:
        with contextlib.suppress(OSError):
            await asyncio.to_thread(_keep, kept, data)
    return data


async def _make(found: OpenFile, size: int) -> bytes | None:
    kind = "video" if found.media_type.startswith("video/") else "image"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server.http.thumbnailer",
        kind,
        str(size),
        found.media_type,
        stdin=found.descriptor,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=child_environment(),
        start_new_session=True,
    )
    try:
        data, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except TimeoutError:
        return None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
    return data if process.returncode == 0 and 0 < len(data) <= _MAX_BYTES else None


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(3).hex()}")
    temporary.write_bytes(data)
    temporary.replace(path)
