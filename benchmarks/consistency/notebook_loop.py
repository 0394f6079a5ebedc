"""Consistency of model-set pairs the way the published notebooks compute it, written anew: one long table of model
pairs, masks over it for every two datasets and every value of an attribute, and a correlation for each group.

For every two datasets and every value, the rows with that value on either side are taken, each row is asked for the
value on its other side, and scipy correlates the rows of one dataset with those of the other within each answer. So
every pair of different values is computed twice, as there, and what is double is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr

# (attribute, first dataset, second dataset, the two values in order) -> r
Result = dict[tuple[str, int, int, tuple[str, str]], float]
CORRELATE = {"pearson": pearsonr, "spearman": spearmanr}


def long_tables(matrices: NDArray[np.float32], attributes: Mapping[str, Sequence[str]]) -> dict[str, pd.DataFrame]:
    """For each attribute one row for each pair of models and dataset, with both values looked up model by model."""
    return {
        name: pd.concat([_long(matrix, dataset, values) for dataset, matrix in enumerate(matrices)])
        for name, values in attributes.items()
    }


def set_pairs(tables: Mapping[str, pd.DataFrame], dataset_pairs: Sequence[tuple[int, int]], method: str) -> Result:
    """r of every model-set pair of every attribute, on some pairs of datasets."""
    found: Result = {}
    for name, table in tables.items():
        for first, second in dataset_pairs:
            both = table[table["dataset"].isin([first, second])]
            for value in sorted(set(table["value 1"]) | set(table["value 2"])):
                here = both[(both["value 1"] == value) | (both["value 2"] == value)].copy()
                here["other"] = here[["value 1", "value 2"]].apply(
                    lambda row, value=value: row["value 2"] if row["value 1"] == value else row["value 1"], axis=1
                )
                for other, rows in here.groupby("other"):
                    if len(rows) > 2:
                        x = rows[rows["dataset"] == first]["similarity"]
                        y = rows[rows["dataset"] == second]["similarity"]
                        low, high = sorted((value, str(other)))
                        found[name, first, second, (low, high)] = float(CORRELATE[method](x, y)[0])
    return found


def _long(matrix: NDArray[np.float32], dataset: int, values: Sequence[str]) -> pd.DataFrame:
    rows, columns = np.triu_indices(len(matrix), 1)
    table = pd.DataFrame({
        "similarity": matrix[rows, columns].astype(np.float64), "model 1": rows, "model 2": columns,
    })
    lookup = pd.DataFrame({"value": list(values)})
    for side in ("1", "2"):
        table[f"value {side}"] = table[f"model {side}"].apply(lambda model: lookup.loc[model, "value"])
    table["dataset"] = dataset
    return table
