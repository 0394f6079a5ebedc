"""The call for a map of models."""

from __future__ import annotations

from collections.abc import Sequence

from backend.contracts.model_map import ModelMap
from parallax.client.transport import Transport


class MapCalls(Transport):
    """One method per endpoint."""

    def model_map(
        self, metric: str, datasets: str | Sequence[str] = "", *, method: str = "mds", seed: int = 42,
        perplexity: float = 5.0, layer: str = "value", models: str = "", preprocess: str = "l2",
        labels: str = "published",
    ) -> ModelMap:
        """Places of models by `mds` or `tsne`, on one dataset or from the mean over several (empty: all). `models` is a
        predicate or the name of a model set; seed and perplexity are of t-SNE."""
        params: dict[str, str | int | float] = {
            "metric": metric, "datasets": datasets if isinstance(datasets, str) else ",".join(datasets),
            "method": method, "seed": seed, "perplexity": perplexity, "layer": layer, "models": models,
            "preprocess": preprocess, "labels": labels,
        }
        return self._one("/model-map", ModelMap, params=params)
