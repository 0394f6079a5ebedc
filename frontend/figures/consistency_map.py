"""The dataset x dataset map of r, grouped by domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from frontend.figures.heatmap_data import NOT_COMPUTED
from frontend.figures.numbers import plain
from frontend.theme import SIMILARITY_SCALE, colour_of, vocabulary

MOST_PRINTED = 14  # numbers are printed in the cells up to this many datasets
BAR = 0.22
WORDS = {"pearson": "Pearson r", "spearman": "Spearman ρ"}


@dataclass(frozen=True)
class MapData:
    """`r` (D, D), NaN where not defined; `n_pairs`, `n_models` (D, D) integers; names, titles and domains of D
    datasets. All in drawing order: see `by_domain`. `low`, `high` (D, D) are ends of the interval of r, NaN or None
    where there is none; `small` says that they are not to be relied on."""

    names: Sequence[str]
    titles: Sequence[str]
    domains: Sequence[str]
    r: np.ndarray
    n_pairs: np.ndarray
    n_models: np.ndarray
    method: str
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    small: bool = False


def by_domain(names: Sequence[str], domains: Sequence[str]) -> list[int]:
    """Positions of the datasets in drawing order: by domain, in the order of its vocabulary, then by name."""
    rank = {slug: place for place, slug in enumerate(vocabulary("domain"))}
    return sorted(range(len(names)), key=lambda i: (rank.get(domains[i], len(rank)), names[i]))


def consistency_map(data: MapData) -> go.Figure:
    """Figure of the map: square, a bar for the domain at the left, separators between domains, the diagonal (1 by
    definition) left out."""
    size = len(data.names)
    titles = [plain(title) for title in data.titles]
    r = np.array(data.r, dtype=np.float32)
    np.fill_diagonal(r, np.nan)
    undefined = ~np.isfinite(r)
    np.fill_diagonal(undefined, False)
    lowest = float(np.nanmin(r)) if np.isfinite(r).any() else 0.0
    words = WORDS[data.method]
    left = -0.5 - 1.5 * BAR
    heatmap = go.Heatmap(
        z=r, x=titles, y=titles, coloraxis="coloraxis", hoverongaps=False, xgap=2, ygap=2,
        customdata=_behind(data),
        texttemplate="%{z:.2f}" if size <= MOST_PRINTED else None, textfont={"size": 15 if size <= 8 else 12},
        hovertemplate=f"<b>%{{y}}</b><br><b>%{{x}}</b><br>{words} = %{{z:.3f}}{_interval_words(data)}<br>"
        "%{customdata[0]} models, %{customdata[1]} model pairs<br>click to see the pairs<extra></extra>",
    )
    gaps = go.Heatmap(
        z=np.where(undefined, np.float32(1), np.float32(np.nan)), x=titles, y=titles, showscale=False,
        colorscale=[[0, NOT_COMPUTED], [1, NOT_COMPUTED]], hoverongaps=False, xgap=2, ygap=2,
        hovertemplate="<b>%{y}</b><br><b>%{x}</b><br>no r: fewer than three shared model pairs<extra></extra>",
    )
    axis = {
        "type": "category", "constrain": "domain", "categoryorder": "array", "categoryarray": titles,
        "tickmode": "array", "tickvals": titles, "fixedrange": True,
    }
    return go.Figure(
        [heatmap, gaps, *_domain_bar(titles, data.domains, left)],
        layout={
            "template": go.layout.Template(),
            "coloraxis": {
                # From 0, or from the next lower tenth where an r is negative, to 1.
                "cmin": min(0.0, np.floor(lowest * 10) / 10), "cmax": 1.0, "colorscale": SIMILARITY_SCALE,
                "colorbar": {"title": {"text": words}},
            },
            "xaxis": axis | {"range": [left, size - 0.5], "tickangle": -40},
            "yaxis": axis | {"range": [size - 0.5, -0.5], "scaleanchor": "x"},
            "shapes": _separators(data.domains),
        },
    )


def _behind(data: MapData) -> np.ndarray:
    """What the hover says of each cell beside r: models, model pairs and, where there is one, the interval."""
    layers = [data.n_models, data.n_pairs]
    if data.low is not None and data.high is not None:
        layers += [data.low, data.high]
    return np.stack(layers, axis=-1).astype(np.float32)


def _interval_words(data: MapData) -> str:
    if data.low is None or not np.isfinite(data.low).any():
        return ""
    flag = " (few models: not to be relied on)" if data.small else ""
    return f"<br>95 % interval %{{customdata[2]:.2f}} to %{{customdata[3]:.2f}}{flag}"


def _domain_bar(titles: list[str], domains: Sequence[str], left: float) -> list[go.Heatmap]:
    of = np.array(domains, dtype=object)
    words = vocabulary("domain")
    return [
        go.Heatmap(
            z=np.where(of == slug, np.float32(1), np.float32(np.nan))[:, None], x0=left + BAR / 2, dx=BAR, y=titles,
            colorscale=[[0, colour_of("domain", slug)], [1, colour_of("domain", slug)]], showscale=False,
            hoverongaps=False, ygap=2, hovertemplate=f"<b>%{{y}}</b><br>{words.get(slug, slug)}<extra></extra>",
        )
        for slug in dict.fromkeys(domains)
    ]


def _separators(domains: Sequence[str]) -> list[dict[str, object]]:
    """Lines between domains, in the colour of the text."""
    size = len(domains)
    lines: list[dict[str, object]] = []
    for place in (i - 0.5 for i in range(1, size) if domains[i] != domains[i - 1]):
        lines.append({"type": "line", "x0": place, "x1": place, "y0": -0.5, "y1": size - 0.5, "line": {"width": 2}})
        lines.append({"type": "line", "x0": -0.5, "x1": size - 0.5, "y0": place, "y1": place, "line": {"width": 2}})
    return lines
