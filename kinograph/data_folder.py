"""Where a user's data lies when nobody says otherwise."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def default_data_folder() -> Path:
    """``KINOGRAPH_DATA_DIR``, or the platform's folder for a user's data."""
    given = os.environ.get("KINOGRAPH_DATA_DIR")
    return Path(given).expanduser() if given else user_data_path("kinograph", appauthor=False)
