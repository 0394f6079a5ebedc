"""What the demo asks for on a data folder that an earlier version filled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx

from backend.contracts.matrices import MatrixSummary
from backend.contracts.pages import Page
from parallax.client import Client
from parallax.local.demo_run import matrices_without_null

LINEAR, SPEARMAN = "cka.linear.unbiased", "rsa.correlation.spearman"


def matrix(dataset: str, metric: str, n_calibrated: int) -> MatrixSummary:
    return MatrixSummary(
        dataset=dataset, metric=metric, preprocess="l2", n=50, n_models=27, n_calibrated=n_calibrated,
        updated_at=datetime.now(UTC),
    )  # fmt: skip


def test_the_demo_asks_for_what_its_own_matrices_lack() -> None:
    there = [
        matrix("digits", LINEAR, 27), matrix("digits", SPEARMAN, 0), matrix("shapes", LINEAR, 26),
        matrix("digits", "rtd", 0), matrix("mine", LINEAR, 0),
    ]  # fmt: skip
    page: Any = Page[MatrixSummary](items=there, next_cursor=None, total=len(there)).model_dump(mode="json")
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=page))
    with Client("http://stub/api/v1", transport=transport) as client:
        found = matrices_without_null(client, {"digits", "shapes"})
    assert [(one.dataset, one.metric) for one in found] == [("digits", SPEARMAN), ("shapes", LINEAR)]
