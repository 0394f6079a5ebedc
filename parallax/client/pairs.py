"""Calls about one pair of models: its similarity on every dataset, and the stimuli it disagrees on."""

from __future__ import annotations

from typing import Literal

from backend.contracts.pairs import Disagreement, MovingPairs, Pair
from parallax.client.transport import Transport


class PairCalls(Transport):
    """One method per endpoint under `/pairs`."""

    def pair(self, a: str, b: str, metric: str, preprocess: str = "l2") -> Pair:
        """Two models on every dataset by one metric, with the origin of each number."""
        return self._one("/pairs", Pair, params={"a": a, "b": b, "metric": metric, "preprocess": preprocess})

    def moving_pairs(self, metric: str, preprocess: str = "l2", limit: int = 20) -> MovingPairs:
        """The pairs whose place among all pairs depends most on the dataset."""
        params = {"metric": metric, "preprocess": preprocess, "limit": limit}
        return self._one("/pairs/moving", MovingPairs, params=params)

    def disagreement(
        self, a: str, b: str, dataset: str, limit: int = 12,
        order: Literal["disagreement", "agreement"] = "disagreement",
    ) -> Disagreement:
        """The stimuli of a dataset that two models disagree on most, or least, with both models' neighbours. Raises
        ApiError 404 where a model is not embedded there, or its neighbours are not stored yet."""
        params = {"a": a, "b": b, "dataset": dataset, "limit": limit, "order": order}
        return self._one("/pairs/disagreement", Disagreement, params=params)
