"""Submitting a model: every error at once, the job's page, and the new row in the heatmap."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import METRIC, Ready, settled

pytestmark = pytest.mark.e2e


def test_every_error_of_the_form_is_shown_at_once(ready: Ready) -> None:
    page = ready("/submit")
    page.fill("#submit-timm_name", "resnett18")
    page.keyboard.press("Escape")
    page.fill("#submit-name", "Bad Name")
    page.click("#submit-send")
    page.wait_for_selector("text=timm has no model resnett18")
    shown = page.inner_text(".form")
    for words in (
        "Did you mean resnet18", "Choose the training objective", "Choose the architecture", "Choose the training data",
        "A name has small letters", "Choose at least one dataset",
    ):
        assert words in shown
    page.fill("#submit-name", "good-name")
    page.wait_for_selector("text=A name has small letters", state="detached")


def test_names_are_suggested_while_typing(ready: Ready) -> None:
    page = ready("/submit")
    page.locator("#submit-timm_name").press_sequentially("resnet18.a1", delay=30)
    page.get_by_role("option", name="resnet18.a1_in1k", exact=True).click()
    assert page.input_value("#submit-timm_name") == "resnet18.a1_in1k"


def test_a_model_by_name_ends_as_a_row_of_the_heatmap(ready: Ready) -> None:
    page = ready("/submit")
    page.fill("#submit-timm_name", "test_byobnet")
    page.keyboard.press("Escape")
    page.click("#submit-weights >> text=Untrained")
    page.fill("#submit-seed", "5")
    page.click("#submit-architecture")
    page.get_by_role("option", name="Convolutional", exact=True).click()
    page.fill("#submit-name", "newcomer")
    page.click("#submit-all")
    page.click("#submit-metrics")
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    page.click("#submit-send")
    page.wait_for_url("**/jobs/*")
    settled(page)
    assert "newcomer" in page.inner_text("h1")
    page.wait_for_selector("text=See it in the heatmap", timeout=120_000)
    page.wait_for_selector(".job-head .state-succeeded", timeout=120_000)
    page.wait_for_function("() => !document.querySelector('.grid-table .state-running, .grid-table .state-queued')",
                           timeout=120_000)
    page.click("text=See it in the heatmap")
    page.wait_for_url("**/similarity?*highlight=newcomer*")
    settled(page)
    models = page.evaluate("Array.from(document.querySelector('#similarity-graph .js-plotly-plot').data[0].y)")
    assert "newcomer" in models
    assert METRIC.split(".")[0] in page.url


def test_a_file_that_is_no_checkpoint_is_refused_with_a_hint(ready: Ready, tmp_path: object) -> None:
    page = ready("/submit?v=1&source=checkpoint")
    page.wait_for_selector("#checkpoint-file", state="attached")
    page.evaluate("window.__complaints = []")
    page.click("#submit-send")
    page.wait_for_selector("text=Choose a checkpoint file")
