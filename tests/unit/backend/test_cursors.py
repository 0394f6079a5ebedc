"""Paging cursors are signed and belong to one listing of one installation."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.api.cursors import decode_cursor, encode_cursor
from backend.domain.errors import InvalidInput
from backend.settings import Settings

SETTINGS = Settings(secret="one")


@given(st.one_of(st.integers(), st.text(), st.lists(st.one_of(st.text(), st.integers()), max_size=3)))
def test_a_position_comes_back(position: object) -> None:
    assert decode_cursor(SETTINGS, "models", encode_cursor(SETTINGS, "models", position)) == position


def test_no_cursor_is_the_beginning() -> None:
    assert decode_cursor(SETTINGS, "models", None) is None


@given(st.text(max_size=60))
def test_whatever_else_is_given_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        decode_cursor(SETTINGS, "models", text)


@given(st.integers(0, 30), st.integers(1, 255))
def test_a_changed_byte_is_noticed(index: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(encode_cursor(SETTINGS, "models", "a name that is long") + "=="))
    raw[index % len(raw)] ^= change
    with pytest.raises(InvalidInput):
        decode_cursor(SETTINGS, "models", base64.urlsafe_b64encode(raw).decode().rstrip("="))


def test_a_cursor_of_another_listing_or_installation_is_refused() -> None:
    cursor = encode_cursor(SETTINGS, "models", 5)
    for settings, listing in ((SETTINGS, "jobs"), (Settings(secret="two"), "models")):
        with pytest.raises(InvalidInput):
            decode_cursor(settings, listing, cursor)
