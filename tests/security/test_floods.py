"""Too much, too fast, too slow."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import struct
import time
from pathlib import Path

from tests.security.conftest import Target, status_of
from tests.server.live import workflow


def handshake(target: Target, query: str = "") -> socket.socket:
    """An open WebSocket, by hand."""
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET /api/stream{query} HTTP/1.1",
        f"Host: 127.0.0.1:{target.port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(4096)
    assert b" 101 " in answer.split(b"\r\n")[0]
    return connection


def frame(
    payload: bytes,
    opcode: int = 1,
    *,
    final: bool = True,
    masked: bool = True,
    length: int | None = None,
    bits: int = 0,
) -> bytes:
    size = len(payload) if length is None else length
    head = bytes([(0x80 if final else 0) | bits | opcode])
    mask = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask | size])
    elif size < 65536:
        head += bytes([mask | 126]) + struct.pack(">H", size)
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", size)
    return head + (b"\0\0\0\0" if masked else b"") + payload


def is_closed(connection: socket.socket, seconds: float = 10.0) -> bool:
    """Whether the server hangs up in time."""
    connection.settimeout(seconds)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if not connection.recv(1 << 16):
                return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        connection.close()
    return False


def test_G01_slow_senders_are_closed(target: Target) -> None:
    half = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "
    body = target.head("POST", "/api/jobs", "Content-Type: application/json", "Content-Length: 1000")
    sockets = []
    for start in [b"", half] * 100 + [body] * 20:
        connection = socket.create_connection(("127.0.0.1", target.port))
        connection.sendall(start)
        sockets.append(connection)
    began = time.monotonic()
    while time.monotonic() - began < 13:
        asked = time.monotonic()
        assert target.get("/api/health").status == 200
        assert time.monotonic() - asked < 2
        for connection in sockets[200:]:
            with contextlib.suppress(OSError):
                connection.sendall(b"x")
        time.sleep(1.0)
    assert all(is_closed(connection, 3) for connection in sockets)


def test_G03_websocket_nonsense_is_closed(target: Target) -> None:
    attacks = {
        "1 GB announced": frame(b"", length=1 << 30),
        "too large": frame(b"x" * 100_000),
        "binary": frame(b"x", 2),
        "unmasked": frame(b"x" * 50_000, masked=False),
        "bad utf-8": frame(b"\xff\xfe"),
        "reserved bits": frame(b"x", bits=0x40),
        "bad opcode": frame(b"x", 7),
        "endless fragments": b"".join(frame(b"x" * 1000, 1 if n == 0 else 0, final=False) for n in range(50)),
        "many messages": frame(b"x") * 2000,
    }
    for name, data in attacks.items():
        connection = handshake(target)
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        assert is_closed(connection), name
    pings = handshake(target)
    for _ in range(20):
        pings.sendall(frame(b"x" * 100, 9) * 500)
    pings.close()


def test_G04_who_does_not_read_is_dropped_and_nobody_notices(target: Target) -> None:
    deaf = handshake(target)
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    chain = {f"n{at}": ("trials.Add", {"a": at, "b": int(time.time() * 1000) % 100_000}) for at in range(3000)}
    shown = {f"s{at}": ("Inspect", {}) for at in range(300)}
    document = workflow({**chain, **shown}, *((f"n{at}", "value", f"s{at}", "value") for at in range(300)))
    targets = [*chain, *shown]
    for _ in range(6):
        for node in document["nodes"].values():
            if node["type"] == "trials.Add":
                node["values"]["b"] += 100_000
        job = target.wait_job(target.submit(document, targets=targets))
        assert job["state"] == "succeeded"
    assert target.memory() < 250 << 20
    deaf.close()


def test_G05_coming_and_going_leaves_nothing(target: Target) -> None:
    def counts() -> tuple[int, int]:
        return len(list(Path(f"/proc/{target.pid}/fd").iterdir())), target.memory()

    for _ in range(20):
        handshake(target).close()
    files, memory = counts()
    for _ in range(400):
        handshake(target).close()
    target.wait(lambda: counts()[0] <= files + 8, 10)
    assert counts()[1] - memory < 8 << 20


def test_G06_heads_are_bounded(target: Target) -> None:
    for head in (
        target.head("GET", "/api/health", "X: " + "h" * 9000),
        target.head("GET", "/api/health", *(f"X{n}: 1" for n in range(129))),
        target.head("GET", "/api/health", "Cookie: " + "; ".join(f"c{n}=1" for n in range(10_000))),
        target.head("GET", "/" + "u" * 1_000_000),
    ):
        assert status_of(target.raw(head)) in (0, 400, 414, 431)


def test_G07_ambiguous_lengths_are_refused(target: Target) -> None:
    before = target.jobs()
    smuggled = b"GET /api/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    attacks = (
        target.head("POST", "/api/jobs", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + smuggled,
        target.head("POST", "/api/jobs", "Content-Length: 5", "Content-Length: 6") + b"hello!",
        target.head("POST", "/api/jobs", "Transfer-Encoding: xchunked") + b"0\r\n\r\n",
        target.head("POST", "/api/jobs", "Content-Length: +5") + b"hello",
        target.head("POST", "/api/jobs", "Transfer-Encoding: chunked") + b"2;x\n=y\r\n{}\r\n0\r\n\r\n",
        b"POST /api/jobs HTTP/1.1\nHost: 127.0.0.1\nContent-Length: 2\n\n{}",
    )
    for attack in attacks:
        answer = target.raw(attack, timeout=3)
        assert status_of(answer) in (0, 400, 415), answer[:200]
        assert answer.count(b"HTTP/1.1") <= 1
    assert target.jobs() == before


def test_G08_tiny_chunks_cost_little(target: Target) -> None:
    head = target.head("POST", "/api/jobs", "Content-Type: application/json", "Transfer-Encoding: chunked")
    asked = time.monotonic()
    answer = target.raw(head + b"1\r\n \r\n" * 200_000 + b"0\r\n\r\n", timeout=20)
    assert status_of(answer) in (0, 400, 413)
    assert time.monotonic() - asked < 15


def test_G09_pipelined_requests_are_bounded(target: Target) -> None:
    one = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{target.port}\r\n\r\n".encode()
    answer = target.raw(one * 2000 + target.head("GET", "/api/health"), timeout=15)
    assert answer.count(b"HTTP/1.1 200") <= 2001


def test_G10_lists_are_paged(target: Target) -> None:
    for query in (
        "limit=1000000000",
        "offset=-1",
        "limit=0",
        "limit=-5&offset=999999999999999999",
        "search=%25%25%25%25",
    ):
        asked = time.monotonic()
        answer = target.get(f"/api/jobs?{query}")
        assert answer.status == 200
        assert len(answer.json()["jobs"]) <= 500
        assert time.monotonic() - asked < 2
    assert target.get("/api/jobs?limit=1e9").status == 400
    assert target.get("/api/jobs?limit=" + "9" * 100).status == 400


def test_G11_prints_are_bounded_and_escaped(target: Target) -> None:
    job = target.wait_job(target.submit(workflow({"a": ("trials.Shout", {"lines": 200_000})})), 90)
    assert job["state"] == "succeeded"
    logs = target.data / "logs"
    assert sum(file.stat().st_size for file in logs.iterdir()) < 50 << 20
    text = (logs / "server.log").read_bytes()
    assert b"\x1b" not in text
    assert b"abcdef" not in text
    assert all(line.startswith(b'{"time"') for line in text.splitlines())


def test_progress_floods_reach_nobody(target: Target) -> None:
    listener = handshake(target)
    job = target.submit(workflow({"a": ("trials.Flood", {"count": 300_000})}))
    target.wait_job(job, 90)
    listener.settimeout(1.0)
    received = 0
    try:
        while data := listener.recv(1 << 16):
            received += len(data)
    except TimeoutError:
        pass
    listener.close()
    assert received < 200_000
