"""Families by name. A family's file is imported when it is first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from nodes.families.family import Family

IMPORTED_BY_NAME: dict[str, str] = {
    "mini": "nodes.families.mini",
    "allegro": "nodes.families.open.allegro",
    "cogvideox": "nodes.families.open.cogvideox",
    "hunyuan_video": "nodes.families.open.hunyuan_video",
    "hunyuan_video15": "nodes.families.open.hunyuan_video15",
    "kandinsky5": "nodes.families.open.kandinsky5",
    "ltx": "nodes.families.open.ltx",
    "ltx_condition": "nodes.families.open.ltx_condition",
    "mochi": "nodes.families.open.mochi",
    "skyreels_forcing": "nodes.families.open.skyreels_forcing",
    "skyreels_v2": "nodes.families.open.skyreels_v2",
    "wan": "nodes.families.open.wan",
    "wan_vace": "nodes.families.open.wan_vace",
}
"""Name -> module with a ``FAMILY``. The engine reads this name: these modules belong to the code of nodes."""

FAMILY_MODULES = IMPORTED_BY_NAME

SHIPPED_WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
"""Folder of the models that come with the package, one folder each."""


@cache
def family_named(name: str) -> Family:
    """The family of this name.

    Raises:
        ValueError: when there is none.
    """
    if name not in FAMILY_MODULES:
        raise ValueError(f"unknown model family {name!r}; there are {', '.join(FAMILY_MODULES)}")
    return cast("Family", import_module(FAMILY_MODULES[name]).FAMILY)


def family_of(folder: Path) -> Family | None:
    """The family whose files lie in ``folder``, or ``None``."""
    families = (family_named(name) for name in FAMILY_MODULES)
    return next((family for family in families if family.recognises(folder)), None)


def family_of_pipeline(pipeline: str) -> Family | None:
    """The family that reads folders of this pipeline class, or ``None``."""
    families = (family_named(name) for name in FAMILY_MODULES)
    return next((family for family in families if pipeline in getattr(family, "pipelines", ())), None)
