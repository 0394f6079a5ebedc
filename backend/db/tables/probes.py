"""Linear probes: how well the labels of a dataset can be read from an embedding."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    Table,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db.tables.metadata import metadata

probes = Table(
    "probes",
    metadata,
    Column("embedding_id", BigInteger, ForeignKey("embeddings.id"), primary_key=True),
    Column("protocol", Integer, primary_key=True, comment="Version of how probes are trained and scored."),
    Column("seed", Integer, primary_key=True, comment="Of the split into training and test stimuli, and of training."),
    Column("top1", Double, nullable=False, comment="Test accuracy, 0 to 1."),
    Column("top5", Double, nullable=False),
    Column("mean_class_recall", Double, nullable=False),
    Column("recipe", JSONB, nullable=False, comment="Split, sizes, and the learning rate and decay that were chosen."),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("top1 BETWEEN 0 AND 1 AND top5 BETWEEN top1 AND 1", name="shares"),
    CheckConstraint("mean_class_recall BETWEEN 0 AND 1", name="recall_share"),
)
