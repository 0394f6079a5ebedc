"""SQL about model sets that somebody named."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, delete, select
from sqlalchemy.dialects.postgresql import insert

from backend.db.tables import model_sets


def list_all(connection: Connection) -> Sequence[RowMapping]:
    """Every set by name."""
    return connection.execute(select(model_sets).order_by(model_sets.c.name)).mappings().all()


def get(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(select(model_sets).where(model_sets.c.name == name)).mappings().one_or_none()


def add(connection: Connection, *, name: str, title: str, predicate: str) -> RowMapping:
    """Adds a set, unless one of that name is there; answers what is there now."""
    connection.execute(
        insert(model_sets).values(name=name, title=title, predicate=predicate).on_conflict_do_nothing()
    )
    return connection.execute(select(model_sets).where(model_sets.c.name == name)).mappings().one()


def remove(connection: Connection, name: str) -> bool:
    """Whether there was such a set."""
    return connection.execute(delete(model_sets).where(model_sets.c.name == name)).rowcount > 0
