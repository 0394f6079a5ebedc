"""What a client says when something else than the API answers."""

from __future__ import annotations

import httpx
import pytest

from parallax.client import ApiError, Client


def client(answer: httpx.Response) -> Client:
    return Client("http://stub", transport=httpx.MockTransport(lambda request: answer))


def test_a_page_in_place_of_the_api_is_said_with_the_address_that_it_takes() -> None:
    page = httpx.Response(200, html="<!DOCTYPE html>")
    with pytest.raises(ApiError, match="is a page, not an answer") as refusal:
        client(page).models()
    assert refusal.value.status == 404 and "/api/v1" in refusal.value.problem.hint


def test_a_proxy_that_answers_for_the_api_keeps_its_status() -> None:
    with pytest.raises(ApiError) as refusal:
        client(httpx.Response(502, html="<h1>Bad Gateway</h1>")).models()
    assert refusal.value.status == 502
