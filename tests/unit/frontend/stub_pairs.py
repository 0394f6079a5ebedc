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


def moving_answer(metric: str, names: list[str], matrices: dict[str, np.ndarray]) -> dict[str, Any]:
    """What `/pairs/moving` answers: the first few pairs, between the first and the last dataset."""
    ends = list(matrices)[:1] + list(matrices)[-1:]
    pairs = [
        {"a": names[0], "b": other, "low_dataset": ends[0], "low_percentile": 3.0 + place, "high_dataset": ends[1],
         "high_percentile": 91.0, "moves": 88.0 - place}
        for place, other in enumerate(names[1:5])
    ] if len(matrices) > 1 else []  # fmt: skip
    return {"metric": metric, "preprocess": "l2", "n_pairs": 36, "n_datasets": len(matrices), "median_moves": 41.0,
            "pairs": pairs}  # fmt: skip


def origin(model: str) -> dict[str, Any]:
    return {
        "model": model, "revision": "made", "weights_sha256": "cd" * 32, "node": "pre_logits", "pooling": "token",
        "key": "ef" * 32, "file_sha256": "01" * 32, "d": 8, "batch_size": 64, "extractor_version": 1,
        "device_class": "cpu", "library_versions": "none", "job_id": 1, "created_at": "2026-01-02T03:04:05+00:00",
    }


def disagreement_answer(a: str, b: str, dataset: str, title: str, order: str, shows: bool) -> dict[str, Any]:
    """What `/pairs/disagreement` answers: 30 stimuli of which each item's lists share as many as its row says."""
    items = [
        {"ord": row, "shared": row, "agreement": row / 10, "neighbours_a": list(range(10, 20)),
         "neighbours_b": [*range(10, 10 + row), *range(20, 30 - row)], "same_label_a": 4, "same_label_b": 10 - row}
        for row in range(3)
    ]  # fmt: skip
    return {
        "a": a, "b": b, "dataset": dataset, "dataset_version": 1, "dataset_hash": "ab" * 32, "title": title,
        "licence": "CC0", "shows_stimuli": shows, "n": 30, "k": 10, "depth": 29, "order": order,
        "counts": [1, 1, 1, *[0] * 7, 27], "mean_shared": 9.1, "chance": 3.4, "label_share_a": 0.4,
        "label_share_b": 0.9, "items": items[::-1] if order == "agreement" else items,
        "stimuli": [
            {"ord": row, "stimulus_id": f"s{row}", "sha256": "23" * 32, "label": str(row % 3), "group": None,
             "image": f"/api/v1/datasets/{dataset}@1/stimuli/{row}/image" if shows else None}
            for row in range(30)
        ],
        "embedding_a": origin(a), "embedding_b": origin(b), "neighbours_job_a": 1, "neighbours_job_b": 2,
        "sentence": f"On {title}, {a} and {b} share little.",
    }  # fmt: skip
