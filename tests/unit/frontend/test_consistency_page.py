"""The page on consistency over invented results: what every part asks for and draws, and what it says of too little."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from frontend.pages.consistency import (
    agreement,
    anchors,
    comparison,
    contributions,
    filters,
    influence,
    map,
    page,
    saved_sets,
    scatter,
    sections,
    set_pairs,
)
from frontend.pages.consistency.part import NEEDS, Drawn, _below
from frontend.pages.consistency.scope import Scoped, read_scope, resolved_pair, set_options
from frontend.urls import SECTIONS, ConsistencyView, encode
from parallax.client import ApiError
from tests.unit.frontend.stub_api import StubApi

MAKERS = {
    "map": map.make, "scatter": scatter.make, "sets": set_pairs.make, "compare": comparison.make,
    "pairs": contributions.make_pairs, "without": contributions.make_without, "influence": influence.make,
    "anchors": anchors.make, "agreement": agreement.make_datasets, "twins": agreement.make_twins,
}
API = StubApi()
CLIENT = API.client()


def scoped(**choice: str) -> Scoped:
    found = read_scope(CLIENT, encode(ConsistencyView(**choice)))
    assert found is not None
    return found


def words(shown: Any) -> str:
    """All text of a piece of layout."""
    if isinstance(shown, (list, tuple)):
        return "".join(words(one) for one in shown)
    return shown if isinstance(shown, str) else words(getattr(shown, "children", None) or "")


@pytest.fixture(scope="module")
def drawn() -> dict[str, Drawn]:
    return {need: make(CLIENT, scoped()) for need, make in MAKERS.items()}


def test_every_part_draws_says_a_sentence_and_opens_its_recipe(drawn: dict[str, Drawn]) -> None:
    for need, one in drawn.items():
        assert one.figure is not None and words(one.sentence).strip(), need
        recipe = words(one.recipe)
        facts = ("cka.linear.unbiased version 1", "9 of 9; published labels", "digits@1 (n = 50)", "Parallax 0.1.0")
        for fact in facts:
            assert fact in recipe, (need, recipe)
        for slip in ("nan", "None", "undefined"):
            assert slip not in words(one.sentence) + recipe, need


def test_what_stands_below_a_picture_is_one_list(drawn: dict[str, Drawn]) -> None:
    for need, one in drawn.items():
        assert not any(isinstance(child, list) for child in _below(one)), need


def test_needs_name_fields_of_the_link_and_every_part_has_its_need() -> None:
    known = {spec.name for spec in fields(ConsistencyView)}
    assert all(set(names) <= known for names in NEEDS.values())
    assert set(MAKERS) <= set(NEEDS)


def test_a_part_is_asked_anew_for_every_field_that_changes_its_answer() -> None:
    """What a part requests for a link must not depend on a field that is missing from its need."""
    other = {
        "metric": "rsa.correlation.spearman", "method": "spearman", "layer": "calibrated", "labels": "audited",
        "models": "!objective:untrained", "datasets": "digits,photos", "by": "architecture", "sets": "trained",
        "set_a": "objective:ssl", "set_b": "objective:sup", "a": "sky", "b": "photos", "first": "objective:untrained",
        "second": "objective:ssl", "match": "size", "anchors": "other-untrained", "highlight": "other-untrained",
        "other": "rsa.correlation.spearman", "dataset": "sky", "section": "sets",
    }
    assert set(other) == {spec.name for spec in fields(ConsistencyView)}
    plain = asked(ConsistencyView())
    for field, value in other.items():
        changed = asked(replace(ConsistencyView(), **{field: value}))
        for need in MAKERS:
            assert changed[need] == plain[need] or field in NEEDS[need], (need, field)


def asked(view: ConsistencyView) -> dict[str, list[str]]:
    """The questions that every part asks about consistency, with their parameters."""
    api = Watched()
    client = api.client()
    found = read_scope(client, encode(view))
    assert found is not None
    questions = {}
    for need, make in MAKERS.items():
        api.urls.clear()
        make(client, found)
        questions[need] = [url for url in api.urls if "/consistency" in url]
    return questions


class Watched(StubApi):
    """The stub, keeping whole addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def _answer(self, request: Any) -> Any:
        self.urls.append(str(request.url))
        return super()._answer(request)


def test_the_map_says_median_interval_and_both_ends(drawn: dict[str, Drawn]) -> None:
    said = words(drawn["map"].sentence)
    assert said.startswith("Over 3 pairs of 3 datasets the median r of all pairs of models is")
    assert "lowest between" in said and "highest between" in said


def test_the_scatter_opens_on_the_pair_that_agrees_least(drawn: dict[str, Drawn]) -> None:
    table = CLIENT.consistency("cka.linear.unbiased")
    r = np.array(table.r, dtype=float)
    least = resolved_pair(table, ConsistencyView())
    rows, columns = np.triu_indices(3, 1)
    place = [table.datasets.index(name) for name in least]
    assert r[place[0], place[1]] == r[rows, columns].min()
    assert (drawn["scatter"].extra["a"], drawn["scatter"].extra["b"]) == least
    assert resolved_pair(table, ConsistencyView(a="sky", b="digits")) == ("sky", "digits")
    assert resolved_pair(table, ConsistencyView(a="sky", b="sky")) == least


def test_the_scatter_shows_r_interval_and_n_of_every_set_pair(drawn: dict[str, Drawn]) -> None:
    said = words(drawn["scatter"].sentence)
    assert "Pearson r =" in said and "95 % interval" in said
    pairs = 28 if "sky" in (drawn["scatter"].extra["a"], drawn["scatter"].extra["b"]) else 36
    assert f"over {pairs} pairs of 9 models" in said, "one model has no values on one dataset"
    table = words(drawn["scatter"].below)
    assert "self-supervised x supervised" in table and "0.50 (0.10 to 0.80)" in table and "few models" in table


def test_contributions_come_from_both_ends_and_name_their_pair(drawn: dict[str, Drawn]) -> None:
    pairs = drawn["pairs"]
    assert "add" in words(pairs.sentence) and "pull it down" in words(pairs.sentence)
    keys = pairs.extra["keys"]
    assert len(keys) == 2 * contributions.MOST and all(len(models) == 2 for models in keys.values())
    chosen = contributions.extremes(np.arange(100.0))
    assert chosen[:2] == [99, 98] and chosen[-1] == 0 and len(set(chosen)) == 20
    assert contributions.extremes(np.array([0.1, 0.3])) == [1, 0]


def test_the_comparison_says_n_and_shows_the_cross_table_when_matched() -> None:
    plain = comparison.make(CLIENT, scoped())
    assert "Self-Supervised and Supervised models tie." in words(plain.sentence)
    assert [label[1] for label in plain.figure.layout.meta["labels"]] == ["3 pairs of 3 models · few models"] * 2
    matched = comparison.make(CLIENT, scoped(match="architecture,size"))
    table = words(matched.below)
    assert "1 combination of 2 of these values occur in both sets" in table and "Architecture" in table
    assert "Held equal" in words(matched.recipe)


def test_sets_too_small_for_r_are_said_and_not_drawn() -> None:
    one = comparison.make(CLIENT, scoped(first="model:other-untrained", second="model:other-supervised"))
    assert one.figure is None and words(one.sentence)
    custom = set_pairs.make(CLIENT, scoped(by="custom"))
    assert custom.figure is None and "name at least one" in words(custom.sentence)


@pytest.mark.parametrize("models", ["model:other-untrained,other-supervised", "model:other-untrained"])
def test_two_models_or_one_are_said_to_be_too_few(models: str) -> None:
    for need in ("map", "scatter", "sets", "compare", "pairs", "without"):
        one = MAKERS[need](CLIENT, scoped(models=models))
        said = words(one.sentence)
        assert said.strip() and "nan" not in said and "0.00" not in said, (need, said)
        assert need in ("map", "scatter") or one.figure is None, need


def test_one_dataset_is_no_consistency() -> None:
    shown = map.make(CLIENT, scoped(datasets="digits"))
    assert shown.figure is None and "computed on 1 dataset" in words(shown.sentence)
    assert scatter.make(CLIENT, scoped(datasets="digits")).figure is None


def test_a_predicate_that_cannot_be_read_is_said_at_its_field() -> None:
    with pytest.raises(ApiError) as error:
        map.make(CLIENT, scoped(models="objektive:ssl"))
    found = page._field_errors(error.value)
    assert "character 1" in found["models"] and "objective" in found["models"]


def test_set_pairs_are_drawn_in_the_apis_order_above_the_baseline(drawn: dict[str, Drawn]) -> None:
    titles = [title for title, _ in drawn["sets"].figure.layout.meta["labels"]]
    expected = [pair.title for pair in CLIENT.set_pairs("cka.linear.unbiased").pairs]
    assert titles == [*expected, "All models"]


@pytest.mark.parametrize(
    ("text", "term", "after"),
    [
        ("", "!tag:mae", "!tag:mae"),
        ("!tag:mae", "!tag:mae", ""),
        ("objective:ssl", "!tag:mae", "objective:self-supervised & !tag:mae"),
        ("objective:ssl & !tag:mae", "!tag:mae", "objective:self-supervised"),
        ("objective:ssl | size:small", "!tag:mae", "(objective:self-supervised | size:small) & !tag:mae"),
        ("trained", "!tag:mae", "!tag:mae"),
    ],
)
def test_a_chip_adds_its_part_or_takes_it_away(text: str, term: str, after: str) -> None:
    assert filters.toggled(filters.top_terms(text), term) == after


def test_filters_say_how_much_is_left_and_offer_a_reset_only_when_something_is_left_out() -> None:
    sets = CLIENT.model_sets()
    for models, amount, reset in (("", "9 of 9 models · 3 of 3 datasets", False),
                                  ("!objective:untrained", "6 of 9 models · 3 of 3 datasets", True)):
        here = scoped(models=models)
        made = filters.chips(here, sets, CLIENT.consistency(here.metric.id, **here.query))
        assert words(made[0]) == amount
        assert any(words(one) == "Reset" for one in made) is reset
    assert "Only Trained (6)" in words(made) and "Without MAE (none here)" in words(made)


def test_a_form_for_a_set_says_everything_that_is_wrong_at_once() -> None:
    wrong = saved_sets.problems("Bad Name", "t" * 121, "objective:", {"trained"})
    assert set(wrong) == {"name", "title", "predicate"} and "character" in wrong["predicate"]
    assert set(saved_sets.problems("", "", "", set())) == {"name", "predicate"}
    assert "already" in saved_sets.problems("trained", "", "size:small", {"trained"})["name"]
    assert saved_sets.problems("mine", "", "size:small", {"trained"}) == {}


def test_choices_of_sets_hold_what_the_link_asks_for() -> None:
    groups = set_options([], ["all", "size:small & tag:mae"])
    values = [item["value"] for group in groups for item in group["items"]]
    assert values[0] == "all" and values[-1] == "size:small & tag:mae" and len(values) == len(set(values))


def test_sections_are_those_of_the_link() -> None:
    assert set(sections.BODIES) <= set(SECTIONS) and set(sections.TITLES) == set(SECTIONS)
    for name in sections.BODIES:
        assert sections.body(ConsistencyView(section=name))
