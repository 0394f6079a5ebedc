"""A study of as many models as wanted behind the client's transport, in bytes as the API sends them."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.calibration import calibrated
from tests.unit.frontend.stub_api import NOW, StubApi, page

BYTES = "application/octet-stream"


class ManyModels(StubApi):
    """`n_models` models in families, compared by linear CKA on the dataset digits."""

    def __init__(self, n_models: int) -> None:
        super().__init__(computed={"cka.linear.unbiased": ("digits",)})
        rng = np.random.default_rng(8)
        self.names = [f"model-{i:04d}" for i in range(n_models)]
        place = rng.normal(size=(n_models, 3)) + 2 * rng.normal(size=(12, 3))[np.arange(n_models) % 12]
        distances = np.linalg.norm(place[:, None] - place[None, :], axis=2)
        self.values = np.exp(-distances / 3).astype(np.float32)

    def layer(self, name: str) -> np.ndarray:
        """One layer (M, M) float32."""
        made = {
            "value": self.values, "null_mean": self.values * 0 + 0.1, "null_sd": self.values * 0 + 0.05,
            "tau": self.values * 0 + 0.18, "z": (self.values - 0.1) / 0.05, "ari": (self.values - 0.1) / 0.9,
            "calibrated": calibrated(self.values, self.values * 0 + 0.18, 1.0),
        }.get(name, np.full_like(self.values, np.nan))
        return np.asarray(made, dtype="<f4")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix("/api/v1"), dict(request.url.params)
        if path == "/matrices" and request.headers.get("Accept") == BYTES:
            return httpx.Response(200, content=self.layer(query["layer"]).tobytes(), headers={"X-Order-Hash": "0"})
        return super()._answer(request)

    def _get(self, path: str, query: dict[str, str]) -> Any:
        if path == "/models":
            return page([self._one(i) for i in range(len(self.names))])
        if path == "/coverage":
            known = {"preprocess": "l2", "n": 50, "updated_at": NOW, "dataset": "digits"}
            return page([known | {"metric": "cka.linear.unbiased", "n_models": len(self.names)}])
        if path == "/orders":
            known = {"preprocess": "l2", "order_hash": "0", "n_datasets": 1}
            return known | {"metric": query["metric"], "models": self.names}
        if path == "/matrices":
            return {
                "dataset": "digits", "dataset_version": 1, "metric": "cka.linear.unbiased", "metric_version": 1,
                "preprocess": "l2", "n": 50, "models": self.names, "order_hash": "0", "layer": query["layer"],
                "direction": "similarity", "symmetric": True, "recipe": {"route": "cyclic", "seed": 0, "alpha": 0.05},
                "values": [], "computed": [], "gaps": [], "updated_at": NOW,
            }
        return super()._get(path, query)

    def _one(self, place: int) -> dict[str, Any]:
        known = self._model("other-untrained")
        chosen = {name: list(words)[place % len(words)] for name, words in MODEL_ATTRIBUTES.items()}
        return known | chosen | {"name": self.names[place]}
