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
    """SHA-256 of files by path, as they were found or announced the first time.

    Raises:
        ValueError: naming the file, when it is damaged.
    """
    store = models / DIGESTS
    try:
        known = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    except ValueError as error:
        raise ValueError(
            f"{store}: expected the hashes of model files as JSON: {error}; without it they are made anew"
        ) from None
    if not isinstance(known, dict) or not all(isinstance(digest, str) for digest in known.values()):
        raise ValueError(f"{store}: expected one SHA-256 for each model file; without it they are made anew")
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
