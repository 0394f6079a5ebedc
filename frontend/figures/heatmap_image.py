"""The heatmap as a picture in a file, by matplotlib: what `heatmap_data` decided, on white paper.

Everything is laid out in inches: the matrix is a square whose cells are as large as their number allows, side bars
stand left of it, the colour scale and the legend right of it, subject and caption above it.
"""

from __future__ import annotations

import textwrap
from typing import IO

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from frontend.figures.heatmap_data import NOT_COMPUTED, Bar, HeatmapData

DOTS_PER_INCH = 200
CELL, LEAST_SIDE, MOST_SIDE = 0.2, 4.0, 14.0  # inches
LARGEST_LABEL, SMALLEST_LABEL = 9.0, 3.5  # points
BAR, GAP, SCALE_WIDTH, SCALE_ROOM, SQUARE, LEGEND_WIDTH = 0.16, 0.07, 0.15, 0.95, 0.11, 1.4
INK, QUIET = "#212529", "#5c636a"
_POINT = 1 / 72


def write_heatmap(data: HeatmapData, file: IO[bytes]) -> None:
    """Writes the picture as PNG."""
    figure = heatmap_figure(data)
    figure.savefig(file, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.15)


def heatmap_figure(data: HeatmapData) -> Figure:
    """The picture: first model at the top left, as in the browser."""
    size, bars = len(data.models), data.bars
    side = min(max(CELL * size, LEAST_SIDE), MOST_SIDE)
    left = len(bars) * BAR + (GAP if bars else 0.0)
    width = left + side + SCALE_ROOM + (LEGEND_WIDTH if bars else 0.0)
    canvas = FigureCanvasAgg(Figure(figsize=(width, side), facecolor="white"))
    figure = canvas.figure

    def axes(x: float, y: float, wide: float, high: float) -> Axes:
        made = figure.add_axes((x / width, y / side, wide / width, high / side))
        made.tick_params(length=0, colors=INK, pad=3)
        made.spines[:].set_visible(False)
        return made

    label = min(LARGEST_LABEL, 0.82 * side / size / _POINT)
    names = list(data.models) if label >= SMALLEST_LABEL else []
    matrix = axes(left, 0, side, side)
    matrix.imshow(_coloured(data), interpolation="nearest", aspect="auto")
    matrix.set_yticks([])
    matrix.set_xticks(range(len(names)), names, rotation=90, fontsize=label, parse_math=False)
    beside = matrix
    for place, bar in enumerate(bars):
        column = axes(place * BAR, 0, BAR * 0.86, side)
        column.imshow(_bar_colours(bar), interpolation="nearest", aspect="auto")
        column.set_yticks([])
        column.set_xticks([0], [bar.title], rotation=90, fontsize=max(label, 6.5), color=QUIET, parse_math=False)
        beside = column if place == 0 else beside
    beside.set_yticks(range(len(names)), names, fontsize=label, parse_math=False)
    _scale(data, axes(left + side + 0.22, 0, SCALE_WIDTH, side))
    _legend(data, axes(left + side + SCALE_ROOM, 0, SQUARE, side), side)
    _words(data, figure, width, side)
    return figure


def _colour_map(data: HeatmapData) -> LinearSegmentedColormap:
    return LinearSegmentedColormap.from_list("scale", [(float(at), str(colour)) for at, colour in data.scale], N=1024)


def _coloured(data: HeatmapData) -> np.ndarray:
    """The cells' colours (M, M, 3), those without a value in their own."""
    values = np.asarray(data.values, dtype=np.float64)
    shares = np.clip((values - data.low) / (data.high - data.low), 0, 1)
    colours = _colour_map(data)(np.nan_to_num(shares))[..., :3]
    colours[~np.isfinite(values)] = 1.0
    colours[data.absent] = _absent()
    return colours


def _absent() -> tuple[float, float, float]:
    """The colour of cells without a value, as it looks on white."""
    *parts, alpha = (float(part) for part in NOT_COMPUTED.removeprefix("rgba(").removesuffix(")").split(","))
    red, green, blue = (alpha * part / 255 + 1 - alpha for part in parts)
    return red, green, blue


def _bar_colours(bar: Bar) -> np.ndarray:
    """One colour per model: (M, 1, 3)."""
    of = {value.slug: to_rgb(value.colour) for value in bar.values}
    return np.array([of[slug] for slug in bar.slugs])[:, None]


def _scale(data: HeatmapData, axes: Axes) -> None:
    """The colour scale with its words; pointed where values run beyond it."""
    values = data.values[np.isfinite(data.values)]
    below, above = bool((values < data.low - 1e-6).any()), bool((values > data.high + 1e-6).any())
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]
    shown = ScalarMappable(Normalize(data.low, data.high), _colour_map(data))
    bar = Colorbar(axes, shown, extend=extend, extendfrac=0.02)  # type: ignore[arg-type]
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.tick_params(length=0, labelsize=8.5, colors=INK)
    room = int(axes.get_position().height * axes.figure.get_figheight() / (0.54 * 9 * _POINT))
    bar.set_label("\n".join(textwrap.wrap(data.value_words, room)), size=9, color=INK, labelpad=6, parse_math=False)


def _legend(data: HeatmapData, axes: Axes, side: float) -> None:
    """The values of every side bar, and what the colour of missing cells means, from the top down."""
    axes.set(xlim=(0, SQUARE), ylim=(-side, 0), xticks=[], yticks=[])
    axes.patch.set_visible(False)
    step, y = 0.17, 0.0
    groups = [(bar.title, [(value.words or "(none)", value.colour) for value in bar.values]) for bar in data.bars]
    if data.absent.any():
        groups.append(("", [(data.absent_words, _absent())]))  # type: ignore[list-item]
    for title, entries in groups:
        if title:
            axes.text(0, y, title, size=8.5, weight="bold", color=INK, va="top", parse_math=False)
            y -= step
        for words, colour in entries:
            axes.add_patch(Rectangle((0, y - SQUARE), SQUARE, SQUARE, facecolor=colour, clip_on=False, linewidth=0))
            axes.text(SQUARE + 0.07, y - SQUARE / 2, words, size=8.5, color=INK, va="center_baseline", parse_math=False)
            y -= step
        y -= step * 0.6


def _words(data: HeatmapData, figure: Figure, width: float, side: float) -> None:
    """Subject and caption above the matrix, broken to its width."""
    size = 9.0
    lines = textwrap.wrap(data.caption, max(int(width / (0.52 * size * _POINT)), 30))
    for number, line in enumerate(reversed(lines)):
        figure.text(0, 1 + (0.14 + number * 0.17) / side, line, size=size, color=QUIET, parse_math=False)
    figure.text(
        0, 1 + (0.18 + len(lines) * 0.17) / side, data.subject, size=12, weight="bold", color=INK, parse_math=False
    )
