"""How tensors, clips, latents and networks are shown to people who look at a wire."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from engine.viewers import Picture, Tensor, View, Viewer
from kinograph.types import Frames, Latent, LoadedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor as TorchTensor

_CHUNK = 1 << 22
_LEAST_SIDE = 256
"""Small maps are enlarged to about this many pixels, so that single numbers can be seen."""
_FOLD = 256
"""A row of more numbers than this is folded."""
_POSITIONS = 1 << 16
_VIRIDIS = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_BLUE_WHITE_RED = ((33, 102, 172), (146, 197, 222), (247, 247, 247), (244, 165, 130), (178, 24, 43))
_NOT_A_NUMBER = (255, 0, 255)


class TensorViewer(Viewer):
    """Tensors as heat maps, clips as they are, latents in the colours of their principal components."""

    def owns(self, value: object) -> bool:
        """Whether it is a tensor, or one of the records around tensors that say more than their parts."""
        return isinstance(value, Frames | Latent | LoadedModel) or _is_tensor(value)

    def view(self, value: Any) -> View:
        """See :class:`engine.viewers.Viewer`."""
        kind = type(value).__name__
        if isinstance(value, LoadedModel):
            count = sum(parameter.numel() for parameter in value.module.parameters())
            text = f"{value.family}: {type(value.module).__name__} with {count:,} parameters"
            return View(kind, "model", text=text)
        if isinstance(value, Frames):
            count, height, width, channels = value.pixels.shape
            text = f"{width} x {height}, {count} frame{'s' if count != 1 else ''}, {value.fps:g} fps"
            return View(
                kind, "frames", text=text, tensor=figures_of(value.pixels), fps=value.fps,
                pictures=count if channels in (3, 4) else 0, width=width, height=height,
            )  # fmt: skip
        if isinstance(value, Latent):
            batch, channels, count, height, width = value.samples.shape
            clips = f"{batch} clips of " if batch > 1 else ""
            text = f"{value.family}: {clips}{count} x {height} x {width}, {channels} channels, sigma {value.sigma:g}"
            return View(
                kind, "latent", text=text, tensor=figures_of(value.samples), pictures=batch * count,
                width=width, height=height, fps=value.fps,
                note="the three principal components of its channels as red, green and blue",
            )  # fmt: skip
        maps = _maps(value)
        note = "a heat map; violet: least, yellow: greatest"
        if maps is not None and _signed(value):
            note = "a heat map; blue: below zero, red: above zero, white: zero"
        shape = "[" + ", ".join(map(str, value.shape)) + "]"
        text = f"{shape} {str(value.dtype).removeprefix('torch.')}"
        found = View(kind, "tensor", text=text, tensor=figures_of(value))
        if maps is not None:
            found.pictures, found.height, found.width = maps.shape
            found.note = note + ", magenta: not a number"
        return found

    def picture(self, value: Any, index: int, size: int) -> Picture | None:
        """See :class:`engine.viewers.Viewer`. The last two dimensions of a tensor are a map, the others count."""
        if isinstance(value, Frames):
            if value.pixels.shape[-1] not in (3, 4):
                return None
            pixels = _nth(value.pixels, index).detach().float().nan_to_num(0.0).clamp(0.0, 1.0)
            return _encoded(pixels.mul(255).round().byte().cpu().numpy(), size, lossless=False)
        if isinstance(value, Latent):
            return _encoded(_latent_picture(value.samples, index), size)
        maps = None if isinstance(value, LoadedModel) else _maps(value)
        return None if maps is None else _encoded(_heat_map(value, _nth(maps, index), size), size)


def figures_of(tensor: TorchTensor) -> Tensor:
    """Exact figures of a tensor's numbers, computed in float64 piece by piece."""
    import torch

    found = Tensor(
        list(tensor.shape),
        str(tensor.dtype).removeprefix("torch."),
        str(tensor.device),
        tensor.numel() * tensor.element_size(),
    )
    if not tensor.numel() or tensor.is_complex() or tensor.is_meta or tensor.is_sparse:
        return found
    count, total, squares, low, high = 0, 0.0, 0.0, float("inf"), float("-inf")
    with torch.no_grad():
        for piece in torch.split(tensor.detach().reshape(-1), _CHUNK):
            numbers = piece.double()
            finite = numbers[numbers.isfinite()]
            found.nan += int(numbers.isnan().sum())
            found.infinite += int(numbers.isinf().sum())
            if finite.numel():
                before, count = count, count + finite.numel()
                mean = float(finite.mean())
                shift = mean - (total / before if before else mean)
                squares += float((finite - mean).square().sum()) + shift**2 * before * finite.numel() / count
                total += float(finite.sum())
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if count:
        found.minimum, found.maximum = low, high
        found.mean, found.deviation = total / count, (squares / count) ** 0.5
    return found


def _is_tensor(value: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, getattr(torch, "Tensor", ()))


def _nth(pictures: TorchTensor, index: int) -> TorchTensor:
    if not 0 <= index < len(pictures):
        raise IndexError(f"there are {len(pictures)} pictures, counted from 0")
    return pictures[index]


def _maps(tensor: TorchTensor) -> TorchTensor | None:
    """A tensor as maps ``[N, H, W]``; a long row is folded. ``None`` where there is nothing to see."""
    from torch.nn import functional

    if not tensor.ndim or not tensor.numel() or tensor.is_complex() or tensor.is_meta or tensor.is_sparse:
        return None
    if tensor.ndim > 1:
        return tensor.detach().reshape(-1, *tensor.shape[-2:])
    row = tensor.detach()
    if len(row) > _FOLD:
        fill = float("nan") if row.is_floating_point() else 0
        row = functional.pad(row, [0, -len(row) % _FOLD], value=fill)
    return row.reshape(1, -1, min(len(row), _FOLD))


def _signed(tensor: TorchTensor) -> bool:
    return tensor.is_signed() and bool((tensor < 0).any()) and bool((tensor > 0).any())


def _heat_map(whole: TorchTensor, numbers: TorchTensor, size: int) -> NDArray[np.uint8]:
    """A map ``[H, W]`` as colours ``[H, W, 3]``, on the scale of the whole tensor."""
    import numpy as np

    figures = figures_of(whole)
    low, high = figures.minimum or 0.0, figures.maximum or 0.0
    colours = _VIRIDIS
    if low < 0.0 < high:
        colours, high = _BLUE_WHITE_RED, max(-low, high)
        low = -high
    step = max(1, -(-max(numbers.shape) // (2 * size)))
    values = numbers[::step, ::step].double().cpu().numpy()
    places = np.nan_to_num((values - low) / (high - low or 1.0), nan=0.0).clip(0.0, 1.0) * (len(colours) - 1)
    scale = np.arange(len(colours))
    picture = np.stack([np.interp(places, scale, channel) for channel in zip(*colours, strict=True)], axis=-1)
    picture[np.isnan(values)] = _NOT_A_NUMBER
    return (picture + 0.5).astype(np.uint8)


def _latent_picture(samples: TorchTensor, index: int) -> NDArray[np.uint8]:
    """One latent frame of ``[B, C, t, h, w]`` as ``[h, w, 3]``.

    The projection is fitted to the whole latent, so that all of its frames share their colours. The sign of each
    component is that of its largest weight, so that the same latent always looks the same.
    """
    import numpy as np
    import torch

    cells = (
        samples.detach().float().nan_to_num(0.0, 0.0, 0.0).permute(0, 2, 3, 4, 1).flatten(0, 1).cpu()
    )  # [B*t, h, w, C]
    chosen = _nth(cells, index)
    rows = cells.reshape(-1, cells.shape[-1])
    few = rows[:: max(1, len(rows) // _POSITIONS)].double()
    mean = few.mean(0)
    _, vectors = torch.linalg.eigh((few - mean).T @ (few - mean))
    axes = vectors.flip(1)[:, :3]  # [C, 3], the strongest first
    largest = axes.abs().argmax(0, keepdim=True)
    axes = axes * axes.gather(0, largest).sign()
    spread = ((few - mean) @ axes).std(0, correction=0).clamp(min=1e-6)
    colours = ((chosen.double() - mean) @ axes / spread / 5.0 + 0.5).clamp(0.0, 1.0).numpy()
    if colours.shape[-1] < 3:
        colours = np.repeat(colours[..., :1], 3, axis=-1)
    picture: NDArray[np.uint8] = (colours * 255 + 0.5).astype(np.uint8)
    return picture


def _encoded(picture: NDArray[np.uint8], size: int, *, lossless: bool = True) -> Picture:
    """A WebP whose longer side is at most ``size``; small maps are enlarged by whole factors without smoothing."""
    from PIL import Image

    image = Image.fromarray(picture)
    longest = max(image.size)
    if longest > size:
        scaled = tuple(max(1, round(side * size / longest)) for side in image.size)
        image = image.resize((scaled[0], scaled[1]), Image.Resampling.BOX)
    elif lossless and longest * 2 <= min(size, _LEAST_SIDE):
        factor = min(size, _LEAST_SIDE) // longest
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=lossless, quality=90, method=1)
    return Picture(stream.getvalue(), "image/webp")


TENSOR_VIEWER = TensorViewer()
