"""Datasets and their ordered stimuli. A version never changes: a trigger refuses updates."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    func,
)

from backend.db.tables.metadata import metadata, one_of, sha256
from backend.domain.attributes import DOMAINS, SLUG_PATTERN

datasets = Table(
    "datasets",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("dataset_hash", Text, nullable=False, unique=True),
    Column("archive_sha256", Text, nullable=False, comment="Zip of the stimuli in the array store."),
    Column("n_stimuli", Integer, nullable=False),
    Column("domain", Text, nullable=False),
    Column("licence", Text, nullable=False),
    Column("shows_stimuli", Boolean, nullable=False, server_default="false",
           comment="The licence lets the pictures themselves be shown."),
    Column("description", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default=""),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    UniqueConstraint("name", "version"),
    # Target of the composite foreign keys that keep embeddings of different datasets apart.
    UniqueConstraint("id", "dataset_hash"),
    CheckConstraint(f"name ~ '^{SLUG_PATTERN}$'", name="name_slug"),
    CheckConstraint("version >= 1", name="version_positive"),
    CheckConstraint("n_stimuli >= 2", name="enough_stimuli"),
    CheckConstraint("licence <> ''", name="licence_named"),
    one_of("domain", list(DOMAINS)),
    sha256("dataset_hash"),
    sha256("archive_sha256"),
)

stimuli = Table(
    "stimuli",
    metadata,
    Column("dataset_id", BigInteger, ForeignKey("datasets.id", ondelete="CASCADE"), primary_key=True),
    Column("ord", Integer, primary_key=True, comment="Row of every embedding on this dataset, from 0."),
    Column("stimulus_id", Text, nullable=False),
    Column("file", Text, nullable=False, comment="Name inside the archive."),
    Column("sha256", Text, nullable=False),
    Column("label", Text),
    Column("group", Text, comment="Stimuli of one group (patches of one picture) are resampled together."),
    UniqueConstraint("dataset_id", "stimulus_id"),
    CheckConstraint("ord >= 0", name="ord_from_zero"),
    sha256("sha256"),
)
