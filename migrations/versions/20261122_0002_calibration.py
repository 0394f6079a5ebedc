"""What belongs to a similarity beside its value: its null, its interval, both directions; diagnostics of embeddings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261122_0002"
down_revision = "20261122_0001"
branch_labels = None
depends_on = None

QUANTITIES = ("value", "null_mean", "null_sd", "tau", "p", "ci_low", "ci_high")
QUANTITY_KNOWN = "ck_similarity_rows_quantity_known"



def float4(last: str) -> str:
    """Little-endian IEEE 754 binary32 at an index; `last` decodes what is no finite number."""
    return f"""
CREATE OR REPLACE FUNCTION parallax_float4(bytes bytea, index integer) RETURNS real
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH word AS (
        SELECT get_byte(bytes, 4 * index)::bigint | (get_byte(bytes, 4 * index + 1)::bigint << 8)
            | (get_byte(bytes, 4 * index + 2)::bigint << 16) | (get_byte(bytes, 4 * index + 3)::bigint << 24) AS w
    ), parts AS (
        SELECT CASE WHEN w >> 31 = 1 THEN -1 ELSE 1 END AS sign, (w >> 23) & 255 AS exponent, w & 8388607 AS fraction
        FROM word
    )
    SELECT (sign * CASE WHEN exponent = 0 THEN fraction * 2::float8 ^ (-149) {last}
        ELSE (1 + fraction / 8388608::float8) * 2::float8 ^ (exponent - 127) END)::real FROM parts
$$"""


def pairs(way: str, first: str, second: str) -> str:
    """One direction of every pair: from the row's model (`r`) to the column's (`c`), or the other way round."""
    columns = ", ".join(f"parallax_float4({name}.vals, ec.ord) AS {name}" for name in QUANTITIES)
    joins = "\n".join(
        f"LEFT JOIN similarity_rows {name} ON {name}.matrix_id = value.matrix_id AND {name}.ord = value.ord "
        f"AND {name}.quantity = '{name}{way}'"
        for name in QUANTITIES[1:]
    )
    return f"""
SELECT d.name AS dataset, d.version AS dataset_version, m.metric, m.metric_version, m.preprocess, d.n_stimuli AS n,
    m{first}.name AS model_a, m{second}.name AS model_b, e{first}.embedding_id AS embedding_a,
    e{second}.embedding_id AS embedding_b, {columns}
FROM similarity_rows value
JOIN matrices m ON m.id = value.matrix_id
JOIN datasets d ON d.id = m.dataset_id
JOIN matrix_embeddings er ON er.matrix_id = value.matrix_id AND er.ord = value.ord
JOIN matrix_embeddings ec ON ec.matrix_id = value.matrix_id AND ec.ord < value.ord
JOIN models mr ON mr.id = er.model_id
JOIN models mc ON mc.id = ec.model_id
{joins}
WHERE value.quantity = 'value{way}'"""


# Symmetric measures have one row per pair, the others one per direction: `value` is that of model_a with model_b. Two
# halves, so that a condition on a model's name reaches the tables.
PAIRS = f"CREATE VIEW similarity_pairs AS {pairs('', 'r', 'c')} UNION ALL {pairs('.reverse', 'c', 'r')}"

PAIRS_BEFORE = """
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

# How the null was found is known once the first calibrated row comes; nothing else of a matrix ever changes.
GUARD_MATRIX = """
CREATE FUNCTION parallax_guard_matrix() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.recipe IS NULL AND to_jsonb(NEW) - 'recipe' = to_jsonb(OLD) - 'recipe' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'matrices only grows: a recipe is set once, and nothing else is changed or deleted'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER guard_matrix BEFORE UPDATE OR DELETE ON matrices
    FOR EACH ROW EXECUTE FUNCTION parallax_guard_matrix();
"""


def refuse_change(table: str) -> str:
    return (
        f"CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION parallax_refuse_change()"
    )


def upgrade() -> None:
    # An interval may be open: where leaving stimuli out leaves an unbounded measure without a value.
    op.execute(float4("WHEN exponent = 255 THEN 'Infinity'::float8"))
    names = ", ".join(f"'{name}{way}'" for way in ("", ".reverse") for name in QUANTITIES)
    op.drop_constraint(op.f(QUANTITY_KNOWN), "similarity_rows", type_="check")
    op.create_check_constraint(op.f(QUANTITY_KNOWN), "similarity_rows", f"quantity IN ({names})")
    op.add_column(
        "matrices",
        sa.Column(
            "recipe",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="How null and interval of all rows were found; NULL until the first row has them.",
        ),
    )
    op.execute("DROP TRIGGER refuse_change ON matrices")
    op.execute(GUARD_MATRIX)
    op.execute("DROP VIEW similarity_pairs")
    op.execute(PAIRS)
    op.create_table(
        "embedding_diagnostics",
        sa.Column("embedding_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.CheckConstraint(
            "name IN ('participation_ratio', 'effective_rank', 'outlier_dominance')",
            name=op.f("ck_embedding_diagnostics_name_known"),
        ),
        sa.CheckConstraint(
            "value > '-Infinity' AND value < 'Infinity'", name=op.f("ck_embedding_diagnostics_value_finite")
        ),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embeddings.id"], name=op.f("fk_embedding_diagnostics_embedding_id")
        ),
        sa.PrimaryKeyConstraint("embedding_id", "name", name=op.f("pk_embedding_diagnostics")),
    )
    op.execute(refuse_change("embedding_diagnostics"))


def downgrade() -> None:
    """Leaves the values; what the schema before cannot hold is lost and can be computed again."""
    op.execute(float4(""))
    op.drop_table("embedding_diagnostics")
    op.execute("DROP VIEW similarity_pairs")
    op.execute(PAIRS_BEFORE)
    op.execute("DROP TRIGGER guard_matrix ON matrices")
    op.execute("DROP FUNCTION parallax_guard_matrix()")
    op.execute(refuse_change("matrices"))
    op.drop_column("matrices", "recipe")
    op.execute("ALTER TABLE similarity_rows DISABLE TRIGGER refuse_change")
    op.execute("DELETE FROM similarity_rows WHERE quantity <> 'value'")
    op.execute("ALTER TABLE similarity_rows ENABLE TRIGGER refuse_change")
    op.drop_constraint(op.f(QUANTITY_KNOWN), "similarity_rows", type_="check")
    op.create_check_constraint(op.f(QUANTITY_KNOWN), "similarity_rows", "quantity IN ('value')")
