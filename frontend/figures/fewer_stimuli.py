"""Similarities on fewer stimuli against those on all: how they correlate, and by how much they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.theme import OKABE_ITO

BOX_FILL = "rgba(134, 142, 150, 0.18)"
APART = 0.24  # between the draws of one size


@dataclass(frozen=True)
class Part:
    """One draw: its size, r with the matrix of all stimuli (NaN: not defined), and |difference| at 5, 25, 50, 75 and
    95 %."""

    divisor: int
    seed: int
    n: int
    r: float
    quantiles: np.ndarray


@dataclass(frozen=True)
class PartsData:
    """Draws by size, and how many stimuli there are in all; `words` names the correlation."""

    parts: Sequence[Part]
    n: int
    words: str


def fewer_stimuli(data: PartsData) -> go.Figure:
    """Figure of two pictures above each other: r of every draw, and a box of |difference| over pairs of models."""
    divisors = sorted({part.divisor for part in data.parts}, reverse=True)
    at = [_place(part, divisors, data.parts) for part in data.parts]
    middles = [
        float(np.median([part.r for part in data.parts if part.divisor == divisor and np.isfinite(part.r)] or [np.nan]))
        for divisor in divisors
    ]
    line = go.Scatter(
        x=list(range(len(divisors) + 1)), y=[*middles, 1.0], mode="lines", showlegend=False, hoverinfo="skip",
        line={"color": OKABE_ITO["blue"], "width": 2}, meta={"part": "median"},
    )
    words = [
        f"1/{part.divisor} of the stimuli ({part.n:,}), draw {part.seed + 1}" for part in data.parts
    ]
    dots = go.Scatter(
        x=at, y=[part.r for part in data.parts], mode="markers", showlegend=False, text=words, meta={"part": "r"},
        marker={"size": 9, "color": OKABE_ITO["blue"], "symbol": "circle", "line": {"width": 1, "color": "#868e96"}},
        hovertemplate=f"<b>%{{text}}</b><br>{data.words} = %{{y:.3f}}<extra></extra>",
    )
    whole = go.Scatter(
        x=[len(divisors)], y=[1.0], mode="markers", showlegend=False, meta={"part": "all"},
        marker={"size": 11, "color": OKABE_ITO["blue"], "symbol": "diamond"},
        hovertemplate=f"all {data.n:,} stimuli<extra></extra>",
    )
    names = ("lowerfence", "q1", "median", "q3", "upperfence")
    boxes = go.Box(
        x=at, **{name: [float(part.quantiles[k]) for part in data.parts] for k, name in enumerate(names)},
        yaxis="y2", showlegend=False, width=0.8 * APART, fillcolor=BOX_FILL, line={"width": 1.5, "color": "#868e96"},
        meta={"part": "difference"}, hoverinfo="y",
    )
    labels = [*(f"1/{divisor}<br>{_size(divisor, data)}" for divisor in divisors), f"all<br>n = {data.n:,}"]
    lowest = min([part.r for part in data.parts if np.isfinite(part.r)], default=0.0)
    tallest = max([float(part.quantiles[-1]) for part in data.parts if np.isfinite(part.quantiles[-1])], default=0.1)
    return go.Figure(
        [line, dots, whole, boxes],
        layout={
            "template": go.layout.Template(), "showlegend": False, "hovermode": "closest",
            "xaxis": {
                "range": [-0.5, len(divisors) + 0.5], "tickmode": "array", "tickvals": list(range(len(labels))),
                "ticktext": labels, "fixedrange": True, "zeroline": False, "anchor": "y2",
            },
            "yaxis": {
                "domain": [0.56, 1.0], "title": {"text": data.words}, "range": [min(0.0, lowest) - 0.03, 1.04],
                "showgrid": True, "zeroline": False, "fixedrange": True,
            },
            "yaxis2": {
                "domain": [0.0, 0.48], "title": {"text": "|difference|"}, "range": [0, 1.08 * tallest],
                "showgrid": True, "zeroline": False, "fixedrange": True,
            },
        },
    )


def _place(part: Part, divisors: Sequence[int], parts: Sequence[Part]) -> float:
    """Draws of one size stand beside each other."""
    seeds = sorted({one.seed for one in parts if one.divisor == part.divisor})
    return divisors.index(part.divisor) + APART * (seeds.index(part.seed) - (len(seeds) - 1) / 2)


def _size(divisor: int, data: PartsData) -> str:
    sizes = [part.n for part in data.parts if part.divisor == divisor]
    sign = "=" if len(set(sizes)) == 1 else "≈"
    return f"n {sign} {round(float(np.mean(sizes))):,}"
