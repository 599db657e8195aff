"""A process that needs many open files gets them."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

CODE = """
import resource
from engine.open_files import allow_many_open_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
allow_many_open_files()
print(*resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "found"),
    [(256, 4096, 4096), (256, 20000, 16384), (18000, 20000, 18000)],
    ids=["up to what the system lets us", "as servers do", "never fewer"],
)
def test_the_soft_limit_is_raised(soft: int, hard: int, found: int) -> None:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < hard:
        pytest.skip("this system allows fewer")
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(soft=soft, hard=hard)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == [str(found), str(hard)]
