"""What two parts must agree on without importing each other."""

from __future__ import annotations

from backend.domain.jobs import KINDS
from backend.domain.metrics import CATALOGUE
from workers.similarity.registry import MEASURES
from workers.tasks.work import PIPELINES


def test_every_metric_of_the_catalogue_is_computed_by_something() -> None:
    assert set(MEASURES) == set(CATALOGUE)


def test_every_kind_of_job_has_a_pipeline() -> None:
    assert set(PIPELINES) == set(KINDS)
