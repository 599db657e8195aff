"""A node of every form."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from kinograph import (
    Display,
    Expansion,
    Facts,
    Field,
    FilePicker,
    Frames,
    InvalidInput,
    Lazy,
    NodeContext,
    Outputs,
    Preview,
    SavedFile,
    Widget,
    node,
)


def _no_shouting(name: str) -> list[str]:
    return ["a name in capital letters is shouting"] if name and name.isupper() else []


@node("sample.Hello", category="sample", validate=_no_shouting, keywords=("greet",))
def hello(name: Annotated[str, Widget(multiline=True, placeholder="whom")] = "you", *, loud: bool = False) -> str:
    """Greet somebody.

    Args:
        name: who.
        loud: in capital letters.
    """
    text = f"Hello, {name}"
    return text.upper() if loud else text


@node("sample.GreetLater", category="sample")
async def greet_later(name: str = "you") -> str:
    """Greet somebody, on the event loop.

    Args:
        name: who.
    """
    await asyncio.sleep(0.001)
    return f"Hello later, {name}"


class Size(NamedTuple):
    """What a clip measures."""

    width: int
    height: int


def _clip_facts(frames: Facts | None) -> Facts | None:
    if frames is None:
        return None
    if frames.get("frames", 0) > 100:
        raise InvalidInput("frames", "the clip is too long", wanted="at most 100 frames", example=100)
    return Facts(**{**frames, "frames": 2 * frames["frames"]})


@node("sample.Doubled", category="sample", infer=_clip_facts)
def doubled(context: NodeContext, frames: Frames, brightness: Annotated[float, Field(ge=0, le=4)] = 1.0) -> Frames:
    """Show every frame twice, with progress and previews.

    Args:
        frames: the clip.
        brightness: factor on every colour.
    """
    made = []
    for number, frame in enumerate(frames.pixels, start=1):
        made += [frame * brightness] * 2
        context.progress(number, len(frames.pixels), preview=lambda: Preview(b"picture", "image/png"))
    context.logger.info("doubled %d frames", len(frames.pixels))
    import torch

    return Frames(torch.stack(made), frames.fps)


@node("sample.Measured", category="sample")
def measured(frames: Frames) -> Size:
    """Measure a clip.

    Args:
        frames: the clip.
    """
    return Size(frames.pixels.shape[2], frames.pixels.shape[1])


@node("sample.CountDown", category="sample")
def count_down(start: Annotated[int, Field(ge=1, le=9)] = 3) -> Iterator[Display[list[int]]]:
    """Count down and show every number.

    Args:
        start: where to begin.
    """
    for number in range(start, 0, -1):
        yield Display([number], {"text": str(number)})
    yield Display(list(range(start, 0, -1)), {"text": "start"})


@node("sample.Chosen", category="sample")
def chosen(first: bool, a: Lazy[Any], b: Lazy[Any]) -> Any:
    """One of two values; the other is not computed.

    Args:
        first: which.
        a: the first.
        b: the second.
    """
    return a() if first else b()


@node("sample.Named", category="sample")
def named(text: str = "a,b") -> Outputs[str]:
    """An output per word.

    Args:
        text: words with commas between them.
    """
    return Outputs({word: word.upper() for word in text.split(",")})


@node("sample.Longest", category="sample")
def longest(*items: str) -> str:
    """The longest of several texts.

    Args:
        items: the texts.
    """
    return max(items, key=len, default="")


@node("sample.Keep", category="sample", cache=False)
def keep(context: NodeContext, steps: int = 3) -> list[int]:
    """Keep checkpoints, and say what was restored.

    Args:
        steps: how many.
    """
    restored = context.restore()
    begin = restored["step"] if restored else 0
    for step in range(begin, steps):
        context.checkpoint({"step": step + 1})
    return [begin, steps]


@node("sample.ReadText", category="sample")
def read_text(file: Annotated[Path, FilePicker("file", (".txt",))]) -> str:
    """Read a file that a person chose.

    Args:
        file: which.
    """
    return file.read_text()


@node("sample.WriteText", category="sample", output=True)
def write_text(context: NodeContext, text: str = "words") -> Display[SavedFile]:
    """Write a text into the output folder.

    Args:
        text: the text.
    """
    with context.output_file("sample.txt", "text/plain") as file:
        file.path.write_text(text)
    return Display(file.saved, {"text": text})


@node("sample.Twice", category="sample")
def twice(value: float = 1.0) -> float:
    """Add a number to itself, by a sub-graph of another plugin's node.

    Args:
        value: the number.
    """
    expansion = Expansion()
    made = expansion.add("Math", a=value, operation="add", b=value)
    expansion.outputs["value"] = made["number"]
    return expansion  # type: ignore[return-value]
