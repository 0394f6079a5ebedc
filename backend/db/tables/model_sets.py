"""Model sets that somebody named, so that a link can speak of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, DateTime, Table, Text, func

from backend.db.tables.metadata import metadata
from backend.domain.attributes import SLUG_PATTERN

model_sets = Table(
    "model_sets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("predicate", Text, nullable=False, comment="Which models, as links write it."),
    Column("owner", Text, nullable=False, server_default="local"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint(f"name ~ '^{SLUG_PATTERN}$'", name="name_slug"),
    CheckConstraint("predicate <> '' AND title <> ''", name="said"),
)
