"""What pages make of the API's answers."""

from __future__ import annotations

import numpy as np
import pytest

from frontend.components.submission_form import Form, in_form, problems, submission_of
from frontend.figures.heatmap_data import colour_ranges
from frontend.pages.picture import picture
from frontend.pages.study import aligned, fingerprint, read_study
from parallax.client import ApiError, MatrixArray
from tests.unit.frontend.stub_api import ABSENT, MODELS, StubApi, similarities


def test_alignment_moves_values_with_their_names() -> None:
    matrix = MatrixArray("d", "m", "l2", 5, ["a", "b"], "0", np.array([[1, 2], [3, 4]], dtype=np.float32))
    values = aligned(matrix, ["b", "new", "a"])
    np.testing.assert_array_equal(values, [[4, np.nan, 3], [np.nan] * 3, [2, np.nan, 1]])


def test_every_dataset_has_the_same_order_and_colour_range() -> None:
    client = StubApi().client()
    study = read_study(client)
    metric = study.metric("")
    assert metric is not None
    shown = {name: picture(client, study, metric, name) for name in ("digits", "photos", "sky", "")}
    assert len({tuple(p.models) for p in shown.values()}) == 1
    assert len({str(p.ranges) for p in shown.values()}) == 1
    assert shown["sky"].reasons == {ABSENT[1]: "Its embedding failed."}
    assert np.isnan(shown["sky"].values).any() and np.isfinite(shown[""].values).all()


def test_the_picture_shows_the_apis_numbers() -> None:
    client = StubApi().client()
    study = read_study(client)
    metric = study.metric("rsa.correlation.spearman")
    assert metric is not None and metric.id == "rsa.correlation.spearman"
    shown = picture(client, study, metric, "digits")
    place = [list(MODELS).index(name) for name in shown.models]
    expected = similarities("digits", metric.id)[np.ix_(place, place)]
    np.testing.assert_allclose(shown.values, expected, rtol=1e-6)
    assert shown.subject() == "Handwritten digits, n = 50"
    assert "of 9 models (36 pairs" in shown.sentence()


def test_the_sentence_of_a_picture_names_the_extremes() -> None:
    client = StubApi().client()
    study = read_study(client)
    metric = study.metric("")
    assert metric is not None
    shown = picture(client, study, metric, "digits")
    values = np.array(shown.values)
    np.fill_diagonal(values, np.nan)
    for find, words in ((np.nanargmax, "most alike are"), (np.nanargmin, "least alike")):
        i, j = np.unravel_index(find(values), values.shape)
        first, second = sorted((i, j))
        assert f"{words} {shown.models[first]} and {shown.models[second]}" in shown.sentence()


def test_colour_ranges_do_not_depend_on_the_diagonal() -> None:
    client = StubApi().client()
    metric = read_study(client).metric("")
    assert metric is not None
    stack = np.full((2, 3, 3), 0.42)
    stack[:, range(3), range(3)] = 1
    assert colour_ranges(stack, metric.upper)["fitted"] == pytest.approx((0.4, 0.45))
    assert colour_ranges(stack, metric.upper)["full"] == (0.0, 1.0)
    assert colour_ranges(np.full((1, 2, 2), np.nan), metric.upper)["fitted"] == (0.0, 1.0)


def test_unchanged_data_has_the_same_fingerprint() -> None:
    client = StubApi().client()
    study = read_study(client)
    metric = study.metric("")
    assert metric is not None
    payloads = [picture(client, study, metric, "digits").payload("/similarity", {}) for _ in range(2)]
    assert fingerprint(payloads[0]) == fingerprint(payloads[1])
    other = picture(client, study, metric, "photos").payload("/similarity", {})
    assert fingerprint(other) != fingerprint(payloads[0])


def test_every_problem_of_a_form_is_found_at_once() -> None:
    found = {problem.field for problem in problems(Form(name="Bad Name"), [])}
    assert found == {"timm_name", "objective", "architecture", "training_data", "name", "datasets"}
    found = {problem.field for problem in problems(Form(source="checkpoint", name="taken"), ["taken"])}
    assert found == {"checkpoint", "name", "datasets"}
    untrained = Form(timm_name="resnett18", weights="untrained", seed=None, datasets=["digits"])
    wrong = {problem.field: problem for problem in problems(untrained, [])}
    assert set(wrong) == {"timm_name", "seed", "architecture"}
    assert "resnet18" in wrong["timm_name"].hint


def test_a_good_form_makes_a_request() -> None:
    form = Form(
        timm_name=" resnet18 ", weights="untrained", seed=7, architecture="convolutional", datasets=["digits"],
        metrics=["cka.linear.unbiased"], tags=["mine"],
    )
    assert problems(form, []) == []
    body = submission_of(form).model_dump()
    assert body["model"]["timm_name"] == "resnet18" and body["model"]["pretrained"] is False
    assert body["model"]["objective"] == "untrained" and body["model"]["seed"] == 7
    checkpoint = Form(source="checkpoint", checkpoint_sha256="ab", name="my-net", datasets=["digits"])
    assert problems(checkpoint, []) == []
    assert submission_of(checkpoint).model_dump()["model"]["source"] == "checkpoint"


def test_problems_of_the_api_are_shown_at_their_field() -> None:
    client = StubApi().client()
    form = Form(timm_name="resnet18", weights="untrained", architecture="other", name="refused", datasets=["digits"])
    with pytest.raises(ApiError) as refusal:
        client.submit(submission_of(form))
    assert in_form(refusal.value.fields) == {"name": "Not that name.", "datasets": "Not that dataset."}
