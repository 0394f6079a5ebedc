"""Workers as the database sees them."""

from __future__ import annotations

from sqlalchemy import Connection, text


def seen(connection: Connection, name: str, *, started: bool = False) -> None:
    """Notes that a worker lives. `started`: it begins anew, so it is not draining."""
    connection.execute(
        text("""
            INSERT INTO workers (name) VALUES (:name)
            ON CONFLICT (name) DO UPDATE SET seen_at = now(),
                started_at = CASE WHEN :started THEN now() ELSE workers.started_at END,
                draining = CASE WHEN :started THEN false ELSE workers.draining END
        """),
        {"name": name, "started": started},
    )


def drain(connection: Connection, name: str) -> None:
    """Asks a worker's processes to give their jobs back at the next chunk, because it is being stopped."""
    connection.execute(text("UPDATE workers SET draining = true WHERE name = :name"), {"name": name})


def count_alive(connection: Connection, within_s: float = 60.0) -> int:
    return int(connection.execute(
        text("SELECT count(*) FROM workers WHERE seen_at > now() - make_interval(secs => :s) AND NOT draining"),
        {"s": within_s},
    ).scalar_one())
