"""knn.mutual: the share of common nearest neighbours, with its null in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.domain.calibration import NullSummary, pearson3_threshold, route
from workers.similarity.measure import Comparison, Tick
from workers.similarity.neighbours.lists import Indices, ListMeasure, Lists
from workers.similarity.neighbours.moments import Copies, copies, overlap_moments
from workers.similarity.neighbours.sets import common
from workers.similarity.neighbours.shifts import Strides, overlaps, strides
from workers.similarity.pairs import Array
from workers.similarity.resampling import Resampling


@dataclass(frozen=True)
class Graph(Lists):
    """Lists with what the null needs of them."""

    copies: Copies
    strides: Strides


class Mutual(ListMeasure):
    """(1 / n k) sum over stimuli of |A and B|, for lists of neighbours A and B (Huh et al. 2024).

    Null moments are those over all n! relabellings (`moments`), tau the quantile of the Pearson III distribution that
    has them, at most 1; p is the share of the n cyclic shifts (`shifts`) that overlap at least as much, the unshifted
    among them. With groups of stimuli all of it is found by permuting.
    """

    def scores(self, left: Indices, right: Indices) -> Array:
        found: Array = common(left, right).sum(axis=1, dtype=np.int64) / left.size
        return found

    def compare(self, models: Sequence[Lists], new: int, resampling: Resampling, tick: Tick) -> Comparison:
        if resampling.calibrate and route(self.metric.spec, resampling.grouped) == "cyclic":
            order = resampling.relabelling
            models = [Graph(**vars(model), copies=copies(model.top), strides=strides(model.top, order))
                      for model in models]
        return super().compare(models, new, resampling, tick)

    def null(self, left: Lists, right: Lists, value: float, resampling: Resampling) -> NullSummary:
        if not (isinstance(left, Graph) and isinstance(right, Graph)):
            return super().null(left, right, value, resampling)
        edges = left.top.size
        moments = overlap_moments(left.copies, right.copies, left.n)
        mean, sd = np.array(moments.mean / edges), np.array(moments.variance**0.5 / edges)
        tau = pearson3_threshold(mean, sd, np.array(moments.skewness), self.metric.spec.direction)
        shared = overlaps(left.strides, right.strides)
        return NullSummary(mean, sd, np.minimum(tau, 1.0), (shared >= shared[0]).mean())
