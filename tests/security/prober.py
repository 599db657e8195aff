"""A process of its own that asks for the server's health twenty times a second and writes down how long it took.

Each line: the system's monotonic clock when it asked, and the seconds until the answer.
"""

from __future__ import annotations

import http.client
import sys
import time


def main(port: int) -> None:
    connection: http.client.HTTPConnection | None = None
    while True:
        asked = time.monotonic()
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/api/health")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection = None  # the server closes what rests for too long; ask again
            time.sleep(0.05)
            continue
        print(f"{asked:.4f} {time.monotonic() - asked:.4f}", flush=True)
        time.sleep(0.05)


if __name__ == "__main__":
    main(int(sys.argv[1]))
