"""`parallax worker | dispatcher | api | frontend`: one service each, for several machines or containers."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from parallax.cli.options import settings_with

HostOption = Annotated[str, typer.Option("--host", help="Address to listen on; 0.0.0.0 is every network.")]
ServicePort = Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen on.")]


def worker(
    concurrency: Annotated[
        int,
        typer.Option("--concurrency", "-c", min=0, help="Processes. 0: one per core, at most 4; one on a GPU."),
    ] = 0,
    name: Annotated[str, typer.Option("--name", help="Name that jobs show, before the host's.")] = "worker",
) -> None:
    """Run a worker until Ctrl-C: it computes embeddings and similarities.

    It needs DATABASE_URL, BROKER_URL and the same store as the API. On a machine with several GPUs start
    one worker for each, with CUDA_VISIBLE_DEVICES naming it."""
    from parallax.local.gpus import cpu_processes, gpu_ids

    settings = settings_with()
    # Before numpy or torch are loaded: their thread pools do not shrink afterwards.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, str(settings.threads))
    on_gpu = settings.device != "cpu" and bool(gpu_ids())
    processes = concurrency or (1 if on_gpu else cpu_processes())

    from celery.signals import worker_process_init

    from backend.contracts.tokens import WORK_QUEUE
    from parallax.local.launch import die_with_parent
    from workers.celery_app import app

    # Celery does not end its pool when the worker itself is killed; the kernel does.
    worker_process_init.connect(lambda **_: die_with_parent(), weak=False)
    arguments = {"--pool": "prefork", "--concurrency": str(processes), "--queues": WORK_QUEUE}
    arguments |= {"--hostname": f"{name}@%h", "--loglevel": "INFO"}
    given = [part for pair in arguments.items() for part in pair]
    app.worker_main(["worker", "--without-gossip", "--without-mingle", *given])


def dispatcher() -> None:
    """Run the dispatcher until Ctrl-C: it finds work for idle workers.

    It hands out tokens for waiting jobs and takes back the jobs of dead workers. It needs DATABASE_URL and
    BROKER_URL; two may run at once."""
    import signal
    import threading

    from backend.dispatch.loop import run
    from backend.logs import configure_logs

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    configure_logs()
    run(settings_with(), stopping)


def api(host: HostOption = "127.0.0.1", port: ServicePort = 8000) -> None:
    """Run the API alone, under /api/v1.

    It needs DATABASE_URL; `parallax db upgrade` brings the schema up to date.
    """
    import uvicorn

    from backend.api.app import create_app
    from backend.logs import configure_logs

    configure_logs()
    uvicorn.run(create_app(settings_with()), host=host, port=port, access_log=False, ws="none", lifespan="on")


def frontend(host: HostOption = "127.0.0.1", port: ServicePort = 8060) -> None:
    """Run the pages alone.

    They need PARALLAX_API_URL, the address of the API ending in /api/v1.
    """
    import uvicorn

    from backend.logs import configure_logs
    from frontend.app import create_app

    configure_logs()
    uvicorn.run(create_app(settings_with()), host=host, port=port, access_log=False, ws="none", lifespan="on")
