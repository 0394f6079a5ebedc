"""What consistency asks for: neighbours of every stimulus, probes, matrices on fewer stimuli, named model sets."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0003"
down_revision = "20261122_0002"
branch_labels = None
depends_on = None

KINDS = ("ingest", "register", "extract", "compare")
# All but whether the pictures may be shown: a licence may be found out, or understood, later.
FIXED = (
    "id, name, version, title, dataset_hash, archive_sha256, n_stimuli, domain, licence, description, source, "
    "created_at"
)
IMMUTABLE = ("embedding_neighbours", "probes", "subsampled_matrices")


def set_kinds(kinds: tuple[str, ...]) -> None:
    name = op.f("ck_jobs_kind_known")
    op.drop_constraint(name, "jobs", type_="check")
    op.create_check_constraint(name, "jobs", f"kind IN ({', '.join(repr(kind) for kind in kinds)})")


def refuse_change(table: str, columns: str = "") -> str:
    of = f" OF {columns}" if columns else ""
    return (
        f"CREATE TRIGGER refuse_change BEFORE UPDATE{of} OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION parallax_refuse_change()"
    )


def created_at() -> sa.Column:
    return sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    set_kinds((*KINDS, "probe", "subsample"))
    op.add_column(
        "datasets",
        sa.Column(
            "shows_stimuli",
            sa.Boolean(),
            server_default="false",
            nullable=False,
            comment="The licence lets the pictures themselves be shown.",
        ),
    )
    op.execute("DROP TRIGGER refuse_change ON datasets")
    op.execute(refuse_change("datasets", FIXED))
    op.create_table(
        "embedding_neighbours",
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column(
            "file_sha256", sa.Text(), nullable=False, comment="int32 (n, k): row numbers, the nearest first."
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        created_at(),
        sa.CheckConstraint("k >= 1", name=op.f("ck_embedding_neighbours_k_positive")),
        sa.CheckConstraint("file_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_embedding_neighbours_file_sha256_sha256")),
        sa.ForeignKeyConstraint(["embedding_id"], ["embeddings.id"], name=op.f("fk_embedding_neighbours_embedding_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_embedding_neighbours_job_id")),
        sa.PrimaryKeyConstraint("embedding_id", name=op.f("pk_embedding_neighbours")),
    )
    op.create_table(
        "probes",
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "protocol", sa.Integer(), nullable=False, comment="Version of how probes are trained and scored."
        ),
        sa.Column(
            "seed",
            sa.Integer(),
            nullable=False,
            comment="Of the split into training and test stimuli, and of training.",
        ),
        sa.Column("top1", sa.Double(), nullable=False, comment="Test accuracy, 0 to 1."),
        sa.Column("top5", sa.Double(), nullable=False),
        sa.Column("mean_class_recall", sa.Double(), nullable=False),
        sa.Column(
            "recipe",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Split, sizes, and the learning rate and decay that were chosen.",
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        created_at(),
        sa.CheckConstraint("top1 BETWEEN 0 AND 1 AND top5 BETWEEN top1 AND 1", name=op.f("ck_probes_shares")),
        sa.CheckConstraint("mean_class_recall BETWEEN 0 AND 1", name=op.f("ck_probes_recall_share")),
        sa.ForeignKeyConstraint(["embedding_id"], ["embeddings.id"], name=op.f("fk_probes_embedding_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_probes_job_id")),
        sa.PrimaryKeyConstraint("embedding_id", "protocol", "seed", name=op.f("pk_probes")),
    )
    op.create_table(
        "subsampled_matrices",
        sa.Column("matrix_id", sa.BigInteger(), nullable=False),
        sa.Column("divisor", sa.Integer(), nullable=False, comment="One stimulus of so many was used."),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, comment="Number of stimuli that were used."),
        sa.Column("embedding_ids", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column(
            "vals",
            sa.LargeBinary(),
            nullable=False,
            comment="float32, little-endian: the packed lower triangle, itself last in each row; NaN: undefined.",
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        created_at(),
        sa.CheckConstraint("divisor >= 2 AND n >= 2", name=op.f("ck_subsampled_matrices_fewer")),
        sa.CheckConstraint(
            "octet_length(vals) = 2 * cardinality(embedding_ids) * (cardinality(embedding_ids) + 1)",
            name=op.f("ck_subsampled_matrices_vals_length"),
        ),
        sa.ForeignKeyConstraint(["matrix_id"], ["matrices.id"], name=op.f("fk_subsampled_matrices_matrix_id")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_subsampled_matrices_job_id")),
        sa.PrimaryKeyConstraint("matrix_id", "divisor", "seed", "job_id", name=op.f("pk_subsampled_matrices")),
    )
    op.create_table(
        "model_sets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("predicate", sa.Text(), nullable=False, comment="Which models, as links write it."),
        sa.Column("owner", sa.Text(), server_default="local", nullable=False),
        created_at(),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{0,119}$'", name=op.f("ck_model_sets_name_slug")),
        sa.CheckConstraint("predicate <> '' AND title <> ''", name=op.f("ck_model_sets_said")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_model_sets")),
    )
    for table in IMMUTABLE:
        op.execute(refuse_change(table))


def downgrade() -> None:
    """What the schema before cannot hold is lost and can be computed again."""
    for table in ("model_sets", *IMMUTABLE):
        op.drop_table(table)
    op.drop_column("datasets", "shows_stimuli")
    op.execute("DROP TRIGGER refuse_change ON datasets")
    op.execute(refuse_change("datasets"))
    op.execute("DELETE FROM job_requests WHERE job_id IN (SELECT id FROM jobs WHERE kind IN ('probe', 'subsample'))")
    op.execute("DELETE FROM jobs WHERE kind IN ('probe', 'subsample')")
    set_kinds(KINDS)
