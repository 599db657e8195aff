"""English sentences for clips: a small grammar with synonyms, British and American spelling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nodes.training.world.specs import ClipSpec, ObjectSpec

SHAPE_WORDS = {
    "circle": ["circle", "ball", "ball", "disc", "disk", "sphere", "dot"],
    "square": ["square", "box", "cube", "block"],
    "triangle": ["triangle", "pyramid"],
    "star": ["star"],
    "ring": ["ring", "donut", "doughnut", "hoop"],
    "heart": ["heart"],
    "cross": ["cross", "plus sign", "plus"],
}
COLOUR_WORDS = {
    "red": ["red", "red", "crimson", "scarlet"],
    "orange": ["orange"],
    "yellow": ["yellow", "yellow", "golden"],
    "green": ["green", "green", "emerald"],
    "cyan": ["cyan", "turquoise", "aqua", "teal"],
    "blue": ["blue"],
    "purple": ["purple", "violet"],
    "pink": ["pink", "pink", "magenta"],
    "white": ["white"],
}
SIZE_WORDS = {
    "small": ["small", "tiny", "little"],
    "medium": ["medium", "medium sized"],
    "large": ["large", "big", "huge", "giant"],
}
SPEED_WORDS = {"slow": ["slowly", "slowly", "gently"], "fast": ["quickly", "fast", "rapidly"]}
MOTION_WORDS = {
    "left": [
        "moves left",
        "moves to the left",
        "slides left",
        "flies to the left",
        "goes left",
        "travels from right to left",
        "drifts left",
        "moves leftwards",
        "rolls to the left",
    ],
    "right": [
        "moves right",
        "moves to the right",
        "slides right",
        "flies to the right",
        "goes right",
        "travels from left to right",
        "drifts right",
        "moves rightwards",
        "rolls to the right",
    ],
    "up": ["moves up", "rises", "floats up", "goes up", "flies upwards", "moves upward", "climbs"],
    "down": ["moves down", "falls", "drops down", "goes down", "sinks", "falls down", "moves downwards", "descends"],
    "upleft": [
        "moves up and left",
        "moves diagonally up and to the left",
        "flies to the upper left",
        "moves to the top left",
        "rises to the left",
    ],
    "upright": [
        "moves up and right",
        "moves diagonally up and to the right",
        "flies to the upper right",
        "moves to the top right",
        "rises to the right",
    ],
    "downleft": [
        "moves down and left",
        "moves diagonally down and to the left",
        "falls to the lower left",
        "moves to the bottom left",
        "sinks to the left",
    ],
    "downright": [
        "moves down and right",
        "moves diagonally down and to the right",
        "falls to the lower right",
        "moves to the bottom right",
        "sinks to the right",
    ],
    "bounce": [
        "bounces",
        "bounces",
        "bounces up and down",
        "is bouncing",
        "hops up and down",
        "jumps up and down",
        "jumps",
    ],
    "spin": ["spins", "rotates", "turns around", "is spinning", "spins in place", "twirls"],
    "grow": ["grows", "gets bigger", "expands", "grows larger", "is growing", "gets larger"],
    "shrink": ["shrinks", "gets smaller", "contracts", "is shrinking", "grows smaller"],
    "orbit": [
        "moves in a circle",
        "circles around",
        "orbits the center",
        "orbits the centre",
        "goes round in circles",
        "orbits",
        "flies in circles",
    ],
    "still": ["stays still", "does not move", "rests", "stands still", "is still", "sits still", "stays"],
}
RETURN_WORDS = {
    "returnleft": [
        "leaves to the left and returns",
        "leaves on the left and comes back",
        "goes out to the left and comes back",
        "disappears on the left and returns",
    ],
    "returnright": [
        "leaves to the right and returns",
        "leaves on the right and comes back",
        "goes out to the right and comes back",
        "disappears on the right and returns",
    ],
}
"""Motions that joined later; like the words that only they use, they are not in `MOTION_WORDS` (see `vocabulary`)."""
BACKGROUND_WORDS = {
    "black": ["on a black background", "against black", "before a black background", "in the dark"],
    "white": ["on a white background", "against white", "before a white background"],
    "gray": ["on a gray background", "on a grey background", "against gray", "against grey"],
    "night": [
        "in the night sky",
        "under the stars",
        "in a starry night",
        "at night with stars",
        "in space",
        "at night",
    ],
    "meadow": [
        "over a green meadow",
        "on grass under a blue sky",
        "above a grassy field",
        "in a meadow",
        "over a meadow",
        "on the grass",
        "over a green field",
    ],
    "sunset": ["at sunset", "in front of a sunset", "in the evening sky", "during sunset", "at dusk"],
    "ocean": ["over the ocean", "above the sea", "on the water", "at sea", "over the sea", "over blue water"],
    "desert": ["in the desert", "over sand dunes", "above the sand", "over the desert", "in a sandy desert"],
}
CAMERA_WORDS = {
    "panleft": ["the camera pans left", "camera panning left", "the camera moves left"],
    "panright": ["the camera pans right", "camera panning right", "the camera moves right"],
    "zoomin": ["the camera zooms in", "camera zooming in", "zooming in"],
    "zoomout": ["the camera zooms out", "camera zooming out", "zooming out"],
}
PLACE_WORDS = {
    "side by side": [["on the left"], ["on the right"]],
    "one above the other": [["at the top", "above"], ["at the bottom", "below"]],
}
OPENINGS = ["a video of", "an animation of", "a clip of", "there is"]
PARTICIPLES = {
    "moves": "moving",
    "slides": "sliding",
    "flies": "flying",
    "goes": "going",
    "travels": "traveling",
    "drifts": "drifting",
    "rolls": "rolling",
    "rises": "rising",
    "floats": "floating",
    "climbs": "climbing",
    "falls": "falling",
    "drops": "dropping",
    "sinks": "sinking",
    "descends": "descending",
    "bounces": "bouncing",
    "hops": "hopping",
    "jumps": "jumping",
    "spins": "spinning",
    "rotates": "rotating",
    "turns": "turning",
    "twirls": "twirling",
    "grows": "growing",
    "gets": "getting",
    "expands": "expanding",
    "shrinks": "shrinking",
    "contracts": "contracting",
    "circles": "circling",
    "orbits": "orbiting",
    "stays": "staying",
    "rests": "resting",
    "stands": "standing",
    "sits": "sitting",
}
LATER_PARTICIPLES = {
    "leaves": "leaving",
    "comes": "coming",
    "returns": "returning",
    "disappears": "disappearing",
    "passes": "passing",
}
FURTHER_WORDS = [
    "travelling",
    "coloured",
    "colored",
    "shape",
    "scene",
    "very",
    "which",
    "it",
    "background",
    "sky",
    "zoom",
    "pan",
]
"""Words that people type and the grammar does not: known, but without a meaning of their own."""


def first(words: Sequence[str]) -> str:
    """The word that plain sentences take."""
    return words[0]


class PlainParts(NamedTuple):
    """The parts of a plain sentence.

    Attributes:
        nouns: each object, with its place among two.
        verbs: what each does; empty for one that something passes behind.
        joint: what stands between two objects.
        background: where it happens.
        camera: how the camera moves; empty when it rests.
    """

    nouns: list[str]
    verbs: list[str]
    joint: str
    background: str
    camera: str

    @property
    def subjects(self) -> list[str]:
        """Each object with what it does."""
        return [f"{noun} {verb}".strip() for noun, verb in zip(self.nouns, self.verbs, strict=True)]


def plain_parts(spec: ClipSpec, pick: Callable[[Sequence[str]], str] = first) -> PlainParts:
    """The parts of a sentence in its plain order; `pick` chooses among the words for the same thing."""
    nouns, verbs = [], []
    behind = spec.layout == "behind"
    for i, subject in enumerate(spec.objects):
        words = [] if subject.size == "medium" else [pick(SIZE_WORDS[subject.size])]
        words.append(pick(COLOUR_WORDS.get(subject.colour, [subject.colour])))
        words.append(pick(SHAPE_WORDS.get(subject.shape, [subject.shape])))
        words = ["an" if words[0][0] in "aeiou" else "a", *words]
        if spec.layout in PLACE_WORDS:
            words.append(pick(PLACE_WORDS[spec.layout][i]))
        nouns.append(" ".join(words))
        done = "" if behind and i == 1 else pick((MOTION_WORDS | RETURN_WORDS)[subject.motion])
        verbs.append(done if subject.speed == "normal" else f"{done} {pick(SPEED_WORDS[subject.speed])}")
    camera = "" if spec.camera == "static" else pick(CAMERA_WORDS[spec.camera])
    return PlainParts(nouns, verbs, "behind" if behind else "and", pick(BACKGROUND_WORDS[spec.background]), camera)


def plain_sentence(spec: ClipSpec, pick: Callable[[Sequence[str]], str] = first) -> str:
    """The one canonical sentence of a clip, e.g. "a red circle bounces over a green meadow", or with other words."""
    parts = plain_parts(spec, pick)
    sentence = f"{f' {parts.joint} '.join(parts.subjects)} {parts.background}"
    return f"{sentence}, {parts.camera}" if parts.camera else sentence


def sentence(spec: ClipSpec, rng: np.random.Generator, leave_out: float = 0.0) -> str:
    """A random sentence for a clip. With chance `leave_out` each, background, colour or motion goes untold."""
    order = list(range(len(spec.objects)))
    if len(order) == 2 and rng.random() < 0.5:
        order.reverse()
    if spec.layout == "behind":
        subjects = _behind(spec, rng, leave_out)
    else:
        subjects = " and ".join(_clause(spec, i, rng, leave_out) for i in order)
    background = "" if rng.random() < leave_out else _choose(rng, BACKGROUND_WORDS[spec.background])
    first = rng.random() < 0.2
    opening = _choose(rng, OPENINGS) if rng.random() < 0.1 else ""
    words = [background, opening, subjects] if first else [opening, subjects, background]
    camera = "" if spec.camera == "static" else _choose(rng, CAMERA_WORDS[spec.camera])
    words = [camera, *words] if camera and rng.random() < 0.2 else [*words, camera]
    return " ".join(word for word in words if word)


def _behind(spec: ClipSpec, rng: np.random.Generator, leave_out: float) -> str:
    """The first object moving behind the second."""
    first, second = spec.objects
    one, other, verb = _noun(first, rng, leave_out), _noun(second, rng, leave_out), _verb(first, rng)
    forms = [
        f"{one} {verb} behind {other}",
        f"{one} {_participle(verb)} behind {other}",
        f"{one} {verb} and passes behind {other}",
        f"{one} that passes behind {other} and {verb}",
    ]
    return _choose(rng, forms)


def _clause(spec: ClipSpec, index: int, rng: np.random.Generator, leave_out: float) -> str:
    """One object with its place and motion."""
    subject = spec.objects[index]
    noun = _noun(subject, rng, leave_out)
    place = ""
    if spec.layout in PLACE_WORDS and rng.random() < 0.6:
        place = _choose(rng, PLACE_WORDS[spec.layout][index])
    silent = rng.random() < (0.6 if spec.camera != "static" else leave_out)
    if silent:
        return f"{noun} {place}".strip()
    verb = _verb(subject, rng)
    forms = [
        f"{noun} {place} {verb}",
        f"{noun} {place} {_participle(verb)}",
        f"{noun} {place} that {verb}",
        f"{noun} {verb} {place}",
    ]
    return " ".join(_choose(rng, forms).split())


def _noun(subject: ObjectSpec, rng: np.random.Generator, leave_out: float) -> str:
    words = []
    if subject.size != "medium" or rng.random() < 0.05:
        words.append(_choose(rng, SIZE_WORDS[subject.size]))
    if rng.random() >= leave_out:
        words.append(_choose(rng, COLOUR_WORDS.get(subject.colour, [subject.colour])))
    words.append(_choose(rng, SHAPE_WORDS.get(subject.shape, [subject.shape])))
    article = "an" if words[0][0] in "aeiou" else "a"
    return " ".join([_choose(rng, [article, article, article, "the", "one"]), *words])


def _verb(subject: ObjectSpec, rng: np.random.Generator) -> str:
    verb = _choose(rng, (MOTION_WORDS | RETURN_WORDS)[subject.motion])
    if subject.speed == "normal":
        return verb
    adverb = _choose(rng, SPEED_WORDS[subject.speed])
    return f"{adverb} {verb}" if rng.random() < 0.4 and adverb != "fast" else f"{verb} {adverb}"


def _participle(verb: str) -> str:
    """Turn "moves left" into "moving left"."""
    words = verb.split()
    if words[0] == "does":
        return "not moving"
    if words[0] == "is":
        return " ".join(words[1:])
    known = PARTICIPLES | LATER_PARTICIPLES
    return " ".join(known.get(w, w) if i < 2 or words[i - 1] == "and" else w for i, w in enumerate(words))


def _choose(rng: np.random.Generator, items: list[str]) -> str:
    return items[int(rng.integers(len(items)))]
