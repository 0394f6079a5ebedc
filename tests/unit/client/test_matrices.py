"""How the client reads a matrix: its head as JSON, its numbers as bytes, and both of the same moment."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from backend.contracts.matrices import ORDER_HASH_HEADER
from backend.domain.identity import order_hash
from parallax.client import ApiError, Client


def head(names: list[str], **changes: Any) -> dict[str, Any]:
    return {
        "dataset": "digits", "dataset_version": 1, "metric": "cka.linear.unbiased", "metric_version": 1,
        "preprocess": "l2", "n": 9, "models": names, "order_hash": order_hash(names), "values": [], "computed": [],
        "gaps": [], "updated_at": "2026-01-01T00:00:00Z",
    } | changes  # fmt: skip


def numbers(names: list[str]) -> httpx.Response:
    square = np.arange(len(names) ** 2, dtype="<f4")
    return httpx.Response(200, content=square.tobytes(), headers={ORDER_HASH_HEADER: order_hash(names)})


def client(answers: list[httpx.Response]) -> tuple[Client, list[httpx.URL]]:
    asked: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        return answers[len(asked) - 1]

    return Client("http://stub/api/v1", transport=httpx.MockTransport(answer)), asked


def test_a_model_that_comes_between_head_and_numbers_makes_it_ask_again() -> None:
    few, more = ["a", "b"], ["a", "b", "c"]
    api, asked = client([
        httpx.Response(200, json=head(few)), numbers(more), httpx.Response(200, json=head(more)), numbers(more),
    ])  # fmt: skip
    matrix = api.matrix("digits", "cka.linear.unbiased", layer="z")
    assert matrix.models == more and len(asked) == 4
    np.testing.assert_array_equal(matrix.values, np.arange(9, dtype=np.float32).reshape(3, 3))
    assert all(url.params["layer"] == "z" for url in asked)


def test_numbers_that_came_with_the_head_are_taken() -> None:
    api, asked = client([httpx.Response(200, json=head(["a"], values=[[None]], computed=[[False]]))])
    assert np.isnan(api.matrix("digits", "cka.linear.unbiased").values).all() and len(asked) == 1


def test_a_matrix_without_models_needs_no_numbers() -> None:
    api, asked = client([httpx.Response(200, json=head([]))])
    assert api.matrix("digits", "cka.linear.unbiased").values.shape == (0, 0) and len(asked) == 1


def test_a_request_for_a_comparison_says_what_is_wanted() -> None:
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.content)
        assert request.headers["Idempotency-Key"]
        return httpx.Response(422, json={"title": "Refused", "status": 422, "fields": [
            {"field": "models", "message": "Too few."}]})  # fmt: skip

    with Client("http://stub/api/v1", transport=httpx.MockTransport(answer)) as api, pytest.raises(ApiError) as refusal:
        api.compare("digits", "rtd", models=("a", "b"))
    assert bodies == [b'{"dataset":"digits","metric":"rtd","preprocess":"l2","models":["a","b"]}']
    assert [field.field for field in refusal.value.fields] == ["models"]
