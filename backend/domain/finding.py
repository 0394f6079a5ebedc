"""The finding: how far similarity between models survives a change of dataset, in one sentence and numbers.

Everything in the sentence is computed from the matrices by `consistency` (Pearson, all model pairs) and can
be computed again from what the API serves. Quartiles are numpy's (linear interpolation) over pairs of
datasets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from backend.domain.attributes import OBJECTIVES
from backend.domain.consistency import MIN_PAIRS, ConsistencyTable, consistency, correlations, pair_values

# The verdict goes by the median r as shown (two decimals). From 0.8 on, the similarities of one dataset
# account for 64 % or more of the variance of another's; below 0.5 for less than a quarter.
LARGELY = 0.8
PARTLY = 0.5
VERDICTS = ("largely", "partly", "hardly")
# Fewer models than this mostly tie and the sentence says that the figure is rough.
FEW_MODELS = 8

Number = float | int | str | list[str] | None
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FindingText:
    """`sentence` is empty when there is too little to say; `numbers` holds what there is."""

    sentence: str
    numbers: dict[str, Number] = field(default_factory=dict)


def verdict(median_r: float) -> str:
    """`largely`, `partly` or `hardly`, from the median r rounded to two decimals."""
    shown = round(median_r, 2)
    return VERDICTS[0 if shown >= LARGELY else 1 if shown >= PARTLY else 2]


def finding(
    matrices: NDArray[np.floating],
    datasets: Sequence[str],
    objectives: Sequence[str],
    metric: str,
    *,
    preprocess: str = "l2",
    metric_title: str = "",
    dataset_titles: Mapping[str, str] | None = None,
) -> FindingText:
    """The finding for one metric.

    `matrices` (D, M, M), NaN where not computed; `datasets` D names; `objectives` M slugs, in the order of
    the matrices' models. `metric_title` and `dataset_titles` are the words used in the sentence; without them
    the names are.

    Numbers: `metric preprocess method n_datasets n_dataset_pairs n_models n_model_pairs n_model_pairs_min`
    always; with at least one correlation `median_r min_r q1_r q3_r max_r verdict weakest_pair
    strongest_pair`, with untrained models among them `n_trained_models median_r_trained verdict_trained`,
    and for each two objectives that have at least three model pairs `set_pair.<a>.<b>.median_r`, `.n_pairs` and
    `.n_dataset_pairs`. Cost: that of `consistency`, some ten times.
    """
    if np.shape(matrices)[0] != len(datasets) or np.shape(matrices)[1] != len(objectives):
        raise ValueError(
            f"{np.shape(matrices)} does not fit {len(datasets)} datasets and {len(objectives)} models"
        )
    by_name = sorted(range(len(datasets)), key=lambda position: datasets[position])
    names = [datasets[position] for position in by_name]
    matrices = np.asarray(matrices, dtype=np.float64)[by_name]
    values = pair_values(matrices)
    table = consistency(matrices)
    compared = _compared(values, len(objectives))
    numbers: dict[str, Number] = {
        "metric": metric, "preprocess": preprocess, "method": "pearson",
        "n_datasets": len(names), "n_dataset_pairs": 0,
        "n_models": int(compared.sum()), "n_model_pairs": int(np.isfinite(values).any(axis=0).sum()),
        "n_model_pairs_min": 0,
    }
    rows, columns = np.triu_indices(len(names), 1)
    defined = np.isfinite(table.r[rows, columns])
    if not defined.any():
        return FindingText("", numbers)

    numbers |= _spread(table, names, rows[defined], columns[defined])
    numbers |= _trained_alone(matrices, objectives, compared)
    numbers |= _by_objective(values, objectives)
    titles = dict(dataset_titles or {})
    sentence = _sentence(numbers, metric_title or metric, lambda name: titles.get(name, name))
    return FindingText(sentence, numbers)


def _compared(values: FloatArray, n_models: int) -> NDArray[np.bool_]:
    """Which models occur in at least one computed pair, (n_models,)."""
    computed = np.isfinite(values).any(axis=0)
    occurs = np.zeros(n_models, dtype=bool)
    for positions in np.triu_indices(n_models, 1):
        occurs[positions[computed]] = True
    return occurs


def _spread(
    table: ConsistencyTable, names: Sequence[str], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> dict[str, Number]:
    """Median, quartiles and extremes of r over the dataset pairs (rows[k], columns[k])."""
    r = table.r[rows, columns]
    low, q1, median, q3, high = (float(q) for q in np.quantile(r, [0, 0.25, 0.5, 0.75, 1]))
    weakest, strongest = int(np.argmin(r)), int(np.argmax(r))
    return {
        "n_datasets": len(np.union1d(rows, columns)), "n_dataset_pairs": len(r),
        "n_model_pairs_min": int(table.n_pairs[rows, columns].min()),
        "median_r": median, "min_r": low, "q1_r": q1, "q3_r": q3, "max_r": high, "verdict": verdict(median),
        "weakest_pair": [names[rows[weakest]], names[columns[weakest]]],
        "strongest_pair": [names[rows[strongest]], names[columns[strongest]]],
    }


def _trained_alone(
    matrices: FloatArray, objectives: Sequence[str], compared: NDArray[np.bool_]
) -> dict[str, Number]:
    """The median without untrained models: the contrast of trained with untrained alone can make r high."""
    trained = np.array([objective != "untrained" for objective in objectives], dtype=bool)
    if trained[compared].all():
        return {}
    r = consistency(matrices[:, trained][:, :, trained]).r
    median = _median_above_diagonal(r)
    return {
        "n_trained_models": int((trained & compared).sum()), "median_r_trained": median,
        "verdict_trained": None if median is None else verdict(median),
    }


def _by_objective(values: FloatArray, objectives: Sequence[str]) -> dict[str, Number]:
    """Median r over dataset pairs within and between objectives that have at least three model pairs."""
    rows, columns = np.triu_indices(len(objectives), 1)
    of = np.array(objectives)
    order = [slug for slug in OBJECTIVES if slug in set(objectives)]
    numbers: dict[str, Number] = {}
    for a, b in combinations_with_replacement(order, 2):
        here = ((of[rows] == a) & (of[columns] == b)) | ((of[rows] == b) & (of[columns] == a))
        of_sets = values[:, here]
        n_pairs = int(np.isfinite(of_sets).any(axis=0).sum())
        if n_pairs < MIN_PAIRS:
            continue
        r = correlations(of_sets)
        prefix = f"set_pair.{a}.{b}"
        numbers[f"{prefix}.median_r"] = _median_above_diagonal(r)
        numbers[f"{prefix}.n_pairs"] = n_pairs
        numbers[f"{prefix}.n_dataset_pairs"] = int(np.isfinite(r[np.triu_indices(len(r), 1)]).sum())
    return numbers


def _median_above_diagonal(r: FloatArray) -> float | None:
    upper = r[np.triu_indices(len(r), 1)]
    upper = upper[np.isfinite(upper)]
    return float(np.median(upper)) if len(upper) else None


def _sentence(numbers: Mapping[str, Number], metric: str, title: Callable[[str], str]) -> str:
    """The sentence made from the numbers, and from nothing else."""
    n_models, n_pairs, least = numbers["n_models"], numbers["n_model_pairs"], numbers["n_model_pairs_min"]
    pairs = f"{n_pairs} model pairs" if n_pairs == least else f"{least} to {n_pairs} model pairs"
    weak, strong = (_between(numbers[key], title) for key in ("weakest_pair", "strongest_pair"))
    few = isinstance(n_models, int) and n_models < FEW_MODELS
    opening = f"With only {n_models} models so far, which" if few else "Which"
    claim = (
        f"{opening} models look alike {numbers['verdict']} carries over from one dataset to another"
        f"{_among_trained(numbers)}"
    )
    of_what = f"the similarities of {n_models} models ({pairs}, {metric})"
    if numbers["n_dataset_pairs"] == 1:
        r = _shown(numbers["median_r"])
        return f"{claim}: {of_what} correlate with r = {r} {weak}{_trained(numbers)}."
    return (
        f"{claim}: {of_what} correlate with a median r of {_shown(numbers['median_r'])} over "
        f"{numbers['n_dataset_pairs']} pairs of {numbers['n_datasets']} datasets (middle half "
        f"{_shown(numbers['q1_r'])} to {_shown(numbers['q3_r'])}), from {_shown(numbers['min_r'])} {weak} to "
        f"{_shown(numbers['max_r'])} {strong}{_trained(numbers)}."
    )


def _among_trained(numbers: Mapping[str, Number]) -> str:
    """Said in the claim itself where the trained models alone would earn another verdict than all models do."""
    every, trained = numbers["verdict"], numbers.get("verdict_trained")
    if trained is None or trained == every:
        return ""
    weaker = VERDICTS.index(str(trained)) > VERDICTS.index(str(every))
    return f", {'but' if weaker else 'and'} {trained} among the trained models alone"


def _trained(numbers: Mapping[str, Number]) -> str:
    """`; without its n untrained models ...`, where there are some and enough others."""
    keys = ("median_r_trained", "n_trained_models", "n_models")
    median, trained, every = (numbers.get(key) for key in keys)
    if median is None or not isinstance(trained, int) or not isinstance(every, int) or trained >= every:
        return ""
    left_out = every - trained
    number = "r" if numbers["n_dataset_pairs"] == 1 else "the median"
    models = "the untrained model" if left_out == 1 else f"the {left_out} untrained models"
    return f"; without {models} {number} is {_shown(median)}"


def _between(pair: Number, title: Callable[[str], str]) -> str:
    first, second = pair if isinstance(pair, list) else ["", ""]
    return f"between {title(first)} and {title(second)}"


def _shown(value: Number) -> str:
    """A correlation with two decimals and a true minus sign; never `-0.00`."""
    number = round(float(value), 2) + 0.0 if isinstance(value, (int, float)) else float("nan")
    return f"{number:.2f}".replace("-", "\N{MINUS SIGN}")
