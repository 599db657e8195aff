"""SkyReels V2: Wan's VAE and schedule with a transformer of its own."""

from __future__ import annotations

from typing import ClassVar

from nodes.families.open.wan import WanFamily
from nodes.families.traits import Traits


class SkyReelsFamily(WanFamily):
    """SkyReels V2 text and image to video (arXiv:2504.13074)."""

    name = "skyreels_v2"
    pipelines: ClassVar[tuple[str, ...]] = ("SkyReelsV2Pipeline", "SkyReelsV2ImageToVideoPipeline")
    kinds: ClassVar = {**WanFamily.kinds, "transformer": ("SkyReelsV2Transformer3DModel",)}
    defaults = Traits(
        "skyreels_v2", 16, patch=2, width=960, height=544, frames=97, fps=24.0, guidance=6.0, shift=8.0, batched=False
    )
    precise: ClassVar[tuple[str, ...]] = ()


FAMILY = SkyReelsFamily()
