"""`parallax metrics`: the catalogue of similarity measures."""

from __future__ import annotations

import json
from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Any

import typer

from parallax.cli.options import JsonOption

if TYPE_CHECKING:
    from backend.domain.metrics import Metric


def metrics(
    metric: Annotated[
        str | None, typer.Argument(metavar="ID", help="Explain this one. Default: list all.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the measures of similarity, or explain one: what it means, its bounds, its null, what it costs.

    Directions and bounds speak of the values; a distance is smaller the more alike two models are."""
    from backend.domain.metrics import CATALOGUE, parse_metric

    if metric is not None:
        one = described(parse_metric(metric))
        lines = [fill(f"{name:<20} {_words(value)}", 110, subsequent_indent=" " * 21) for name, value in one.items()]
        typer.echo(json.dumps(one) if as_json else "\n".join(lines))
        return
    every = [described(spec.default) for spec in CATALOGUE.values()]
    if as_json:
        typer.echo(json.dumps(every))
        return
    width = max(len(one["id"]) for one in every)
    for one in every:
        bounds = f"{_bound(one['lower'])} to {_bound(one['upper'])}"
        typer.echo(f"{one['id']:<{width}}  {one['title']}")
        typer.echo(f"{'':<{width}}  {one['direction']}, {bounds}; null: {one['null']}")
        typer.echo(f"{'':<{width}}  {one['cost']}")


def described(metric: Metric) -> dict[str, Any]:
    """A metric of the catalogue as data; the parameters' values are those of the metric's id."""
    from backend.domain.metrics import DEFAULT_PREPROCESS

    spec = metric.spec
    return {
        "id": metric.id,
        "family": spec.family,
        "version": spec.version,
        "title": metric.title,
        "direction": spec.direction,
        "lower": spec.lower,
        "upper": spec.upper,
        "symmetric": spec.symmetric,
        "self_is_best": spec.self_is_best,
        "triangle": spec.triangle,
        "invariances": sorted(spec.invariances),
        "minimum_n": metric.minimum_n,
        "parameters": [
            {
                "name": one.name, "minimum": one.minimum, "maximum": one.maximum, "default": one.default,
                "integer": one.integer, "description": one.description,
            }
            for one in spec.parameters
        ],
        "default_preprocess": DEFAULT_PREPROCESS.id,
        "null": spec.null,
        "on_request": spec.on_request,
        "cost": spec.cost,
        "precision": spec.precision,
        "citation": spec.citation,
        "explanation": spec.explanation,
    }  # fmt: skip


def _bound(value: float | None) -> str:
    return "unbounded" if value is None else f"{value:.4g}"


def _words(value: Any) -> str:
    """A field as a person reads it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(_parameter(one) if isinstance(one, dict) else str(one) for one in value) or "none"
    return "none" if value in (None, "") else str(value)


def _parameter(one: dict[str, Any]) -> str:
    return f"{one['name']} from {one['minimum']:g} to {one['maximum']:g} ({one['default']:g}): {one['description']}"
