"""Pages at 64 and at 1,000 models: from a click on a link to a drawn picture.

    python -m benchmarks.bench_pages [--quick]

Two whole instances of Parallax, one after the other in one run, each with real servers and its pages in a real headless
Chromium. Their matrices are invented (families of models on four datasets, with nulls and intervals); nothing else is.
Warm: the browser has loaded the application and comes from another page, so nothing of the page's own is on screen.
Beside the time stands how long of it the browser's main thread was busy; on a busy machine both grow.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import CDPSession, Page, sync_playwright
from sqlalchemy import Connection, text

from backend.db.engine import make_engine, transaction
from backend.domain.attributes import ARCHITECTURES, OBJECTIVES
from backend.domain.quantities import CI_HIGH, CI_LOW, NULL_MEAN, NULL_SD, TAU, P
from tests.support.browser import FLAGS, install
from tests.support.homes import temporary_home
from tests.support.rows import add_dataset, add_matrix, add_model
from tests.support.stack import running_stack

METRIC = "cka.linear.unbiased"
DATASETS = {"photos": "natural-multi", "cars": "natural-single", "digits": "specialized", "shapes": "structured"}
FAMILIES = 12
SIZES = (64, 1000)
TARGET_S = {64: 1.0, 1000: 3.0}
START = "/jobs"
# The address of a page, and what is there when its first picture is drawn.
PAGES = {
    "Overview": ("/", ".page-overview.is-ready .chart-box:not(.is-stale) :is(.hm, canvas)"),
    "Similarity": (f"/similarity?v=1&dataset=photos&metric={METRIC}", "#similarity-graph :is(.hm, canvas)"),
    "Consistency": (f"/consistency?v=1&metric={METRIC}", "#map-graph .hm"),
    "Pair": (f"/pair?v=1&a=net-0000&b=net-0001&metric={METRIC}", "#pair-graph .xtick"),
    "Map of models": (f"/map?v=1&metric={METRIC}", "#modelmap-graph .scatterlayer .point"),
    "Models": ("/models", "#models-cards [data-name]"),
}
GO = """(path) => {
  window.history.pushState({}, "", path);
  window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
}"""


class Drawn(NamedTuple):
    """How long a page took to its first picture, and what the browser's main thread worked until then, in seconds."""

    wall: float
    work: float


def fill(connection: Connection, count: int) -> None:
    """`count` models in families, compared on every dataset."""
    rng = np.random.default_rng(0)
    objectives, architectures = list(OBJECTIVES), list(ARCHITECTURES)
    models = [
        add_model(
            connection, f"net-{k:04d}", objectives[k % len(objectives)],
            architecture=architectures[k % FAMILIES % len(architectures)], size=("small", "medium", "large")[k % 3],
        )
        for k in range(count)
    ]
    family = np.arange(count) % FAMILIES
    for place, (name, domain) in enumerate(DATASETS.items()):
        dataset = add_dataset(connection, name, n=64, domain=domain)
        features = rng.normal(size=(FAMILIES, 24))[family] + rng.normal(size=(count, 24)) * (0.6 + 0.2 * place)
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        values = single(np.clip(features @ features.T, -1, 1))
        level = np.zeros_like(values)
        beside = {
            CI_LOW: values - 0.03, CI_HIGH: values + 0.03, NULL_MEAN: level, NULL_SD: level + 0.02, TAU: level + 0.04,
            P: np.where(values > 0.04, 0.001, 0.4),
        }
        add_matrix(connection, dataset, models, METRIC, values, {name: single(one) for name, one in beside.items()})
    # None of this is work that is left to do.
    connection.execute(text("UPDATE jobs SET state = 'cancelled', finished_at = now()"))


def single(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers that float32 holds exactly, the same in both directions."""
    return ((values + values.T) / 2).astype(np.float32).astype(np.float64)


@contextmanager
def instance(count: int) -> Iterator[str]:
    """The address of a Parallax with that many models, while the block lasts."""
    with temporary_home() as folder, running_stack(folder, env={"PARALLAX_LEASE_S": "600"}) as running:
        engine = make_engine(running.database_url)
        with transaction(engine) as connection:
            fill(connection, count)
        engine.dispose()
        yield running.url


def worked(session: CDPSession) -> float:
    """Seconds that the page's main thread has worked since it was opened."""
    metrics = {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def visit(page: Page, session: CDPSession, path: str, drawn: str) -> Drawn:
    """Leaves for a light page, waits until all is quiet, and follows a link."""
    page.evaluate(GO, START)
    page.wait_for_selector("#jobs-tiles")
    page.wait_for_timeout(1500)
    before, start = worked(session), time.perf_counter()
    page.evaluate(GO, path)
    page.wait_for_selector(drawn, state="attached")
    return Drawn(time.perf_counter() - start, worked(session) - before)


def measure(count: int, rounds: int) -> dict[str, Drawn]:
    """The median over rounds for every page."""
    with instance(count) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=install(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(120_000)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        page.goto(url + START)
        found: dict[str, Drawn] = {}
        for name, (path, drawn) in PAGES.items():
            visit(page, session, path, drawn)  # the server reads and the browser loads what is not there yet
            times = [visit(page, session, path, drawn) for _ in range(rounds)]
            found[name] = Drawn(median(t.wall for t in times), median(t.work for t in times))
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Warm navigation at 64 and at 1,000 models.")
    parser.add_argument("--quick", action="store_true", help="one visit of each page instead of five")
    rounds = 1 if parser.parse_args().quick else 5
    small, large = (measure(count, rounds) for count in SIZES)
    print("\n| page | 64 models, s | worked, s | 1,000 models, s | worked, s | ratio of work | targets |")
    print("|---|---|---|---|---|---|---|")
    for name in PAGES:
        a, b = small[name], large[name]
        said = ", ".join(
            f"< {TARGET_S[size]:g} s: {'met' if one.wall < TARGET_S[size] else 'missed'}"
            for size, one in zip(SIZES, (a, b), strict=True)
        )
        times = " | ".join(f"{seconds:.2f}" for seconds in (*a, *b))
        print(f"| {name} | {times} | {b.work / a.work:.1f}x | {said} |")


if __name__ == "__main__":
    main()
