"""Invented answers about one pair of models, from the same similarities as the stub's matrices."""

from __future__ import annotations

from typing import Any

import numpy as np


def pair_answer(
    a: str, b: str, metric: str, names: list[str], matrices: dict[str, np.ndarray], titles: dict[str, str],
    domains: dict[str, str], symmetric: bool,
) -> dict[str, Any]:
    """What `/pairs` answers: `matrices` dataset -> (M, M) in the order of `names`, NaN where not computed."""
    i, j = names.index(a), names.index(b)
    rows = []
    for dataset, values in matrices.items():
        value = float(values[i, j])
        others = values[np.triu_indices(len(names), 1)]
        others = others[np.isfinite(others)]
        row = {
            "dataset": dataset, "dataset_version": 1, "dataset_hash": "ab" * 32, "title": titles[dataset],
            "domain": domains[dataset], "n": 50, "shows_stimuli": True, "n_pairs": len(others),
            "quantiles": [float(q) for q in np.quantile(others, (0.05, 0.25, 0.5, 0.75, 0.95))],
        }
        if np.isfinite(value):
            less = (others < value).sum() + ((others == value).sum() - 1) / 2
            row |= {"value": value, "ci_low": value - 0.05, "ci_high": value + 0.05, "calibrated": value / 2,
                    "percentile": 100 * less / (len(others) - 1)}
        else:
            row["reason"] = "Its embedding failed."
        rows.append(row)
    return {
        "a": a, "b": b, "metric": metric, "preprocess": "l2", "direction": "similarity", "symmetric": symmetric,
        "code_version": "0", "datasets": rows, "sentence": f"{a} and {b} are compared.",
    }
