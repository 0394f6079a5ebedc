"""Jobs, their history, and the workers that run them. Postgres decides everything; the broker only wakes workers."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from backend.db.tables.metadata import metadata, one_of
from backend.domain.jobs import KINDS, STATES

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("owner", Text, nullable=False, server_default="local"),
    Column("idempotency_key", Text),
    Column("request_hash", Text, comment="Hash of the request that carried the idempotency key."),
    Column("parent_id", BigInteger, ForeignKey("jobs.id")),
    Column("spec", JSONB, nullable=False),
    Column("spec_hash", Text, nullable=False, comment="Equal for requests for the same work."),
    Column("title", Text, nullable=False),
    Column("model_id", BigInteger, ForeignKey("models.id")),
    Column("dataset_id", BigInteger, ForeignKey("datasets.id")),
    Column("metric", Text),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("priority", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("max_attempts", Integer, nullable=False),
    Column("not_before", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("lease_until", DateTime(timezone=True)),
    Column("worker", Text),
    Column("cancel_requested", Boolean, nullable=False, server_default="false"),
    Column("progress", JSONB, nullable=False, server_default="{}"),
    Column("result_sha256", Text),
    Column("error", JSONB),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    UniqueConstraint("owner", "idempotency_key"),
    one_of("kind", KINDS),
    one_of("state", STATES),
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease_iff_running"),
    CheckConstraint(
        "(state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)", name="finished_iff_final"
    ),
    CheckConstraint("state <> 'succeeded' OR result_sha256 IS NOT NULL", name="success_has_result"),
    CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name="error_iff_failed"),
    CheckConstraint("max_attempts >= 1 AND attempt >= 0", name="attempts"),
    # A request for work that is already queued joins it; one that comes while it runs queues anew. A job that went back
    # to the queue does not count: it can always go back, and whichever runs second finds nothing left to do.
    Index("uq_jobs_queued_spec", "spec_hash", unique=True, postgresql_where=text("state = 'queued' AND attempt = 0")),
    Index("ix_jobs_claim", "queue", "priority", "id", postgresql_where=text("state = 'queued'")),
    Index("ix_jobs_running", "lease_until", postgresql_where=text("state = 'running'")),
    Index("ix_jobs_unfinished_extractions", "dataset_id",
          postgresql_where=text("kind = 'extract' AND state IN ('queued', 'running')")),
    Index(
        "ix_jobs_past_comparisons", "dataset_id", "metric", "id",
        postgresql_where=text("kind = 'compare' AND state = 'succeeded'"),
    ),
)

# Which submissions want a job: the one that opened it and those that joined it. A job is cancelled with a submission
# only if no other one still wants it.
job_requests = Table(
    "job_requests",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id"), primary_key=True),
    Column("requested_by", BigInteger, ForeignKey("jobs.id"), primary_key=True),
    Column("withdrawn", Boolean, nullable=False, server_default="false"),
    Index("ix_job_requests_requested_by", "requested_by"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_job_events_job_id", "job_id", "id"),
    one_of("state", STATES),
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("seen_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("draining", Boolean, nullable=False, server_default="false",
           comment="Shutting down: its jobs go back to the queue at the next chunk."),
)
