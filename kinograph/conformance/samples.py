"""Values to try nodes with: ordinary ones, and odd ones that a node must survive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.graph.values import example_for
from engine.node_types.node_type import REQUIRED, InputSocket, NodeType
from kinograph.types import Conditioning, Frames, Latent

TEXT = "a red ball bounces over a green meadow"
ODD_TEXTS = ("", " ", "\u4e00\u4e2a\u7ea2\u8272\u7684\u7403", "\U0001f534\u200d\U0001f3fe \u202e", "x" * 100_000)


class NoSample(LookupError):
    """There is no sample value for an input; the author can give one."""


class Samples:
    """Makes values for sockets.

    Args:
        folder: where sample files are put.
        given: the author's own: by node id, a function that returns values by input (``KINOGRAPH_SAMPLES``).
    """

    def __init__(self, folder: Path, given: dict[str, Any] | None = None) -> None:
        self._folder = folder
        self._given = given or {}
        self.made: dict[type, Any] = {}
        """Outputs of nodes that ran already, by class: samples for the inputs of others."""

    def of(self, node_type: NodeType) -> dict[str, Any]:
        """A value for every input. Called again, it makes new ones that are equal.

        Raises:
            NoSample: naming the input.
        """
        values: dict[str, Any] = {}
        given = self._given.get(node_type.id)
        own = dict(given() if callable(given) else given or {})
        for name, socket in node_type.inputs.items():
            if name in own:
                values[name] = own[name]
            elif socket.variadic:
                one = self._value(socket)
                members = ("0", "1") if socket.variadic == "items" else ("first", "second")
                values |= {f"{name}.{member}": one for member in members}
            else:
                values[name] = self._value(socket) if socket.default is REQUIRED else socket.default
        return values

    def _value(self, socket: InputSocket) -> Any:
        if socket.choices:
            return socket.choices[0]
        if socket.file is not None:
            return self._file(socket)
        if socket.type.is_any:
            return TEXT
        for cls in socket.type.classes:
            try:
                item = self._instance(cls, socket)
            except NoSample:
                continue
            return [item, item] if socket.type.is_list else item
        message = f"no sample for its input {socket.name!r} ({socket.type.name}); give one in KINOGRAPH_SAMPLES"
        raise NoSample(message)

    def _instance(self, cls: type, socket: InputSocket) -> Any:
        if cls in (int, float, bool):
            return example_for(socket)
        if cls is str:
            return TEXT
        if cls is dict:
            return {"name": 1}
        if cls is Frames:
            return sample_frames()
        if cls is Latent:
            return sample_latent()
        if cls is Conditioning:
            return sample_conditioning()
        for made, value in self.made.items():
            if issubclass(made, cls):
                return value
        raise NoSample(cls.__name__)

    def _file(self, socket: InputSocket) -> Path:
        assert socket.file is not None
        if socket.file.folder:
            return self._folder
        if socket.file.kind == "image":
            from PIL import Image

            ending = next((one for one in socket.file.extensions if one in (".png", ".jpg", ".webp")), ".png")
            path = self._folder / f"sample{ending}"
            Image.new("RGB", (16, 12), (200, 40, 40)).save(path)
            return path
        if socket.file.kind == "file":
            path = self._folder / f"sample{(socket.file.extensions or ('.txt',))[0]}"
            path.write_text(TEXT)
            return path
        raise NoSample(f"no sample {socket.file.kind} for its input {socket.name!r}; give one in KINOGRAPH_SAMPLES")


def sample_frames(count: int = 5, height: int = 16, width: int = 24, channels: int = 3) -> Frames:
    """A clip in which every pixel is another one."""
    import torch

    size = count * height * width * channels
    return Frames(torch.linspace(0.0, 1.0, size).reshape(count, height, width, channels), 8.0)


def sample_latent() -> Latent:
    """A clean latent of Mini's shape."""
    import torch

    noise = torch.randn(1, 48, 5, 8, 8, generator=torch.Generator().manual_seed(7))
    return Latent(noise, "mini")


def sample_conditioning() -> Conditioning:
    """What a text encoder might say."""
    import torch

    tokens = torch.linspace(-1.0, 1.0, 8 * 16).reshape(1, 8, 16)
    return Conditioning("mini", {"tokens": tokens, "pooled": tokens.mean(1)}, TEXT)


def odd_values(socket: InputSocket) -> Iterator[Any]:
    """Values that fit the socket's type and are unlikely. Kinograph itself holds back what does not fit."""
    if socket.choices:
        yield from socket.choices
        return
    if socket.file is not None or socket.type.is_any or socket.variadic:
        return
    limits = socket.limits
    for cls in socket.type.classes:
        found: list[Any] = []
        if cls in (int, float):
            found = [value for value in (limits.ge, limits.le) if value is not None]
            if limits.le is None and cls is float:
                found.append(1e12)
        elif cls is str and limits.pattern is None:
            found = [text for text in ODD_TEXTS if limits.min_length is None or len(text) >= limits.min_length]
            found = [text for text in found if limits.max_length is None or len(text) <= limits.max_length]
        elif cls is Frames:
            found = list(_odd_frames())
        yield from ([[], *([item] for item in found)] if socket.type.is_list else (_as(cls, item) for item in found))


def _as(cls: type, value: Any) -> Any:
    return cls(value) if cls in (int, float) else value


def _odd_frames() -> Iterator[Frames]:
    yield sample_frames(1, 1, 1)
    yield sample_frames(3, 7, 5, channels=4)
    spoiled = sample_frames(2)
    spoiled.pixels[0] = float("nan")
    spoiled.pixels[1] = float("inf")
    yield spoiled
