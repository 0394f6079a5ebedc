"""Measures computed pair by pair: what one gives is a score for two prepared models, and how a prepared model looks
when its stimuli are rearranged or some are left out. Null and interval follow from that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.domain.calibration import NullSummary, permutation_null
from backend.domain.metrics import Metric
from backend.domain.quantities import CALIBRATION, CI_HIGH, CI_LOW, REVERSE, VALUE
from workers.similarity.errors import Undefined
from workers.similarity.measure import Comparison, Prepared, Tick
from workers.similarity.resampling import Resampling

Array = NDArray[np.float64]


class PairMeasure(ABC, Generic[Prepared]):
    """See `measure.Measure` for the methods that are not explained here."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric

    def within(self, room_bytes: int, n: int, d: int, count: int, resampling: Resampling) -> Self:
        return self

    @abstractmethod
    def prepare(self, X: Tensor, resampling: Resampling) -> Prepared: ...

    @abstractmethod
    def score(self, left: Prepared, right: Prepared) -> float:
        """s(left, right)."""

    @abstractmethod
    def relabelled(self, model: Prepared, order: NDArray[np.int64]) -> Prepared:
        """The model whose stimulus i is what stimulus `order[i]` was."""

    @abstractmethod
    def without(self, model: Prepared, kept: NDArray[np.int64]) -> Prepared:
        """The model on the stimuli `kept` (ascending) alone, from what was prepared."""

    def draws(self, left: Prepared, right: Prepared, orders: NDArray[np.int64]) -> Array:
        """s(left, right relabelled) for every row of `orders` (K, n): (K,)."""
        return np.array([self.score(left, self.relabelled(right, order)) for order in orders])

    def null(self, left: Prepared, right: Prepared, value: float, resampling: Resampling) -> NullSummary:
        """The null of one pair, arrays without dimensions."""
        draws = self.draws(left, right, resampling.orders)
        return permutation_null(np.asarray(value), draws, self.metric.spec.direction)

    def compare(self, models: Sequence[Prepared], new: int, resampling: Resampling, tick: Tick) -> Comparison:
        spec, count = self.metric.spec, len(models)
        first = count - new
        directions = [""] if spec.symmetric else ["", REVERSE]
        names = [VALUE, *(CALIBRATION if resampling.calibrate else ()),
                 *((CI_LOW, CI_HIGH) if resampling.uncertainty else ())]
        found = {name + way: np.zeros((new, count)) for way in directions for name in names}
        replicates = {way: np.zeros((new, count, len(resampling.blocks))) for way in directions} \
            if resampling.uncertainty else {}
        for row in range(new):
            for column in range(first + row + 1):
                for way in directions:
                    left, right = models[first + row], models[column]
                    if way:
                        left, right = right, left
                    value = self.score(left, right)
                    found[VALUE + way][row, column] = value
                    if resampling.calibrate:
                        null = self.null(left, right, value, resampling)
                        for name, number in zip(CALIBRATION, (null.mean, null.sd, null.tau, null.p), strict=True):
                            found[name + way][row, column] = number
                tick()
        if resampling.uncertainty:
            for block in range(len(resampling.blocks)):
                kept = resampling.kept(block)
                parts = [self._part(model, kept) for model in models]
                for row in range(new):
                    for column in range(first + row + 1):
                        for way in directions:
                            one, other = parts[first + row], parts[column]
                            if one is None or other is None:
                                replicates[way][row, column, block] = np.nan
                            else:
                                both = (other, one) if way else (one, other)
                                replicates[way][row, column, block] = self.score(*both)
                    tick()
            for way in directions:
                found[CI_LOW + way], found[CI_HIGH + way] = resampling.interval(
                    found[VALUE + way], replicates[way], spec.lower, spec.upper
                )
        return Comparison(found)

    def _part(self, model: Prepared, kept: NDArray[np.int64]) -> Prepared | None:
        """The model on the stimuli `kept`, None where the measure is not defined on them."""
        try:
            return self.without(model, kept) if len(kept) >= self.metric.minimum_n else None
        except Undefined:
            return None

    def ticks(self, resampling: Resampling, count: int, new: int) -> int:
        pairs = new * (count - new) + new * (new + 1) // 2
        return pairs + (new * len(resampling.blocks) if resampling.uncertainty else 0)

    @abstractmethod
    def resident_bytes(self, n: int, d: int) -> int: ...

    @abstractmethod
    def scratch_bytes(self, n: int, d: int) -> int: ...

    def cache_name(self, resampling: Resampling) -> str | None:
        return None

    def pack(self, prepared: Prepared) -> Mapping[str, NDArray[Any]]:
        raise TypeError(f"{self.metric.id} keeps nothing that would be worth storing")

    def unpack(self, arrays: Mapping[str, NDArray[Any]], device: str) -> Prepared:
        raise TypeError(f"{self.metric.id} keeps nothing that would be worth storing")
