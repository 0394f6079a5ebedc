"""Rare states, on invented answers: nothing yet, first results on their way, the API away and back, failed work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import StubPages, settled

pytestmark = pytest.mark.e2e
RESULTS = ("/", "/similarity", "/consistency")


@pytest.mark.parametrize("path", RESULTS)
def test_nothing_yet_says_what_to_do(stub_pages: StubPages, page: Page, path: str) -> None:
    stub_pages.api.mode = "empty"
    page.goto(stub_pages.url + path)
    settled(page)
    assert "Nothing has been computed yet" in page.inner_text("main")
    assert page.locator("main a[href='/submit']").is_visible()
    assert not page.locator(".work").is_visible()


def test_results_appear_by_themselves_when_they_are_there(stub_pages: StubPages, page: Page) -> None:
    stub_pages.api.mode = "computing"
    page.goto(stub_pages.url + "/similarity")
    page.wait_for_selector("text=The first results are being computed")
    assert "2 of 4 jobs are done" in page.inner_text("main")
    stub_pages.api.mode = "full"
    # What makes pages read again is that a job has ended; here that is a change of address.
    page.click("#nav-overview")
    page.wait_for_selector(".page-overview.is-ready")
    assert "carries over" in page.inner_text("h1")


@pytest.mark.parametrize("path", [*RESULTS, "/jobs", "/jobs/1", "/models", "/datasets", "/coverage"])
def test_the_api_away_and_back(stub_pages: StubPages, page: Page, path: str) -> None:
    stub_pages.api.mode = "down"
    page.goto(stub_pages.url + path)
    page.wait_for_selector("text=This page tries again by itself every few seconds")
    stub_pages.api.mode = "full"
    page.wait_for_selector(".is-ready", timeout=15_000)
    page.wait_for_selector("text=cannot be reached", state="detached")  # the line goes with a beat


def test_what_is_on_screen_stays_when_the_api_goes_away(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity")
    settled(page)
    stub_pages.api.mode = "down"
    page.wait_for_selector(".banner-line", timeout=15_000)
    assert page.locator("#similarity-graph .main-svg").first.is_visible()
    stub_pages.api.mode = "full"
    page.wait_for_selector(".banner-line", state="detached", timeout=15_000)


def test_models_without_values_are_named_with_their_reason(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity?v=1&dataset=sky")
    settled(page)
    gaps = page.inner_text(".not-computed")
    assert "Not computed" in gaps and "other-untrained" in gaps and "Its embedding failed." in gaps


def test_an_unknown_address_leads_on(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/jobs")
    settled(page)
    page.evaluate(
        "history.pushState({}, '', '/nowhere'); window.dispatchEvent(new CustomEvent('_dashprivate_pushstate'))"
    )
    page.wait_for_selector("text=This address leads nowhere")
    page.click("main a[href='/']")
    page.wait_for_selector(".page-overview")


def test_a_job_says_what_failed_and_asks_before_it_is_cancelled(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/jobs/3")
    settled(page)
    assert "Row 7 is not finite." in page.inner_text(".trouble-box")
    assert not page.locator("#job-cancel").is_visible(), "it has ended"

    page.goto(stub_pages.url + "/jobs/1")
    settled(page)
    page.click("#job-cancel")
    page.wait_for_selector("text=Cancel this job?")
    page.click("#job-keep")
    page.wait_for_selector("text=Cancel this job?", state="detached")
    assert "POST /jobs/1:cancel" not in stub_pages.api.asked
    page.click("#job-cancel")
    page.click("#job-cancel-yes")
    page.wait_for_selector("text=Cancel this job?", state="detached")
    assert "POST /jobs/1:cancel" in stub_pages.api.asked


def test_the_list_of_jobs_is_filtered_by_its_link(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/jobs?v=1&state=failed")
    settled(page)
    assert page.locator(".ag-center-cols-container .ag-row").count() == 1
    page.click("#jobs--state >> text=All")
    page.wait_for_function("() => document.querySelectorAll('.ag-center-cols-container .ag-row').length === 3")
    page.go_back()
    page.wait_for_function("() => document.querySelectorAll('.ag-center-cols-container .ag-row').length === 1")


def test_a_link_of_a_later_version_is_announced(stub_pages: StubPages, page: Page) -> None:
    page.goto(stub_pages.url + "/similarity?v=9&dataset=digits&dimension=4")
    page.wait_for_selector("text=made by a later version")
