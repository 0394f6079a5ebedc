"""What one model's features look like by themselves. What the numbers mean is in backend.domain.diagnostics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.domain.diagnostics import EFFECTIVE_RANK, OUTLIER_DOMINANCE, PARTICIPATION_RATIO
from workers.similarity.aligned import centred, narrow
from workers.similarity.embeddings import EmbeddingSource, check_shapes, load_checked
from workers.similarity.errors import BadEmbedding

_STRONGEST = 3


def diagnose(X: NDArray[Any], name: str = "the model") -> dict[str, float]:
    """Diagnostics of one model from its raw features `X` (n, d), any floating-point type.

    With s_1 >= s_2 >= ... the singular values of the column-centred features:
        participation_ratio  (sum s^2)^2 / sum s^4, which is (tr C)^2 / tr C^2 of their covariance C
        effective_rank       exp(-sum p log p), p = s / sum s  (Roy and Vetterli 2007)
        outlier_dominance    sum of x^2 over the strongest features / sum of x^2 over all, features not centred

    The strongest features are three, as massive activations sit in very few; below 30 features a tenth of them, but
    one at least. They are not centred: such activations are large and hardly vary. Raises NotFloatRows,
    NonFiniteEmbedding and ConstantEmbedding. Cost O(n d min(n, d)).
    """
    rows = torch.from_numpy(load_checked(EmbeddingSource.from_array(name, X)))
    rows /= rows.abs().max()  # squares of what float64 holds stay within it
    power = rows.square().sum(dim=0)
    strongest = power.topk(min(_STRONGEST, max(1, len(power) // 10))).values
    values = torch.linalg.svdvals(narrow(centred(rows)))
    share = values[values > 0] / values.sum()
    return {
        PARTICIPATION_RATIO: float(values.square().sum() ** 2 / values.pow(4).sum()),
        EFFECTIVE_RANK: float((-(share * share.log()).sum()).exp()),
        OUTLIER_DOMINANCE: float(strongest.sum() / power.sum()),
    }


def modality_gap(A: NDArray[Any], B: NDArray[Any]) -> float:
    """|mean_i a_i / |a_i| - mean_i b_i / |b_i||: how far apart the two towers of one model put what belongs together
    (Liang et al. 2022); from 0 to 2.

    `A` and `B` (n, d) are the embeddings of the same n things by the two towers. Raises MismatchedStimuli,
    NotFloatRows, NonFiniteEmbedding, ConstantEmbedding, and BadEmbedding for other widths or a zero row. Cost O(n d).
    """
    towers = [EmbeddingSource.from_array(f"the {which} tower", X) for which, X in (("first", A), ("second", B))]
    check_shapes(towers, 1, "the modality gap")
    if towers[0].d != towers[1].d:
        raise BadEmbedding(
            f"The two towers have {towers[0].d} and {towers[1].d} features.",
            hint="Give the embeddings in the space that both towers share.",
        )
    means = []
    for tower in towers:
        rows = load_checked(tower)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        if not lengths.all():
            raise BadEmbedding(
                f"Row {int(np.argmin(lengths))} (counted from 0) of {tower.name} is zero and has no direction.",
                hint="Extract it again, or leave the stimulus out.",
            )
        means.append((rows / lengths).mean(axis=0))
    return float(np.linalg.norm(means[0] - means[1]))
