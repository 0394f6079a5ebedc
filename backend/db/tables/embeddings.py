"""Embeddings: one model on one dataset, as a content-addressed file; their diagnostics; chunks of unfinished ones."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from backend.db.tables.metadata import metadata, one_of, sha256
from backend.domain.diagnostics import DIAGNOSTICS

embeddings = Table(
    "embeddings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True, comment="Hash of everything that changes the numbers."),
    Column("model_id", BigInteger, ForeignKey("models.id"), nullable=False),
    Column("dataset_id", BigInteger, nullable=False),
    Column("dataset_hash", Text, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("n", Integer, nullable=False),
    Column("d", Integer, nullable=False),
    Column("dtype", Text, nullable=False),
    Column("batch_size", Integer, nullable=False, comment="Rung of the batch ladder that was used."),
    Column("extractor_version", Integer, nullable=False),
    Column("device_class", Text, nullable=False),
    Column("library_versions", Text, nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(["dataset_id", "dataset_hash"], ["datasets.id", "datasets.dataset_hash"]),
    UniqueConstraint("id", "dataset_hash"),
    UniqueConstraint("id", "model_id"),
    Index("ix_embeddings_current", "dataset_id", "model_id", "extractor_version", "device_class"),
    CheckConstraint("n >= 2 AND d >= 1", name="shape"),
    one_of("device_class", ("cpu", "cuda")),
    one_of("dtype", ("float32",)),
    sha256("key"),
    sha256("file_sha256"),
)

embedding_chunks = Table(
    "embedding_chunks",
    metadata,
    Column("key", Text, primary_key=True, comment="Key of the embedding that is being computed."),
    Column("first_row", Integer, primary_key=True),
    Column("n_rows", Integer, nullable=False),
    Column("file_sha256", Text, nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("first_row >= 0 AND n_rows > 0", name="rows"),
    sha256("file_sha256"),
)

embedding_diagnostics = Table(
    "embedding_diagnostics",
    metadata,
    Column("embedding_id", BigInteger, ForeignKey("embeddings.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Double, nullable=False),
    one_of("name", [name for name, diagnostic in DIAGNOSTICS.items() if not diagnostic.two_towers]),
    CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name="value_finite"),
)

embedding_neighbours = Table(
    "embedding_neighbours",
    metadata,
    Column("embedding_id", BigInteger, ForeignKey("embeddings.id"), primary_key=True),
    Column("k", Integer, nullable=False),
    Column("file_sha256", Text, nullable=False, comment="int32 (n, k): row numbers, the nearest first."),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("k >= 1", name="k_positive"),
    sha256("file_sha256"),
)
