"""Models: networks at a pinned revision, with the node and pooling they are read at."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from backend.db.tables.metadata import metadata, one_of, sha256
from backend.domain.attributes import ARCHITECTURES, OBJECTIVES, SIZES, SLUG_PATTERN, TRAINING_DATA

models = Table(
    "models",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("timm_name", Text, nullable=False),
    Column("config", JSONB, nullable=False, comment="What the loader needs: keyword arguments, checkpoint file, seed."),
    Column("revision", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("node", Text, nullable=False),
    Column("pooling", Text, nullable=False),
    Column("preprocessing", JSONB, nullable=False),
    Column("objective", Text, nullable=False),
    Column("architecture", Text, nullable=False),
    Column("training_data", Text, nullable=False),
    Column("size", Text, nullable=False),
    Column("n_parameters", BigInteger, nullable=False),
    Column("embedding_dim", Integer, nullable=False),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # The same network read at the same place is the same model, whatever it is called.
    UniqueConstraint("weights_sha256", "timm_name", "node", "pooling", "preprocessing", name="uq_models_identity"),
    CheckConstraint(f"name ~ '^{SLUG_PATTERN}$'", name="name_slug"),
    one_of("source", ("timm", "checkpoint")),
    one_of("objective", list(OBJECTIVES)),
    one_of("architecture", list(ARCHITECTURES)),
    one_of("training_data", list(TRAINING_DATA)),
    one_of("size", list(SIZES)),
    sha256("weights_sha256"),
    CheckConstraint("n_parameters > 0 AND embedding_dim > 0", name="sizes_positive"),
    CheckConstraint("revision <> ''", name="revision_pinned"),
)
