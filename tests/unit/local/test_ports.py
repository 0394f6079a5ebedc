"""Ports: the preferred one, or the next that is free."""

from __future__ import annotations

import pytest

from backend.domain.errors import Conflict
from parallax.local import ports


def test_a_taken_port_leads_to_the_next_one() -> None:
    with ports.listen(0) as first:
        port = first.getsockname()[1]
        assert ports.is_taken(port)
        with ports.listen(port) as second:
            assert second.getsockname()[1] > port
        assert ports.free_port(port) > port


def test_when_no_port_is_free_the_range_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "TRIES", 1)
    with ports.listen(0) as first, pytest.raises(Conflict, match=str(first.getsockname()[1])):
        ports.listen(first.getsockname()[1])
