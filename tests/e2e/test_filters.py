"""Filters hide nothing and count right: the browser's functions against slow, obvious ones in Python, on invented
models, and the pages against what the API has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page
from scipy.stats.contingency import association

from backend.domain.attributes import MODEL_ATTRIBUTES
from backend.domain.errors import InvalidInput
from backend.domain.predicates import ALIASES, parse
from backend.domain.published import published_models
from frontend.components.facet_panel import FACETS, facet_group, facet_item
from tests.e2e.conftest import Ready, StubPages, Study, settled
from tests.support.stack import REPOSITORY
from tests.unit.frontend.stub_api import ABSENT, MODELS

pytestmark = pytest.mark.e2e
ASSETS = REPOSITORY / "frontend" / "assets"
TAGS = ("mae", "anchor", "demo")
NAMES = ("alpha", "beta-2", "gamma.v1", "delta_x")
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    """An empty page with the scripts of the filters."""
    page = browser.new_page()
    for name in ("crossed", "facets", "predicate"):
        page.add_script_tag(path=ASSETS / f"{name}.js")
    yield page
    page.close()


@st.composite
def terms(draw: st.DrawFn) -> str:
    attribute = draw(st.sampled_from([*MODEL_ATTRIBUTES, "tag", "model"]))
    known = {"tag": TAGS, "model": NAMES}.get(attribute) or [*MODEL_ATTRIBUTES[attribute], *ALIASES.get(attribute, {})]
    values = draw(st.lists(st.sampled_from(sorted(known)), min_size=1, max_size=3))
    return f"{attribute}:{','.join(values)}"


def predicates() -> st.SearchStrategy[str]:
    """Texts of the grammar, with blanks, double negations and needless parentheses."""
    return st.recursive(
        terms(),
        lambda inner: st.one_of(
            inner.map(lambda text: f"!{text}"), inner.map(lambda text: f"( {text} )"),
            st.tuples(inner, st.sampled_from(["&", " | ", "|", " & "]), inner).map("".join),
        ),
        max_leaves=6,
    )


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """A text with some characters lost or put in, which mostly cannot be read any more."""
    text = draw(predicates())
    place = draw(st.integers(0, len(text)))
    return text[:place] + draw(st.sampled_from(["", "&", "(", ")", ":", "!", "x", ",", " ", "-"])) + text[place + 1:]


def items() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Invented models."""
    item = st.builds(
        lambda name, here, values, tags, audited: facet_item(
            name, f"{name} Title", here, values, sorted(tags), {"training_data": audited}),
        st.sampled_from(NAMES), st.booleans(),
        st.fixed_dictionaries({name: st.sampled_from(sorted(words)) for name, words in MODEL_ATTRIBUTES.items()}),
        st.sets(st.sampled_from(TAGS)), st.sampled_from(sorted(MODEL_ATTRIBUTES["training_data"])),
    )
    return st.lists(item, max_size=12, unique_by=lambda one: one["name"])


def passing(found: list[dict[str, Any]], text: str, scope: str, q: str, labels: str) -> list[str]:
    """The names that pass, item by item."""
    try:
        predicate = parse(text)
    except InvalidInput:
        predicate = parse("")
    kept = []
    for item in found:
        attributes = item["attributes"] | (item["audited"] if labels == "audited" else {}) | {"model": item["name"]}
        right_place = scope == "all" or item["here"] == (scope == "here")
        named = all(word in item["text"] for word in q.split())
        if right_place and named and predicate.holds(attributes, item["tags"]):
            kept.append(item["name"])
    return kept


OUTCOME = """([group, text, scope, q, labels]) => {
  const {chosen, written, toggled, outcome} = window.parallax.facets;
  const choice = chosen(group, text);
  const keptOf = (one) => outcome(group, {choice: one, scope, q}, labels).kept;
  const {kept, counts} = outcome(group, {choice, scope, q}, labels);
  const alone = {scope: {}};
  for (const where of ["all", "here", "absent"]) {
    alone.scope[where] = outcome(group, {choice, scope: where, q}, labels).kept.length;
  }
  const twice = {};
  for (const attribute of Object.keys(group.facets)) {
    alone[attribute] = {};
    for (const value of Object.keys(counts[attribute])) {
      alone[attribute][value] = keptOf({...choice, facets: {...choice.facets, [attribute]: [value]}}).length;
      twice[attribute + value] = keptOf(toggled(group, toggled(group, choice, attribute, value), attribute, value));
    }
  }
  return {kept, counts, alone, again: keptOf(chosen(group, written(choice))), twice, empty: written(chosen(group, "")),
    everything: outcome(group, {choice: chosen(group, ""), scope: "all", q: ""}, labels).kept};
}"""


@QUICK
@given(found=items(), text=st.one_of(st.just(""), predicates(), spoiled()),
       scope=st.sampled_from(["all", "here", "absent"]),
       q=st.sampled_from(["", "a", "title", "beta title", "nothing"]), labels=st.sampled_from(["published", "audited"]))
def test_what_passes_and_every_count_is_right(
    scripts: Page, found: list[dict[str, Any]], text: str, scope: str, q: str, labels: str
) -> None:
    group = facet_group("models", "model", found, field="models")
    got = scripts.evaluate(OUTCOME, [group, text, scope, q, labels])
    assert got["kept"] == passing(found, text, scope, q, labels)
    # The number at a value is what choosing that value alone in its facet leaves.
    assert got["counts"] == got["alone"]
    assert got["again"] == got["kept"], "what is written into the link means the same"
    assert all(kept == got["kept"] for kept in got["twice"].values()), "a value added and taken away changes nothing"
    assert got["everything"] == [item["name"] for item in found] and got["empty"] == "", "nothing is hidden by default"


@QUICK
@given(text=st.one_of(predicates(), spoiled(), st.text(alphabet="abot:,&|!() ", max_size=14)))
def test_predicates_are_read_as_the_server_reads_them(scripts: Page, text: str) -> None:
    group = facet_group("models", "model", [], field="models")
    got = scripts.evaluate("""([text, words, aliases]) => {
      const node = window.parallax.predicate.parse(text, words, aliases);
      return node === null ? null : window.parallax.predicate.write(node);
    }""", [text, group["words"], group["aliases"]])
    try:
        expected: str | None = str(parse(text))
    except InvalidInput:
        expected = None
    assert got == expected


@pytest.mark.parametrize("labels", ["published", "audited"])
def test_crossed_attributes_are_counted_right(scripts: Page, labels: str) -> None:
    models = [
        {name: getattr(m, f"{name}_audited" if name == "training_data" and labels == "audited" else name)
         for name in MODEL_ATTRIBUTES} for m in published_models().values()
    ]
    for first in MODEL_ATTRIBUTES:
        for second in MODEL_ATTRIBUTES:
            if first == second:
                continue
            made = scripts.evaluate("([items, words, a, b]) => window.parallax.crossTable(items, words, a, b)",
                                    [models, dict(MODEL_ATTRIBUTES), first, second])
            counts = np.array([[sum(m[first] == a and m[second] == b for m in models) for b in made["columns"]]
                               for a in made["rows"]])
            np.testing.assert_array_equal(made["counts"], counts)
            assert made["rows"] == [value for value in MODEL_ATTRIBUTES[first] if value in {m[first] for m in models}]
            assert made["rowSums"] == counts.sum(1).tolist() and made["columnSums"] == counts.sum(0).tolist()
            assert made["empty"] == int((counts == 0).sum())
            assert made["v"] == pytest.approx(association(counts, method="cramer"), abs=1e-12)


def shown(page: Page, kind: str) -> list[str]:
    """Names of the cards that can be seen."""
    cards = page.locator(f"#{kind}-cards [data-name]:visible")
    return cards.evaluate_all("cards => cards.map((card) => card.dataset.name)")


@pytest.mark.parametrize(("kind", "m"), [("models", 64), ("datasets", 23)])
def test_a_page_without_choices_shows_everything(ready: Ready, study: Study, kind: str, m: int) -> None:
    page = ready(f"/{kind}")
    here = len(study.client.models()) if kind == "models" else len(study.client.datasets())
    page.wait_for_selector(".n-of-m")
    assert len(shown(page, kind)) == here + m
    assert page.inner_text(".n-of-m") == f"{here + m} of {here + m} {kind}"
    assert page.locator(".filter-chip").count() == 0 and not page.locator(".reset").is_visible()
    assert page.url.endswith(f"/{kind}"), "nothing is chosen in the link either"


def test_choices_are_chips_and_the_reset_takes_all_of_them_away(ready: Ready) -> None:
    page = ready("/models")
    page.wait_for_selector(".n-of-m")
    before = shown(page, "models")
    pressed = page.locator("#models-facets .facet:has-text('Self-Supervised')")
    number = int(pressed.locator(".count").inner_text())
    pressed.click()
    page.wait_for_selector(".filter-chip:has-text('Training objective: Self-Supervised')")
    assert len(shown(page, "models")) == number and "models=objective:self-supervised" in page.url
    page.locator("#models-facets .facet:has-text('Published, not here')").click()
    page.fill("#models--q", "dino")
    page.wait_for_selector(".filter-chip:has-text('dino')")
    assert page.locator(".filter-chip").count() == 3
    names = shown(page, "models")
    assert names and all("dino" in name for name in names)
    assert page.inner_text(".n-of-m") == f"{len(names)} of {len(before)} models"
    # The link says it all: somebody else sees the same.
    page.reload()
    settled(page)
    page.wait_for_selector(".filter-chip >> nth=2")
    assert shown(page, "models") == names
    page.locator(".filter-chip:has-text('Published, not here')").click()
    page.wait_for_function("() => document.querySelectorAll('.filter-chip').length === 2")
    page.click(".reset")
    page.wait_for_function("() => !document.querySelector('.filter-chip')")
    assert shown(page, "models") == before and "?" not in page.url
    assert page.input_value("#models--q") == ""
    page.go_back()
    page.wait_for_selector(".filter-chip >> nth=1")


def test_cards_stand_in_the_order_of_the_link_and_say_what_is_known(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/models")
    settled(page)
    names = """() => [...document.querySelectorAll("#models-cards [data-name]")].map((card) => card.dataset.name)"""
    page.wait_for_selector("#models-cards [data-name]")
    assert sorted(page.evaluate(names)) == sorted([*MODELS, "convnext_base"])
    assert page.evaluate(names)[-1] == "convnext_base", "what is not here comes last"
    known = page.locator("[data-name=convnext_base]")
    assert "not computed" in known.inner_text() and " of " not in known.inner_text()
    assert known.locator(".as-published").inner_text() != known.locator(".as-audited").text_content()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or "") if "_dash-update" in request.url else None)
    for sort, label in (("parameters", "Parameters"), ("coverage", "Datasets embedded")):
        page.click("#models--sort")
        page.get_by_role("option", name=label).click()
        page.wait_for_url(f"**sort={sort}*")
        # What is embedded nowhere is the largest; the one that failed somewhere is embedded on one dataset less.
        wanted = {"parameters": ("[0]", "convnext_base"), "coverage": (".at(-2)", ABSENT[1])}[sort]
        page.wait_for_function(f"(name) => ({names})(){wanted[0]} === name", arg=wanted[1])
    assert not [body for body in asked if "models-data" in body], "the browser orders them by itself"
    page.evaluate("window.loadedOnce = true")
    page.click(".card-title a:has-text('transformer-supervised')")
    page.wait_for_selector("#model-root")
    assert page.evaluate("window.loadedOnce"), "a link between pages loads nothing anew"


def test_a_filter_that_cannot_be_read_hides_nothing_and_says_where_it_is_wrong(ready: Ready) -> None:
    page = ready("/models?v=1&models=objective:supervized")
    page.wait_for_selector("text=The filter of the link cannot be read, so all models are shown.")
    said = page.inner_text(".filter-trouble")
    assert "supervised" in said and "character 11" in said
    kept, _, total = page.inner_text(".n-of-m").split()[:3]
    assert kept == total and page.locator(".reset").is_visible()


def test_audited_labels_change_what_a_facet_counts(ready: Ready) -> None:
    page = ready("/models?v=1&scope=absent&models=training_data:imagenet-1k")
    page.wait_for_selector(".n-of-m")
    assert page.inner_text(".n-of-m").startswith("37 of")
    page.click("#models--labels >> text=Audited")
    page.wait_for_function("() => document.querySelector('.n-of-m').textContent.startsWith('29 of')")
    page.click("#models--view >> text=Attributes crossed")
    page.wait_for_selector(".crossed-table")
    assert page.locator(".crossed").count() == 6
    table = page.locator(".crossed:has-text('Training objective × Size') tbody tr").first
    assert "16" in table.inner_text() and not page.locator("#models-cards").is_visible()
    assert page.get_attribute("#models-root", "data-labels") == "audited"


def test_facets_of_all_kinds_have_a_title_and_words() -> None:
    for subject, names in FACETS.items():
        group = facet_group("x", subject, [], field="x")
        assert list(group["facets"]) == list(names)
        assert all(facet["title"] and facet["title"][0].isupper() for facet in group["facets"].values())
