"""Diagnostics of the models on the chosen dataset: how many directions their features use, and whether a few of them
decide everything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, State, html
from dash.exceptions import PreventUpdate

from backend.contracts.matrices import Diagnostics
from backend.domain.diagnostics import DIAGNOSTICS, EFFECTIVE_RANK, OUTLIER_DOMINANCE, PARTICIPATION_RATIO
from frontend.components.callbacks import in_thread
from frontend.components.controls import panel
from frontend.figures.numbers import count, decimal
from frontend.urls import SimilarityView, decode
from parallax.client import ApiError, Client

PATH = "/similarity"
SHOWN = (PARTICIPATION_RATIO, EFFECTIVE_RANK, OUTLIER_DOMINANCE)
# Above this share of all squared activation in its strongest features a model is warned of.
DOMINATED = 0.5
MOST_NAMED = 4
COLUMNS = [
    {"field": "model", "headerName": "Model", "flex": 2, "minWidth": 130},
    *[
        {
            "field": name, "headerName": DIAGNOSTICS[name].title, "flex": 1, "minWidth": 118, "type": "rightAligned",
            "headerTooltip": DIAGNOSTICS[name].explanation,
            "valueFormatter": {"function": f"d3.format('.{digits}f')(params.value)"},
        }
        for name, digits in zip(SHOWN, (1, 1, 3), strict=True)
    ],
]


def diagnostics_layout() -> html.Div:
    """The panel; it fills itself when the picture is there."""
    words = html.Dl(
        [
            part
            for name in SHOWN
            for part in (html.Dt(DIAGNOSTICS[name].title), html.Dd(DIAGNOSTICS[name].explanation))
        ],
        className="recipe diagnostics-words",
    )
    inside = [
        html.P("What each model's features look like on this dataset, by themselves. Click a heading to sort.",
               className="dim"),
        html.Div(id="diagnostics-warning"), html.Div(id="diagnostics-numbers"),
        html.Details([html.Summary("What these numbers mean"), words]),
    ]
    return html.Div(
        panel("Diagnostics of the models", inside), id="diagnostics-panel", hidden=True, role="region",
        **{"aria-label": "Diagnostics of the models on this dataset"},
    )


def register(app: Dash, client: Client) -> None:
    """Callback of the panel."""

    @in_thread(
        app,
        Output("diagnostics-numbers", "children"), Output("diagnostics-warning", "children"),
        Output("diagnostics-panel", "hidden"),
        Input("similarity-key", "data"), Input("similarity-view", "data"), State("url", "pathname"),
    )
    def load(key: str, search: str | None, pathname: str) -> tuple[Any, Any, bool]:
        dataset = decode(SimilarityView, search).dataset
        if pathname != PATH or not key or not dataset:
            raise PreventUpdate
        try:
            found = client.diagnostics(dataset)
        except ApiError:
            # The picture stands without them.
            return None, None, True
        return grid(found), warning(found), not found


def grid(found: Sequence[Diagnostics]) -> dag.AgGrid:
    """The numbers of every model. Made when they are there: a grid takes long to appear, and the picture goes first."""
    return dag.AgGrid(
        id="diagnostics-grid", columnDefs=COLUMNS, getRowId="params.data.model",
        rowData=[row.model_dump(include={"model", *SHOWN}) for row in found],
        defaultColDef={"sortable": True, "resizable": False, "wrapHeaderText": True, "autoHeaderHeight": True},
        dashGridOptions={
            "animateRows": False, "rowHeight": 36, "theme": {"function": "parallaxTheme(themeQuartz)"},
            "tooltipShowDelay": 300,
        },
        className="diagnostics-grid", style={"height": None},
    )


def warning(found: Sequence[Diagnostics]) -> html.Div | None:
    """Which models' similarities are decided by a few features; nothing when none are."""
    dominated = sorted((row for row in found if row.outlier_dominance > DOMINATED), key=lambda r: -r.outlier_dominance)
    if not dominated:
        return None
    named = ", ".join(f"{row.model} ({decimal(row.outlier_dominance)})" for row in dominated[:MOST_NAMED])
    more = f" and {len(dominated) - MOST_NAMED} more" if len(dominated) > MOST_NAMED else ""
    return html.Div(
        [
            html.Strong(f"A few features decide {count(len(dominated), 'model')}: "),
            f"{named}{more}. Linear CKA and other metrics of raw features follow the strongest three features of such "
            "a model alone; metrics of ranks or neighbours do not.",
        ],
        className="warning-box", role="note",
    )
