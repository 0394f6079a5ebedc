"""Rendered pictures, each with the words that describe it: coloured shapes and letters on coloured grounds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Pixels = NDArray[np.uint8]
SIDE = 64
OVERSAMPLED = 2 * SIDE  # drawn at twice the size and reduced, so that edges are smooth

COLOURS = {
    "red": (208, 52, 44), "green": (52, 150, 72), "blue": (46, 90, 196), "yellow": (228, 196, 52),
    "purple": (130, 64, 160), "orange": (232, 132, 40), "white": (236, 236, 236), "black": (28, 28, 28),
    "grey": (128, 128, 128), "teal": (36, 150, 158),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "ellipse", "hexagon")
SIZES = {"small": (14, 17), "medium": (19, 23), "large": (25, 29)}  # radius in pixels


@dataclass(frozen=True)
class Rendered:
    """A picture, uint8 (64, 64, 3), with its class and a caption."""

    pixels: Pixels
    label: str
    caption: str


def shape(rng: np.random.Generator, kind: str) -> Rendered:
    """One shape of random colour, size, place and turn on a textured ground of another colour."""
    colour, ground = rng.choice(list(COLOURS), size=2, replace=False)
    size = str(rng.choice(list(SIZES)))
    radius = 2 * float(rng.uniform(*SIZES[size]))
    centre = [float(rng.uniform(radius * 0.9, OVERSAMPLED - radius * 0.9)) for _ in range(2)]
    canvas = _ground(rng, str(ground))
    _draw_shape(ImageDraw.Draw(canvas), kind, centre, radius, float(rng.uniform(0, 2 * math.pi)),
                _jitter(rng, str(colour)), COLOURS[str(ground)])
    caption = f"a {size} {colour} {kind} on a {ground} ground"
    return Rendered(_finish(rng, canvas), kind, caption)


def letter(
    rng: np.random.Generator, character: str, *, shift: float = 14, turn: float = 25, size: str = ""
) -> Rendered:
    """One letter of random colours on a ground, `shift` pixels of 128 off centre and turned by `turn` degrees at most.

    Without a `size` that is random as well.
    """
    colour, ground = rng.choice(list(COLOURS), size=2, replace=False)
    size = size or str(rng.choice(list(SIZES)))
    height = 2 * float(rng.uniform(*SIZES[size])) * 1.9
    layer = Image.new("L", (OVERSAMPLED, OVERSAMPLED))
    place = tuple(OVERSAMPLED / 2 + float(rng.uniform(-shift, shift)) for _ in range(2))
    ImageDraw.Draw(layer).text(place, character, fill=255, font=ImageFont.load_default(height), anchor="mm")
    layer = layer.rotate(float(rng.uniform(-turn, turn)), Image.Resampling.BICUBIC)
    canvas = _ground(rng, str(ground))
    canvas.paste(Image.new("RGB", canvas.size, _jitter(rng, str(colour))), mask=layer)
    return Rendered(_finish(rng, canvas), character, f"the letter {character} in {colour} on a {ground} ground")


def _ground(rng: np.random.Generator, colour: str) -> Image.Image:
    """A ground whose brightness drifts and is slightly mottled."""
    base = np.array(_jitter(rng, colour), dtype=np.float64)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).resize(
        (OVERSAMPLED, OVERSAMPLED), Image.Resampling.BICUBIC
    )
    drift = (np.asarray(coarse, dtype=np.float64) / 255 - 0.5)[..., None] * float(rng.uniform(10, 60))
    return Image.fromarray(np.clip(base + drift, 0, 255).astype(np.uint8))


def _jitter(rng: np.random.Generator, colour: str) -> tuple[int, int, int]:
    red, green, blue = np.clip(np.array(COLOURS[colour]) + rng.normal(0, 10, 3), 0, 255).astype(int)
    return int(red), int(green), int(blue)


def _finish(rng: np.random.Generator, canvas: Image.Image) -> Pixels:
    """Reduced to 64 x 64, sometimes blurred, with a little noise."""
    small = canvas.resize((SIDE, SIDE), Image.Resampling.BOX)
    if rng.random() < 0.3:
        small = small.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0))))
    noisy = np.asarray(small, dtype=np.float64) + rng.normal(0, 4, (SIDE, SIDE, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _polygon(
    centre: list[float], radius: float, turn: float, corners: int, inner: float = 1.0
) -> list[tuple[float, ...]]:
    """Corners of a regular polygon; with `inner` below 1 every second corner is drawn in (a star)."""
    return [
        tuple(
            centre[axis] + radius * (inner if i % 2 else 1.0) * f(turn + 2 * math.pi * i / corners)
            for axis, f in enumerate((math.cos, math.sin))
        )
        for i in range(corners)
    ]


def _draw_shape(
    draw: ImageDraw.ImageDraw, kind: str, centre: list[float], radius: float, turn: float, fill: tuple[int, int, int],
    ground: tuple[int, int, int],
) -> None:
    x, y = centre
    box = (x - radius, y - radius, x + radius, y + radius)
    corners = {"square": 4, "triangle": 3, "hexagon": 6}
    if kind in corners:
        draw.polygon(_polygon(centre, radius, turn, corners[kind]), fill=fill)
    elif kind == "star":
        draw.polygon(_polygon(centre, radius, turn, 10, inner=0.45), fill=fill)
    elif kind == "circle":
        draw.ellipse(box, fill=fill)
    elif kind == "ellipse":
        draw.ellipse((x - radius, y - radius * 0.55, x + radius, y + radius * 0.55), fill=fill)
    elif kind == "ring":
        draw.ellipse(box, outline=fill, width=max(4, int(radius * 0.35)))
    else:
        width = int(radius * 0.6)
        for angle in (turn, turn + math.pi / 2):
            dx, dy = radius * math.cos(angle), radius * math.sin(angle)
            draw.line((x - dx, y - dy, x + dx, y + dy), fill=fill, width=width)
