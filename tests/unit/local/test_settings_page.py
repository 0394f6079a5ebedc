"""`docs/settings.md` says what the code says."""

from __future__ import annotations

from backend.settings import Settings
from parallax.cli.options import variable_of
from parallax.cli.settings_page import page
from tests.support.stack import REPOSITORY


def test_the_page_is_up_to_date() -> None:
    assert (REPOSITORY / "docs" / "settings.md").read_text() == page(), "run: make settings"


def test_every_setting_has_a_row_with_a_meaning() -> None:
    rows = {row.split("`")[1]: row for row in page().splitlines() if row.startswith("| `")}
    assert set(rows) == {variable_of(name) for name in Settings.model_fields}
    for row in rows.values():
        assert len(row.split("|")[3].split()) >= 3, row
