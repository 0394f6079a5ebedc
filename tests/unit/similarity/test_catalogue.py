"""Metric ids and preprocessing as people write them."""

import pytest

from backend.domain.metrics import (
    CATALOGUE,
    DEFAULT_METRICS,
    INVARIANCES,
    BadMetricParameter,
    BadPreprocess,
    UnknownMetric,
    parse_metric,
    parse_preprocess,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("cka.linear.unbiased", "cka.linear.unbiased"),
        (" rsa.correlation.spearman ", "rsa.correlation.spearman"),
        ("cka.rbf.unbiased:sigma=0.40", "cka.rbf.unbiased:sigma=0.4"),
        ("cka.rbf.unbiased:sigma=.4", "cka.rbf.unbiased:sigma=0.4"),
        ("cka.rbf.biased:median=1.0", "cka.rbf.biased:median=1"),
        ("cka.rbf.biased:median=5e-1", "cka.rbf.biased:median=0.5"),
        ("cka.rbf.unbiased", "cka.rbf.unbiased:sigma=0.4"),
        ("knn.mutual:k=5", "knn.mutual:k=5"),
        ("rsa.euclidean.spearman", "rsa.euclidean.spearman"),
        ("rsa.euclidean.spearman:high=0.9,low=0.1", "rsa.euclidean.spearman:low=0.1,high=0.9"),
    ],
)
def test_canonical_ids(written, canonical):
    metric = parse_metric(written)
    assert metric.id == str(metric) == canonical
    assert parse_metric(metric.id) == metric


@pytest.mark.parametrize(
    ("written", "error", "says"),
    [
        ("cka.liner.unbiased", UnknownMetric, "cka.linear.unbiased"),
        ("", UnknownMetric, "cka.linear.unbiased"),
        ("cka.rbf.unbiased:sigma=0", BadMetricParameter, "0.01 to 10000"),
        ("cka.rbf.unbiased:sigma=nan", BadMetricParameter, "name=number"),
        ("cka.rbf.unbiased:sigma=0x1", BadMetricParameter, "name=number"),
        ("cka.rbf.unbiased:sigma=1e999", BadMetricParameter, "0.01 to 10000"),
        ("cka.rbf.unbiased:sigma", BadMetricParameter, "name=number"),
        ("cka.rbf.unbiased:sigma=1,sigma=2", BadMetricParameter, "once"),
        ("cka.rbf.unbiased:sigma=1,median=1", BadMetricParameter, "median=1"),
        ("cka.rbf.unbiased:k=3", BadMetricParameter, "sigma=0.4"),
        ("cka.linear.biased:k=3", BadMetricParameter, "cka.linear.biased"),
        ("knn.mutual:k=2.5", BadMetricParameter, "k=10"),
        ("rsa.euclidean.spearman:low=0.5,high=0.5", BadMetricParameter, "low=0.2,high=0.8"),
        ("rsa.euclidean.spearman:low=0.5", BadMetricParameter, "low=0.2,high=0.8"),
    ],
)
def test_what_is_wrong_with_an_id_and_what_to_write(written, error, says):
    with pytest.raises(error) as raised:
        parse_metric(written)
    assert says in raised.value.hint and repr(written)[1:-1] in raised.value.message


@pytest.mark.parametrize("written", ["none", "l2", "center", "l2+center", "center+l2", "l2+center+l2",
                                     "clamp=0.95+l2", "clamp-exact=0.5"])
def test_canonical_preprocessing(written):
    assert parse_preprocess(written).id == str(parse_preprocess(f" {written} ")) == written


@pytest.mark.parametrize(
    ("written", "says"),
    [("L3", "l2"), ("none+l2", "alone"), ("l2+l2", "once"), ("", "steps"), ("clamp", "clamp=0.95"),
     ("clamp=1", "clamp=0.95"), ("clamp-exact=x", "clamp-exact=0.95"), ("l2=3", "alone"), ("clmp=0.9", "clamp=0.95")],
)
def test_bad_preprocessing(written, says):
    with pytest.raises(BadPreprocess) as raised:
        parse_preprocess(written)
    assert says in raised.value.hint


@pytest.mark.parametrize("spec", CATALOGUE.values(), ids=lambda spec: spec.key)
def test_a_spec_is_complete(spec):
    assert spec.version >= 1 and spec.minimum_n >= 3 and spec.precision and spec.default.minimum_n >= spec.minimum_n
    assert spec.lower is None or spec.upper is None or spec.lower < spec.upper
    assert spec.invariances <= set(INVARIANCES)
    assert len(spec.explanation) > 150 and spec.explanation.endswith(".") and spec.citation and spec.cost
    assert all(p.minimum <= p.default <= p.maximum and p.description for p in spec.parameters)
    assert parse_metric(spec.default.id).spec is spec


def test_defaults():
    assert [metric.id for metric in DEFAULT_METRICS] == [
        "cka.linear.unbiased",
        "cka.rbf.unbiased:sigma=0.4",
        "rsa.correlation.spearman",
    ]
    assert DEFAULT_METRICS[1].title == "CKA, RBF kernel, unbiased (sigma 0.4)"
