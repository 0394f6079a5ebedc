"""What a metric means, in words: beside a picture in short, on its own page in full."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from backend.contracts.metrics import MetricInfo
from backend.domain.calibration import PERMUTATIONS
from backend.domain.metrics import INVARIANCES, Metric, MetricSpec, parse_metric, plain
from frontend.components.facts import code, recipe
from frontend.components.metric_picker import DIRECTIONS, said
from frontend.figures.heatmap_data import ONE_WAY
from frontend.figures.numbers import decimal
from frontend.urls import MetricsView, link

NULL_WORDS = {
    "closed-form": "mean, spread and skewness of chance are computed exactly; p is exact over the cyclic shifts of one "
    "seeded relabelling of the stimuli, as far as stimuli do not come in groups",
    "permutation": f"{PERMUTATIONS} seeded permutations of the stimuli, the same for every pair of models",
}


def null_words(spec: MetricSpec) -> str:
    """How chance is known of a metric."""
    return "not computed for a metric that is computed on request" if spec.on_request else NULL_WORDS[spec.null]


def direction_mark(direction: str) -> html.Span:
    """Similarity or distance, and which way is more alike."""
    arrow = "↓" if direction == "distance" else "↑"
    return html.Span(
        [html.Span(arrow, **{"aria-hidden": "true"}), f" {direction.capitalize()}: {DIRECTIONS[direction]}"],
        className=f"mark mark-{direction}",
    )


def range_of(metric: MetricInfo) -> str:
    """From where to where values run."""
    if metric.lower is None and metric.upper is None:
        return "no bounds"
    if metric.upper is None:
        return f"{decimal(metric.lower)} and more, no upper bound"
    return f"{decimal(metric.lower)} to {decimal(metric.upper)}"


def best_words(spec: MetricSpec) -> str:
    """The value of perfect agreement."""
    return f"{plain(spec.best)} is perfect agreement"


def about_metric(metric: MetricInfo, n: int | None) -> list[Any]:
    """The panel beside a picture: explanation, direction, range, parameters, citation. `n` is the number of stimuli."""
    known = parse_metric(metric.id)
    spec = known.spec
    least = f"at least {known.minimum_n} needed"
    entries: list[tuple[str, Any]] = [
        ("Range", f"{range_of(metric)}; {best_words(spec)}"),
        *parameter_entries(known),
        ("Stimuli", f"n = {n:,}; {least}" if n else least),
        *([] if spec.symmetric else [("Direction", _symmetry(spec))]),
        ("Cite", metric.citation),
    ]
    return [
        html.P([html.Strong(metric.title), " ", code(metric.id)]),
        html.P(direction_mark(metric.direction)),
        html.P(metric.explanation),
        recipe(entries),
        html.P(dcc.Link("Everything about this metric", href=link("/metrics", MetricsView(metric.id)))),
    ]


def parameter_entries(metric: Metric) -> list[tuple[str, Any]]:
    """Parameters with their values and what they mean."""
    return [
        (name, [html.Strong(plain(value)), f" · {said(p)}"])
        for p, (name, value) in zip(metric.spec.parameters, metric.parameters.items(), strict=True)
    ]


def _symmetry(spec: MetricSpec) -> str:
    if spec.symmetric:
        return "the same both ways"
    return f"{ONE_WAY}; the other way round may differ"


def full_entries(metric: MetricInfo) -> list[tuple[str, Any]]:
    """Everything that the catalogue says of a metric, for its own page."""
    known = parse_metric(metric.id)
    spec = known.spec
    unchanged = [INVARIANCES[name] for name in INVARIANCES if name in spec.invariances]
    return [
        ("Id", [code(metric.id), f" version {metric.version}"]),
        ("Range", f"{range_of(metric)}; {best_words(spec)}"),
        *[
            (p.name, f"{said(p)} From {plain(p.minimum)} to {plain(p.maximum)}, {plain(p.default)} unless said.")
            for p in spec.parameters
        ],
        ("Both ways", _symmetry(spec)),
        ("With itself", "a model has the best value with itself" if spec.self_is_best
         else "a model need not have the best value with itself"),
        ("Unchanged when", html.Ul([html.Li(words) for words in unchanged]) if unchanged else decimal(None)),
        ("Triangle", [code(spec.triangle), " obeys the triangle inequality"] if spec.triangle else
         "no form of it is known to obey the triangle inequality"),
        ("Stimuli", f"at least {known.minimum_n}"),
        ("Chance", null_words(spec)),
        ("Cost", [spec.cost, ". Computed for chosen models only." if spec.on_request else ""]),
        ("Precision", spec.precision),
        ("Cite", metric.citation),
    ]
