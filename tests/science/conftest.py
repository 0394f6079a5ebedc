"""One thread for the tests of the engine: they are small, and others run beside them."""

import pytest
import torch

from backend.domain.metrics import CATALOGUE, Metric, parse_metric
from workers.similarity.registry import MEASURES

TABLES = [
    *(s.default for s in CATALOGUE.values() if s.family.startswith(("cka", "rsa", "distance-correlation"))),
    parse_metric("cka.rbf.unbiased:sigma=0.2"),
    parse_metric("cka.rbf.unbiased:median=0.3"),
]
METRICS = [*TABLES, *(s.default for s in CATALOGUE.values() if s.key in MEASURES and s.default not in TABLES)]


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=METRICS, ids=lambda metric: metric.id)
def metric(request: pytest.FixtureRequest) -> Metric:
    """Every metric of the catalogue, and two more widths of the Gaussian kernel."""
    return request.param


@pytest.fixture(params=TABLES, ids=lambda metric: metric.id)
def table_metric(request: pytest.FixtureRequest) -> Metric:
    """Every metric whose models give a table each."""
    return request.param
