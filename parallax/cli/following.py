"""Following a job from the command line until it is final."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from backend.contracts.jobs import Job
    from parallax.client.client import Client

POLL_S = 0.5


def finish(client: Client, job: Job, wait: bool, as_json: bool) -> int:
    """Prints the job, after waiting for it and its children if asked to. Answers the exit status: 1 if one failed."""
    if wait:
        job = follow(client, job, quiet=as_json)
    failed = [job] if job.state in ("failed", "cancelled") else []
    if wait and not failed:
        failed = [one for one in client.jobs(parent=job.id, limit=500).items if one.state in ("failed", "cancelled")]
    if as_json:
        typer.echo(json.dumps(job.model_dump(mode="json")))
    else:
        typer.echo(f"Job {job.id} ({job.title}): {job.state}")
    for one in failed:
        typer.secho(f"Job {one.id} ({one.title}): {one.state}", fg=typer.colors.RED, err=True)
        if one.error:
            typer.echo(f"  {one.error.message}\n  {one.error.hint}".rstrip(), err=True)
    return 1 if failed else 0


def follow(client: Client, job: Job, quiet: bool) -> Job:
    """Waits until a job and everything that it opened is final, saying on standard error how far it is."""
    from backend.domain.jobs import FINAL_STATES

    said = ""
    while True:
        job = client.job(job.id)
        open_children = sum(n for state, n in job.children.items() if state not in FINAL_STATES)
        if job.state in FINAL_STATES and not open_children:
            return job
        parts = [f"{n} {state}" for state, n in job.children.items() if n]
        line = f"Job {job.id}: {job.state}" + (f" (its jobs: {', '.join(parts)})" if parts else "")
        if line != said and not quiet:
            typer.echo(line, err=True)
            said = line
        time.sleep(POLL_S)
