"""What the server takes from the outside at most. One place, so that tests and documentation agree with the code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes, counts and seconds. The defaults suit a studio's network."""

    json_body: int = 16 << 20
    json_depth: int = 64
    json_integer_digits: int = 20
    workflow_nodes: int = 100_000
    name: int = 200
    upload: int = 4 << 30
    free_space: int = 256 << 20
    head_seconds: float = 10.0
    body_idle_seconds: float = 10.0
    body_bytes_per_second: int = 4096
    keep_alive_seconds: float = 75.0
    connections: int = 4096
    connections_per_address: int = 64
    connections_loopback: int = 2048
    outbox_bytes: int = 1 << 20
    outbox_frames: int = 2000
    send_seconds: float = 20.0
    page: int = 500
    catch_up: int = 20_000
    event_log: int = 256 << 20
    queued_jobs: int = 20_000
    websocket_message: int = 4096
    websocket_messages_per_second: int = 50


DEFAULT = Limits()
