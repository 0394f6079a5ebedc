"""How the numbers of a matrix were made, in plain words."""

from __future__ import annotations

from typing import Any

from dash import html

from backend.contracts.matrices import Recipe
from frontend.components.facts import code, recipe
from frontend.figures.numbers import decimal, moment
from frontend.pages.layers import floor_of_p
from frontend.pages.picture import Picture
from frontend.pages.study import Study


def matrix_recipe(study: Study, shown: Picture) -> html.Dl:
    """Where the numbers of a picture come from."""
    matrix, metric = shown.matrix, shown.metric
    if matrix is None:
        return recipe([])
    dataset = study.versions.get((matrix.dataset, matrix.dataset_version))
    entries: list[tuple[str, Any]] = [
        ("Metric", [code(metric.id), f" version {matrix.metric_version}"]),
        ("Preprocessing", code(matrix.preprocess)),
        ("Stimuli", f"n = {matrix.n:,}"),
        *chance_entries(matrix.recipe, matrix.n),
        ("Dataset", [code(f"{matrix.dataset}@{matrix.dataset_version}"), f" {dataset.licence}" if dataset else ""]),
        ("Manifest", code(dataset.dataset_hash[:12]) if dataset else decimal(None)),
        ("Computed", moment(matrix.updated_at)),
    ]
    return recipe(entries)


def chance_entries(made: Recipe, n: int) -> list[tuple[str, Any]]:
    """How null and interval were found; says so where they were not."""
    entries: list[tuple[str, Any]] = [("Chance", "not computed")]
    if made.route is not None:
        permuted = f"{made.permutations} random permutations of"
        ways = {
            "cyclic": "mean, spread and skewness of chance in closed form, τ from the Pearson III distribution that "
            f"has them; p exact over the {n:,} cyclic shifts of one random relabelling (seed {made.seed})",
            "permutation": f"{permuted} the stimuli (seed {made.seed}), the same for all pairs",
            "block-permutation": f"{permuted} whole groups of stimuli, each among those of its size "
            f"(seed {made.seed}), the same for all pairs",
        }
        entries = [
            ("Chance", ways.get(made.route, made.route)),
            ("Threshold τ", f"unrelated models pass it with probability {made.alpha}"),
            ("Least p", f"{floor_of_p(made, n):.2g}"),
            ("q", "p adjusted for all pairs of models, Benjamini and Hochberg"),
        ]
    if made.ci_method:
        entries.append(("Interval", f"95 %, {made.ci_method}"))
    return entries
