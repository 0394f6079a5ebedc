"""One look for everything: data colours do not depend on the scheme, and nothing can leave the machine."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import frontend
from frontend.theme import (
    ATTRIBUTE_TITLES,
    FONT,
    GRAPH_CONFIG,
    OKABE_ITO,
    colour_of,
    mantine_theme,
    symbol_of,
    templates,
    vocabulary,
)

FOLDER = Path(frontend.__file__).parent


def test_no_button_that_uploads_anything() -> None:
    assert GRAPH_CONFIG["showSendToCloud"] is False
    assert GRAPH_CONFIG["plotlyServerURL"] == ""
    assert GRAPH_CONFIG["displaylogo"] is False
    assert GRAPH_CONFIG["displayModeBar"] is False


def test_dark_mode_changes_no_colour_of_data() -> None:
    light, dark = (json.loads(json.dumps(templates()[scheme])) for scheme in ("light", "dark"))
    assert light["layout"]["colorway"] == dark["layout"]["colorway"]
    assert light.get("data", {}) == dark.get("data", {}) == {}, "traces bring their own colours"
    assert "colorscale" not in light["layout"]
    assert light["layout"]["font"]["color"] != dark["layout"]["font"]["color"]
    assert light["layout"]["font"]["family"] == dark["layout"]["font"]["family"] == FONT


@pytest.mark.parametrize("attribute", ATTRIBUTE_TITLES)
def test_values_of_an_attribute_differ_in_colour_and_shape(attribute: str) -> None:
    slugs = list(vocabulary(attribute))
    assert len({colour_of(attribute, slug) for slug in slugs}) == len(slugs)
    assert len({symbol_of(attribute, slug) for slug in slugs}) == len(slugs)
    assert {colour_of(attribute, slug) for slug in slugs} <= set(OKABE_ITO.values())
    assert colour_of(attribute, "no such value") == OKABE_ITO["grey"]


def test_values_stay_apart_for_colour_blind_readers() -> None:
    """Simulated deuteranopia and protanopia (Vienot 1999): the three objectives that are compared most."""
    to_lms = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    blind = {
        "protan": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
        "deutan": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    }
    seen = [colour_of("objective", slug) for slug in ("image-text", "self-supervised", "supervised")]
    linear = [np.array([int(hexed[i : i + 2], 16) / 255 for i in (1, 3, 5)]) ** 2.2 for hexed in seen]
    for matrix in blind.values():
        shown = [np.linalg.inv(to_lms) @ matrix @ to_lms @ rgb for rgb in linear]
        for a, b in itertools.combinations(shown, 2):
            assert np.linalg.norm(np.clip(a, 0, 1) ** (1 / 2.2) - np.clip(b, 0, 1) ** (1 / 2.2)) > 0.2


def test_no_address_of_another_machine_in_what_the_browser_gets() -> None:
    for path in [FOLDER / "index.html", *(FOLDER / "assets").iterdir()]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text and "https://" not in text, path
        assert "@import" not in text and "@font-face" not in text, path


def test_the_first_paint_knows_the_colour_scheme() -> None:
    """The script that sets it comes before the styles and the application."""
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert page.index("mantine-color-scheme-value") < page.index("{%css%}") < page.index("{%app_entry%}")
    assert '<html lang="en"' in page


def test_the_components_have_both_palettes() -> None:
    theme = mantine_theme()
    assert {len(colours) for colours in theme["colors"].values()} == {10}
