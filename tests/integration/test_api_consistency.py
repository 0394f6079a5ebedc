"""Consistency over the API equals what the formulas give, computed here pair by pair from the stored numbers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from itertools import combinations, combinations_with_replacement
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from scipy.stats import spearmanr

from backend.domain.attributes import OBJECTIVES
from parallax.client import Client
from tests.support.population import IN_ORDER, LINEAR, SPEARMAN, Population

CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"
PAIRS = list(combinations(IN_ORDER, 2))


@pytest.fixture(scope="module")
def client(api: TestClient) -> Client:
    """The client over the same application."""
    made = Client("http://test/api/v1")
    made._http = api  # type: ignore[assignment]  # the same interface, without a socket
    return made


def close(found: Any, expected: Any) -> None:
    """Equal to 1e-9, None standing for NaN."""
    numbers = np.array([np.nan if value is None else value for value in found], float)
    np.testing.assert_allclose(numbers, expected, atol=1e-9)


def test_the_table_of_two_sets_follows_the_published_definition(population: Population, client: Client) -> None:
    ssl, sup = population.named(objective="self-supervised"), population.named(objective="supervised")
    for set_a, set_b, members in (
        ("all", "all", (None, None)),
        ("objective:ssl", "objective:ssl", (ssl, ssl)),
        ("objective:ssl", "objective:sup", (ssl, sup)),
        ("objective:ssl", "objective:ssl,sup", (ssl, ssl + sup)),
    ):
        found = client.consistency(LINEAR, set_a=set_a, set_b=set_b)
        pairs = population.pairs(*members)
        assert found.datasets == IN_ORDER and found.domains[0] == "natural-multi"
        close([found.r[a][b] for a, b in combinations(range(4), 2)], population.all_r(pairs))
        assert [found.r[d][d] for d in range(4)] == [1] * 4
        shared = population.shared("photos", "cars", pairs)[2]
        assert found.n_pairs[0][1] == len(shared) and found.n_models[0][1] == len({m for p in shared for m in p})
        assert found.n_pairs[0][2] == len(pairs)
        assert found.median == pytest.approx(np.median(population.all_r(pairs)), abs=1e-9)
        assert f"{found.median:.2f}".replace("-", "−") in found.sentence and str(len(pairs)) in found.sentence
    assert found.scope is not None and found.scope.interval == "" and found.ci_low is None


def test_spearman_ranks_the_pairs_that_are_used(population: Population, client: Client) -> None:
    pairs = population.pairs(population.named(architecture="transformer"), population.named())
    found = client.consistency(LINEAR, "spearman", set_a="architecture:tx")
    for a, b in combinations(range(4), 2):
        x, y, _ = population.shared(IN_ORDER[a], IN_ORDER[b], pairs)
        assert found.r[a][b] == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)


def test_every_two_sets_of_an_attribute_and_the_baseline(population: Population, client: Client) -> None:
    found = client.set_pairs(LINEAR, "objective")
    assert found.dataset_pairs == PAIRS
    close(found.baseline.r, population.all_r(population.pairs()))
    by_sets = {(one.set_a, one.set_b): one for one in found.pairs}
    values = [slug for slug in OBJECTIVES if population.named(objective=slug)]
    assert sorted(by_sets) == sorted(combinations_with_replacement(values, 2)) and len(by_sets) == 6
    for (a, b), one in by_sets.items():
        pairs = population.pairs(population.named(objective=a), population.named(objective=b))
        r = population.all_r(pairs)
        close(one.r, r)
        close([one.q1, one.median, one.q3], np.quantile(r, [0.25, 0.5, 0.75]))
        assert one.n_pairs == len(pairs) and one.n_models_a == one.n_models_b == 7
        assert one.n == [len(population.shared(x, y, pairs)[2]) for x, y in PAIRS]
    medians = [one.median for one in found.pairs]
    assert medians == sorted(medians, reverse=True)


def test_custom_sets_are_predicates_or_names(population: Population, client: Client) -> None:
    client.save_model_set("small-ones", "size:small & !tag:mae", "Small ones")
    found = client.set_pairs(LINEAR, "custom", sets=["small-ones", "objective:ssl"])
    small = [name for name in population.named(size="small") if "mae" not in population.tags[name]]
    assert [one.title for one in found.pairs if one.set_a == one.set_b and "Small" in one.title] == ["Small ones"]
    within = next(one for one in found.pairs if one.title == "Small ones")
    close(within.r, population.all_r(population.pairs(small, small)))
    across = next(one for one in found.pairs if one.set_a != one.set_b)
    close(across.r, population.all_r(population.pairs(small, population.named(objective="self-supervised"))))
    client.delete_model_set("small-ones")


def test_models_and_datasets_are_filtered_and_the_filter_is_told(population: Population, client: Client) -> None:
    found = client.set_pairs(LINEAR, "architecture", models="!tag:mae & size:small", datasets="!domain:natural-single")
    kept = [name for name in population.named(size="small") if "mae" not in population.tags[name]]
    assert (found.scope.n_models, found.scope.n_models_of) == (len(kept), 21)
    assert found.scope.models == "!tag:mae & size:small"
    assert found.scope.datasets == ["photos", "digits", "shapes"]
    close(found.baseline.r, population.all_r(population.pairs(kept, kept), ["photos", "digits", "shapes"]))
    by_name = client.set_pairs(LINEAR, "architecture", models="size:small & !tag:mae", datasets=["digits", "photos"])
    assert by_name.dataset_pairs == [("photos", "digits")]
    without = client.consistency(LINEAR, models="without-mae")
    assert without.scope is not None and without.scope.n_models == 19 and without.scope.models == "!tag:mae"


def test_two_sets_are_compared_as_they_are_and_matched(population: Population, client: Client) -> None:
    ssl, sup = population.named(objective="self-supervised"), population.named(objective="supervised")
    medians = [np.median(population.all_r(population.pairs(one, one))) for one in (ssl, sup)]
    found = client.difference(LINEAR, "objective:ssl", "objective:sup")
    assert (found.a.median, found.b.median) == pytest.approx(tuple(medians), abs=1e-9)
    assert found.difference == pytest.approx(medians[0] - medians[1], abs=1e-9) and found.strata == []

    matched = client.difference(LINEAR, "objective:ssl", "objective:sup", match=["architecture", "size"])
    assert matched.matched_by == ["architecture", "size"]
    weights = {}
    for stratum in matched.strata:
        of_a, of_b = (
            [name for name in one if stratum.values.items() <= population.models[name].items()] for one in (ssl, sup)
        )
        assert (stratum.n_a, stratum.n_b) == (len(of_a), len(of_b))
        assert stratum.used == bool(of_a and of_b)
        for name in of_a:
            weights[name] = min(len(of_a), len(of_b)) / len(of_a)
    assert sum(one.n_a for one in matched.strata) == 7 == sum(one.n_b for one in matched.strata)
    r = []
    for a, b in PAIRS:
        x, y, pairs = population.shared(a, b, population.pairs(ssl, ssl))
        w = np.array([weights[i] * weights[j] for i, j in pairs])
        dx, dy = x - np.average(x, weights=w), y - np.average(y, weights=w)
        r.append(np.sum(w * dx * dy) / np.sqrt(np.sum(w * dx**2) * np.sum(w * dy**2)))
    close(matched.a.r, r)
    assert matched.sentence.startswith("Matched by architecture and size")


def test_sets_without_a_match_say_so(client: Client) -> None:
    found = client.difference(LINEAR, "size:small", "size:large", match=["size"])
    assert (found.verdict, found.difference, found.a.median) == ("undefined", None, None)
    assert "no model of" in found.sentence and "has a match" in found.sentence
    assert not any(one.used for one in found.strata)


def test_contributions_of_a_scatter_sum_to_r(population: Population, client: Client) -> None:
    found = client.dataset_pair(LINEAR, "digits", "cars", by="architecture")
    x, y, pairs = population.shared("digits", "cars", population.pairs())
    named = [
        tuple(sorted((found.pairs.models[i], found.pairs.models[j])))
        for i, j in zip(found.pairs.i, found.pairs.j, strict=True)
    ]
    at = [named.index(pair) for pair in pairs]
    assert sorted(named) == pairs and found.n_pairs == found.n_listed == len(pairs) == 190
    close(np.array(found.pairs.x)[at], x)
    close(np.array(found.pairs.y)[at], y)
    dx, dy = x - x.mean(), y - y.mean()
    close(np.array(found.pairs.contribution)[at], dx * dy / np.sqrt((dx**2).sum() * (dy**2).sum()))
    assert found.r == pytest.approx(sum(found.pairs.contribution))
    assert found.r == pytest.approx(population.r("digits", "cars", pairs))
    assert (found.slope, found.intercept) == pytest.approx(tuple(np.polyfit(x, y, 1)))
    assert found.n_models == 20
    for number, group in enumerate(found.groups):
        inside = [p for p, g in zip(named, found.pairs.group, strict=True) if g == number]
        sides = [population.named(architecture=slug) for slug in (group.set_a, group.set_b)]
        assert sorted(inside) == population.shared("digits", "cars", population.pairs(*sides))[2]
        gx, gy, _ = population.shared("digits", "cars", sorted(inside))
        assert (group.slope, group.intercept) == pytest.approx(tuple(np.polyfit(gx, gy, 1)))
        assert group.r == pytest.approx(np.corrcoef(gx, gy)[0, 1]) and group.n_pairs == len(inside)
    assert sum(group.n_pairs for group in found.groups) == 190


def test_r_without_each_model(population: Population, client: Client) -> None:
    found = client.dataset_pair(LINEAR, "photos", "shapes", set_a="objective:ssl")
    ssl = population.named(objective="self-supervised")
    pairs = population.pairs(ssl, None)
    assert found.r == pytest.approx(population.r("photos", "shapes", pairs))
    changes = [abs(one.change or 0) for one in found.without_model]
    assert changes == sorted(changes, reverse=True) and len(found.without_model) == 21
    for one in found.without_model:
        left = population.r("photos", "shapes", [pair for pair in pairs if one.name not in pair])
        assert one.r == pytest.approx(left, abs=1e-9) and one.change == pytest.approx(left - found.r, abs=1e-9)
    assert found.without_model[0].name in found.sentence


def test_a_long_list_of_pairs_is_cut_and_says_so(api: TestClient) -> None:
    params = {"metric": LINEAR, "a": "digits", "b": "shapes", "limit": 50}
    whole = api.get("/consistency/dataset-pair", params=params | {"limit": 1000}).json()
    part = api.get("/consistency/dataset-pair", params=params).json()
    assert (part["n_listed"], part["n_pairs"], len(part["pairs"]["i"])) == (50, 210, 50)
    assert part["r"] == whole["r"] and part["without_model"] == whole["without_model"]
    assert any("50 of 210 pairs are listed" in note for note in part["scope"]["notes"])
    rows = {(i, j): c for i, j, c in zip(*(whole["pairs"][k] for k in ("i", "j", "contribution")), strict=True)}
    listed = list(zip(part["pairs"]["i"], part["pairs"]["j"], strict=True))
    assert [rows[pair] for pair in listed] == part["pairs"]["contribution"]
    most = sorted(rows, key=lambda pair: -abs(rows[pair]))[:5]
    assert set(most) <= set(listed)


def test_the_influence_of_each_dataset(population: Population, client: Client) -> None:
    found = client.influence(LINEAR)
    pairs = population.pairs()
    assert found.median == pytest.approx(np.median(population.all_r(pairs)), abs=1e-9)
    for one in found.without_dataset:
        left = np.median(population.all_r(pairs, [name for name in IN_ORDER if name != one.name]))
        assert one.r == pytest.approx(left, abs=1e-9)
    whole = client.consistency(LINEAR, intervals=True)
    assert (found.ci_low, found.ci_high) == (whole.median_ci_low, whole.median_ci_high) and found.ci_low is not None
    assert {one.name for one in found.without_dataset} == set(IN_ORDER)
    assert found.without_dataset[0].name in found.sentence


def test_anchors_are_held_against_all_others_and_each_set(population: Population, client: Client) -> None:
    found = client.anchors(LINEAR, ["net-05", "net-20"], by="architecture")
    assert [(one.model, one.others) for one in found.anchors] == [
        (model, others) for model in ("net-05", "net-20") for others in ("all", "convolutional", "transformer")
    ]  # fmt: skip
    for one in found.anchors:
        others = None if one.others == "all" else population.named(architecture=one.others)
        pairs = population.pairs([one.model], others)
        close(one.r, population.all_r(pairs))
        assert one.n_models == len(pairs)
    # net-20 is not on cars, so three of its r are not defined.
    assert [one.r.count(None) for one in found.anchors] == [0, 0, 0, 3, 3, 3]


def test_agreement_of_two_metrics(population: Population, client: Client) -> None:
    found = client.metric_agreement(LINEAR, SPEARMAN)
    assert found.datasets == ["photos", "digits"] and found.n_pairs == [153, 153]
    for dataset, r in zip(found.datasets, found.r, strict=True):
        x, y = (population.values[metric, dataset][:18, :18][np.triu_indices(18, 1)] for metric in (LINEAR, SPEARMAN))
        assert r == pytest.approx(np.corrcoef(x.astype(float), y.astype(float))[0, 1], abs=1e-9)
    assert found.dataset_pairs == [("photos", "digits")] and found.consistency_r is None
    assert any("cars" in note for note in found.scope.notes)


def test_mean_and_spread_equal_numpy(population: Population, client: Client) -> None:
    found = client.spread(LINEAR)
    stack = np.stack([population.values[LINEAR, name] for name in IN_ORDER]).astype(float)
    assert found.models == population.names
    mean, sd = np.array(found.mean, float), np.array(found.sd, float)
    np.testing.assert_allclose(mean, np.nanmean(stack, axis=0), atol=1e-9)
    np.testing.assert_allclose(sd, np.nanstd(stack, axis=0, ddof=1), atol=1e-9)
    np.testing.assert_array_equal(found.n_datasets, np.isfinite(stack).sum(axis=0))
    arrays = client.spread_arrays(LINEAR)
    assert (arrays.models, arrays.sentence, arrays.scope) == (found.models, found.sentence, found.scope)
    for array, square in ((arrays.mean, mean), (arrays.sd, sd), (arrays.n_datasets, found.n_datasets)):
        np.testing.assert_array_equal(array, np.array(square, np.float32))


def test_partial_data_are_told_as_n_of_m(client: Client) -> None:
    notes = " ".join(client.consistency(LINEAR).scope.notes)  # type: ignore[union-attr]
    assert "cars 20 of 21" in notes
    notes = " ".join(client.consistency(SPEARMAN).scope.notes)  # type: ignore[union-attr]
    assert "2 of 4 datasets" in notes and "cars" in notes and "shapes" in notes and "18 of 21 models" in notes
    only = client.consistency(LINEAR, datasets="digits")
    assert only.median is None and "two datasets or more" in only.sentence and only.r == [[1.0]]
    nobody = client.set_pairs(LINEAR, models="objective:untrained")
    assert nobody.pairs == [] and nobody.baseline.median is None and nobody.scope.n_models == 0
    assert "not defined" in nobody.sentence


def test_too_few_pairs_are_null_and_never_zero(client: Client) -> None:
    two = client.consistency(LINEAR, set_a="model:net-00,net-01", set_b="model:net-00,net-01")
    assert two.r[0][1] is None and two.n_pairs[0][1] == 1 and two.median is None
    assert "1 model pair" in two.sentence


FORMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("", {}), ("", {"set_a": "objective:ssl", "intervals": True}), ("/set-pairs", {"by": "size"}),
    ("/difference", {"a": "objective:ssl", "b": "objective:sup", "match": "architecture"}),
    ("/dataset-pair", {"a": "digits", "b": "shapes", "by": "objective"}), ("/influence", {}),
    ("/anchors", {"anchors": "net-03,net-07", "by": "objective", "intervals": True}), ("/metrics", {"other": SPEARMAN}),
    ("/spread", {}),
)  # fmt: skip


@pytest.mark.parametrize(("path", "params"), FORMS, ids=str)
def test_tables_hold_the_numbers_of_the_json_and_etags_hold(
    api: TestClient, path: str, params: dict[str, Any]
) -> None:
    answers = {
        accept: api.get(f"/consistency{path}", params={"metric": LINEAR, **params}, headers={"Accept": accept})
        for accept in ("application/json", CSV, PARQUET)
    }
    etags = set()
    for accept, answer in answers.items():
        assert answer.status_code == 200 and answer.headers["content-type"].split(";")[0] == accept
        assert "Accept" in answer.headers["Vary"]
        etags.add(etag := answer.headers["ETag"])
        again = api.get(f"/consistency{path}", params={"metric": LINEAR, **params},
                        headers={"Accept": accept, "If-None-Match": etag})  # fmt: skip
        assert (again.status_code, again.content) == (304, b"")
    assert len(etags) == 3
    rows = list(csv.DictReader(io.StringIO(answers[CSV].text)))
    table = pq.read_table(pa.BufferReader(answers[PARQUET].content))
    assert rows and table.column_names == list(rows[0])
    for row, line in zip(table.to_pylist(), rows, strict=True):
        assert [("" if value is None else str(value)) for value in row.values()] == list(line.values())
    wire = answers["application/json"].json()
    assert json.loads(table.schema.metadata[b"parallax.scope"]) == wire["scope"]
    told = {value for value in _numbers(wire) if abs(value) not in (0.0, 1.0)}
    shown = {value for row in table.to_pylist() for value in row.values() if isinstance(value, float)}
    assert shown <= told | {0.0, 1.0, -1.0} and len(shown) >= 2


def _numbers(value: Any) -> Iterator[float]:
    """Every float inside a JSON value."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _numbers(inner)
