"""Fixtures of the tests with real servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.homes import temporary_home

# These start servers as another account, which only root can.
collect_ignore = [] if os.geteuid() == 0 else ["test_servers_as_root.py"]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a space in its path, not yet made."""
    with temporary_home() as folder:
        yield folder
