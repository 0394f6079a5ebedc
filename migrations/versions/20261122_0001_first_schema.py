"""Models, datasets, embeddings, similarities, jobs; with the rules that only triggers can keep."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0001"
down_revision = None
branch_labels = None
depends_on = None


FUNCTIONS = """
CREATE FUNCTION parallax_guard_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('succeeded', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'job % is final (%): it cannot change', OLD.id, OLD.state USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.attempt < OLD.attempt THEN
        RAISE EXCEPTION 'the attempt of job % cannot fall', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION parallax_log_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO job_events (job_id, state, attempt, detail)
    VALUES (NEW.id, NEW.state, NEW.attempt, coalesce(
        CASE
            WHEN NEW.state = 'failed' THEN NEW.error ->> 'message'
            WHEN NEW.state = 'running' THEN 'claimed by ' || NEW.worker
            WHEN NEW.state = 'queued' AND TG_OP = 'UPDATE' THEN NEW.progress ->> 'note'
        END, ''));
    RETURN NULL;
END $$;

CREATE FUNCTION parallax_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows: its rows are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION parallax_float4(bytes bytea, index integer) RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    -- Little-endian IEEE 754 binary32 at an index; finite values only, as nothing else is stored.
    WITH word AS (
        SELECT get_byte(bytes, 4 * index)::bigint | (get_byte(bytes, 4 * index + 1)::bigint << 8)
            | (get_byte(bytes, 4 * index + 2)::bigint << 16) | (get_byte(bytes, 4 * index + 3)::bigint << 24) AS w
    ), parts AS (
        SELECT CASE WHEN w >> 31 = 1 THEN -1 ELSE 1 END AS sign, (w >> 23) & 255 AS exponent, w & 8388607 AS fraction
        FROM word
    )
    SELECT (sign * CASE WHEN exponent = 0 THEN fraction * 2::float8 ^ (-149)
        ELSE (1 + fraction / 8388608::float8) * 2::float8 ^ (exponent - 127) END)::real FROM parts
$$;

CREATE TRIGGER guard_job BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION parallax_guard_job();
CREATE TRIGGER log_new_job AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION parallax_log_job();
CREATE TRIGGER log_job AFTER UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.attempt IS DISTINCT FROM NEW.attempt)
    EXECUTE FUNCTION parallax_log_job();

ALTER TABLE similarity_rows ALTER COLUMN vals SET STORAGE EXTERNAL;

CREATE VIEW similarity_pairs AS
SELECT d.name AS dataset, d.version AS dataset_version, m.metric, m.metric_version, m.preprocess, d.n_stimuli AS n,
    a.name AS model_a, b.name AS model_b, ea.embedding_id AS embedding_a, eb.embedding_id AS embedding_b,
    parallax_float4(r.vals, eb.ord) AS value
FROM similarity_rows r
JOIN matrices m ON m.id = r.matrix_id
JOIN datasets d ON d.id = m.dataset_id
JOIN matrix_embeddings ea ON ea.matrix_id = r.matrix_id AND ea.ord = r.ord
JOIN matrix_embeddings eb ON eb.matrix_id = r.matrix_id AND eb.ord < r.ord
JOIN models a ON a.id = ea.model_id
JOIN models b ON b.id = eb.model_id
WHERE r.quantity = 'value';
"""

APPEND_ONLY = ("datasets", "stimuli", "matrices", "matrix_embeddings", "similarity_rows")


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("dataset_hash", sa.Text(), nullable=False),
        sa.Column("archive_sha256", sa.Text(), nullable=False, comment="Zip of the stimuli in the array store."),
        sa.Column("n_stimuli", sa.Integer(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("archive_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_datasets_archive_sha256_sha256")),
        sa.CheckConstraint("dataset_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_datasets_dataset_hash_sha256")),
        sa.CheckConstraint(
            "domain IN ('natural-multi', 'natural-single', 'specialized', 'structured')",
            name=op.f("ck_datasets_domain_known"),
        ),
        sa.CheckConstraint("licence <> ''", name=op.f("ck_datasets_licence_named")),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,119}$'", name=op.f("ck_datasets_name_slug")),
        sa.CheckConstraint("n_stimuli >= 2", name=op.f("ck_datasets_enough_stimuli")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_datasets_version_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
        sa.UniqueConstraint("dataset_hash", name=op.f("uq_datasets_dataset_hash")),
        sa.UniqueConstraint("id", "dataset_hash", name=op.f("uq_datasets_id_dataset_hash")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_datasets_name_version")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("timm_name", sa.Text(), nullable=False),
        sa.Column(
            "config",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="What the loader needs: keyword arguments, checkpoint file, seed.",
        ),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("weights_sha256", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("pooling", sa.Text(), nullable=False),
        sa.Column("preprocessing", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("objective", sa.Text(), nullable=False),
        sa.Column("architecture", sa.Text(), nullable=False),
        sa.Column("training_data", sa.Text(), nullable=False),
        sa.Column("size", sa.Text(), nullable=False),
        sa.Column("n_parameters", sa.BigInteger(), nullable=False),
        sa.Column("embedding_dim", sa.Integer(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "architecture IN ('convolutional', 'transformer', 'other')", name=op.f("ck_models_architecture_known")
        ),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,119}$'", name=op.f("ck_models_name_slug")),
        sa.CheckConstraint(
            "objective IN ('image-text', 'self-supervised', 'supervised', 'untrained', 'other')",
            name=op.f("ck_models_objective_known"),
        ),
        sa.CheckConstraint("revision <> ''", name=op.f("ck_models_revision_pinned")),
        sa.CheckConstraint("size IN ('small', 'medium', 'large', 'xlarge')", name=op.f("ck_models_size_known")),
        sa.CheckConstraint("source IN ('timm', 'checkpoint')", name=op.f("ck_models_source_known")),
        sa.CheckConstraint(
            "training_data IN ('imagenet-1k', 'imagenet-21k', 'large', 'xlarge', 'other')",
            name=op.f("ck_models_training_data_known"),
        ),
        sa.CheckConstraint("weights_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_models_weights_sha256_sha256")),
        sa.CheckConstraint("n_parameters > 0 AND embedding_dim > 0", name=op.f("ck_models_sizes_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", name=op.f("uq_models_name")),
        sa.UniqueConstraint(
            "weights_sha256", "timm_name", "node", "pooling", "preprocessing", name="uq_models_identity"
        ),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "draining",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="Shutting down: its jobs go back to the queue at the next chunk.",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), server_default="local", nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column(
            "request_hash", sa.Text(), nullable=True, comment="Hash of the request that carried the idempotency key."
        ),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("spec", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("spec_hash", sa.Text(), nullable=False, comment="Equal for requests for the same work."),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=True),
        sa.Column("dataset_id", sa.BigInteger(), nullable=True),
        sa.Column("metric", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("result_sha256", sa.Text(), nullable=True),
        sa.Column("error", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'failed') = (error IS NOT NULL)", name=op.f("ck_jobs_error_iff_failed")),
        sa.CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name=op.f("ck_jobs_lease_iff_running")),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)",
            name=op.f("ck_jobs_finished_iff_final"),
        ),
        sa.CheckConstraint("kind IN ('ingest', 'register', 'extract', 'compare')", name=op.f("ck_jobs_kind_known")),
        sa.CheckConstraint(
            "state <> 'succeeded' OR result_sha256 IS NOT NULL", name=op.f("ck_jobs_success_has_result")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_jobs_state_known")
        ),
        sa.CheckConstraint("max_attempts >= 1 AND attempt >= 0", name=op.f("ck_jobs_attempts")),
        sa.ForeignKeyConstraint(["dataset_id"], ["datasets.id"], name=op.f("fk_jobs_dataset_id")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_jobs_model_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["jobs.id"], name=op.f("fk_jobs_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("owner", "idempotency_key", name=op.f("uq_jobs_owner_idempotency_key")),
    )
    op.create_index(
        "ix_jobs_claim",
        "jobs",
        ["queue", "priority", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_jobs_past_comparisons", "jobs", ["dataset_id", "metric", "id"], unique=False,
        postgresql_where=sa.text("kind = 'compare' AND state = 'succeeded'"),
    )
    op.create_index(
        "ix_jobs_running", "jobs", ["lease_until"], unique=False, postgresql_where=sa.text("state = 'running'")
    )
    op.create_index(
        "ix_jobs_unfinished_extractions",
        "jobs",
        ["dataset_id"],
        unique=False,
        postgresql_where=sa.text("kind = 'extract' AND state IN ('queued', 'running')"),
    )
    op.create_index(
        "uq_jobs_queued_spec", "jobs", ["spec_hash"],
        unique=True, postgresql_where=sa.text("state = 'queued' AND attempt = 0")
    )
    op.create_table(
        "matrices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_hash", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False, comment="Canonical id, parameters included."),
        sa.Column("metric_version", sa.Integer(), nullable=False),
        sa.Column("preprocess", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id", "dataset_hash"],
            ["datasets.id", "datasets.dataset_hash"],
            name=op.f("fk_matrices_dataset_id_dataset_hash"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matrices")),
        sa.UniqueConstraint(
            "dataset_id",
            "metric",
            "metric_version",
            "preprocess",
            name=op.f("uq_matrices_dataset_id_metric_metric_version_preprocess"),
        ),
        sa.UniqueConstraint("id", "dataset_hash", name=op.f("uq_matrices_id_dataset_hash")),
    )
    op.create_table(
        "stimuli",
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False, comment="Row of every embedding on this dataset, from 0."),
        sa.Column("stimulus_id", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False, comment="Name inside the archive."),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column(
            "group",
            sa.Text(),
            nullable=True,
            comment="Stimuli of one group (patches of one picture) are resampled together.",
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_stimuli_sha256_sha256")),
        sa.CheckConstraint("ord >= 0", name=op.f("ck_stimuli_ord_from_zero")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_stimuli_dataset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("dataset_id", "ord", name=op.f("pk_stimuli")),
        sa.UniqueConstraint("dataset_id", "stimulus_id", name=op.f("uq_stimuli_dataset_id_stimulus_id")),
    )
    op.create_table(
        "embedding_chunks",
        sa.Column("key", sa.Text(), nullable=False, comment="Key of the embedding that is being computed."),
        sa.Column("first_row", sa.Integer(), nullable=False),
        sa.Column("n_rows", sa.Integer(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("file_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_embedding_chunks_file_sha256_sha256")),
        sa.CheckConstraint("first_row >= 0 AND n_rows > 0", name=op.f("ck_embedding_chunks_rows")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_embedding_chunks_job_id")),
        sa.PrimaryKeyConstraint("key", "first_row", name=op.f("pk_embedding_chunks")),
    )
    op.create_table(
        "embeddings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False, comment="Hash of everything that changes the numbers."),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_hash", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("d", sa.Integer(), nullable=False),
        sa.Column("dtype", sa.Text(), nullable=False),
        sa.Column("batch_size", sa.Integer(), nullable=False, comment="Rung of the batch ladder that was used."),
        sa.Column("extractor_version", sa.Integer(), nullable=False),
        sa.Column("device_class", sa.Text(), nullable=False),
        sa.Column("library_versions", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("device_class IN ('cpu', 'cuda')", name=op.f("ck_embeddings_device_class_known")),
        sa.CheckConstraint("dtype IN ('float32')", name=op.f("ck_embeddings_dtype_known")),
        sa.CheckConstraint("file_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_embeddings_file_sha256_sha256")),
        sa.CheckConstraint("key ~ '^[0-9a-f]{64}$'", name=op.f("ck_embeddings_key_sha256")),
        sa.CheckConstraint("n >= 2 AND d >= 1", name=op.f("ck_embeddings_shape")),
        sa.ForeignKeyConstraint(
            ["dataset_id", "dataset_hash"],
            ["datasets.id", "datasets.dataset_hash"],
            name=op.f("fk_embeddings_dataset_id_dataset_hash"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_embeddings_job_id")),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name=op.f("fk_embeddings_model_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embeddings")),
        sa.UniqueConstraint("id", "dataset_hash", name=op.f("uq_embeddings_id_dataset_hash")),
        sa.UniqueConstraint("id", "model_id", name=op.f("uq_embeddings_id_model_id")),
        sa.UniqueConstraint("key", name=op.f("uq_embeddings_key")),
    )
    op.create_index(
        "ix_embeddings_current",
        "embeddings",
        ["dataset_id", "model_id", "extractor_version", "device_class"],
        unique=False,
    )
    op.create_table(
        "job_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_job_events_state_known"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_events_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
    )
    op.create_index("ix_job_events_job_id", "job_events", ["job_id", "id"], unique=False)
    op.create_table(
        "job_requests",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_requests_job_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["jobs.id"], name=op.f("fk_job_requests_requested_by")),
        sa.PrimaryKeyConstraint("job_id", "requested_by", name=op.f("pk_job_requests")),
    )
    op.create_index("ix_job_requests_requested_by", "job_requests", ["requested_by"], unique=False)
    op.create_table(
        "matrix_embeddings",
        sa.Column("matrix_id", sa.BigInteger(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_hash", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ord >= 0", name=op.f("ck_matrix_embeddings_ord_from_zero")),
        sa.ForeignKeyConstraint(
            ["embedding_id", "dataset_hash"],
            ["embeddings.id", "embeddings.dataset_hash"],
            name=op.f("fk_matrix_embeddings_embedding_id_dataset_hash"),
        ),
        sa.ForeignKeyConstraint(
            ["embedding_id", "model_id"],
            ["embeddings.id", "embeddings.model_id"],
            name=op.f("fk_matrix_embeddings_embedding_id_model_id"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_matrix_embeddings_job_id")),
        sa.ForeignKeyConstraint(
            ["matrix_id", "dataset_hash"],
            ["matrices.id", "matrices.dataset_hash"],
            name=op.f("fk_matrix_embeddings_matrix_id_dataset_hash"),
        ),
        sa.PrimaryKeyConstraint("matrix_id", "ord", name=op.f("pk_matrix_embeddings")),
        sa.UniqueConstraint("matrix_id", "embedding_id", name=op.f("uq_matrix_embeddings_matrix_id_embedding_id")),
    )
    op.create_table(
        "similarity_gaps",
        sa.Column("matrix_id", sa.BigInteger(), nullable=False),
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("dataset_hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["embedding_id", "dataset_hash"],
            ["embeddings.id", "embeddings.dataset_hash"],
            name=op.f("fk_similarity_gaps_embedding_id_dataset_hash"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_similarity_gaps_job_id")),
        sa.ForeignKeyConstraint(
            ["matrix_id", "dataset_hash"],
            ["matrices.id", "matrices.dataset_hash"],
            name=op.f("fk_similarity_gaps_matrix_id_dataset_hash"),
        ),
        sa.PrimaryKeyConstraint("matrix_id", "embedding_id", name=op.f("pk_similarity_gaps")),
    )
    op.create_table(
        "similarity_rows",
        sa.Column("matrix_id", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Text(), nullable=False),
        sa.Column("ord", sa.Integer(), nullable=False),
        sa.Column("vals", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("quantity IN ('value')", name=op.f("ck_similarity_rows_quantity_known")),
        sa.CheckConstraint("octet_length(vals) = 4 * (ord + 1)", name=op.f("ck_similarity_rows_vals_length")),
        sa.ForeignKeyConstraint(
            ["matrix_id", "ord"],
            ["matrix_embeddings.matrix_id", "matrix_embeddings.ord"],
            name=op.f("fk_similarity_rows_matrix_id_ord"),
        ),
        sa.PrimaryKeyConstraint("matrix_id", "quantity", "ord", name=op.f("pk_similarity_rows")),
    )
    op.execute(FUNCTIONS)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION parallax_refuse_change()"
        )


def downgrade() -> None:
    op.execute("DROP VIEW similarity_pairs")
    op.drop_table("similarity_rows")
    op.drop_table("similarity_gaps")
    op.drop_table("matrix_embeddings")
    op.drop_index("ix_job_requests_requested_by", table_name="job_requests")
    op.drop_table("job_requests")
    op.drop_index("ix_job_events_job_id", table_name="job_events")
    op.drop_table("job_events")
    op.drop_index("ix_embeddings_current", table_name="embeddings")
    op.drop_table("embeddings")
    op.drop_table("embedding_chunks")
    op.drop_table("stimuli")
    op.drop_table("matrices")
    op.drop_index("uq_jobs_queued_spec", table_name="jobs", postgresql_where=sa.text("state = 'queued'"))
    op.drop_index(
        "ix_jobs_unfinished_extractions",
        table_name="jobs",
        postgresql_where=sa.text("kind = 'extract' AND state IN ('queued', 'running')"),
    )
    op.drop_index("ix_jobs_running", table_name="jobs", postgresql_where=sa.text("state = 'running'"))
    op.drop_index(
        "ix_jobs_past_comparisons", table_name="jobs",
        postgresql_where=sa.text("kind = 'compare' AND state = 'succeeded'"),
    )
    op.drop_index("ix_jobs_claim", table_name="jobs", postgresql_where=sa.text("state = 'queued'"))
    op.drop_table("jobs")
    op.drop_table("workers")
    op.drop_table("models")
    op.drop_table("datasets")
    op.execute(
        "DROP FUNCTION parallax_guard_job(), parallax_log_job(), parallax_refuse_change(), "
        "parallax_float4(bytea, integer)"
    )
