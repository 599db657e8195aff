"""Hashes that model files are known to have, so that one in which a bit has changed is not used."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from kinograph import content_digest

DIGESTS = "digests.json"
"""File in the models folder: SHA-256 by path."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


def known_digests(models: Path) -> dict[str, str]:
    """SHA-256 of files by path, as they were found or announced the first time."""
    store = models / DIGESTS
    known: dict[str, str] = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    return known


def announced(file: Path, known: Mapping[str, str]) -> str | None:
    """The hash that a file is known to have: in the Hugging Face cache its name there, else what is in ``known``."""
    real = file.resolve().name
    return real if _SHA256.fullmatch(real) else known.get(str(file.absolute()))


def check_content(file: Path) -> None:
    """Compare a file with the hash that it is known to have, where one is. (Keys need the hash anyway.)

    Raises:
        ValueError: naming the file, when its content has changed.
    """
    place = next((folder for folder in file.absolute().parents if (folder / DIGESTS).is_file()), None)
    expected = announced(file, {} if place is None else known_digests(place))
    if expected is not None and (found := content_digest(file)) != expected:
        raise ValueError(
            f"{file}: its content has changed: expected SHA-256 {expected[:12]}..., it has {found[:12]}... "
            "(damaged? fetch it again; changed on purpose: kinograph models verify NAME --accept)"
        )
