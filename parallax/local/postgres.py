"""A real Postgres of this data folder's own, on loopback, as a child of the supervisor.

Postgres refuses to run as root, so as root it runs as an unprivileged account. That account must be able to
reach the cluster and the programs. Where it cannot (a data folder or an environment under root's own home),
they lie in a folder of their own that it can reach; the data folder remembers which. The mode of a folder
that is not ours is never changed."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from backend.domain.errors import NotAvailable
from parallax.local import processes
from parallax.local.binaries import PostgresBinaries, find_postgres
from parallax.local.home import Home
from parallax.local.ports import HOST, free_port

PREFERRED_PORT = 54321
ROLE = DATABASE = "parallax"
# Where a cluster goes when its account cannot reach the data folder. Old files are swept out of /var/tmp
# after a month on many systems, so it is the second choice.
SHARED_FOLDERS = (Path("/var/lib"), Path("/var/tmp"))
STOP_SIGNAL = signal.SIGINT  # "fast": sessions are ended, everything is written
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "64MB",
    "max_connections": "80",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is tiny in many containers
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A cluster that is ready to be started. `user`: the account it runs as; None: ourselves."""

    binaries: Path
    cluster: Path
    port: int
    password: str = field(repr=False)
    user: pwd.struct_passwd | None
    settings: tuple[tuple[str, str], ...] = tuple(SETTINGS.items())

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql+psycopg://{ROLE}:{self.password}@{HOST}:{self.port}/{database}"

    @property
    def argv(self) -> list[str]:
        options = [part for name, value in self.settings for part in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.cluster), "-p", str(self.port), *options]

    def answers(self) -> bool:
        """Whether it takes connections now."""
        import psycopg

        try:
            with psycopg.connect(self._dsn("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False

    def create_database(self, name: str = DATABASE, template: str | None = None) -> None:
        """Makes a database if there is none of that name, as a copy of `template` if one is given."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self._dsn("postgres"), autocommit=True, connect_timeout=5) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
            if template:
                command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
            connection.execute(command)

    def drop_database(self, name: str) -> None:
        """Removes a database, ending whoever uses it."""
        import psycopg
        from psycopg import sql

        with psycopg.connect(self._dsn("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _dsn(self, database: str) -> str:
        return self.url_of(database).replace("+psycopg", "", 1)

    def clear_leftovers(self, patience_s: float = 20.0) -> None:
        """Makes the cluster startable after a crash: ends a server of ours that is still there, and removes
        the pid file of one that is gone, even when its number now belongs to some other program."""
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return
        if self._is_ours(pid):
            for stop in (STOP_SIGNAL, signal.SIGQUIT):
                with suppress(ProcessLookupError):
                    os.kill(pid, stop)
                if processes.wait_gone(pid, patience_s / 2):
                    break
            else:
                raise NotAvailable(
                    f"A Postgres of an earlier run (process {pid}) does not stop and holds {self.cluster}.",
                    f"End it with: kill -9 {pid}",
                )
        pid_file.unlink(missing_ok=True)

    def _is_ours(self, pid: int) -> bool:
        return processes.is_alive(pid) and str(self.cluster) in processes.command_of(pid)


def prepare(
    home: Home,
    preferred_port: int = PREFERRED_PORT,
    origin: str | None = None,
    settings: dict[str, str] | None = None,
) -> EmbeddedPostgres:
    """The data folder's Postgres, its cluster made if there is none (about a second). Raises NotAvailable
    with the reason when it cannot be. `settings` replace or extend SETTINGS; `origin`: only `system` or
    `wheel` programs."""
    user = processes.unprivileged_user()
    place = _place(home, user)
    cluster = place / "data"
    binaries = _reachable(find_postgres(_major_of(cluster), origin), place, user)
    password = home.secret("postgres")
    if _major_of(cluster) is None:
        _initialise(binaries, cluster, password, user)
    server = EmbeddedPostgres(binaries, cluster, 0, password, user, tuple((SETTINGS | (settings or {})).items()))
    server.clear_leftovers()
    # The port is chosen last: a server left over from an earlier run may just have given it back.
    return EmbeddedPostgres(binaries, cluster, free_port(preferred_port), password, user, server.settings)


@contextmanager
def running(server: EmbeddedPostgres, log: Path) -> Iterator[EmbeddedPostgres]:
    """Runs the server while the block lasts (tests, one-off commands). Raises NotAvailable when it does not come up."""
    with log.open("ab") as output:
        process = processes.start(
            server.argv, log=output, user=server.user, cwd=server.cluster.parent, death_signal=signal.SIGQUIT
        )
    try:
        deadline = time.monotonic() + 30
        while not server.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotAvailable(f"Postgres did not start: {last_lines(log)}", f"Its log is {log}.")
            time.sleep(0.05)
        yield server
    finally:
        processes.stop(process, STOP_SIGNAL)


def last_lines(log: Path, lines: int = 3) -> str:
    """The end of a log, for a message."""
    with suppress(OSError):
        return " / ".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    return ""


def _place(home: Home, user: pwd.struct_passwd | None) -> Path:
    """The folder that holds the cluster: in the data folder, else one that the server's account can reach."""
    remembered = home.recall("postgres_folder")
    inside = home.folder / "postgres"
    if remembered is None:
        inside.mkdir(exist_ok=True)
        place = inside if user is None or processes.can_enter(inside, user) else _shared_place()
        if place != inside:
            inside.rmdir()
        home.remember("postgres_folder", "postgres" if place == inside else str(place))
    else:
        place = home.folder / remembered  # An absolute path stays as it is.
    if not place.is_dir():
        raise NotAvailable(
            f"The database of {home.folder} lay in {place}, which is gone.",
            "Bring that folder back, or start with a new data folder (--home).",
        )
    if user is not None and not processes.can_enter(place, user):
        raise NotAvailable(
            f"The database in {place} cannot be reached by the account {user.pw_name}, which it runs as.",
            "Give that account access to the folders above it, or use a data folder elsewhere (--home).",
        )
    return place


def _shared_place() -> Path:
    for folder in SHARED_FOLDERS:
        place = folder / f"parallax-{secrets.token_hex(4)}"
        with suppress(OSError):
            place.mkdir(mode=0o755)
            place.chmod(0o755)  # whatever the umask says: the account must pass through
            return place
    raise NotAvailable(
        "There is no folder for the database that an unprivileged account can reach.",
        "Run as an ordinary user, or use a data folder outside root's home (--home /srv/parallax).",
    )


def _reachable(found: PostgresBinaries, place: Path, user: pwd.struct_passwd | None) -> Path:
    """The folder of programs, copied beside the cluster (40 MB) when the server's account cannot reach the original."""
    if user is None or processes.can_enter(found.folder, user):
        return found.folder
    copy = place / f"postgres-{found.major}-{found.origin}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(dir=place) as unfinished:
            shutil.copytree(found.folder.parent, Path(unfinished) / "copy", symlinks=True)
            (Path(unfinished) / "copy").rename(copy)
    return copy / found.folder.name


def _major_of(cluster: Path) -> int | None:
    """The major version that made a cluster; None when there is no cluster."""
    version = cluster / "PG_VERSION"
    return int(version.read_text()) if version.exists() else None


def _initialise(binaries: Path, cluster: Path, password: str, user: pwd.struct_passwd | None) -> None:
    """Makes a cluster beside its final name and renames it, so that an interrupted start leaves nothing half made."""
    unfinished = cluster.with_name("data.unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    password_file = unfinished.with_name("initial-password")
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    if user is not None:
        for path in (unfinished, password_file):
            os.chown(path, user.pw_uid, user.pw_gid)
    command: Sequence[str] = [
        str(binaries / "initdb"), "-D", str(unfinished), "-U", ROLE, "--no-locale", "-E", "UTF8",
        "-A", "scram-sha-256", f"--pwfile={password_file}",
    ]  # fmt: skip
    try:
        with tempfile.TemporaryFile() as output:
            if processes.start(command, log=output, user=user, cwd=cluster.parent).wait() != 0:
                output.seek(0)
                said = _complaints(output.read().decode(errors="replace"))
                raise NotAvailable(f"Postgres could not make its database in {cluster.parent}: {said}", _ROOM_HINT)
    finally:
        password_file.unlink(missing_ok=True)
    unfinished.rename(cluster)


def _complaints(said: str) -> str:
    """The lines of a server program's output that say what is wrong; the last line if none does."""
    lines = said.strip().splitlines()
    marked = [line for line in lines if any(word in line for word in ("FATAL:", "PANIC:", "error:", "could not"))]
    return " / ".join(marked or lines[-1:])


_ROOM_HINT = "It needs about 60 MB of free space there and a folder it may write to."
