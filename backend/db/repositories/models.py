"""SQL about models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select
from sqlalchemy.dialects.postgresql import insert

from backend.db.tables import models


def add(connection: Connection, values: Mapping[str, Any]) -> tuple[int, str]:
    """Adds a model; answers (id, name). If the same network read at the same place exists, answers that one.

    Raises sqlalchemy.exc.IntegrityError if the name belongs to another network.
    """
    created = connection.execute(
        insert(models).values(dict(values)).on_conflict_do_nothing(constraint="uq_models_identity")
        .returning(models.c.id, models.c.name)
    ).one_or_none()
    if created is None:
        identity = (models.c.weights_sha256, models.c.timm_name, models.c.node, models.c.pooling,
                    models.c.preprocessing)
        created = connection.execute(
            select(models.c.id, models.c.name).where(*[column == values[column.name] for column in identity])
        ).one()
    return int(created.id), str(created.name)


def get(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(select(models).where(models.c.name == name)).mappings().one_or_none()


def get_by_id(connection: Connection, model_id: int) -> RowMapping | None:
    return connection.execute(select(models).where(models.c.id == model_id)).mappings().one_or_none()


def get_many(connection: Connection, ids: Sequence[int]) -> Sequence[RowMapping]:
    return connection.execute(select(models).where(models.c.id.in_(list(ids)))).mappings().all()


def list_page(connection: Connection, *, limit: int, after: str | None) -> tuple[Sequence[RowMapping], int]:
    """Models by name, and how many there are."""
    query = select(models).order_by(models.c.name).limit(limit)
    if after is not None:
        query = query.where(models.c.name > after)
    total = connection.execute(select(func.count()).select_from(models)).scalar_one()
    return connection.execute(query).mappings().all(), int(total)


def list_names(connection: Connection) -> list[str]:
    return list(connection.execute(select(models.c.name).order_by(models.c.name)).scalars())


def list_described(connection: Connection) -> Sequence[RowMapping]:
    """What predicates ask of every model, by name: where it comes from, its attributes and tags."""
    said = ("name", "source", "timm_name", "objective", "architecture", "training_data", "size", "tags")
    return connection.execute(select(*[models.c[name] for name in said]).order_by(models.c.name)).mappings().all()
