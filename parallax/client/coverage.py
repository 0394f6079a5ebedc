"""Calls about what is embedded and what is missing, and about the published catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from backend.contracts.catalogue import (
    EmbeddingsCoverage,
    ModelEmbedding,
    PublishedDataset,
    PublishedModel,
    WantedEmbeddings,
)
from backend.contracts.jobs import Job
from parallax.client.transport import Transport


class CoverageCalls(Transport):
    """One method per endpoint."""

    def published_models(self) -> list[PublishedModel]:
        """The 64 published models, and which of them are here."""
        return list(self._all("/published-models", PublishedModel))

    def published_datasets(self) -> list[PublishedDataset]:
        """The 23 published datasets, and which of them are here."""
        return list(self._all("/published-datasets", PublishedDataset))

    def embeddings_coverage(self) -> EmbeddingsCoverage:
        """Which model is embedded on which dataset."""
        return self._one("/embeddings-coverage", EmbeddingsCoverage)

    def model_embeddings(self, model: str) -> list[ModelEmbedding]:
        """The current embeddings of a model, by dataset."""
        return list(self._all(f"/models/{model}/embeddings", ModelEmbedding))

    def request_embeddings(
        self, model: str, datasets: Sequence[str], idempotency_key: str | None = None
    ) -> Job:
        """Ask for a model on datasets; answers the job to follow. A published model of timm is added on the way."""
        wanted = WantedEmbeddings(model=model, datasets=list(datasets))
        answer = self._send("POST", "/embeddings:request", content=wanted.model_dump_json(), headers={
            "Idempotency-Key": idempotency_key or str(uuid4()), "Content-Type": "application/json"})
        return Job.model_validate_json(answer.content)
