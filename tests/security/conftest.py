"""A live server under attack. After every attack: same pid, no marker file, no canary in any answer, memory bounded,
and while it lasted the health route answered within 100 ms (2 s where the machine is busier than it has cores).

Tests are named after the lines of the attack list (``test_A01_...``, or several ids: ``test_D01_D02_...``), which
``summary.py`` counts.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.security.summary import SLOWEST_HEALTH
from tests.server.live import Answer, LiveServer

CANARY = "canary-7f3a91c2"


class Target(LiveServer):
    """A live server that remembers what it answered."""

    canary: Path
    seen: list[bytes]
    prober: subprocess.Popen[bytes]

    def slowest_health(self, since: float) -> float:
        """The longest that the health route took since then, in seconds, as another process saw it."""
        lines = (self.data.parent / "health").read_text().splitlines()
        found = [line.split() for line in lines[:-1] if " " in line]
        return max((float(taken) for asked, taken in found if float(asked) >= since), default=0.0)

    def request(self, *arguments: Any, **more: Any) -> Answer:
        answer = super().request(*arguments, **more)
        self.seen.append(answer.body)
        return answer

    def raw(self, data: bytes, *, timeout: float = 5.0, pieces: int = 0) -> bytes:
        """Send bytes as they are; what came back until the server closed or fell silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            found = b""
            try:
                connection.sendall(data)
                while len(found) < 1 << 20:
                    part = connection.recv(65536)
                    if not part:
                        break
                    found += part
            except (TimeoutError, ConnectionError):
                pass
        self.seen.append(found)
        return found

    def head(self, method: str, path: str, *headers: str, host: str = "") -> bytes:
        """The head of a request, with Connection: close."""
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {host or f'127.0.0.1:{self.port}'}",
            *headers,
            "Connection: close",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    def jobs(self) -> int:
        return int(super().request("GET", "/api/jobs?limit=1").json()["total"])


def status_of(answer: bytes) -> int:
    """Status of a raw answer; 0 when the server only closed."""
    match = re.match(rb"HTTP/1\.[01] (\d{3})", answer)
    return int(match[1]) if match else 0


def _make(folder: Path, *arguments: str, token: str = "") -> Target:
    canary = folder / "outside" / "passwd"
    canary.parent.mkdir()
    canary.write_text(f"root:x:0:0:{CANARY}\n")
    target = Target(folder / "data", *arguments, token=token)
    target.canary, target.seen = canary, []
    target.start()
    with (folder / "health").open("wb") as stream:
        command = [sys.executable, str(Path(__file__).with_name("prober.py")), str(target.port), str(target.pid)]
        target.prober = subprocess.Popen(command, stdout=stream, stderr=subprocess.DEVNULL)
    return target


def _end(target: Target) -> None:
    target.prober.kill()
    target.prober.wait()
    target.stop()


@pytest.fixture(scope="package")
def open_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = _make(tmp_path_factory.mktemp("open"))
    yield target
    _end(target)


@pytest.fixture(scope="package")
def locked_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    target = _make(tmp_path_factory.mktemp("locked"), token="the-right-token")
    yield target
    _end(target)


@pytest.fixture
def target(open_target: Target, record_property: Callable[[str, object], None]) -> Iterator[Target]:
    yield from _watched(open_target, record_property)


@pytest.fixture
def locked(locked_target: Target, record_property: Callable[[str, object], None]) -> Iterator[Target]:
    yield from _watched(locked_target, record_property)


def _watched(target: Target, record_property: Callable[[str, object], None]) -> Iterator[Target]:
    pid, memory, began = target.pid, target.memory(), time.monotonic()
    target.seen.clear()
    yield target
    assert target.process is not None
    assert target.process.poll() is None
    assert target.pid == pid
    assert LiveServer.get(target, "/api/health").status == 200
    slowest = target.slowest_health(began)
    record_property(SLOWEST_HEALTH, slowest)
    assert slowest < 0.1, f"the health route took {slowest * 1000:.0f} ms meanwhile"
    assert not any(CANARY.encode() in body for body in target.seen), "the canary got out"
    assert not list(target.data.parent.rglob("marker-*")), "foreign code ran"
    grown = target.memory() - memory
    assert grown < 64 << 20, f"the server grew by {grown >> 20} MiB"
