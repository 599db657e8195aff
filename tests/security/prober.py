"""A process of its own that asks for the server's health twenty times a second and writes down how long it took.

Each line: the system's monotonic clock when it asked, and the seconds until the answer, without those in which the
machine let the server or this process wait for a processor (Linux counts them in ``schedstat``).
"""

from __future__ import annotations

import contextlib
import http.client
import os
import sys
import time
from pathlib import Path


def waited(*pids: int) -> float:
    """Seconds that the threads of the processes were ready to run and had no processor; 0 where nobody counts them."""
    total = 0
    for pid in pids:
        for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # a thread that has just ended
                total += int(file.read_text().split()[1])
    return total / 1e9


def main(port: int, server: int) -> None:
    connection: http.client.HTTPConnection | None = None
    while True:
        idle, asked = waited(server, os.getpid()), time.monotonic()
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/api/health")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection = None  # the server closes what rests for too long; ask again
            time.sleep(0.05)
            continue
        took = time.monotonic() - asked
        print(f"{asked:.4f} {max(0.0, took - (waited(server, os.getpid()) - idle)):.4f}", flush=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
