"""Every view is a link: what is written is read back, whatever it holds."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.urls import VERSION, VIEWS, SimilarityView, decode, encode, is_newer, job_id_of, job_link, link, schema


@st.composite
def views(draw: st.DrawFn) -> Any:
    """Any view, with any text in its free fields."""
    kind = draw(st.sampled_from(list(VIEWS.values())))
    values = {}
    for spec in fields(kind):
        options = spec.metadata.get("options")
        free = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
        values[spec.name] = draw(st.sampled_from(options) if options else free)
    return kind(**values)


@given(views())
def test_round_trip(view: Any) -> None:
    search = encode(view)
    assert decode(type(view), search) == view
    assert search == "" or search.startswith(f"?v={VERSION}&")
    assert search.isascii() and " " not in search and "#" not in search


def test_links_are_readable() -> None:
    view = SimilarityView(dataset="digits", metric="cka.rbf.unbiased:sigma=0.4", order="name")
    assert link("/similarity", view) == "/similarity?v=1&dataset=digits&metric=cka.rbf.unbiased:sigma=0.4&order=name"


def test_defaults_are_left_out() -> None:
    for kind in VIEWS.values():
        assert encode(kind()) == ""
        assert decode(kind, "") == decode(kind, None) == kind()


@given(st.text(max_size=80))
def test_any_text_opens_a_view(search: str) -> None:
    for kind in VIEWS.values():
        decode(kind, search)
    is_newer(search)


def test_unknown_fields_and_choices_fall_back() -> None:
    assert decode(SimilarityView, "?v=1&order=upside-down&colour=red&dataset=sky") == SimilarityView(dataset="sky")


@pytest.mark.parametrize(("search", "newer"), [("", False), ("?v=1", False), ("?v=2&a=b", True), ("?v=x", False)])
def test_links_of_a_later_version_are_noticed(search: str, newer: bool) -> None:
    assert is_newer(search) is newer


@given(st.integers(0, 10**17))
def test_job_links(number: int) -> None:
    assert job_id_of(job_link(number)) == number


@pytest.mark.parametrize("path", [None, "", "/jobs", "/jobs/", "/jobs/x", "/jobs/1/2", "/jobs/-1", "/similarity/3"])
def test_other_addresses_are_no_jobs(path: str | None) -> None:
    assert job_id_of(path) is None


def test_the_browser_is_told_every_field_in_order() -> None:
    described = schema()
    assert set(described["views"]) == set(VIEWS)
    for path, kind in VIEWS.items():
        names = [field["name"] for field in described["views"][path]]
        assert names == [spec.name for spec in fields(kind)]
        full = kind(**{name: kind.__dataclass_fields__[name].metadata.get("options", ("", "x"))[1] for name in names})
        assert [name for name, _ in parse_qsl(encode(full).removeprefix("?"))] == ["v", *names]
