"""The matrix endpoint against serialising lists per request.

    python -m benchmarks.bench_matrix [--quick]

Both sides answer the same 200 x 200 matrix from the same Postgres through the same kind of FastAPI application, in
process, one after the other in one run: the product's endpoint (cached encoded bytes, strong ETag) and one that loads
the rows and turns the array into lists for every request, as a first version of such an API does. An endpoint that
answers nothing shows what the transport alone costs. Runs on an embedded Postgres of its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import text

from backend.api.app import create_app
from backend.db.engine import make_engine, transaction
from backend.db.migrate import upgrade
from backend.db.repositories import datasets, embeddings, jobs, matrices, matrix_rows, models
from backend.db.repositories.jobs import NewJob
from backend.db.repositories.matrix_rows import NewRow
from backend.settings import Settings
from parallax.local import postgres
from parallax.local.home import Home

METRIC = "cka.linear.unbiased"
SHA = "0" * 64


def fill(settings: Settings, count: int) -> None:
    """A database with one dataset and one matrix of `count` models."""
    rng = np.random.default_rng(0)
    values = rng.random((count, count)).astype(np.float32)
    values = (values + values.T) / 2
    engine = make_engine(settings.database_url.get_secret_value())
    with transaction(engine) as c:
        job = jobs.enqueue(c, [NewJob("ingest", {}, "benchmark", 1)])[0]
        c.execute(text("UPDATE jobs SET state = 'cancelled', finished_at = now()"))
        dataset = datasets.add(c, {
            "name": "bench", "version": 1, "title": "Bench", "dataset_hash": SHA, "archive_sha256": SHA,
            "n_stimuli": 4, "domain": "structured", "licence": "none",
        }, [{"stimulus_id": str(i), "file": str(i), "sha256": SHA} for i in range(4)])
        matrix = matrices.ensure(
            c, dataset_id=dataset, dataset_hash=SHA, metric=METRIC, metric_version=1, preprocess="l2"
        )
        rows = []
        for i in range(count):
            sha = f"{i:064x}"
            model, _ = models.add(c, {
                "name": f"m{i:04d}", "source": "timm", "timm_name": "resnet18", "config": {}, "revision": "r",
                "weights_sha256": sha, "node": "pre_logits", "pooling": "avg", "preprocessing": {},
                "objective": "other", "architecture": "other", "training_data": "other", "size": "small",
                "n_parameters": 1, "embedding_dim": 1,
            })
            embedding = embeddings.add(c, {
                "key": sha, "model_id": model, "dataset_id": dataset, "dataset_hash": SHA, "file_sha256": sha, "n": 4,
                "d": 1, "dtype": "float32", "batch_size": 1, "extractor_version": 1, "device_class": "cpu",
                "library_versions": "", "job_id": job,
            })
            rows.append(NewRow(embedding, model, {"value": values[i, : i + 1].astype(np.float64)}))
        matrix_rows.append(c, matrix_id=matrix, dataset_hash=SHA, first_ord=0, rows=rows, gaps=[], job_id=job)
    engine.dispose()


def seconds_per_request(ask: Callable[[], object], at_least_s: float) -> float:
    ask()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < at_least_s:
        ask()
        done += 1
    return (time.perf_counter() - started) / done


def compare(settings: Settings, count: int, at_least_s: float) -> None:
    fill(settings, count)
    engine = make_engine(settings.database_url.get_secret_value())
    naive = FastAPI()

    @naive.get("/matrix")
    def matrix() -> dict[str, list[list[float]]]:
        with transaction(engine) as connection:
            found = matrices.find(connection, dataset="bench", version=None, metric=METRIC, preprocess="l2")
            assert found is not None
            return {"values": matrices.load(connection, found).values.tolist()}

    @naive.get("/nothing")
    def nothing() -> dict[str, str]:
        return {}

    url = f"/api/v1/matrices?dataset=bench&metric={METRIC}"
    with TestClient(create_app(settings)) as product, TestClient(naive) as lists:
        etag = product.get(url).headers["ETag"]
        assert np.allclose(np.array(product.get(url).json()["values"]), lists.get("/matrix").json()["values"])
        slow = seconds_per_request(lambda: lists.get("/matrix"), at_least_s)
        print(f"{count} x {count}, milliseconds per request, one client, in process\n")
        print("| answer | ms | ratio |\n|---|---|---|")
        print(f"| lists, serialised per request | {slow * 1e3:.1f} | 1 |")
        transport = seconds_per_request(lambda: lists.get("/nothing"), at_least_s)
        print(f"| nothing (transport alone) | {transport * 1e3:.1f} | |")
        for name, headers in (
            ("JSON, stored bytes", {}),
            ("float32", {"Accept": "application/octet-stream"}),
            ("unchanged (ETag)", {"If-None-Match": etag}),
        ):
            fast = seconds_per_request(lambda headers=headers: product.get(url, headers=headers), at_least_s)
            print(f"| {name} | {fast * 1e3:.1f} | {slow / fast:.1f}x |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a small matrix, a short time: does it run?")
    quick = parser.parse_args().quick
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the account that Postgres runs as under root must pass through
        home = Home(folder / "home")
        with postgres.running(postgres.prepare(home, preferred_port=0), home.fresh_log("postgres")) as server:
            server.create_database()
            upgrade(server.url)
            settings = Settings(database_url=SecretStr(server.url), home=home.folder)
            compare(settings, 20 if quick else 200, 0.2 if quick else 4.0)


if __name__ == "__main__":
    main()
