"""Submitting a model: every error at once, the job's page, and the new row in the heatmap."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.conftest import Ready, Study, settled
from tests.support.small_demo import make_checkpoints

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
    page.wait_for_function("""() => {
      const chart = document.querySelector("#similarity-graph .js-plotly-plot");
      return chart && chart.data && chart.data.length && Array.from(chart.data[0].y).includes("newcomer");
    }""")
    assert "metric=" in page.url


def test_a_checkpoint_file_ends_as_a_model(ready: Ready, study: Study, tmp_path: Path) -> None:
    make_checkpoints(tmp_path)
    page = ready("/submit?v=1&source=checkpoint")
    page.wait_for_selector("#checkpoint-file", state="attached")
    page.click("#submit-send")
    page.wait_for_selector("text=Choose a checkpoint file")
    page.set_input_files("#checkpoint-file", tmp_path / "tiny-0.safetensors")
    page.wait_for_selector("text=tiny-0, test_resnet, supervised, convolutional")
    page.click("#submit-datasets")
    page.get_by_role("option").first.click()
    page.keyboard.press("Escape")
    page.click("#submit-send")
    page.wait_for_url("**/jobs/*")
    page.wait_for_selector(".job-head .state-succeeded", timeout=120_000)
    assert study.client.model("tiny-0").source == "checkpoint"


def test_a_file_that_is_no_checkpoint_is_refused_in_words(browser: Browser, study: Study, tmp_path: Path) -> None:
    # A context of its own: Chromium itself writes the refused upload to the console.
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{study.url}/submit?v=1&source=checkpoint")
    page.wait_for_selector("#checkpoint-file", state="attached")
    (tmp_path / "letter.safetensors").write_bytes(b"Dear reader, this is no checkpoint." * 9)
    page.set_input_files("#checkpoint-file", tmp_path / "letter.safetensors")
    page.wait_for_function("() => document.getElementById('submit-checkpoint-error').textContent.length > 20")
    assert "undefined" not in page.inner_text("#submit-checkpoint-error")
    context.close()
