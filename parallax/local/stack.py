"""All of Parallax on one machine: servers, migrations, web, dispatcher and workers, under one supervisor."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import parallax
from backend.domain.errors import NotAvailable
from backend.settings import Settings
from parallax.client.client import ApiError, Client
from parallax.local import postgres, valkey
from parallax.local.gpus import cpu_processes, gpu_ids
from parallax.local.home import Home
from parallax.local.ports import HOST, listen
from parallax.local.postgres import EmbeddedPostgres
from parallax.local.reachable import wait_for_broker, wait_for_database
from parallax.local.supervisor import Child, Stopped, Supervisor
from parallax.local.valkey import EmbeddedValkey

PORT_TRIES = 3
Server = TypeVar("Server")
Say = Callable[[str], None]
# What runs beside the stack once it is ready: gets its address and an event that means "end now"; answers
# an exit status to end with, or None to go on serving.
Task = Callable[[str, threading.Event], int | None]
# Where our packages are: children start here, so that no folder of the user's can hide `backend` or
# `workers`.
ROOT = Path(parallax.__file__).resolve().parent.parent


def serve(settings: Settings, home: Home, port: int, say: Say, task: Task | None = None, unfinished: int = 0) -> int:
    """Runs everything until Ctrl-C, or until `task` ends with an exit status, which is answered;
    `unfinished` is answered when Ctrl-C came first. 130: stopped before anything was ready.

    `port`: preferred port of the pages, the next free one if it is taken; 0: any free ports for
    everything."""
    outcome = _Outcome(unfinished)
    with home.lock(), listen(port) as web_socket:
        url = f"http://{HOST}:{web_socket.getsockname()[1]}"
        if port and not url.endswith(f":{port}"):
            say(f"Port {port} is taken: using {url.rpartition(':')[2]} instead.")
        facts: dict[str, object] = {"url": url}
        with Supervisor(home, say, on_change=lambda pids: home.announce(**facts, children=pids)) as supervisor:
            try:
                database_url = _database(settings, home, supervisor, say, anywhere=port == 0)
                broker_url = _broker(settings, home, supervisor, say, anywhere=port == 0)
                migrate(database_url)
                facts |= {"database_url": database_url, "broker_url": broker_url}
                env = _environment(settings, home, url, database_url, broker_url)
                supervisor.start(_web(env, web_socket, url), _dispatcher(env), *_workers(settings, env, say))
            except Stopped:
                return 130
            if task:
                threading.Thread(target=outcome.run, args=(task, url, supervisor.stopping), daemon=True).start()
            supervisor.watch()
            say("Stopping ...")
    return outcome.result()


class _Outcome:
    """What became of the task, carried from its thread to the main thread."""

    def __init__(self, unfinished: int) -> None:
        self._unfinished = unfinished
        self._status: int | None = None
        self._error: BaseException | None = None

    def run(self, task: Task, url: str, stopping: threading.Event) -> None:
        try:
            self._status = task(url, stopping)
        except BaseException as error:
            if not stopping.is_set():  # an error because everything is being stopped is no news
                self._error = error
        if self._status is not None or self._error is not None:
            stopping.set()

    def result(self) -> int:
        if self._error is not None:
            raise self._error
        return self._unfinished if self._status is None else self._status


def migrate(database_url: str) -> None:
    """Brings the database to this version's schema. NotAvailable when a newer version has been there."""
    from alembic.util import CommandError

    from backend.db.migrate import upgrade

    try:
        upgrade(database_url)
    except CommandError as error:
        raise NotAvailable(
            f"The database cannot be brought to this version: {error}.",
            "If a newer Parallax made it, use that one, or start with a new data folder (--home).",
        ) from error


def _database(settings: Settings, home: Home, supervisor: Supervisor, say: Say, anywhere: bool) -> str:
    """The address of a database that answers: the one that was given, or our own."""
    if "database_url" in settings.model_fields_set:
        given = settings.database_url.get_secret_value()
        wait_for_database(given, say, supervisor.stopping)
        return given

    def make() -> tuple[EmbeddedPostgres, Child]:
        server = postgres.prepare(home, preferred_port=0 if anywhere else postgres.PREFERRED_PORT)
        say(f"Postgres on port {server.port}, its data in {server.cluster}")
        return server, Child(
            "postgres",
            server.argv,
            cwd=server.cluster.parent,
            options={"user": server.user, "death_signal": signal.SIGINT},
            ready=server.answers,
            before_restart=server.clear_leftovers,
            stop_signal=postgres.STOP_SIGNAL,
            patience_s=20.0,
        )

    server = _start_server(supervisor, make)
    server.create_database()
    return server.url


def _broker(settings: Settings, home: Home, supervisor: Supervisor, say: Say, anywhere: bool) -> str:
    """The address of a broker that answers: the one that was given, or our own."""
    if "broker_url" in settings.model_fields_set:
        given = settings.broker_url.get_secret_value()
        wait_for_broker(given, say, supervisor.stopping)
        return given

    def make() -> tuple[EmbeddedValkey, Child]:
        server = valkey.prepare(home, preferred_port=0 if anywhere else valkey.PREFERRED_PORT)
        say(f"Valkey on port {server.port}")
        return server, Child("valkey", server.argv, ready=server.answers, ready_s=15.0, patience_s=3.0)

    return _start_server(supervisor, make).url


def _start_server(supervisor: Supervisor, make: Callable[[], tuple[Server, Child]]) -> Server:
    """Starts a server that binds a port by itself, and tries another one if somebody took it in between."""
    tries = PORT_TRIES
    while True:
        server, child = make()
        try:
            supervisor.start(child)
        except NotAvailable as error:
            tries -= 1
            if "in use" not in error.message or not tries:
                raise
        else:
            return server


def _environment(settings: Settings, home: Home, url: str, database_url: str, broker_url: str) -> dict[str, str]:
    """What our own processes are told. Paths are made absolute, because they start in another folder."""
    env = dict(os.environ)
    env |= {
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url,
        "PARALLAX_HOME": str(home.folder),
        "PARALLAX_API_URL": f"{url}/api/v1",
        "PYTHONUNBUFFERED": "1",
        # Set before numpy and torch are loaded, since their thread pools do not shrink afterwards.
        "OMP_NUM_THREADS": str(settings.threads),
        "OPENBLAS_NUM_THREADS": str(settings.threads),
        "MKL_NUM_THREADS": str(settings.threads),
    }
    for name, path in (
        ("PARALLAX_STORE_PATH", settings.store_path),
        ("PARALLAX_CACHE_PATH", settings.cache_path),
    ):
        if path is not None:
            env[name] = str(path.absolute())
    for name in ("DATABASE_URL_FILE", "BROKER_URL_FILE"):
        env.pop(name, None)
    return env


def _python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _web(env: dict[str, str], listening: socket.socket, url: str) -> Child:
    def ready() -> bool:
        try:
            with Client(f"{url}/api/v1", timeout_s=2.0) as client:
                client.ready()
        except ApiError:
            return False
        return True

    number = listening.fileno()
    return Child(
        "web", _python("parallax.local.web", "--socket", str(number)), env, ROOT,
        options={"keep_open": (number,)}, ready=ready, patience_s=5.0,
    )  # fmt: skip


def _dispatcher(env: dict[str, str]) -> Child:
    return Child("dispatcher", _python("parallax.cli.main", "dispatcher"), env, ROOT, patience_s=5.0)


def _workers(settings: Settings, env: dict[str, str], say: Say) -> list[Child]:
    """One worker process per GPU, or one worker with a few processes on the CPU. They are nice to the pages."""
    gpus = [] if settings.device == "cpu" else gpu_ids()
    command = _python("parallax.cli.main", "worker", "--concurrency")
    if gpus:
        say(f"Computing on {len(gpus)} GPU{'s' if len(gpus) > 1 else ''}")
        return [
            Child(
                f"worker-gpu{number}", [*command, "1", "--name", f"gpu{number}"],
                env | {"CUDA_VISIBLE_DEVICES": gpu}, ROOT, options={"nice": 5},
            )
            for number, gpu in enumerate(gpus)
        ]  # fmt: skip
    count = cpu_processes()
    say(f"Computing on the CPU with {count} process{'es' if count > 1 else ''}")
    return [Child("worker", [*command, str(count), "--name", "cpu"], env, ROOT, options={"nice": 5})]
