"""SQL about which model is embedded on which dataset, and what became of the requests for it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, text

NEWEST = """
    SELECT DISTINCT ON (name) id, name, version, title, domain, n_stimuli FROM datasets ORDER BY name, version DESC
"""


def newest_datasets(connection: Connection) -> Sequence[RowMapping]:
    """The newest version of every dataset, by name."""
    return connection.execute(text(NEWEST)).mappings().all()


def all_models(connection: Connection) -> Sequence[RowMapping]:
    """What coverage says of every model, by name."""
    return connection.execute(text(
        "SELECT id, name, source, timm_name, objective, architecture, training_data, size, n_parameters, tags "
        "FROM models ORDER BY name"
    )).mappings().all()


def embedded(connection: Connection) -> set[tuple[int, int]]:
    """(model, dataset) of every embedding on the newest version of a dataset."""
    rows = connection.execute(text(
        f"SELECT DISTINCT e.model_id, e.dataset_id FROM embeddings e JOIN ({NEWEST}) d ON d.id = e.dataset_id"
    ))
    return {(row.model_id, row.dataset_id) for row in rows}


def extractions(connection: Connection) -> Sequence[RowMapping]:
    """The running, else latest extraction of every (model, dataset) without an embedding: job, state, error."""
    return connection.execute(text("""
        SELECT DISTINCT ON (j.model_id, j.dataset_id) j.id, j.state, j.error, j.model_id, j.dataset_id
        FROM jobs j
        WHERE j.kind = 'extract' AND j.state <> 'succeeded' AND NOT EXISTS (
            SELECT FROM embeddings e WHERE e.model_id = j.model_id AND e.dataset_id = j.dataset_id
        )
        ORDER BY j.model_id, j.dataset_id, j.state = 'running' DESC, j.id DESC
    """)).mappings().all()


def registrations(connection: Connection) -> Sequence[RowMapping]:
    """The latest submission of every model, unless it succeeded (its extractions tell then): job, state, error, the
    model as submitted, ids of its datasets."""
    return connection.execute(text("""
        SELECT * FROM (
            SELECT DISTINCT ON (j.spec -> 'model' ->> 'name') j.id, j.state, j.error, j.model_id,
                j.spec -> 'model' AS submitted, j.spec -> 'dataset_ids' AS dataset_ids
            FROM jobs j WHERE j.kind = 'register' ORDER BY j.spec -> 'model' ->> 'name', j.id DESC
        ) latest WHERE state NOT IN ('succeeded', 'cancelled')
    """)).mappings().all()


def embeddings_of(connection: Connection, model_id: int) -> Sequence[RowMapping]:
    """The current embedding of a model on the newest version it has of every dataset, by dataset."""
    return connection.execute(text("""
        SELECT DISTINCT ON (d.name) d.name AS dataset, d.version AS dataset_version, e.n, e.d, e.dtype, e.device_class,
            e.extractor_version, e.library_versions, e.file_sha256, e.job_id AS job, e.created_at
        FROM embeddings e JOIN datasets d ON d.id = e.dataset_id WHERE e.model_id = :model
        ORDER BY d.name, d.version DESC, e.extractor_version DESC, e.device_class DESC, e.id DESC
    """), {"model": model_id}).mappings().all()
