"""What calibration says beside a heatmap: the null drawn under it, marks in its cells, and both in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from dash import html

from backend.domain.calibration import ALPHA
from backend.domain.quantities import CALIBRATED, CI_LOW, NULL_MEAN, NULL_SD, TAU, VALUE, P, Q
from frontend.components.cell_legend import cell_legend
from frontend.components.controls import panel
from frontend.figures.chance import ChanceData, chance_figure
from frontend.figures.numbers import count, decimal
from frontend.pages.layers import (
    LAYER_WORDS,
    Numbers,
    floor_of_p,
    layer_title,
    n_within_chance,
    spread,
    tau_differs,
)
from frontend.pages.picture import Picture


def chance_payload(shown: Picture) -> dict[str, Any]:
    """What the browser needs beyond the heatmap: the mark at the colour bar and the figure of the null."""
    numbers = shown.numbers
    if numbers is None or shown.matrix is None:
        return {}
    tau = spread(numbers.moved(numbers[TAU], shown.layer)[numbers.off_diagonal])
    return {
        "tau": tau["median"] if tau and shown.layer != CALIBRATED else None,
        "chance": json.loads(chance_figure(chance_data(shown, numbers)).to_json()),
    }


def reference_width(shown: Picture) -> float:
    """The width of an interval whose dot fills its cell: that of the full colour range."""
    low, high = shown.ranges["full"]
    return high - low


def chance_data(shown: Picture, numbers: Numbers) -> ChanceData:
    """Values and nulls in the units of the layer that is shown; of the values where that has nothing."""
    layer = shown.layer if np.isfinite(numbers.pairs(shown.layer)).any() else VALUE
    here = numbers.off_diagonal & np.isfinite(numbers[layer])
    mean, sd = numbers[NULL_MEAN], numbers[NULL_SD]
    middle, above = (numbers.moved(x, layer) for x in (mean, mean + sd))
    return ChanceData(
        values=numbers[layer][here], null_mean=middle[here], null_sd=np.abs(above - middle)[here],
        tau=numbers.moved(numbers[TAU], layer)[here], q=numbers.layers.get(Q, numbers[P])[here],
        words=layer_title(shown.metric, layer),
    )


def about_chance(shown: Picture) -> list[Any]:
    """The caption of the null's figure."""
    numbers = shown.numbers
    if numbers is None:
        return []
    values, tau = numbers.pairs(VALUE), spread(numbers.pairs(TAU))
    if tau is None:
        asked = shown.metric.on_request
        why = "has no chance level, as it is computed on request" if asked else "is not calibrated yet"
        return [f"How the values of all pairs spread. {shown.metric.title} {why}."]
    known = len(values) - numbers.n_uncalibrated
    words: list[Any] = [
        html.Strong(f"{known - n_within_chance(numbers):,} of {count(known, 'pair')} are beyond chance "),
        "(q ≤ 0.05): more alike than models whose stimuli are relabelled at random. ",
        "Every pair has a chance level of its own: the thick bar and the diamonds are medians over pairs, thin lines "
        f"the whole range. τ has the median {decimal(tau['median'], 3)}. ",
    ]
    floor = floor_of_p(shown.matrix.recipe, shown.matrix.n) if shown.matrix else None
    if shown.matrix and floor and floor > ALPHA / known and n_within_chance(numbers):
        words.append(
            f"No p can be less than about {floor:.2g} here, coarse for {count(known, 'pair')}. "
        )
    if tau_differs(numbers, shown.ranges["full"] if shown.layer == VALUE else (0.0, 1.0)):
        words.append(
            html.Strong(
                f"τ differs between pairs, from {decimal(tau['low'], 3)} to {decimal(tau['high'], 3)}, so equal raw "
                "values do not mean the same: compare calibrated ones."
            )
        )
    return words


def pieces_of_cells(shown: Picture) -> list[Any]:
    """The panel that says what cells and their marks mean."""
    numbers = shown.numbers
    if numbers is None:
        return []
    parts: list[Any] = [html.P(LAYER_WORDS[shown.layer])]
    if CI_LOW in numbers.layers:
        calibrated = numbers.n_uncalibrated < len(numbers.pairs(VALUE))
        widths = spread(numbers.width(shown.layer)[numbers.off_diagonal])
        parts.append(
            cell_legend(
                reference_width(shown), widths, n_within_chance(numbers) if calibrated else None,
                len(numbers.pairs(VALUE)), layer_title(shown.metric, shown.layer),
            )
        )
    else:
        parts.append(html.P("With this many models cells carry no marks.", className="dim"))
    return [panel("What a cell says", parts)]
