"""The panel of the pinned pair: the same two models on every dataset, as dots with their intervals over what all pairs
there do, with numbers beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from backend.contracts.pairs import Pair, PairOnDataset
from backend.domain.quantities import CALIBRATED, VALUE, Z
from frontend.components.callbacks import in_browser, in_thread
from frontend.components.states import link_button
from frontend.figures.numbers import count, decimal
from frontend.urls import PairView, link
from parallax.client import ApiError, Client

PATH = "/similarity"
# Places of the 5, 25, 75 and 95 % quantiles that the contract lists.
FAINT, STRONG = (0, 4), (1, 3)
HEADS = ("Dataset", "", "Value", "%")


def pair_layout() -> html.Aside:
    """The place of the panel; it shows itself when a pair is pinned."""
    return html.Aside(
        [
            dcc.Store(id="similarity-pin"),
            html.Div(id="similarity-pair-inside"),
        ],
        id="similarity-pair", className="pair-panel", hidden=True,
        **{"aria-label": "The pinned pair", "aria-live": "polite"},
    )


def register(app: Dash, client: Client) -> None:
    """Callbacks of the panel."""

    in_browser(
        app, "pinned", Output("similarity-pin", "data"), Input("url", "search"), Input("similarity-data", "data"),
        State("similarity-pin", "data"),
    )

    @in_thread(
        app, Output("similarity-pair-inside", "children"), Output("similarity-pair", "hidden"),
        Input("similarity-pin", "data"), State("url", "pathname"), prevent_initial_call=True,
    )
    def show(pin: dict[str, str] | None, pathname: str) -> tuple[Any, bool]:
        if pathname != PATH:
            raise PreventUpdate
        if not pin:
            return None, True
        try:
            found = client.pair(pin["a"], pin["b"], pin["metric"])
        except ApiError as error:
            return _frame(pin["a"], pin["b"], [html.P(error.problem.detail or error.problem.title)]), False
        return pair_panel(found, pin["layer"], pin["dataset"]), False


def pair_panel(pair: Pair, layer: str, dataset: str) -> list[Any]:
    """The panel's content: `layer` says which numbers are drawn, `dataset` which row is that of the picture."""
    shown = layer if layer in (CALIBRATED, Z) else VALUE
    rows = pair.datasets
    low, high = axis([number(row, shown) for row in rows], [row for row in rows if shown == VALUE])
    here = [row for row in rows if number(row, shown) is not None]
    directed = " (from the first to the second)" if not pair.symmetric else ""
    lines = [_row(row, shown, low, high, row.dataset == dataset) for row in rows]
    words = {CALIBRATED: "calibrated values", Z: "z"}.get(shown, "values with their 95 % intervals")
    legend = (
        f"{words.capitalize()}{directed}, from {decimal(low)} to {decimal(high)}."
        + (" Bands: the middle half and nine tenths of all pairs. %: how many other pairs are less alike."
           if shown == VALUE else "")
    )
    opened = link("/pair", PairView(a=pair.a, b=pair.b, metric=pair.metric, dataset=dataset))
    return _frame(
        pair.a, pair.b,
        [
            html.P(f"On {len(here)} of {count(len(rows), 'dataset')}", className="dim"),
            html.Table(
                [
                    html.Caption(legend),
                    html.Thead(html.Tr([html.Th(head, scope="col") for head in HEADS])),
                    html.Tbody(lines),
                ],
                className="pair-table",
            ),
            html.P(pair.sentence),
            link_button("Why? Open the pair", opened),
        ],
    )


def number(row: PairOnDataset, layer: str) -> float | None:
    """The drawn number of a dataset."""
    found: float | None = getattr(row, layer)
    return found


def axis(values: Sequence[float | None], rows: Sequence[PairOnDataset]) -> tuple[float, float]:
    """Ends of the axis that all datasets share: they hold every value, interval and band; 0 and 1 where those are
    near."""
    known = [value for value in values if value is not None]
    for row in rows:
        known += [end for end in (row.ci_low, row.ci_high, *row.quantiles) if end is not None]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    low = 0.0 if 0 <= low < 0.4 else float(np.floor(low * 10) / 10)
    high = 1.0 if 0.6 < high <= 1 else float(np.ceil(high * 10) / 10)
    return low, max(high, low + 0.1)


def _frame(a: str, b: str, inside: list[Any]) -> list[Any]:
    return [
        html.Div(
            [
                html.H2([html.Span(a), html.Span(b)], className="pair-names"),
                html.Button("×", id="similarity-unpin", type="button", className="close", title="Let the pair go",
                            **{"aria-label": "Let the pair go"}),
            ],
            className="pair-head",
        ),
        *inside,
    ]


def _row(row: PairOnDataset, layer: str, low: float, high: float, is_here: bool) -> html.Tr:
    value = number(row, layer)
    name = html.Th(row.title, scope="row", title=f"n = {row.n:,}")
    marked = "is-here" if is_here else ""
    if value is None:
        return html.Tr([name, html.Td(row.reason or "not computed", colSpan=3, className="dim")], className=marked)

    def place(x: float) -> float:
        return 100 * (min(max(x, low), high) - low) / (high - low)

    def bar(ends: tuple[float, float], of: str) -> html.Span:
        left, right = place(ends[0]), place(ends[1])
        return html.Span(className=of, style={"left": f"{left:.1f}%", "width": f"{max(right - left, 0.5):.1f}%"})

    parts = []
    if layer == VALUE and len(row.quantiles) == 5:
        for ends, of in ((FAINT, "pair-faint"), (STRONG, "pair-strong")):
            parts.append(bar((row.quantiles[ends[0]], row.quantiles[ends[1]]), of))
    if layer == VALUE and row.ci_low is not None and row.ci_high is not None:
        parts.append(bar((row.ci_low, row.ci_high), "pair-interval"))
    parts.append(html.Span(className="pair-dot", style={"left": f"{place(value):.1f}%"}))
    interval = f"95 % interval {decimal(row.ci_low, 3)} to {decimal(row.ci_high, 3)}" if row.ci_low is not None else ""
    percentile = f"{row.percentile:.0f}" if row.percentile is not None else decimal(None)
    return html.Tr(
        [
            name, html.Td(html.Div(parts, className="pair-strip", **{"aria-hidden": "true"})),
            html.Td(decimal(value), title=interval), html.Td(percentile),
        ],
        className=marked,
    )
