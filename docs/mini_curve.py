"""The curve of Kinograph Mini's adherence over the clips that it learnt from: `python docs/mini_curve.py` draws it.

The figures are those of the log of runs in `docs/mini.md`: held-out English prompts at the base size, per cent right.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

PICTURE = Path(__file__).parent / "images" / "mini-adherence.svg"
WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 850, 400, 48, 20, 215, 46


@dataclass(frozen=True)
class Curve:
    """One line: thousands of clips seen in all runs together, and per cent right then."""

    name: str
    colour: str
    points: tuple[tuple[float, float], ...]


CURVES = (
    Curve("background, one object", "#7a8794", ((19.2, 100), (76.2, 100), (174.1, 100), (242.1, 100), (291.7, 100))),
    Curve(
        "motion, one object",
        "#2f80c2",
        (
            (19.2, 9),
            (38.4, 65),
            (76.2, 90),
            (155.7, 91),
            (174.1, 97),
            (223.9, 91),
            (232.6, 93),
            (242.1, 94),
            (291.7, 97),
        ),
    ),
    Curve(
        "shape, one object",
        "#d9822b",
        (
            *((19.2, 0), (38.4, 0), (76.2, 7), (87.4, 28), (99.4, 62), (116.1, 70), (155.7, 78), (174.1, 80)),
            *((223.9, 79), (232.6, 83), (242.1, 82), (291.7, 86)),
        ),
    ),
    Curve("everything, two objects", "#8a5cc2", ((174.1, 12.5), (242.1, 60.4), (291.7, 72.9))),
    Curve("everything, moving camera", "#2e9e6b", ((174.1, 0), (223.9, 23), (232.6, 23), (242.1, 29), (291.7, 47.9))),
)


def draw(curves: tuple[Curve, ...]) -> str:
    """The picture as SVG, readable on light and on dark pages."""
    most = max(x for curve in curves for x, _ in curve.points)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def at(x: float, y: float) -> tuple[float, float]:
        return round(LEFT + (right - LEFT) * x / most, 1), round(bottom - (bottom - TOP) * y / 100, 1)

    size = {"width": str(WIDTH), "height": str(HEIGHT), "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    svg = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "font-family": "sans-serif", **size})
    ElementTree.SubElement(svg, "title").text = "Adherence of Kinograph Mini over the clips it learnt from"

    def text(x: float, y: float, words: str, **more: str) -> None:
        place = {"x": str(x), "y": str(y), "font-size": "12", "fill": "#808890"}
        ElementTree.SubElement(
            svg, "text", place | {name.replace("_", "-"): value for name, value in more.items()}
        ).text = words

    def line(start: tuple[float, float], end: tuple[float, float]) -> None:
        ends = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
        ElementTree.SubElement(svg, "line", {"stroke": "#8088904d", **{name: str(v) for name, v in ends.items()}})

    for per_cent in range(0, 101, 20):
        line(at(0, per_cent), at(most, per_cent))
        text(LEFT - 8, at(0, per_cent)[1] + 4, f"{per_cent}", text_anchor="end")
    for thousands in range(0, int(most) + 1, 50):
        text(at(thousands, 0)[0], bottom + 18, f"{thousands},000" if thousands else "0", text_anchor="middle")
    text((LEFT + right) / 2, HEIGHT - 8, "clips learnt from, all runs together", text_anchor="middle")
    text(LEFT, TOP - 6, "per cent right", text_anchor="start")
    taken: list[float] = []
    for curve in sorted(curves, key=lambda curve: -curve.points[-1][1]):
        points = [at(*point) for point in curve.points]
        path = " ".join(f"{x},{y}" for x, y in points)
        stroke = {"fill": "none", "stroke": curve.colour, "stroke-width": "2.5", "stroke-linejoin": "round"}
        ElementTree.SubElement(svg, "polyline", {"points": path, **stroke})
        for x, y in points:
            ElementTree.SubElement(svg, "circle", {"cx": str(x), "cy": str(y), "r": "3.5", "fill": curve.colour})
        level = max([points[-1][1] + 4, *(other + 16 for other in taken)])
        taken.append(level)
        text(right + 12, level, f"{curve.name}: {curve.points[-1][1]:g}", fill=curve.colour)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


if __name__ == "__main__":
    PICTURE.write_text(draw(CURVES), encoding="utf-8")
    print(PICTURE)
