"""Alembic migrations, run by `parallax db upgrade` (backend.db.migrate)."""
