"""Coverage in the browser: the matrix says what the API says, an empty cell is queued by two clicks, the keyboard
reaches every cell; the pages of one model and one dataset."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from backend.contracts.jobs import Submission
from tests.e2e.conftest import DATASETS, METRIC, Ready, Study, wait_for_quiet
from tests.support.tiny import timm_submission

pytestmark = pytest.mark.e2e
LETTERS = {"c": "computed", "r": "running", "q": "queued", "f": "failed", "m": "missing"}


@pytest.fixture(scope="module")
def halfway(study: Study) -> str:
    """A model that is embedded on one of the three datasets."""
    body = timm_submission("test_vit", 9, ["aurora"], [METRIC], name="halfway")
    study.client.submit(Submission.model_validate(body))
    wait_for_quiet(study.client)
    return "halfway"


def matrix(ready: Ready, path: str = "/coverage") -> Page:
    page = ready(path)
    page.wait_for_selector(".cov-grid .cov")
    return page


def cell_of(page: Page, study: Study, model: str, dataset: str) -> str:
    """Selector of a cell."""
    found = study.client.embeddings_coverage()
    i = [one.name for one in found.models].index(model)
    j = [one.name for one in found.datasets].index(dataset)
    return f".cov[data-i='{i}'][data-j='{j}']"


def test_every_cell_is_as_the_api_says(ready: Ready, study: Study, halfway: str) -> None:
    page = matrix(ready)
    found = study.client.embeddings_coverage()
    drawn = page.eval_on_selector_all(
        ".cov-grid .cov", "cells => cells.map((cell) => [cell.dataset.i, cell.dataset.j, cell.className.slice(-1)])")
    assert len(drawn) == len(found.models) * len(found.datasets)
    for i, j, letter in drawn:
        model, dataset = found.models[int(i)], found.datasets[int(j)]
        state = found.states[int(i)][int(j)]
        expected = "x" if state == "m" and (model.obstacle or dataset.obstacle) else state
        assert letter == expected, (model.name, dataset.name)
    # Nothing that is not computed looks like a number or like nothing.
    legend = page.inner_text("#coverage-legend").split("\n")
    assert [word for word in LETTERS.values() if word not in legend] == []
    caption = page.inner_text("#coverage-caption")
    assert f"{found.counts['computed']:,} pairs of {len(drawn):,}" in caption


def test_an_empty_cell_asks_and_is_queued_by_two_clicks(ready: Ready, study: Study, halfway: str) -> None:
    page = matrix(ready, f"/coverage?v=1&models=model:{halfway}")
    cell = cell_of(page, study, halfway, "basalt")
    assert "cov-m" in (page.get_attribute(cell, "class") or "")
    jobs_before = study.client.jobs(kind="register").total
    page.click(cell)
    page.wait_for_selector("text=Embed Basalt with halfway?")
    assert "24 stimuli" in page.inner_text("#queue-words")
    page.click("#queue-no")
    page.wait_for_selector("text=Embed Basalt with halfway?", state="hidden")
    assert study.client.jobs(kind="register").total == jobs_before, "it asks first"
    page.click(cell)
    page.click("#queue-yes")
    page.wait_for_selector("#queue-answer a[href^='/jobs/']")
    assert study.client.jobs(kind="register").total == jobs_before + 1
    page.wait_for_selector(f"{cell}:not(.cov-m)", timeout=20_000)
    page.wait_for_selector(f"{cell}.cov-c", timeout=120_000)
    wait_for_quiet(study.client)


def test_what_cannot_be_queued_says_why(ready: Ready, study: Study) -> None:
    page = matrix(ready, "/coverage?v=1&models=model:openclip-rn50-openai")
    page.click(cell_of(page, study, "openclip-rn50-openai", "aurora"))
    said = page.inner_text("#coverage-cell")
    assert "CLIP ResNet-50 (OpenAI) on Aurora" in said and "open_clip" in said
    assert not page.locator("#queue-modal .mantine-Modal-content").is_visible()
    page.goto(f"{study.url}/coverage?v=1&models=model:convnext_base")
    page.wait_for_selector(".cov-grid .cov")
    page.click(cell_of(page, study, "convnext_base", "cifar-10"))
    page.wait_for_selector("text=This published dataset is not here")


def test_a_published_model_says_what_asking_for_it_fetches(ready: Ready, study: Study) -> None:
    page = matrix(ready, "/coverage?v=1&models=model:convnext_base")
    page.click(cell_of(page, study, "convnext_base", "aurora"))
    page.wait_for_selector("text=Embed Aurora with ConvNeXt-B?")
    assert "about 354 MB" in page.inner_text("#queue-words")
    page.keyboard.press("Escape")
    page.wait_for_selector("text=Embed Aurora with ConvNeXt-B?", state="hidden")


def test_a_column_asks_for_all_of_its_missing_models_at_once(ready: Ready, study: Study) -> None:
    some = "convnext_base,openclip-rn50-openai,test-vit-s0,vit_large_patch16_224"
    page = matrix(ready, f"/coverage?v=1&models=model:{some}")
    column = page.locator(".cov-column", has_text="Aurora")
    column.hover()
    # One is computed, one needs another loader; the other two can be asked for.
    column.get_by_role("button", name="Ask for the 2 missing embeddings on Aurora").click()
    page.wait_for_selector("text=Embed Aurora with 2 models?")
    said = page.inner_text("#queue-words")
    assert said.startswith("Each of the 2 models is run on 24 stimuli (Aurora)")
    assert "They are not here yet: their weights, about " in said
    assert page.evaluate("window.dash_component_api.getLayout('queue-want').props.data.models") == [
        "convnext_base", "vit_large_patch16_224"]
    page.keyboard.press("Escape")
    page.wait_for_selector("text=Embed Aurora with 2 models?", state="hidden")


def test_the_keyboard_reaches_cells_and_opens_them(ready: Ready, study: Study) -> None:
    page = matrix(ready)
    first = page.locator(".cov-grid .cov").first
    first.focus()
    assert page.locator(".cov-grid .cov[tabindex='0']").count() == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    at = page.evaluate("[document.activeElement.dataset.j, document.activeElement.getAttribute('aria-label')]")
    second = page.locator(".cov-head .cov-column").nth(1)
    assert at[0] == second.get_attribute("data-j")
    assert " on " in at[1] and any(f": {state}" in at[1] for state in LETTERS.values())
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#coverage-cell")).to_be_visible()


def test_the_keyboard_asks_for_rows_and_columns(ready: Ready) -> None:
    page = matrix(ready, "/coverage?v=1&models=model:convnext_base,vit_large_patch16_224&datasets=dataset:aurora")
    focused = "() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
    page.locator(".cov-grid .cov").first.focus()
    page.keyboard.press("ArrowUp")
    assert page.evaluate(focused) == "Aurora"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("Ask for the 2 missing embeddings on Aurora")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    assert page.evaluate(focused) == "ConvNeXt-B"
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused).startswith("Ask for the ")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(focused).endswith(" of ViT-L/16")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=with ViT-L/16?")
    page.keyboard.press("Escape")
    assert page.locator(".cov-grid [tabindex='0']").count() == 1


def test_the_matrix_is_grouped_and_narrowed_by_its_link(ready: Ready) -> None:
    page = matrix(ready, "/coverage?v=1&scope=absent&group=training_data&labels=audited&dataset_scope=absent")
    groups = [" ".join(text.split()) for text in page.locator(".cov-group").all_inner_texts()]
    assert groups == ["ImageNet-1k 29 models", "ImageNet-21k 17 models", "Large 11 models", "XLarge 7 models"]
    assert page.locator(".cov-grid .cov").count() == 64 * 23
    assert page.locator(".cov-name").first.evaluate("name => name.getBoundingClientRect().height") >= 20
    page.click("#models-line .reset")
    page.wait_for_function("() => document.querySelectorAll('.cov-group').length > 4")
    assert "scope=absent" not in page.url.replace("dataset_scope=absent", "")


def test_the_page_of_a_model_leads_on(ready: Ready, study: Study) -> None:
    page = ready("/models")
    page.click("#models-cards a:has-text('test-vit-s0')")
    page.wait_for_selector("h1:has-text('test-vit-s0')")
    page.wait_for_selector(".page-model.is-ready")
    said = page.inner_text("main")
    made = study.client.model("test-vit-s0")
    assert made.weights_sha256[:16] in said and f"Embedded on {len(DATASETS)} of" in said
    assert page.locator("#nav-models").get_attribute("aria-current") == "page"
    page.click(".grid-table a:has-text('Heatmap') >> nth=0")
    page.wait_for_url("**/similarity?*highlight=test-vit-s0*")


def test_a_published_model_that_is_not_here_has_both_labels_and_the_reason(ready: Ready) -> None:
    page = ready("/models/vit_large_patch16_224")
    said = " ".join(page.inner_text("main").split())
    assert "ImageNet-1k as published" in said and "ImageNet-21k as audited" in said
    assert "augreg_in21k_ft_in1k in timm 1.0.31" in said and "not computed here" in said
    page.click("#model-ask")
    page.wait_for_selector("text=with ViT-L/16?")
    page.click("#queue-no")


@pytest.mark.parametrize(("path", "words"), [
    ("/models/nobody", "There is no such model"), ("/datasets/nothing", "There is no such dataset"),
    ("/datasets/cifar-10", "at most 1,000 per class"), ("/models/openclip-rn50-openai", "open_clip"),
])
def test_names_that_are_not_here(ready: Ready, path: str, words: str) -> None:
    page = ready(path)
    assert words in page.inner_text("main")


def test_the_page_of_a_dataset_shows_pictures_only_where_the_licence_allows(ready: Ready, study: Study) -> None:
    page = ready("/datasets/aurora")
    page.wait_for_selector(".page-dataset.is-ready")
    dataset = study.client.dataset("aurora")
    assert dataset.dataset_hash[:16] in page.inner_text("main")
    if dataset.shows_stimuli:
        page.wait_for_function("() => [...document.querySelectorAll('.picture-grid img')].some((i) => i.naturalWidth)")
    else:
        assert page.locator("main img").count() == 0 and "Pictures are not shown" in page.inner_text("main")
    labels = [stimulus.label for stimulus in study.client.stimuli("aurora")]
    shown = {row.split("\n")[0]: int(row.split("\n")[-1]) for row in page.locator(".label-bars li").all_inner_texts()}
    assert shown == {label: labels.count(label) for label in set(labels)}
