"""Alembic's environment: one transaction per run, under an advisory lock so that two starts do not collide."""

from alembic import context
from sqlalchemy import create_engine, text

from backend.db.tables import metadata

LOCK = 7_352_001  # any number that nothing else in this database uses

engine = create_engine(context.config.attributes["database_url"])
try:
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.configure(connection=connection, target_metadata=metadata, compare_server_default=True)
        with context.begin_transaction():
            context.run_migrations()
finally:
    engine.dispose()
