"""ffmpeg as a child process: found, started with a narrow environment, watched, and always ended.

Nothing that a person typed becomes an option or a filter: options are made here from numbers and from fixed
words, and paths are absolute (a leading dash cannot become an option).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO

from nodes.media.errors import FfmpegFailedError, FfmpegMissingError

_KEPT_ENVIRONMENT = (
    "PATH",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "LANG",
)
_LAST_LINES = 12


@lru_cache(maxsize=1)
def ffmpeg_binary() -> str:
    """Path of the ffmpeg binary: ``KINOGRAPH_FFMPEG``, else the one of imageio-ffmpeg, else one on ``PATH``.

    Raises:
        FfmpegMissingError: when there is none.
    """
    chosen = os.environ.get("KINOGRAPH_FFMPEG", "")
    if chosen:
        if not shutil.which(chosen):
            raise FfmpegMissingError(
                f"KINOGRAPH_FFMPEG names {chosen!r}, which is not a program; unset it or correct it"
            )
        return str(Path(shutil.which(chosen) or chosen).absolute())
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError, OSError):
        found = shutil.which("ffmpeg")
    if found:
        return found
    raise FfmpegMissingError(
        "ffmpeg was not found, so videos cannot be read or written; run 'pip install imageio-ffmpeg', or "
        "install ffmpeg, or let the environment variable KINOGRAPH_FFMPEG name the program"
    )


def _ending(code: int) -> str:
    """An exit code in words; below 0 it is the signal that ended the process."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


class Ffmpeg:
    """One run of ffmpeg: ``with Ffmpeg([...]) as run: run.stdin.write(...); run.finish()``.

    Leaving the block ends the process if it still runs. Its messages are read all the time, so that it never
    waits for us; the last lines are kept for the error.

    Args:
        arguments: options and absolute paths, without the program.
        doing: what this is for, for messages (``"encoding clip.mp4"``).
        stdin, stdout: whether raw data goes in or comes out.
        stall_seconds: how long it may neither take nor give anything before it is ended; call :meth:`alive`
            whenever something went through.
        keep_lines: how many of its last messages are kept.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        doing: str,
        stdin: bool = False,
        stdout: bool = False,
        stall_seconds: float = 120.0,
        keep_lines: int = _LAST_LINES,
    ) -> None:
        self.doing = doing
        self._lines: deque[str] = deque(maxlen=keep_lines)
        self._stall_seconds = stall_seconds
        self._last_sign = time.monotonic()
        self._paused = False
        self.stalled = False
        command = [ffmpeg_binary(), "-hide_banner", "-loglevel", "error", "-nostats", "-y", *arguments]
        if not stdin:
            command.insert(1, "-nostdin")
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE if stdout else subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ},
            )
        except OSError as error:
            raise FfmpegMissingError(f"{doing}: ffmpeg could not be started: {error}") from error
        self._reader = threading.Thread(target=self._read_messages, name="ffmpeg-messages", daemon=True)
        self._reader.start()
        self._done = threading.Event()
        threading.Thread(target=self._watch, name="ffmpeg-watch", daemon=True).start()

    @property
    def stdin(self) -> IO[bytes]:
        """Where raw frames go in."""
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """Where raw frames come out."""
        assert self._process.stdout is not None
        return self._process.stdout

    def alive(self) -> None:
        """Something went through: start waiting anew."""
        self._last_sign = time.monotonic()

    @contextmanager
    def waiting_for_us(self) -> Iterator[None]:
        """While a frame is being used, the decoder rightly does nothing."""
        self._paused = True
        try:
            yield
        finally:
            self.alive()
            self._paused = False

    @property
    def messages(self) -> str:
        """Its last lines."""
        return "\n".join(self._lines).strip()

    def feed(self, data: bytes | memoryview) -> None:
        """Write raw data to ffmpeg; waits while it is busy.

        Raises:
            FfmpegFailedError: when it ended before it took everything.
        """
        try:
            self.stdin.write(data)
        except (BrokenPipeError, ValueError, OSError) as error:
            self.finish()
            raise self.failure("it stopped taking frames") from error
        self.alive()

    def finish(self) -> None:
        """Wait for the end.

        Raises:
            FfmpegFailedError: when the exit code is not 0.
        """
        self._close(self._process.stdin)
        self._process.wait()
        self._done.set()
        self._reader.join(timeout=5)
        if self._process.returncode != 0:
            raise self.failure(_ending(self._process.returncode))

    def failure(self, reason: str) -> FfmpegFailedError:
        """The error to raise, with ffmpeg's last lines."""
        if self.stalled:
            reason = f"it was ended after {self._stall_seconds:g} seconds without any progress"
        said = f". It said:\n{self.messages}" if self.messages else ""
        return FfmpegFailedError(f"{self.doing}: ffmpeg failed ({reason}){said}")

    def __enter__(self) -> Ffmpeg:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._reader.join(timeout=5)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            self._close(stream)

    @staticmethod
    def _close(stream: IO[bytes] | None) -> None:
        try:
            if stream is not None and not stream.closed:
                stream.close()
        except OSError:
            pass  # what could not be flushed is reported through the exit code

    def _read_messages(self) -> None:
        assert self._process.stderr is not None
        while True:
            line = self._process.stderr.readline(2000)
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip()
            if text:
                self._lines.append(text)

    def _watch(self) -> None:
        while not self._done.wait(min(1.0, self._stall_seconds / 4)):
            if not self._paused and time.monotonic() - self._last_sign > self._stall_seconds:
                self.stalled = True
                self._process.kill()
                return
