"""Asking for a metric: what it costs, what is wrong with the choice, and which job does it."""

from __future__ import annotations

import pytest

from backend.contracts.jobs import Job
from frontend.pages.chosen import choose
from frontend.pages.request import model_problem, newest, not_calibrated, not_computed, refusal, working
from frontend.pages.study import read_study
from frontend.urls import SimilarityView
from parallax.client import ApiError
from tests.unit.frontend.stub_api import StubApi, job


def state(metric: str) -> str:
    study = read_study(StubApi().client())
    return str(not_computed(study, study.known_metric(metric), "digits"))


def test_the_state_says_what_would_be_done_and_what_it_costs() -> None:
    closed, permuted, chosen = state("knn.mutual:k=5"), state("knn.lcs:k=5"), state("rtd")
    assert "36 pairs" in closed and "closed form" in closed and "O(M n^2 d)" in closed
    assert "200 permutations" in permuted
    assert "models that you choose" in chosen and "hidden=False" in chosen
    assert "hidden=True" in closed, "only metrics on request ask for models"


def test_too_few_stimuli_leave_nothing_to_ask_for() -> None:
    words = state("svcca:q=49")
    assert "at least 51 stimuli" in words and "has 50" in words and "similarity-ask" not in words


def test_models_are_two_to_twelve() -> None:
    assert "2 to 12" in model_problem([]) and "1 model chosen" in model_problem(["a"])
    assert model_problem(["a", "b"]) == "" and model_problem([str(i) for i in range(13)])


def test_a_refusal_is_shown_whole_each_part_at_its_field() -> None:
    client = StubApi().client()
    with pytest.raises(ApiError) as refused:
        client.compare("sky", "rtd", models=["a", "b"])
    assert refusal(refused.value) == ("It has no embedding there.", "")


def test_the_latest_comparison_of_metric_and_dataset_is_followed() -> None:
    made = [Job.model_validate(job(n, "running", kind="compare", metric=m, dataset=d))
            for n, m, d in ((1, "a", "x"), (2, "a", "x@1"), (3, "b", "x"), (4, "a", "y"))]
    found = newest(made, "x", "a")
    assert found is not None and found.id == 2
    assert newest(made, "z", "a") is None


def test_progress_failure_and_end_are_told_apart() -> None:
    running = job(7, "running", progress={"step": "pairs", "done": 3, "total": 9})
    assert "pairs: 3 of 9" in str(working(Job.model_validate(running)))
    failed = job(8, "failed", error={"cause": "user", "step": "s", "message": "Row 7.", "hint": "Check it."})
    told = str(working(Job.model_validate(failed)))
    assert "Row 7." in told and "/jobs/8" in told
    assert "queued" in str(working(Job.model_validate(job(9, "queued"))))


def test_what_is_not_calibrated_is_counted() -> None:
    assert "all 36 pairs" in str(not_calibrated(36, 36)) and "4 of 36 pairs" in str(not_calibrated(4, 36))


def test_a_link_chooses_any_metric_and_replaces_what_there_is_not() -> None:
    study = read_study(StubApi().client())
    asked = choose(study, SimilarityView(dataset="photos", metric="knn.mutual:k=5"))
    assert asked is not None and (asked.dataset, asked.metric.id, asked.instead) == ("photos", "knn.mutual:k=5", [])
    wrong = choose(study, SimilarityView(dataset="nowhere", metric="knn.mutual:k=0"))
    assert wrong is not None and wrong.metric.id == "cka.linear.unbiased"
    assert "k runs from 1 to 1000" in str(wrong.instead) and "nowhere" in str(wrong.instead)
    somewhere = choose(study, SimilarityView(metric="cka.rbf.unbiased:sigma=0.4"))
    assert somewhere is not None and somewhere.dataset == "photos", "a dataset that has it"
