"""Reading and working the heatmap of the Similarity page over invented results."""

from __future__ import annotations

from typing import Any

import numpy as np
from playwright.sync_api import Page

from tests.e2e.conftest import METRIC
from tests.unit.frontend.stub_api import MODELS, similarities

OTHER, DISTANCE, DIRECTED = (
    "rsa.correlation.spearman", "procrustes.angular", "knn.cycle:k=10",
)
READ = """() => {
  const chart = document.querySelector("#similarity-graph .js-plotly-plot");
  const layout = chart._fullLayout;
  return {
    rows: Array.from(chart.data[0].y), columns: Array.from(chart.data[0].x),
    squares: chart.data.filter((t) => t.meta.permute === "both" && t.coloraxis)
      .map((t) => Array.from(t.z, (row) => Array.from(row))),
    gaps: chart.data.filter((t) => t.meta.permute === "both" && !t.coloraxis).length,
    bars: chart.data.filter((t) => t.meta.permute === "rows")
      .map((t) => [t.meta.attribute, t.meta.value, Array.from(t.y), Array.from(t.z, (row) => row[0])]),
    ranges: ["coloraxis", "coloraxis2"].filter((name) => layout[name])
      .map((name) => [layout[name].cmin, layout[name].cmax]),
    cells: Object.values(layout._plots).map(({xaxis, yaxis}) =>
      [xaxis, yaxis].map((axis) => axis._length / Math.abs(axis.range[1] - axis.range[0]))),
    lines: layout.shapes.filter((shape) => shape.type === "line").length,
  };
}"""


def drawn(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(READ)
    return found


def go(page: Page, **fields: str) -> None:
    """Changes the link as a control does, and waits until it is drawn."""
    revision = "document.querySelector('#similarity-graph .js-plotly-plot')._fullLayout.uirevision"
    before = page.evaluate(revision)
    page.evaluate("(fields) => window.parallax.similarity.go(fields)", fields)
    page.wait_for_function(f"(was) => {revision} !== was", arg=before)


def numbers(dataset: str, rows: list[str], columns: list[str], metric: str = METRIC) -> np.ndarray:
    names = list(MODELS)
    return similarities(dataset, metric)[np.ix_([names.index(n) for n in rows], [names.index(n) for n in columns])]


def spot(page: Page, row: str, column: str, axis: str = "") -> tuple[float, float]:
    """Where a cell is on screen."""
    x, y = page.evaluate(
        """([row, column, axis]) => {
          const chart = document.querySelector("#similarity-graph .js-plotly-plot");
          const [x, y] = [chart._fullLayout["xaxis" + axis], chart._fullLayout["yaxis" + axis]];
          const box = chart.getBoundingClientRect();
          return [box.left + x._offset + x.d2p(column), box.top + y._offset + y.d2p(row)];
        }""",
        [row, column, axis],
    )
    return x, y


def asked(page: Page) -> list[str]:
    """A list that fills with the outputs of the server callbacks of this page that are called from now on."""
    found: list[str] = []

    def note(request: Any) -> None:
        body = request.post_data or ""
        outputs = body.split('"inputs"')[0]
        # The jobs of a request are followed with every beat.
        if "_dash-update-component" in request.url and "similarity-" in outputs and "similarity-work" not in outputs:
            found.append(outputs)

    page.on("request", note)
    return found
