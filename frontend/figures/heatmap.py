"""The model x model heatmap with its attribute side bars, as one figure.

Bars are cells of the same axes, left of the first model, so that they stay aligned through zoom and export. Hover
text is a template per trace, put together in the browser; no cell carries a string. Models keep the order they are
given in; the browser permutes rows and columns for another order (`parallax.js`), which `meta` tells it how to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go

from frontend.figures.numbers import plain
from frontend.theme import ATTRIBUTE_TITLES, DISTANCE_SCALE, SIMILARITY_SCALE, colour_of, vocabulary

BAR_CELLS = 0.034  # width of a bar as a share of the number of models
NOT_COMPUTED = "rgba(134, 142, 150, 0.32)"


@dataclass(frozen=True)
class HeatmapData:
    """What the heatmap shows. `values` (M, M) float32 in the order of `models`, NaN where not computed; `reasons`
    model
    -> why it has no values; `attributes` attribute -> M slugs; `low`, `high` the colour range; `value_words` what a
    value is, for hover and colour bar; `subject` whose values they are."""

    models: Sequence[str]
    values: np.ndarray
    attributes: Mapping[str, Sequence[str]]
    low: float
    high: float
    value_words: str
    direction: str = "similarity"
    subject: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)


def similarity_heatmap(data: HeatmapData) -> go.Figure:
    """Figure of the matrix: square cells, first model at the top left."""
    names = list(data.models)
    size = len(names)
    values = np.asarray(data.values, dtype=np.float32)
    bar = BAR_CELLS * max(size, 1)
    left = -0.5 - 0.4 * bar - bar * len(data.attributes)
    traces = [_matrix(names, values, data), *_gaps(names, values, data.reasons)]
    for place, (attribute, slugs) in enumerate(data.attributes.items()):
        traces += _bar(names, attribute, slugs, x0=left + (place + 0.5) * bar, width=bar)
    # Two signs of direction: the words at the bar's ends, and bright for alike whichever way the numbers run.
    scale = DISTANCE_SCALE if data.direction == "distance" else SIMILARITY_SCALE
    return go.Figure(
        traces,
        layout={
            "template": go.layout.Template(),
            "uirevision": "same",
            "coloraxis": {
                "cmin": data.low, "cmax": data.high, "colorscale": scale,
                "colorbar": {"title": {"text": plain(data.value_words)}},
            },
            "xaxis": {
                "type": "category", "range": [left, size - 0.5], "constrain": "domain", "tickangle": -90,
                "categoryorder": "array", "categoryarray": names, "tickmode": "array", "tickvals": names,
                "side": "bottom",
            },
            "yaxis": {
                "type": "category", "range": [size - 0.5, -0.5], "scaleanchor": "x", "constrain": "domain",
                "categoryorder": "array", "categoryarray": names, "tickmode": "array", "tickvals": names,
            },
        },
    )


def _matrix(names: list[str], values: np.ndarray, data: HeatmapData) -> go.Heatmap:
    subject = f"<br>{plain(data.subject)}" if data.subject else ""
    words = plain(data.value_words)
    return go.Heatmap(
        z=values, x=names, y=names, coloraxis="coloraxis", hoverongaps=False, xgap=0, ygap=0,
        meta={"permute": "both"},
        hovertemplate=f"<b>%{{y}}</b><br><b>%{{x}}</b><br>{words}: %{{z:.3f}}{subject}<extra></extra>",
    )


def _gaps(names: list[str], values: np.ndarray, reasons: Mapping[str, str]) -> list[go.Heatmap]:
    """Cells that were not computed, one trace per reason: drawn, named, never zero."""
    missing = ~np.isfinite(values)
    if not missing.any():
        return []
    reason_of = np.array([reasons.get(name, "") for name in names], dtype=object)
    # A cell is missing for the reason of its row or, if that has none, of its column.
    per_cell = np.where(reason_of[:, None] != "", reason_of[:, None], reason_of[None, :])
    return [
        go.Heatmap(
            z=np.where(missing & (per_cell == reason), np.float32(1), np.float32(np.nan)), x=names, y=names,
            colorscale=[[0, NOT_COMPUTED], [1, NOT_COMPUTED]], showscale=False, hoverongaps=False,
            meta={"permute": "both"},
            hovertemplate="<b>%{y}</b><br><b>%{x}</b><br>not computed"
            + (f"<br>{wrapped(reason)}" if reason else "") + "<extra></extra>",
        )
        for reason in sorted(set(per_cell[missing]))
    ]


def _bar(names: list[str], attribute: str, slugs: Sequence[str], x0: float, width: float) -> list[go.Heatmap]:
    """One attribute's column: a trace per value, so that hover names the value without a string per cell."""
    of = np.array(slugs, dtype=object)
    words = vocabulary(attribute)
    return [
        go.Heatmap(
            z=np.where(of == slug, np.float32(1), np.float32(np.nan))[:, None], x0=x0, dx=width, y=names,
            colorscale=[[0, colour_of(attribute, slug)], [1, colour_of(attribute, slug)]],
            showscale=False, hoverongaps=False, meta={"permute": "rows"},
            hovertemplate=f"<b>%{{y}}</b><br>{ATTRIBUTE_TITLES[attribute]}: {words.get(slug, slug)}<extra></extra>",
        )
        for slug in sorted(set(slugs), key=lambda slug: (list(words).index(slug) if slug in words else 99, slug))
    ]


def wrapped(text: str, width: int = 48) -> str:
    """Words broken into lines for a hover label, with the characters that plotly would read as markup escaped."""
    lines: list[str] = [""]
    for word in plain(text).split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "<br>".join(lines)


def orders(models: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Permutations of the models, by the name of the order.

    `models` come in cluster order. `cluster` keeps it; `name` sorts; an attribute groups by its values, in the order
    of its vocabulary, and keeps the cluster order inside each group.
    """
    positions = range(len(models))
    made = {"cluster": list(positions), "name": sorted(positions, key=lambda i: models[i])}
    for attribute, slugs in attributes.items():
        rank = {slug: place for place, slug in enumerate(vocabulary(attribute))}
        made[attribute] = sorted(positions, key=lambda i: (rank.get(slugs[i], len(rank)), i))
    return made


def boundaries(slugs: Sequence[str]) -> list[int]:
    """Where a new group begins in a grouped order: positions 1 .. M - 1."""
    return [i for i in range(1, len(slugs)) if slugs[i] != slugs[i - 1]]
