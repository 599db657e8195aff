"""Where the server's own files lie, and what its child processes find around them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parent
"""This package."""
ROOT: Final = PACKAGE.parent
"""The folder that holds it and the other packages."""

_KEPT_BACK = ("KINOGRAPH_TOKEN",)


def child_environment() -> dict[str, str]:
    """This process's environment, with the way to our packages, and without what opens the server."""
    environment = {name: value for name, value in os.environ.items() if name not in _KEPT_BACK}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), environment.get("PYTHONPATH", ""))))
    return environment
