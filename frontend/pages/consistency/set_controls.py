"""Controls of the sections: which sets, which datasets, which anchors. Their choices come with the need `choices`,
which is read when the page opens and whenever the metric, the labels or the named sets change."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html
from dash.exceptions import PreventUpdate

from frontend.components.callbacks import in_browser, in_thread
from frontend.components.controls import control_id, options
from frontend.pages.consistency.part import ask_id
from frontend.pages.consistency.scope import read_scope, set_options
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import ConsistencyView
from parallax.client import ApiError, Client

KEY = "consistency"
NEED = "choices"
ATTRIBUTES = [(name, title) for name, title in ATTRIBUTE_TITLES.items() if name != "domain"]
MATCHED = "architecture,training_data,size"
# Fields with a control in some section.
FIELDS = (
    "set_a", "set_b", "a", "b", "by", "sets", "first", "second", "match", "anchors", "other", "dataset", "highlight",
)


def stores() -> list[dcc.Store]:
    return [dcc.Store(id="choices-data"), dcc.Store(id="choices-filled")]


def of_sets(view: ConsistencyView, datasets: bool = False) -> html.Div:
    """Whose pairs of models: two sets. With `datasets`, also which two datasets."""
    fields = [_select("set_a", "Pairs of these models"), _select("set_b", "with these")]
    if datasets:
        fields += [_select("a", "On dataset"), _select("b", "against dataset")]
    return html.Div(fields, className="controls controls-row", role="group", **{"aria-label": "Whose pairs"})


def of_scatter(view: ConsistencyView) -> list[Any]:
    return [_select("by", "Colour by"), _select("highlight", "Mark a model", clearable=True)]


def of_set_pairs(view: ConsistencyView) -> list[Any]:
    custom = dmc.TagsInput(
        id=control_id(KEY, "sets"), label="Custom sets", data=[], value=[], size="sm", splitChars=[";"],
        placeholder="a predicate or the name of a set, then Enter", description="Used where sets are custom.",
        clearable=True, comboboxProps={"shadow": "md", "withinPortal": True},
    )
    return [_select("by", "Sets by"), html.Div(custom, className="wide")]


def of_comparison(view: ConsistencyView, brief: bool) -> list[Any]:
    """The two sets, whether they are matched, and in the section of its own by what."""
    name = control_id(KEY, "match")
    matched = html.Div(
        [
            dmc.Text("Comparison", size="sm", fw=500, mb=4, id=f"{name}-label"),
            dmc.SegmentedControl(
                id=name, data=match_options(view.match), value=view.match, size="sm", fullWidth=True,
                **{"aria-labelledby": f"{name}-label"},
            ),
        ]
    )
    fields = [_select("first", "First set"), _select("second", "Second set"), matched]
    if not brief:
        fields.append(
            html.Div(
                [
                    dmc.Text("Held equal", size="sm", fw=500, mb=4),
                    dmc.ChipGroup(
                        dmc.Group([dmc.Chip(title, value=name, size="sm") for name, title in ATTRIBUTES], gap=8),
                        multiple=True, value=[part for part in view.match.split(",") if part], id=f"{name}--by",
                    ),
                ],
                className="wide",
            )
        )
    return fields


def match_options(match: str) -> list[dict[str, str]]:
    """Two choices: as the sets are, or matched by what the link says (by everything unless it does)."""
    return options([("", "As they are"), (match or MATCHED, "Matched")])


def of_anchors(view: ConsistencyView) -> list[Any]:
    field = dmc.MultiSelect(
        id=control_id(KEY, "anchors"), label="Anchor models", data=[], value=[], size="sm", searchable=True,
        clearable=True, maxValues=12, placeholder="choose up to 12",
        comboboxProps={"shadow": "md", "withinPortal": True},
    )
    return [html.Div(field, className="wide"), _select("by", "Against the models of each")]


def of_metrics(view: ConsistencyView) -> list[Any]:
    return [_select("other", "Compare with the metric")]


def of_dataset(view: ConsistencyView) -> list[Any]:
    return [_select("dataset", "Dataset")]


def register(app: Dash, client: Client) -> None:
    """Choices come from the server, once; a choice is written into the link by the browser."""

    @in_thread(app, Output("choices-data", "data"), Input(ask_id(NEED), "data"))
    def load(ask: dict[str, Any] | None) -> dict[str, Any]:
        if not ask:
            raise PreventUpdate
        try:
            scoped = read_scope(client, ask["search"])
            if scoped is None:
                raise PreventUpdate
            sets = client.model_sets(scoped.view.labels)
        except ApiError:
            raise PreventUpdate from None
        view, study = scoped.view, scoped.study
        datasets = options([(name, study.title(name)) for name in study.datasets_of(scoped.metric.id)])
        models = options([(name, name) for name in sorted(study.models)])
        others = options([(m.id, m.title) for m in study.computed_metrics() if m.id != scoped.metric.id])
        attributes = options(ATTRIBUTES)
        return {
            "set_a": set_options(sets, [view.set_a]), "set_b": set_options(sets, [view.set_b]),
            "first": set_options(sets, [view.first]), "second": set_options(sets, [view.second]),
            "a": datasets, "b": datasets, "dataset": datasets, "anchors": models, "highlight": models, "other": others,
            "by": attributes, "by_custom": [*attributes, {"value": "custom", "label": "Custom sets"}],
            "sets": [s.name for s in sets] + [
                item["value"] for group in set_options([], [], every=False) for item in group["items"]
            ],
        }

    in_browser(
        app, "fillChoices", Output("choices-filled", "data"), Input("choices-data", "data"),
        Input("consistency-body", "children"), Input("url", "search"), State("consistency-data", "data"),
        State("schema", "data"),
    )
    for field in FIELDS:
        in_browser(
            app, "navigate", Input(control_id(KEY, field), "value"), State("schema", "data"),
            prevent_initial_call=True,
        )
    in_browser(
        app, "navigate", Input(f"{control_id(KEY, 'match')}--by", "value"), State("schema", "data"),
        prevent_initial_call=True,
    )


def _select(field: str, label: str, clearable: bool = False) -> dmc.Select:
    return dmc.Select(
        id=control_id(KEY, field), label=label, data=[], size="sm", searchable=True, allowDeselect=False,
        clearable=clearable, checkIconPosition="right", maxDropdownHeight=360,
        comboboxProps={"shadow": "md", "withinPortal": True},
    )
