"""How many files a process may have open: shells allow few, and raise it for whoever asks."""

from __future__ import annotations

import contextlib
import resource

WANTED = 16384


def allow_many_open_files() -> None:
    """As many as servers use, where the system lets us; never fewer than now. Processes started later inherit it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
