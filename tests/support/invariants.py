"""What must hold after any run, however many faults it went through; and what its results are, for comparing runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from psycopg.rows import dict_row

FINAL = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Results:
    """Every result of a run by name: equal for two runs of the same work, whatever happened to them."""

    models: dict[str, str]
    datasets: dict[str, str]
    embeddings: dict[tuple[str, str], str]
    pairs: dict[tuple[str, str, str, str], bytes]
    probes: dict[tuple[str, str, int], tuple[float, float, float]] = field(default_factory=dict)
    finished: dict[tuple[str, str, str], set[str]] = field(default_factory=dict)

    def differences(self, other: Results) -> list[str]:
        """Where two runs differ, in words."""
        found = []
        for what in ("models", "datasets", "embeddings", "pairs", "probes", "finished"):
            mine, theirs = getattr(self, what), getattr(other, what)
            for key in sorted(set(mine) | set(theirs)):
                if mine.get(key) != theirs.get(key):
                    found.append(f"{what} {key}: {mine.get(key)!r} instead of {theirs.get(key)!r}")
        return found


def _rows(dsn: str, query: str) -> list[dict[str, Any]]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def results(dsn: str) -> Results:
    """What a run computed. A pair is keyed by its two model names in order; its value is four bytes of float32.

    Null and interval are left out: which of two models is relabelled depends on the order in which they came."""
    pairs: dict[tuple[str, str, str, str], bytes] = {}
    for row in _rows(
        dsn,
        """
        SELECT d.name AS dataset, x.metric, r.ord, r.vals,
            (SELECT array_agg(m.name ORDER BY e.ord) FROM matrix_embeddings e JOIN models m ON m.id = e.model_id
             WHERE e.matrix_id = x.id) AS names
        FROM similarity_rows r JOIN matrices x ON x.id = r.matrix_id JOIN datasets d ON d.id = x.dataset_id
        WHERE r.quantity = 'value'""",
    ):
        values = np.frombuffer(row["vals"], dtype="<f4")
        for other, value in enumerate(values):
            first, second = sorted((row["names"][row["ord"]], row["names"][other]))
            pairs[(row["dataset"], row["metric"], first, second)] = value.tobytes()
    finished: dict[tuple[str, str, str], set[str]] = {}
    for row in _rows(
        dsn,
        """
        SELECT j.kind, m.name AS model, coalesce(d.name, '') AS dataset, j.result_sha256 FROM jobs j
        LEFT JOIN models m ON m.id = j.model_id LEFT JOIN datasets d ON d.id = j.dataset_id
        WHERE j.kind NOT IN ('compare', 'probe') AND j.state = 'succeeded'""",
    ):
        finished.setdefault((row["kind"], row["model"] or "", row["dataset"]), set()).add(row["result_sha256"])
    return Results(
        models={row["name"]: row["weights_sha256"] for row in _rows(dsn, "SELECT name, weights_sha256 FROM models")},
        datasets={row["name"]: row["dataset_hash"] for row in _rows(dsn, "SELECT name, dataset_hash FROM datasets")},
        embeddings={
            (row["model"], row["dataset"]): row["file_sha256"]
            for row in _rows(
                dsn,
                """
                SELECT m.name AS model, d.name AS dataset, e.file_sha256 FROM embeddings e
                JOIN models m ON m.id = e.model_id JOIN datasets d ON d.id = e.dataset_id""",
            )
        },
        pairs=pairs,
        probes={
            (row["model"], row["dataset"], row["seed"]): (row["top1"], row["top5"], row["mean_class_recall"])
            for row in _rows(
                dsn,
                """
                SELECT m.name AS model, d.name AS dataset, p.seed, p.top1, p.top5, p.mean_class_recall FROM probes p
                JOIN embeddings e ON e.id = p.embedding_id JOIN models m ON m.id = e.model_id
                JOIN datasets d ON d.id = e.dataset_id""",
            )
        },
        finished=finished,
    )


def violations(dsn: str, store: Path, accepted: set[int]) -> list[str]:
    """Everything that is wrong with a finished run; empty when all is well. `accepted`: ids that were answered with
    202."""
    jobs = _rows(dsn, "SELECT id, kind, title, state, attempt, error FROM jobs ORDER BY id")
    events = _rows(dsn, "SELECT job_id, state, attempt FROM job_events ORDER BY id")
    found = [f"job {number} was accepted and is gone" for number in sorted(accepted - {job["id"] for job in jobs})]
    found += [f"job {j['id']} ({j['title']}) is {j['state']}: {j['error']}" for j in jobs if j["state"] != "succeeded"]
    ends = Counter(event["job_id"] for event in events if event["state"] in FINAL)
    found += [f"job {j['id']} has {ends[j['id']]} final events" for j in jobs if ends[j["id"]] != 1]
    claims = Counter((event["job_id"], event["attempt"]) for event in events if event["state"] == "running")
    found += [f"attempt {attempt} of job {job} was claimed {n} times" for (job, attempt), n in claims.items() if n > 1]
    for job in jobs:
        attempts = sorted(attempt for (number, attempt) in claims if number == job["id"])
        if attempts != list(range(1, job["attempt"] + 1)):
            found.append(f"job {job['id']} has attempt {job['attempt']} and claims {attempts}")
    return found + _result_violations(dsn) + _store_violations(dsn, store)


def _result_violations(dsn: str) -> list[str]:
    found = [
        f"{row['kind']} job {row['id']} succeeded without its result"
        for row in _rows(
            dsn,
            """
        SELECT j.id, j.kind FROM jobs j WHERE j.state = 'succeeded' AND CASE j.kind
            WHEN 'extract' THEN NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.model_id = j.model_id
                AND e.dataset_id = j.dataset_id AND e.file_sha256 = j.result_sha256)
            WHEN 'ingest' THEN NOT EXISTS (SELECT 1 FROM datasets d WHERE d.dataset_hash = j.result_sha256)
            WHEN 'register' THEN NOT EXISTS (SELECT 1 FROM models m WHERE m.name = j.spec -> 'model' ->> 'name')
            ELSE false END""",
        )
    ]
    found += [
        f"{row['n']} embeddings of one model on one dataset ({row['model_id']}, {row['dataset_id']})"
        for row in _rows(
            dsn, "SELECT model_id, dataset_id, count(*) AS n FROM embeddings GROUP BY 1, 2 HAVING count(*) > 1"
        )
    ]
    found += [
        f"matrix {row['metric']} of dataset {row['dataset_id']} has {row['rows']} rows for {row['wanted']} embeddings"
        for row in _rows(
            dsn,
            """
            SELECT x.metric, x.dataset_id,
                (SELECT count(*) FROM matrix_embeddings e JOIN similarity_rows r USING (matrix_id, ord)
                 WHERE e.matrix_id = x.id AND r.quantity = 'value') AS rows,
                (SELECT count(*) FROM embeddings e WHERE e.dataset_id = x.dataset_id) AS wanted
            FROM matrices x""",
        )
        if row["rows"] != row["wanted"]
    ]
    found += [
        f"row {row['ord']} of matrix {row['matrix_id']} holds {row['quantities']} alone"
        for row in _rows(
            dsn,
            """
            SELECT matrix_id, ord, array_agg(quantity ORDER BY quantity) AS quantities FROM similarity_rows
            GROUP BY matrix_id, ord HAVING count(*) < 7""",
        )
    ]
    found += [
        f"embedding {row['id']} has {row['n']} probes, and its dataset has labels"
        for row in _rows(
            dsn,
            """
            SELECT e.id, (SELECT count(*) FROM probes p WHERE p.embedding_id = e.id) AS n FROM embeddings e
            WHERE EXISTS (SELECT 1 FROM stimuli s WHERE s.dataset_id = e.dataset_id AND s.label IS NOT NULL)""",
        )
        if row["n"] != 3
    ]
    left = _rows(dsn, "SELECT count(*) AS n FROM embedding_chunks")[0]["n"]
    return found + ([f"{left} chunks are left over"] if left else [])


def _store_violations(dsn: str, store: Path) -> list[str]:
    found, names = [], set()
    for path in store.glob("??/*"):
        names.add(path.name)
        if hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
            found.append(f"the stored file {path.name[:12]} does not hash to its name")
    wanted = {
        row["sha"]
        for row in _rows(
            dsn,
            """
        SELECT file_sha256 AS sha FROM embeddings UNION SELECT file_sha256 FROM embedding_chunks
        UNION SELECT archive_sha256 FROM datasets""",
        )
    }
    return found + [f"the stored file {name[:12]} is missing" for name in sorted(wanted - names)]
