"""Which model is embedded on which dataset, with the published models and datasets that nobody computed yet, and asking
for what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from backend.contracts.catalogue import (
    STATE_LETTERS,
    CellJob,
    CellState,
    CoveredDataset,
    CoveredModel,
    EmbeddingsCoverage,
    ModelEmbedding,
    PublishedDataset,
    PublishedModel,
    WantedEmbeddings,
)
from backend.contracts.jobs import ExistingModel, Submission, TimmModel
from backend.db.repositories import coverage, models
from backend.domain import published
from backend.domain.errors import FieldError, FieldErrors, NotFound, nearest_hint
from backend.domain.published import (
    attributes_of,
    catalogue_entry,
    published_datasets,
    published_models,
    tags_of,
)
from backend.services import submissions
from backend.settings import Settings

# Which state a cell shows when several jobs speak of it.
RANK: dict[CellState, int] = {"running": 3, "queued": 2, "failed": 1, "missing": 0}
DATASET_OBSTACLE = "This published dataset is not here. Send it as an archive: parallax datasets add."


def list_published_models(connection: Connection) -> list[PublishedModel]:
    """The published models by name, each with the model here that it is."""
    here = _entries_here(connection)
    return [PublishedModel(**entry._asdict() | {"tags": list(entry.tags)}, here=here.get(name))
            for name, entry in published_models().items()]


def list_published_datasets(connection: Connection) -> list[PublishedDataset]:
    """The published datasets by name, each with the dataset here that it is."""
    names = {row["name"] for row in coverage.newest_datasets(connection)}
    return [PublishedDataset(**entry._asdict(), here=name if name in names else None)
            for name, entry in published_datasets().items()]


def _entries_here(connection: Connection) -> dict[str, str]:
    """Name in the catalogue -> name of the model here."""
    found = ((catalogue_entry(row), row["name"]) for row in coverage.all_models(connection))
    return {entry.name: name for entry, name in found if entry is not None}


def embeddings_coverage(connection: Connection) -> EmbeddingsCoverage:
    """Every model x every dataset: those that are here first, then the published ones that are not.

    Cost: four statements, O(models x datasets + unfinished and failed jobs).
    """
    rows, columns = coverage.all_models(connection), coverage.newest_datasets(connection)
    covered = [_model_here(row) for row in rows]
    taken = {model.name for model in covered}
    known = {model.published for model in covered}
    covered += [_model_known(entry, taken) for name, entry in published_models().items() if name not in known]
    datasets = [_dataset_here(row) for row in columns]
    here = {dataset.name for dataset in datasets}
    datasets += [_dataset_known(entry) for name, entry in published_datasets().items() if name not in here]

    row_of = {row["id"]: i for i, row in enumerate(rows)}
    column_of = {row["id"]: j for j, row in enumerate(columns)}
    cells = _cells_of_jobs(connection, covered, [dataset.name for dataset in datasets], row_of, column_of)
    states: list[list[CellState]] = [["missing"] * len(datasets) for _ in covered]
    for (i, j), cell in cells.items():
        states[i][j] = cell.state
    for model_id, dataset_id in coverage.embedded(connection):
        states[row_of[model_id]][column_of[dataset_id]] = "computed"
    shown = [cell for (i, j), cell in sorted(cells.items()) if states[i][j] == cell.state]
    flat = [state for row in states for state in row]
    return EmbeddingsCoverage(
        models=covered, datasets=datasets, jobs=shown, counts={state: flat.count(state) for state in STATE_LETTERS},
        states=["".join(STATE_LETTERS[state] for state in row) for row in states],
    )


def _cells_of_jobs(
    connection: Connection, covered: list[CoveredModel], datasets: list[str], row_of: Mapping[int, int],
    column_of: Mapping[int, int],
) -> dict[tuple[int, int], CellJob]:
    """(row, column) -> the job that speaks of the cell: one that runs before one that waits before one that failed."""
    by_published = {model.published: i for i, model in enumerate(covered) if model.published}
    found: dict[tuple[int, int], CellJob] = {}

    def note(row: Any, i: int | None, dataset_id: int) -> None:
        j = column_of.get(dataset_id)
        if i is None or j is None or row["state"] not in RANK:
            return
        error = row["error"] or {}
        job = CellJob(model=covered[i].name, dataset=datasets[j], state=row["state"], job=row["id"],
                      message=error.get("message", ""), hint=error.get("hint", ""))
        before = found.get((i, j))
        if before is None or (RANK[job.state], job.job) > (RANK[before.state], before.job):
            found[(i, j)] = job

    for row in coverage.extractions(connection):
        note(row, row_of.get(row["model_id"]), row["dataset_id"])
    for row in coverage.registrations(connection):
        i = row_of.get(row["model_id"])
        if i is None:
            entry = catalogue_entry({"objective": "", "timm_name": ""} | row["submitted"])
            i = by_published.get(entry.name) if entry is not None else None
        for dataset_id in row["dataset_ids"]:
            note(row, i, dataset_id)
    return found


def _model_here(row: Any) -> CoveredModel:
    entry = catalogue_entry(row)
    return CoveredModel(
        name=row["name"], n_parameters=row["n_parameters"], tags=tags_of(row), here=True, obstacle="",
        title=entry.title if entry else row["name"], published=entry.name if entry else "",
        training_data_audited=attributes_of(row, "audited")["training_data"], **attributes_of(row),
    )


def _model_known(entry: published.PublishedModel, taken: set[str]) -> CoveredModel:
    values = {name: value for name, value in entry._asdict().items() if name in CoveredModel.model_fields}
    return CoveredModel.model_validate(values | {
        "tags": list(entry.tags), "here": False, "published": entry.name, "obstacle": _obstacle(entry),
        "name": entry.name if entry.name not in taken else f"{entry.name}-published",
    })


def _obstacle(entry: published.PublishedModel) -> str:
    if entry.loader == "timm":
        return ""
    return (f"Its weights come by {entry.loader} ({entry.weights}), and Parallax loads those of timm. Submit it as a "
            "checkpoint file of a timm architecture.")


def _dataset_here(row: Any) -> CoveredDataset:
    values = {name: row[name] for name in ("name", "version", "domain", "n_stimuli")}
    return CoveredDataset(**values, title=row["title"] or row["name"], here=True, obstacle="",
                          published=row["name"] if row["name"] in published_datasets() else "")


def _dataset_known(entry: published.PublishedDataset) -> CoveredDataset:
    return CoveredDataset(name=entry.name, title=entry.title, here=False, published=entry.name, version=None,
                          domain=entry.domain, n_stimuli=entry.n_stimuli, obstacle=DATASET_OBSTACLE)


def queue(
    connection: Connection, wanted: WantedEmbeddings, settings: Settings, *, idempotency_key: str | None
) -> int:
    """Queues one model on datasets; answers the job to follow. Raises FieldErrors, all at once."""
    datasets_here = {row["name"] for row in coverage.newest_datasets(connection)}
    errors = [
        FieldError(f"datasets.{index}", f"{published_datasets()[name].title} is not here.", DATASET_OBSTACLE)
        for index, name in enumerate(wanted.datasets)
        if name in published_datasets() and name not in datasets_here
    ]
    entry = published_models().get(wanted.model)
    row = models.get(connection, wanted.model)
    if row is None and entry is not None:
        row = models.get(connection, _entries_here(connection).get(entry.name, ""))
    if row is None and entry is None:
        known = [*models.list_names(connection), *published_models()]
        errors.append(FieldError("model", f"There is no model {wanted.model!r}, neither here nor in the published "
                                 "catalogue.", nearest_hint(wanted.model, known, "models")))
    elif row is None and entry is not None and _obstacle(entry):
        errors.append(FieldError("model", f"{entry.title} cannot be loaded here.", _obstacle(entry)))
    if errors:
        raise FieldErrors(errors)
    model = ExistingModel(name=row["name"]) if row is not None else _timm(published_models()[wanted.model])
    return submissions.submit(
        connection, Submission(model=model, datasets=wanted.datasets), settings, idempotency_key=idempotency_key,
        header=None,
    )


def _timm(entry: published.PublishedModel) -> TimmModel:
    """A published model of timm as a submission, by its published labels and with its pretrained tag written out."""
    return TimmModel(
        timm_name=entry.weights, pretrained=True, seed=0, name=entry.name, objective=entry.objective,
        architecture=entry.architecture, training_data=entry.training_data, tags=["published", *entry.tags],
        description=f"{entry.title}, of the published catalogue.",
    )


def embeddings_of(connection: Connection, name: str) -> list[ModelEmbedding]:
    """The current embeddings of one model, by dataset, or NotFound with the nearest name."""
    row = models.get(connection, name)
    if row is None:
        names = models.list_names(connection)
        raise NotFound(f"There is no model {name!r}.", nearest_hint(name, names, "models"))
    return [ModelEmbedding.model_validate(dict(one)) for one in coverage.embeddings_of(connection, row["id"])]
