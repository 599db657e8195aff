"""Take this machine's paths out of texts that leave it: messages and tracebacks go to everybody who may look."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.places import ROOT


class Scrubber:
    """Replaces known folders by short names: the data folder by ``DATA``, those inside it by what the server calls them
    (``outputs/clip.mp4`` is also a name under ``/api/files/``).
    """

    def __init__(self, data: Path) -> None:
        places = {
            str(data.resolve()): "DATA",
            str(data.absolute()): "DATA",
            str(ROOT.resolve()): "kinograph",
            sys.prefix: "python",
            sys.base_prefix: "python",
            str(Path.home()): "~",
            str(Path.cwd()): ".",
            tempfile.gettempdir(): "TEMP",
        }
        for name in ("outputs", "inputs", "models"):
            places |= {str(root / name): name for root in (data.resolve(), data.absolute())}
        self._names = {place: name for place, name in places.items() if len(place) > 1}
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(place) for place in longest_first))

    def text(self, text: str) -> str:
        """The text with short names."""
        if os.sep not in text:
            return text
        return self._pattern.sub(lambda match: self._names[match[0]], text)

    def value(self, value: Any) -> Any:
        """Texts anywhere in JSON data, up to a sensible depth."""
        return self._value(value, 12)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth and isinstance(value, Mapping):
            return {name: self._value(item, depth - 1) for name, item in value.items()}
        if depth and isinstance(value, list | tuple):
            return [self._value(item, depth - 1) for item in value]
        return value
