"""Similarities: matrices that only ever grow by rows.

A matrix has an ordered list of embeddings; row `ord` of a quantity (backend.domain.quantities) holds what belongs to
embedding `ord` and each of the embeddings 0..ord as little-endian float32, itself last. The rows in order are the
packed lower triangle, so adding a model is one insert per quantity and nothing is rewritten. A measure that is not
symmetric has a second row of each quantity for the other direction. An embedding for which the metric is undefined has
a gap with its reason instead.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.db.tables.metadata import metadata, one_of
from backend.domain.quantities import REVERSE, STORED

matrices = Table(
    "matrices",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("dataset_id", BigInteger, nullable=False),
    Column("dataset_hash", Text, nullable=False),
    Column("metric", Text, nullable=False, comment="Canonical id, parameters included."),
    Column("metric_version", Integer, nullable=False),
    Column("preprocess", Text, nullable=False),
    Column(
        "recipe", JSONB(none_as_null=True),
        comment="How null and interval of all rows were found; NULL until the first row has them.",
    ),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    ForeignKeyConstraint(["dataset_id", "dataset_hash"], ["datasets.id", "datasets.dataset_hash"]),
    UniqueConstraint("dataset_id", "metric", "metric_version", "preprocess"),
    UniqueConstraint("id", "dataset_hash"),
)

matrix_embeddings = Table(
    "matrix_embeddings",
    metadata,
    Column("matrix_id", BigInteger, primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("embedding_id", BigInteger, nullable=False),
    Column("model_id", BigInteger, nullable=False),
    Column("dataset_hash", Text, nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("matrix_id", "embedding_id"),
    # Both ends carry the dataset hash, so that embeddings of different datasets cannot meet in one matrix.
    ForeignKeyConstraint(["matrix_id", "dataset_hash"], ["matrices.id", "matrices.dataset_hash"]),
    ForeignKeyConstraint(["embedding_id", "dataset_hash"], ["embeddings.id", "embeddings.dataset_hash"]),
    ForeignKeyConstraint(["embedding_id", "model_id"], ["embeddings.id", "embeddings.model_id"]),
    CheckConstraint("ord >= 0", name="ord_from_zero"),
)

similarity_rows = Table(
    "similarity_rows",
    metadata,
    Column("matrix_id", BigInteger, primary_key=True),
    Column("quantity", Text, primary_key=True),
    Column("ord", Integer, primary_key=True),
    Column("vals", LargeBinary, nullable=False),
    ForeignKeyConstraint(["matrix_id", "ord"], ["matrix_embeddings.matrix_id", "matrix_embeddings.ord"]),
    one_of("quantity", [name + way for way in ("", REVERSE) for name in STORED]),
    CheckConstraint("octet_length(vals) = 4 * (ord + 1)", name="vals_length"),
)

similarity_gaps = Table(
    "similarity_gaps",
    metadata,
    Column("matrix_id", BigInteger, primary_key=True),
    Column("embedding_id", BigInteger, primary_key=True),
    Column("dataset_hash", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    ForeignKeyConstraint(["matrix_id", "dataset_hash"], ["matrices.id", "matrices.dataset_hash"]),
    ForeignKeyConstraint(["embedding_id", "dataset_hash"], ["embeddings.id", "embeddings.dataset_hash"]),
)

# The same matrix computed on fewer stimuli, which says how far its values depend on their number. A later job's, with
# more embeddings, stands beside those of before, and the latest counts.
subsampled_matrices = Table(
    "subsampled_matrices",
    metadata,
    Column("matrix_id", BigInteger, ForeignKey("matrices.id"), primary_key=True),
    Column("divisor", Integer, primary_key=True, comment="One stimulus of so many was used."),
    Column("seed", Integer, primary_key=True),
    Column("n", Integer, nullable=False, comment="Number of stimuli that were used."),
    Column("embedding_ids", ARRAY(BigInteger), nullable=False),
    Column("vals", LargeBinary, nullable=False,
           comment="float32, little-endian: the packed lower triangle, itself last in each row; NaN: undefined."),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    CheckConstraint("divisor >= 2 AND n >= 2", name="fewer"),
    CheckConstraint(
        "octet_length(vals) = 2 * cardinality(embedding_ids) * (cardinality(embedding_ids) + 1)", name="vals_length"
    ),
)
