"""The controls of the Similarity page: what is compared, how models are grouped and ordered, colours; a tool bar above
the picture."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import html

from frontend.components.controls import control_id, label_switcher, options, panel, picker, switcher
from frontend.components.facet_panel import facet_line, facet_panel
from frontend.components.metric_picker import metric_options, metric_picker
from frontend.pages.chosen import Chosen
from frontend.pages.layers import LAYER_TITLES
from frontend.pages.panes import Panes
from frontend.pages.study import Study
from frontend.theme import ATTRIBUTE_TITLES
from frontend.urls import GROUPS, LAYERS, PICTURES, SimilarityView

KEY = "similarity"
# Written into the link as they are; those that move models have a function of their own.
FIELDS = (
    "dataset", "metric", "layer", "view", "with_dataset", "with_metric", "datasets", "labels", "scale", "uncertainty"
)
ARRANGED = ("group", "order", "to")
PICTURE_TITLES = {
    "one": "One dataset", "multiples": "Datasets side by side", "split": "Two in one square",
    "difference": "Difference of two", "mean": "Mean over datasets", "spread": "Spread over datasets",
}
MODEL_ATTRIBUTE_TITLES = {name: ATTRIBUTE_TITLES[name] for name in GROUPS[1:]}
ORDER_TITLES = {
    "cluster": "Clustered", "name": "By name", **MODEL_ATTRIBUTE_TITLES, "value": "By mean similarity",
    "model": "By similarity to one model", "custom": "My own order",
}
SAME_METRIC = ""


def controls(view: SimilarityView) -> html.Div:
    """What is compared, and in closed groups how models stand and what colours mean."""
    layers = options([(layer, LAYER_TITLES[layer]) for layer in LAYERS])
    return html.Div(
        [
            picker(KEY, "view", "Picture", options([(name, PICTURE_TITLES[name]) for name in PICTURES]), view.view),
            html.Div(picker(KEY, "dataset", "Dataset"), className="not-several"),
            html.Div(_datasets(), className="only-several"),
            metric_picker(KEY),
            html.Div(
                [
                    picker(KEY, "with_dataset", "Second dataset"),
                    picker(KEY, "with_metric", "Second metric"),
                ],
                className="only-two control-pair",
            ),
            switcher(KEY, "layer", "Values", layers, view.layer),
            _group("Order of models", _arrangement(view), view.group != "none" or view.order != "cluster"),
            _group("Colours", _colours(view), view.scale != "full" or view.uncertainty != "shown"),
        ],
        className="controls", role="group", **{"aria-label": "What is shown"},
    )


def models_panel(view: SimilarityView) -> html.Section:
    """The legend of the side bars, which is the filter."""
    inside = [
        label_switcher(KEY, view.labels),
        facet_panel(KEY, "Colours and filter"),
        html.Details(
            [
                html.Summary("Write a filter"),
                dmc.TextInput(
                    id="similarity-predicate", size="sm", placeholder="objective:ssl & !tag:mae", debounce=True,
                    description="attribute:value, tag: or model:, with & | ! and parentheses; or a saved set's name",
                    autoComplete="off", **{"aria-label": "Filter by a predicate"},
                ),
            ],
            className="group", id="similarity-write",
        ),
    ]
    return panel("Models", inside, "picture-only models-panel")


def tool_bar() -> html.Div:
    """How many models are shown and why, finding one, and ways back."""
    return html.Div(
        [
            facet_line(KEY, "model"),
            html.Div(
                [
                    html.Span(id="similarity-cropped", className="dim"),
                    html.Button("Show all", id="similarity-whole", type="button", className="tool", disabled=True),
                    html.Button("Undo", id="similarity-undo", type="button", className="tool", disabled=True,
                                title="Takes back the last filter, order or crop (Ctrl+Z)"),
                    dmc.Select(
                        id=control_id(KEY, "highlight"), data=[], searchable=True, clearable=True, size="xs", limit=60,
                        placeholder="Find a model", nothingFoundMessage="No such model", className="find",
                        comboboxProps={"shadow": "md", "withinPortal": True}, **{"aria-label": "Find a model"},
                    ),
                ],
                className="tools",
            ),
        ],
        className="tool-bar", role="group", **{"aria-label": "Shown models"},
    )


def control_data(study: Study, chosen: Chosen, found: Panes | None) -> dict[str, Any]:
    """Choices of the controls, as the browser fills them in."""
    metrics = list(study.metrics.values())
    if chosen.metric.id not in study.metrics:
        metrics.append(chosen.metric)
    datasets = study.compared()
    titles = options([(name, study.title(name)) for name in datasets])
    having = set(study.datasets_of(chosen.metric.id))
    models = found.first.models if found else []
    names = options([(name, name) for name in models])
    seconds = [(SAME_METRIC, "The same"), *((metric.id, metric.title) for metric in study.computed_metrics())]
    data: dict[str, list[dict[str, Any]]] = {
        "dataset": titles, "with_dataset": titles, "metric": metric_options(metrics, len(datasets)),
        "with_metric": options(seconds), "datasets": [one for one in titles if one["value"] in having],
        "highlight": names, "to": names,
    }
    made: dict[str, Any] = {
        control_id(KEY, name): {"field": name} for name in (*FIELDS, *ARRANGED, "highlight")
    }
    for name, choices in data.items():
        made[control_id(KEY, name)]["data"] = choices
    made[control_id(KEY, "datasets")]["list"] = ","
    made["similarity-predicate"] = {"field": "models"}
    return made


def _datasets() -> dmc.MultiSelect:
    return dmc.MultiSelect(
        id=control_id(KEY, "datasets"), label="Datasets", data=[], value=[], size="sm", clearable=True,
        searchable=True, placeholder="All", hidePickedOptions=True,
        comboboxProps={"shadow": "md", "withinPortal": True},
    )


def _arrangement(view: SimilarityView) -> list[Any]:
    groups = [("none", "No groups"), *MODEL_ATTRIBUTE_TITLES.items()]
    return [
        picker(KEY, "group", "Group first by", options(groups), view.group),
        picker(KEY, "order", "Then order", options(list(ORDER_TITLES.items())), view.order),
        html.Div(
            dmc.Select(
                id=control_id(KEY, "to"), label="Similarity to", data=[], searchable=True, limit=60, size="sm",
                allowDeselect=False, comboboxProps={"shadow": "md", "withinPortal": True},
            ),
            className="only-model",
        ),
        html.P("Move models up and down in the list below the picture.", className="dim only-custom"),
    ]


def _colours(view: SimilarityView) -> list[Any]:
    return [
        switcher(KEY, "scale", "Colour range", options([("full", "Full"), ("fitted", "Fitted")]), view.scale),
        html.Div(
            switcher(
                KEY, "uncertainty", "Uncertainty in the cells", options([("shown", "Shown"), ("hidden", "Hidden")]),
                view.uncertainty,
            ),
            className="only-one",
        ),
    ]


def _group(title: str, children: list[Any], is_open: bool) -> html.Details:
    """Controls that most readers leave as they are: closed, unless the link sets one of them."""
    return html.Details([html.Summary(title), html.Div(children, className="group-inside")], open=is_open,
                        className="group")
