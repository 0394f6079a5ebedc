"""SQL about datasets and their stimuli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from backend.db.tables import datasets, stimuli

# Counted per row that is answered: only the stimuli of those datasets are read.
SUMMARY = select(
    datasets,
    select(func.count(stimuli.c.label.distinct())).where(stimuli.c.dataset_id == datasets.c.id).scalar_subquery()
    .label("n_labels"),
    select(func.count(stimuli.c.group.distinct())).where(stimuli.c.dataset_id == datasets.c.id).scalar_subquery()
    .label("n_groups"),
)


def add(connection: Connection, values: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> int:
    """Adds a version of a dataset with its stimuli in order; answers its id. Content that is there already under the
    same name and version stays as it is, but for whether its pictures may be shown, which may be found out later.
    Raises sqlalchemy.exc.IntegrityError if it clashes with another dataset."""
    created = connection.execute(
        upsert(datasets).values(dict(values)).on_conflict_do_nothing(constraint="uq_datasets_dataset_hash")
        .returning(datasets.c.id)
    ).scalar()
    if created is None:
        return int(connection.execute(
            datasets.update().where(datasets.c.dataset_hash == values["dataset_hash"])
            .values(shows_stimuli=values.get("shows_stimuli", False)).returning(datasets.c.id)
        ).scalar_one())
    connection.execute(insert(stimuli), [{"dataset_id": created, "ord": i, **row} for i, row in enumerate(rows)])
    return int(created)


def get(connection: Connection, reference: str) -> RowMapping | None:
    """A dataset by `name` (its newest version) or `name@version`."""
    name, _, version = reference.partition("@")
    query = SUMMARY.where(datasets.c.name == name)
    if version:
        if not version.isascii() or not version.isdigit() or len(version) > 6:
            return None
        query = query.where(datasets.c.version == int(version))
    return connection.execute(query.order_by(datasets.c.version.desc()).limit(1)).mappings().one_or_none()


def most_embedded(connection: Connection, name: str) -> RowMapping | None:
    """The version of a dataset that most models were embedded on, the newest among equals."""
    return connection.execute(
        text("""
            SELECT d.* FROM datasets d WHERE d.name = :name ORDER BY
                (SELECT count(DISTINCT e.model_id) FROM embeddings e WHERE e.dataset_id = d.id) DESC, d.version DESC
            LIMIT 1
        """),
        {"name": name},
    ).mappings().one_or_none()


def get_by_id(connection: Connection, dataset_id: int) -> RowMapping | None:
    return connection.execute(select(datasets).where(datasets.c.id == dataset_id)).mappings().one_or_none()


def get_by_hash(connection: Connection, dataset_hash: str) -> RowMapping | None:
    return connection.execute(
        select(datasets).where(datasets.c.dataset_hash == dataset_hash)
    ).mappings().one_or_none()


def list_page(
    connection: Connection, *, limit: int, after: tuple[str, int] | None
) -> tuple[Sequence[RowMapping], int]:
    """Datasets by name and version, and how many there are."""
    query = SUMMARY.order_by(datasets.c.name, datasets.c.version).limit(limit)
    if after is not None:
        query = query.where(text("(datasets.name, datasets.version) > (:name, :version)")).params(
            name=after[0], version=after[1]
        )
    total = connection.execute(select(func.count()).select_from(datasets)).scalar_one()
    return connection.execute(query).mappings().all(), int(total)


def domains(connection: Connection) -> dict[str, str]:
    """Name of every dataset -> domain of its newest version, by name."""
    rows = connection.execute(select(datasets.c.name, datasets.c.domain).order_by(datasets.c.name, datasets.c.version))
    return {row.name: row.domain for row in rows}


def list_names(connection: Connection) -> list[str]:
    return list(connection.execute(select(datasets.c.name).distinct().order_by(datasets.c.name)).scalars())


def list_stimuli(
    connection: Connection, dataset_id: int, *, limit: int | None = None, after: int = -1
) -> Sequence[RowMapping]:
    """Stimuli in the order of the manifest."""
    query = (
        select(stimuli).where(stimuli.c.dataset_id == dataset_id, stimuli.c.ord > after).order_by(stimuli.c.ord)
    )
    return connection.execute(query.limit(limit) if limit else query).mappings().all()


def get_stimuli(connection: Connection, dataset_id: int, rows: Sequence[int]) -> dict[int, RowMapping]:
    """Stimuli of these rows by their row; those that do not exist are left out."""
    found = connection.execute(
        select(stimuli).where(stimuli.c.dataset_id == dataset_id, stimuli.c.ord.in_(list(rows)))
    ).mappings()
    return {row["ord"]: row for row in found}


def stimulus_labels(connection: Connection, dataset_id: int) -> list[str | None]:
    """The label of every stimulus, in the order of the manifest."""
    return list(connection.execute(
        select(stimuli.c.label).where(stimuli.c.dataset_id == dataset_id).order_by(stimuli.c.ord)
    ).scalars())


def stimulus_groups(connection: Connection, dataset_id: int) -> list[str | None]:
    """The group of every stimulus, in the order of the manifest; None for one that stands alone."""
    return list(connection.execute(
        select(stimuli.c.group).where(stimuli.c.dataset_id == dataset_id).order_by(stimuli.c.ord)
    ).scalars())
