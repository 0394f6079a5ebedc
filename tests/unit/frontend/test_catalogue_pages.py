"""What the pages of models, datasets and coverage say, from invented coverage."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from frontend.components.facet_panel import filter_trouble
from frontend.components.pictures import picture, sample_rows
from frontend.figures.numbers import large
from frontend.pages import coverage, dataset, datasets, model, models
from frontend.pages.catalogue import Catalogue, read_catalogue
from frontend.urls import name_in
from tests.unit.frontend.stub_api import ABSENT, StubApi


@pytest.fixture(scope="module")
def api() -> StubApi:
    return StubApi()


@pytest.fixture(scope="module")
def catalogue(api: StubApi) -> Catalogue:
    return read_catalogue(api.client())


def words(component: Any) -> str:
    """All text of a component, in order."""
    if component is None or isinstance(component, int | float):
        return ""
    if isinstance(component, str):
        return component
    if isinstance(component, list | tuple):
        return " ".join(filter(None, map(words, component)))
    return words(getattr(component, "children", None))


def names(cards: list[Any]) -> list[str]:
    return [getattr(card, "data-name") for card in cards]


def test_cards_say_where_a_model_is_embedded_and_never_zero_for_what_was_not_computed(catalogue: Catalogue) -> None:
    cards = models.cards(catalogue)
    assert [card["title"] for card in cards] == [model.title for model in catalogue.models]
    said = {card["title"]: card["foot"] for card in cards}
    assert said["transformer-supervised"] == "on 3 of 3 datasets" and said[ABSENT[1]] == "on 2 of 3 datasets"
    (known,) = (card for card in cards if not card["here"])
    assert known["href"] == "/models/convnext_base" and known["foot"].startswith("not computed")


def test_leads_count_what_is_here_and_what_is_only_known(catalogue: Catalogue) -> None:
    assert words(models.lead(catalogue)).startswith("9 models here; 1 published model known but not computed.")
    assert words(datasets.lead(catalogue)).startswith("3 datasets here with 150 stimuli; 1 published dataset known")
    assert "26 of their 27 pairs are embedded" in coverage.lead(catalogue)


def test_the_page_of_a_model_says_why_a_cell_failed_and_offers_the_missing(catalogue: Catalogue) -> None:
    found = catalogue.model(ABSENT[1])
    assert found is not None
    said = words(model.body(catalogue, found, []))
    assert "Embedded on 2 of 3 datasets" in said and "Row 7 is not finite. Check it." in said
    assert "Ask for the 1 missing" in said
    full = catalogue.model("transformer-supervised")
    assert full is not None and "Ask for" not in words(model.body(catalogue, full, []))


def test_a_model_that_cannot_be_loaded_is_not_offered(catalogue: Catalogue) -> None:
    known = catalogue.model("convnext_base")
    assert known is not None
    refused = known.model_copy(update={"obstacle": "Its weights come by vissl."})
    said = words(model.body(catalogue, refused, []))
    assert "Its weights come by vissl." in said and "Ask for" not in said


def test_both_labels_are_shown_where_they_differ_and_one_elsewhere(catalogue: Catalogue) -> None:
    known, plain = catalogue.model("convnext_base"), catalogue.model("transformer-supervised")
    assert known is not None and plain is not None
    assert "as audited" in words(model.facts(known, None, None))
    assert "as audited" not in words(model.facts(plain, None, None))


def test_pictures_are_only_asked_for_where_the_licence_allows(api: StubApi, catalogue: Catalogue) -> None:
    shown = next(one for one in api.client().datasets() if one.name == "digits")
    for allowed in (True, False):
        one = shown.model_copy(update={"shows_stimuli": allowed})
        here = Catalogue(catalogue.coverage.model_copy(update={
            "datasets": catalogue.datasets[:1], "states": [row[:1] for row in catalogue.coverage.states]}))
        cards = datasets.cards(here, {"digits": one}, "name")
        text = str(cards) + str(dataset.body(catalogue, one, []))
        assert ("/image?" in text) is allowed
        assert ("licence" in words(cards)) is not allowed


def test_a_picture_says_what_it_is(api: StubApi) -> None:
    made = picture(next(one for one in api.client().datasets() if one.name == "digits"), 7, 96)
    assert made.alt == "Stimulus 8 of Handwritten digits"
    assert getattr(made, "data-src") == "/api/v1/datasets/digits@1/stimuli/7/image?size=96"


@pytest.mark.parametrize(("n", "wanted"), [(1, 6), (6, 6), (7, 3), (1797, 24), (10_000, 24)])
def test_samples_are_spread_evenly(n: int, wanted: int) -> None:
    rows = sample_rows(n, wanted)
    assert len(rows) == len(set(rows)) == min(n, wanted) and rows == sorted(rows)
    assert rows[0] >= 0 and rows[-1] < n
    steps = {after - before for before, after in pairwise(rows)}
    assert not steps or max(steps) - min(steps) <= 1


@pytest.mark.parametrize(("number", "text"), [
    (5, "5"), (999, "999"), (1000, "1 k"), (398_584, "399 k"), (999_999, "1 M"), (85_798_656, "85.8 M"),
    (1_136_480_768, "1.14 B"),
])
def test_large_numbers_in_three_digits(number: int, text: str) -> None:
    assert large(number) == text


@pytest.mark.parametrize(("path", "name"), [
    ("/models/a.b_c-1", "a.b_c-1"), ("/models/", None), ("/models", None), ("/models/a/b", None), ("/datasets/x", None),
    ("/models/a%20b", "a b"), (None, None),
])
def test_names_in_addresses(path: str | None, name: str | None) -> None:
    assert name_in(path, "models") == name


def test_a_filter_that_cannot_be_read_is_explained() -> None:
    assert filter_trouble("objective:ssl & !tag:mae", "model") == ""
    said = filter_trouble("objectiv:ssl", "model")
    assert "all models are shown" in said and "objective" in said and "character 1" in said
    assert filter_trouble("domain:structured", "dataset") == "" and filter_trouble("size:small", "dataset")
