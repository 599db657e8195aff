"""What a clip of the world contains, and how such descriptions are drawn at random.

One or two coloured shapes, each with a size, a speed and a motion, before a background, under a camera. Some
combinations of (colour, shape, motion) are held out: training never sees them, the evaluation asks for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

Split = Literal["train", "held-out"]
Layout = Literal["single", "side by side", "one above the other", "behind"]

SHAPES = ("circle", "square", "triangle", "star", "ring", "heart", "cross")
COLOURS = {
    "red": (225, 35, 35),
    "orange": (255, 140, 0),
    "yellow": (250, 225, 40),
    "green": (35, 175, 60),
    "cyan": (0, 215, 225),
    "blue": (40, 75, 240),
    "purple": (140, 50, 200),
    "pink": (255, 120, 190),
    "white": (245, 245, 245),
}
COLOUR_NAMES = tuple(COLOURS)
NOVEL_SHAPES = ("moon", "arrow")
NOVEL_COLOURS = {"brown": (125, 70, 25)}
"""Shapes and colours that Mini is never taught: to be learnt from a few clips (see `sample_novel`)."""
PAINTS = COLOURS | NOVEL_COLOURS
BACKGROUNDS = ("black", "white", "gray", "night", "meadow", "sunset", "ocean", "desert")
SCENIC = ("night", "meadow", "sunset", "ocean", "desert")
SIZES = {"small": 8.5, "medium": 11.0, "large": 15.0}
"""Radius in pixels of a 64-pixel picture."""
DIRECTIONS = ("left", "right", "up", "down", "upleft", "upright", "downleft", "downright")
MOTIONS = (*DIRECTIONS, "bounce", "spin", "grow", "shrink", "orbit", "still")
RETURNS = ("returnleft", "returnright")
"""Leaving the picture over one side and coming back."""
ALL_MOTIONS = (*MOTIONS, *RETURNS)
SPEEDS = ("slow", "normal", "fast")
CAMERAS = ("static", "panleft", "panright", "zoomin", "zoomout")
ROUND_SHAPES = ("circle", "ring")
"""Shapes whose spinning cannot be seen."""
SOLID_SHAPES = ("circle", "square", "triangle", "heart")
"""Shapes large enough to hide what passes behind them."""

UNREADABLE = {
    "white": ("white",),
    "sunset": ("orange", "yellow", "pink", "purple", "red", "brown"),
    "meadow": ("green", "cyan", "white"),
    "ocean": ("blue", "cyan", "white"),
    "desert": ("yellow", "orange", "white", "cyan", "brown"),
    "night": ("white",),
}
"""Colours that vanish before a background; such clips are not made."""
SIMILAR = ({"blue", "purple"}, {"orange", "yellow"}, {"orange", "red"}, {"cyan", "green"})
"""Pairs of colours that two objects of one clip do not have."""
SIDE_BY_SIDE_MOTIONS = ("up", "down", "bounce", "still", "spin", "grow", "shrink")
ONE_ABOVE_OTHER_MOTIONS = ("left", "right", "still", "spin", "grow", "shrink")


@dataclass(frozen=True)
class ObjectSpec:
    """One shape of a clip; every field is a name from this module's lists."""

    colour: str
    shape: str
    motion: str
    size: str = "medium"
    speed: str = "normal"


@dataclass(frozen=True)
class ClipSpec:
    """One clip. `seed` decides the details that captions do not tell (exact place, phase, background variant)."""

    objects: tuple[ObjectSpec, ...]
    background: str
    camera: str = "static"
    layout: Layout = "single"
    """"behind": the first object passes behind the second."""
    seed: int = 0


@dataclass(frozen=True)
class ToldClip:
    """A clip that is not of this world: somebody filmed it and says what it shows."""

    text: str
    objects: tuple[ObjectSpec, ...] = ()
    camera: str = "static"


@dataclass(frozen=True)
class WorldMix:
    """Shares of the kinds of clips."""

    two_objects: float = 0.12
    camera: float = 0.12
    """Among clips of one object."""
    foresight: float = 0.0
    """Objects that pass behind another, or leave the picture and return."""
    hidden: float = 0.5
    """Among those, the ones that pass behind another."""
    motions: tuple[str, ...] = MOTIONS
    """Motions of single objects under a resting camera, each as often as the others."""


DEFAULT_MIX = WorldMix()


def possible(shape: str, motion: str) -> bool:
    """Tell whether the motion can be seen on the shape (a spinning circle cannot)."""
    return not (motion == "spin" and shape in ROUND_SHAPES)


def visible(camera: str, background: str) -> bool:
    """Tell whether the camera's move can be seen on the background (a pan along an even sunset cannot)."""
    return not (camera in ("panleft", "panright") and background == "sunset")


def held_out(colour: str, shape: str, motion: str) -> bool:
    """Tell whether a combination is kept from training: one colour for each (shape, motion), evenly spread."""
    step = COLOUR_NAMES.index(colour) + 2 * SHAPES.index(shape) + 4 * ALL_MOTIONS.index(motion)
    return step % len(COLOUR_NAMES) == 0


def combinations(split: Split) -> list[tuple[str, str, str]]:
    """All (colour, shape, motion) of a split, in a fixed order."""
    return [
        (colour, shape, motion)
        for shape in SHAPES
        for motion in MOTIONS
        for colour in COLOUR_NAMES
        if possible(shape, motion) and held_out(colour, shape, motion) == (split == "held-out")
    ]


def readable_backgrounds(colours: tuple[str, ...]) -> list[str]:
    """Backgrounds before which all of the colours can be told."""
    return [b for b in BACKGROUNDS if not any(c in UNREADABLE.get(b, ()) for c in colours)]


def sample_clip(rng: np.random.Generator, split: Split = "train", mix: WorldMix = DEFAULT_MIX) -> ClipSpec:
    """Draw a clip: colours, shapes and motions evenly, then a background that suits the colours."""
    if mix.foresight and rng.random() < mix.foresight:
        return _sample_behind(rng, split) if rng.random() < mix.hidden else _sample_return(rng, split)
    if rng.random() < mix.two_objects:
        return _sample_two(rng, split)
    if rng.random() < mix.camera:
        return _sample_camera(rng, split)
    subject = _sample_object(rng, split, mix.motions)
    return ClipSpec((subject,), _choose(rng, readable_backgrounds((subject.colour,))), seed=_seed(rng))


def _sample_camera(rng: np.random.Generator, split: Split) -> ClipSpec:
    """Draw a resting object before a scene, under a moving camera."""
    while True:
        subject = _sample_object(rng, split, ("still",))
        camera = _choose(rng, list(CAMERAS[1:]))
        scenes = [b for b in readable_backgrounds((subject.colour,)) if b in SCENIC and visible(camera, b)]
        if scenes:
            return ClipSpec((subject,), _choose(rng, scenes), camera, seed=_seed(rng))


def _sample_two(rng: np.random.Generator, split: Split) -> ClipSpec:
    """Draw two objects of clearly different colours whose ways do not cross."""
    side = rng.random() < 0.5
    motions = SIDE_BY_SIDE_MOTIONS if side else ONE_ABOVE_OTHER_MOTIONS
    while True:
        a, b = (_sample_object(rng, split, motions, two=True) for _ in range(2))
        backgrounds = readable_backgrounds((a.colour, b.colour))
        if a.colour != b.colour and {a.colour, b.colour} not in SIMILAR and backgrounds:
            layout: Layout = "side by side" if side else "one above the other"
            return ClipSpec((a, b), _choose(rng, backgrounds), layout=layout, seed=_seed(rng))


def _sample_behind(rng: np.random.Generator, split: Split) -> ClipSpec:
    """Draw an object that passes behind a larger resting one of a clearly different colour."""
    while True:
        a = replace(_sample_object(rng, split, ("left", "right"), two=True), speed="normal")
        b = replace(_sample_object(rng, split, ("still",), two=True), size="medium")
        backgrounds = readable_backgrounds((a.colour, b.colour))
        hides = b.shape in SOLID_SHAPES
        if hides and a.colour != b.colour and {a.colour, b.colour} not in SIMILAR and backgrounds:
            return ClipSpec((a, b), _choose(rng, backgrounds), layout="behind", seed=_seed(rng))


def _sample_return(rng: np.random.Generator, split: Split) -> ClipSpec:
    """Draw an object that leaves the picture and comes back."""
    subject = replace(_sample_object(rng, split, RETURNS), speed="normal")
    return ClipSpec((subject,), _choose(rng, readable_backgrounds((subject.colour,))), seed=_seed(rng))


def _sample_object(rng: np.random.Generator, split: Split, motions: tuple[str, ...], two: bool = False) -> ObjectSpec:
    """Draw one object of the split with one of the motions."""
    while True:
        motion = _choose(rng, list(motions))
        shape = _choose(rng, list(SHAPES))
        colour = _choose(rng, list(COLOUR_NAMES))
        if possible(shape, motion) and held_out(colour, shape, motion) == (split == "held-out"):
            break
    return _with_size_and_speed(rng, colour, shape, motion, two)


def _with_size_and_speed(
    rng: np.random.Generator, colour: str, shape: str, motion: str, two: bool = False
) -> ObjectSpec:
    size = _choose(rng, ["small", "medium", "medium", "large"])
    if two and (motion in ("grow", "shrink") or size == "large"):
        size = "medium"
    speed = _choose(rng, ["slow", "normal", "normal", "normal", "fast"]) if motion in DIRECTIONS else "normal"
    return ObjectSpec(colour, shape, motion, size, speed)


def sample_novel(rng: np.random.Generator, novelty: str) -> ClipSpec:
    """Draw a clip of a novel shape in any colour, or of any shape in a novel colour."""
    shape = novelty if novelty in NOVEL_SHAPES else _choose(rng, list(SHAPES))
    colour = novelty if novelty in NOVEL_COLOURS else _choose(rng, list(COLOUR_NAMES))
    motion = _choose(rng, [motion for motion in MOTIONS if possible(shape, motion)])
    subject = _with_size_and_speed(rng, colour, shape, motion)
    return ClipSpec((subject,), _choose(rng, readable_backgrounds((colour,))), seed=_seed(rng))


def _choose(rng: np.random.Generator, items: list[str]) -> str:
    return items[int(rng.integers(len(items)))]


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(1 << 31))
