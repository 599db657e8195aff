"""Clips and documents that the media tests share."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray


def moving_disc(frames: int = 9, height: int = 96, width: int = 128) -> list[NDArray[np.uint8]]:
    """A disc that moves over a soft background; each frame differs from every other."""
    yy, xx = np.mgrid[0:height, 0:width]
    clip = []
    for index in range(frames):
        picture = np.stack(
            [127 + 100 * np.sin(xx / 23 + index / 5), 127 + 100 * np.cos(yy / 29), np.full_like(xx, 90.0, dtype=float)],
            axis=-1,
        )
        picture[(xx - 25 - index * 8) ** 2 + (yy - height / 2) ** 2 < 400] = (210, 60, 40)
        clip.append(picture.astype(np.uint8))
    return clip


@pytest.fixture(scope="session")
def clip() -> list[NDArray[np.uint8]]:
    return moving_disc()


@pytest.fixture(scope="session")
def nasty_document() -> str:
    """A workflow of more than a megabyte with everything that containers and their writers stumble over."""
    nasty = '"quoted" \\ back ; semi # hash = equal \n line \r return \t tab <&> ]]> 中文 😀 é \u2028 \x7f %s {x} \''
    document = {
        "format": "kinograph-workflow",
        "version": 1,
        "nodes": {f"text{index}": {"type": "Text", "values": {"value": nasty * 5}} for index in range(2200)},
        "meta": {";comment": "#=;", "[CHAPTER]": "\\\\", "end": "\\"},
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) > 1_000_000
    return text
