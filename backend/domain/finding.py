"""The finding: how far similarity between models survives a change of dataset, in one sentence and numbers.

Everything in the sentence is computed from the matrices by `consistency` (Pearson, all model pairs) and can
be computed again from what the API serves. Quartiles are numpy's (linear interpolation) over pairs of
datasets; intervals resample models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.domain.attributes import OBJECTIVES
from backend.domain.consistency import (
    MIN_PAIRS,
    ConsistencyTable,
    Interval,
    ModelSet,
    Resampled,
    SetPairTable,
    consistency,
    every,
    median_r,
    pair_mask,
    pair_values,
    pairs_of,
    resample,
    set_pair_consistency,
    sets_of,
    verdict_of,
)

# The verdict goes by the median r as shown (two decimals). From 0.8 on, the similarities of one dataset
# account for 64 % or more of the variance of another's; below 0.5 for less than a quarter.
LARGELY = 0.8
PARTLY = 0.5
VERDICTS = ("largely", "partly", "hardly")
# Fewer models than this mostly tie and the sentence says that the figure is rough.
FEW_MODELS = 8
# The words for training objectives, which the sentence compares; untrained models have none.
COMPARED = ("image-text", "self-supervised", "supervised")

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


def verdict_words(median: Number, low: Number = None, high: Number = None) -> str:
    """The verdict of a median; with an interval that reaches further, all that it leaves possible: `hardly or partly`.
    Empty without a median."""
    places = [VERDICTS.index(verdict(end)) for end in (median, low, high) if isinstance(end, (int, float))]
    words = list(reversed(VERDICTS[min(places) : max(places) + 1])) if places else []
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


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
    and for each two objectives that have at least three model pairs `set_pair.<a>.<b>.median_r`, `.n_pairs`,
    `.n_dataset_pairs` and `.small`. Each median has `_ci_low` and `_ci_high` (`.ci_low`, `.ci_high` for set pairs),
    None where no interval is defined; `interval` says how. With two trained objectives or more `steadiest_objective`,
    `least_steady_objective`, `objective_difference` of their medians with `_ci_low` and `_ci_high`, and
    `objective_verdict`: `apart`, `tie` or `undefined`; `objectives_ranked` says of how many these two were chosen, for
    which their interval is widened. Cost: that of `resample`, some ten times.
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
    numbers |= _medians_of_sets(matrices, values, objectives, compared)
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


def _medians_of_sets(
    matrices: FloatArray, values: FloatArray, objectives: Sequence[str], compared: NDArray[np.bool_]
) -> dict[str, Number]:
    """Intervals of the medians: of all models, of the trained ones alone, within and between objectives."""
    everyone = every(len(objectives))
    trained = ModelSet("trained", "Trained", np.array([slug != "untrained" for slug in objectives], dtype=bool))
    of_objectives = [
        pair for pair in pairs_of(sets_of(objectives, OBJECTIVES)) if _n_pairs(values, pair) >= MIN_PAIRS
    ]
    # The contrast of trained with untrained models alone can make r high.
    alone = [] if trained.members[compared].all() else [(trained, trained)]
    pairs = [(everyone, everyone), *alone, *of_objectives]
    tables, drawn = set_pair_consistency(matrices, pairs), resample(matrices, pairs)
    numbers: dict[str, Number] = {"interval": drawn.method_words, **_ends("median_r_ci", drawn.median_interval(0))}
    if alone:
        median = median_r(tables[1].r)
        numbers |= {
            "n_trained_models": int((trained.members & compared).sum()), "median_r_trained": median,
            "verdict_trained": None if median is None else verdict(median),
            **_ends("median_r_trained_ci", drawn.median_interval(1)),
        }
    first = len(pairs) - len(of_objectives)
    for k, pair in enumerate(of_objectives, first):
        prefix = f"set_pair.{pair[0].name}.{pair[1].name}"
        upper = tables[k].r[np.triu_indices(len(matrices), 1)]
        numbers |= {
            f"{prefix}.median_r": median_r(tables[k].r), f"{prefix}.n_pairs": _n_pairs(values, pair),
            f"{prefix}.n_dataset_pairs": int(np.isfinite(upper).sum()), f"{prefix}.small": tables[k].small,
            **_ends(f"{prefix}.ci", drawn.median_interval(k)),
        }
    return numbers | _steadiest(tables, drawn, first)


def _steadiest(tables: Sequence[SetPairTable], drawn: Resampled, first: int) -> dict[str, Number]:
    """The objectives whose pairs are steadiest and least steady, and whether their intervals tell them apart.

    Sets that are too small to rely on are left out as long as two others are there.
    """
    within = [
        k for k in range(first, len(tables))
        if tables[k].a.name == tables[k].b.name in COMPARED and np.isfinite(drawn.medians[k]).all()
    ]
    large = [k for k in within if not tables[k].small]
    chosen = sorted(large if len(large) > 1 else within, key=lambda k: drawn.medians[k].value)
    if len(chosen) < 2:
        return {}
    difference: Interval = drawn.difference(chosen[-1], chosen[0], among=len(chosen))
    return {
        "steadiest_objective": tables[chosen[-1]].a.name, "least_steady_objective": tables[chosen[0]].a.name,
        "objectives_ranked": len(chosen), "objective_difference": difference.value,
        **_ends("objective_difference_ci", (difference.low, difference.high)),
        "objective_verdict": {"tie": "tie", "undefined": "undefined"}.get(verdict_of(difference), "apart"),
    }


def _n_pairs(values: FloatArray, pair: tuple[ModelSet, ModelSet]) -> int:
    """Model pairs of a set pair that have a value on some dataset."""
    return int(np.isfinite(values[:, pair_mask(*pair)]).any(axis=0).sum())


def _ends(name: str, ends: tuple[float, float]) -> dict[str, Number]:
    return {f"{name}_{side}": None if np.isnan(end) else end for side, end in zip(("low", "high"), ends, strict=True)}


def _sentence(numbers: Mapping[str, Number], metric: str, title: Callable[[str], str]) -> str:
    """The sentence made from the numbers, and from nothing else."""
    n_models, n_pairs, least = numbers["n_models"], numbers["n_model_pairs"], numbers["n_model_pairs_min"]
    pairs = f"{n_pairs} model pairs" if n_pairs == least else f"{least} to {n_pairs} model pairs"
    weak, strong = (_between(numbers[key], title) for key in ("weakest_pair", "strongest_pair"))
    few = isinstance(n_models, int) and n_models < FEW_MODELS
    opening = f"With only {n_models} models so far, which" if few else "Which"
    how = _verdict(numbers, "median_r")
    carries = f"carries over {how}" if " or " in how else f"{how} carries over"
    claim = (
        f"{opening} models look alike {carries} from one dataset to another"
        f"{_among_trained(numbers)}"
    )
    of_what = f"the similarities of {n_models} models ({pairs}, {metric})"
    if numbers["n_dataset_pairs"] == 1:
        r = _shown(numbers["median_r"])
        return (
            f"{claim}: {of_what} correlate with r = {r}{_interval(numbers, 'median_r_ci')} {weak}"
            f"{_trained(numbers)}{_objectives(numbers)}."
        )
    return (
        f"{claim}: {of_what} correlate with a median r of {_shown(numbers['median_r'])}"
        f"{_interval(numbers, 'median_r_ci')} over {numbers['n_dataset_pairs']} pairs of {numbers['n_datasets']} "
        f"datasets, from {_shown(numbers['min_r'])} {weak} to {_shown(numbers['max_r'])} {strong}"
        f"{_trained(numbers)}{_objectives(numbers)}."
    )


def _interval(numbers: Mapping[str, Number], name: str) -> str:
    """` (95 % interval 0.12 to 0.34)`, where there is one."""
    low, high = (numbers.get(f"{name}_{side}") for side in ("low", "high"))
    return "" if low is None or high is None else f" (95 % interval {_shown(low)} to {_shown(high)})"


def _objectives(numbers: Mapping[str, Number]) -> str:
    """`; Supervised models are steadier (...) than ...`, or that they tie."""
    high, low = (str(numbers.get(f"{which}_objective")) for which in ("steadiest", "least_steady"))
    if numbers.get("objective_verdict") not in ("apart", "tie"):
        return ""
    medians = [_shown(numbers[f"set_pair.{slug}.{slug}.median_r"]) for slug in (high, low)]
    steady = f"pairs of {OBJECTIVES[high]} models (median {medians[0]})"
    unsteady = f"those of {OBJECTIVES[low]} models ({medians[1]})"
    difference, ranked = _interval(numbers, "objective_difference_ci").strip(" ()"), numbers["objectives_ranked"]
    chosen = f", chosen of {ranked}," if isinstance(ranked, int) and ranked > 2 else ""
    if numbers["objective_verdict"] == "tie":
        return f"; {steady} and {unsteady} tie, the {difference} of their difference{chosen} holds 0"
    return (
        f"; {steady} are steadier than {unsteady}, by {_shown(numbers['objective_difference'])} "
        f"({difference}{chosen.rstrip(',')})"
    )


def _verdict(numbers: Mapping[str, Number], name: str) -> str:
    return verdict_words(*(numbers.get(key) for key in (name, f"{name}_ci_low", f"{name}_ci_high")))


def _among_trained(numbers: Mapping[str, Number]) -> str:
    """Said in the claim itself where the trained models alone would earn another verdict than all models do."""
    every, trained = _verdict(numbers, "median_r"), _verdict(numbers, "median_r_trained")
    if not trained or trained == every:
        return ""
    weaker = _shown(numbers["median_r_trained"]) < _shown(numbers["median_r"])
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
    return f"; without {models} {number} is {_shown(median)}{_interval(numbers, 'median_r_trained_ci')}"


def _between(pair: Number, title: Callable[[str], str]) -> str:
    first, second = pair if isinstance(pair, list) else ["", ""]
    return f"between {title(first)} and {title(second)}"


def _shown(value: Number) -> str:
    """A correlation with two decimals and a true minus sign; never `-0.00`."""
    number = round(float(value), 2) + 0.0 if isinstance(value, (int, float)) else float("nan")
    return f"{number:.2f}".replace("-", "\N{MINUS SIGN}")
