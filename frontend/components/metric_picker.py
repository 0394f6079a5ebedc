"""The picker over the whole catalogue of metrics, and the fields of a metric's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.contracts.metrics import MetricInfo
from backend.domain.errors import InvalidInput
from backend.domain.metrics import CATALOGUE, Metric, MetricSpec, Parameter, parse_metric, plain
from backend.domain.metrics.kernels import KERNELS
from backend.domain.metrics.neighbours import NEIGHBOURS
from backend.domain.metrics.rdms import RDMS
from backend.domain.metrics.subspaces import SUBSPACES
from backend.domain.metrics.topology import TOPOLOGY
from frontend.components.controls import control_id
from frontend.figures.numbers import count

GROUPS: dict[str, Sequence[MetricSpec]] = {
    "Kernels: CKA": KERNELS,
    "Tables of dissimilarities: RSA": RDMS,
    "Nearest neighbours": NEIGHBOURS,
    "Subspaces and shapes": SUBSPACES,
    "Topology": TOPOLOGY,
}
PARAMETER = "metric-parameter"
DIRECTIONS = {"similarity": "more is more alike", "distance": "less is more alike"}


def group_of(metric: str) -> str:
    """The group that a metric belongs to, by its id."""
    key = parse_metric(metric).spec.key
    return next(title for title, specs in GROUPS.items() if key in {spec.key for spec in specs})


def grouped(metrics: Sequence[MetricInfo]) -> dict[str, list[MetricInfo]]:
    """Metrics by group, in each of them those that are computed somewhere first, else in the catalogue's order."""
    groups: dict[str, list[MetricInfo]] = {title: [] for title in GROUPS}
    for metric in sorted(metrics, key=lambda metric: not metric.computed_on):
        groups[group_of(metric.id)].append(metric)
    return {title: members for title, members in groups.items() if members}


def metric_options(metrics: Sequence[MetricInfo], n_datasets: int) -> list[dict[str, Any]]:
    """Groups of options. What an option says beside its title is drawn by `metrics.js`."""
    return [
        {
            "group": title,
            "items": [
                {
                    "value": metric.id, "label": metric.title, "direction": DIRECTIONS[metric.direction],
                    "computed": computed_words(metric, n_datasets), "done": bool(metric.computed_on),
                }
                for metric in members
            ],
        }
        for title, members in grouped(metrics).items()
    ]


def computed_words(metric: MetricInfo, n_datasets: int) -> str:
    """On how many datasets there are results."""
    here = len(metric.computed_on)
    return f"computed on {here} of {count(n_datasets, 'dataset')}" if here else "not computed yet"


def metric_picker(page: str) -> html.Div:
    """The drop-down, a way to the catalogue, and the place of the parameters."""
    return html.Div(
        [
            dmc.Select(
                id=control_id(page, "metric"), label="Metric", data=[], allowDeselect=False, searchable=True,
                checkIconPosition="right", size="sm", maxDropdownHeight=430,
                nothingFoundMessage="No metric has all these words in its title or id",
                renderOption={"function": "metricOption"}, filter={"function": "metricsWith"},
                comboboxProps={"shadow": "md", "withinPortal": True, "width": 400, "position": "bottom-start"},
            ),
            html.Div(id=f"{page}-parameters", className="parameters"),
            dcc.Link("What every metric means", href="/metrics", className="small-link"),
        ],
        className="metric-picker",
    )


def parameter_fields(metric: Metric) -> html.Div | None:
    """One field for each parameter of the metric; what is typed takes effect on Enter or on leaving the field."""
    spec = metric.spec
    if not spec.parameters:
        return None
    fields = [
        dmc.NumberInput(
            id={"type": PARAMETER, "of": spec.key, "name": p.name}, label=p.name, value=value, size="sm",
            description=range_words(p), debounce=True, hideControls=not p.integer, step=1, clampBehavior="none",
            allowDecimal=not p.integer, **{"aria-label": f"{p.name}: {said(p)}"},
        )
        for p, value in zip(spec.parameters, metric.values, strict=True)
    ]
    return html.Div(fields, role="group", className="parameter-row", **{"aria-label": "Parameters of the metric"})


def said(parameter: Parameter) -> str:
    """A parameter's description as it is shown, without the marks of a typed word."""
    return parameter.description.replace("`", "")


def range_words(parameter: Parameter) -> str:
    """The values that a parameter may take."""
    kind = "whole, " if parameter.integer else ""
    return f"{kind}{plain(parameter.minimum)} to {plain(parameter.maximum)}"


def metric_with(key: str, typed: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The id of the catalogue's spec `key` with these values as they were typed, and for each parameter that is wrong
    why; the id is empty when one is."""
    spec = CATALOGUE[key]
    wrong = {p.name: words for p in spec.parameters if (words := _wrong(p, typed.get(p.name)))}
    if wrong:
        return "", wrong
    written = ",".join(f"{p.name}={plain(typed[p.name])}" for p in spec.parameters)
    try:
        return parse_metric(f"{spec.family}:{written}").id, {}
    except InvalidInput as error:
        # What is wrong with the parameters together is said at the last of them.
        return "", {spec.parameters[-1].name: f"{error.message} {error.hint}".strip()}


def _wrong(parameter: Parameter, value: Any) -> str:
    """Why a value cannot be taken; empty when it can."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return "Write a number."
    if not parameter.minimum <= number <= parameter.maximum:
        return f"Write a number from {plain(parameter.minimum)} to {plain(parameter.maximum)}."
    if parameter.integer and number != int(number):
        return "Write a whole number."
    return ""
