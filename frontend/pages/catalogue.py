"""What the pages of the catalogue read, put together: coverage of models and datasets, what filters choose among."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from backend.contracts.catalogue import CellJob, CellState, CoveredDataset, CoveredModel, EmbeddingsCoverage
from backend.domain.attributes import MODEL_ATTRIBUTES
from frontend.components.facet_panel import facet_group, facet_item
from parallax.client import Client

STATE_OF: dict[str, CellState] = {
    "c": "computed", "r": "running", "q": "queued", "f": "failed", "m": "missing",
}


@dataclass(frozen=True)
class Catalogue:
    """Coverage, with ways to look into it by name."""

    coverage: EmbeddingsCoverage

    @property
    def models(self) -> list[CoveredModel]:
        return self.coverage.models

    @property
    def datasets(self) -> list[CoveredDataset]:
        return self.coverage.datasets

    @property
    def datasets_here(self) -> list[CoveredDataset]:
        return [dataset for dataset in self.datasets if dataset.here]

    def model(self, name: str) -> CoveredModel | None:
        return next((model for model in self.models if model.name == name), None)

    def dataset(self, name: str) -> CoveredDataset | None:
        return next((dataset for dataset in self.datasets if dataset.name == name), None)

    def states_of_model(self, name: str) -> dict[str, CellState]:
        """Dataset -> state of the model's cell."""
        row = [model.name for model in self.models].index(name)
        return {dataset.name: STATE_OF[letter]
                for dataset, letter in zip(self.datasets, self.coverage.states[row], strict=True)}

    def states_of_dataset(self, name: str) -> dict[str, CellState]:
        """Model -> state of the dataset's cell."""
        column = [dataset.name for dataset in self.datasets].index(name)
        return {model.name: STATE_OF[row[column]] for model, row in zip(self.models, self.coverage.states, strict=True)}

    def jobs_of_model(self, name: str) -> dict[str, CellJob]:
        """Dataset -> the job behind a cell that is queued, running or failed."""
        return {job.dataset: job for job in self.coverage.jobs if job.model == name}

    def computed(self) -> tuple[dict[str, int], dict[str, int]]:
        """Model -> number of datasets it is embedded on; dataset -> number of models."""
        of_models = {model.name: row.count("c") for model, row in zip(self.models, self.coverage.states, strict=True)}
        columns = zip(*self.coverage.states, strict=True) if self.coverage.states else [()] * len(self.datasets)
        of_datasets = {d.name: list(c).count("c") for d, c in zip(self.datasets, columns, strict=True)}
        return of_models, of_datasets


def read_catalogue(client: Client) -> Catalogue:
    """Reads the coverage. Raises ApiError."""
    return Catalogue(client.embeddings_coverage())


def model_group(models: list[CoveredModel]) -> dict[str, Any]:
    """What the browser filters on the pages Models and Coverage."""
    items = [
        facet_item(
            model.name, f"{model.name} {model.title}", model.here,
            {attribute: getattr(model, attribute) for attribute in MODEL_ATTRIBUTES}, model.tags,
            {"training_data": model.training_data_audited},
        )
        for model in models
    ]
    return facet_group("models", "model", items, field="models")


def dataset_group(datasets: list[CoveredDataset], **fields: str) -> dict[str, Any]:
    """What the browser filters on the pages Datasets and Coverage."""
    items = [facet_item(d.name, f"{d.name} {d.title}", d.here, {"domain": d.domain}) for d in datasets]
    return facet_group("datasets", "dataset", items, field="datasets", **fields)
