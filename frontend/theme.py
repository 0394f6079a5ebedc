"""How everything looks: one plotly template for light and dark, one graph configuration, the colours of data.

Colours of data never change with the colour scheme: viridis for similarity (perceptually even, safe for colour-blind
readers), PuOr for differences, Okabe-Ito with a shape each for categories. A scheme changes text, lines and paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import plotly.graph_objects as go

from backend.domain.attributes import DOMAINS, MODEL_ATTRIBUTES

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

# Fonts of the reader's system: nothing is fetched.
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'
MONO = 'ui-monospace, "Cascadia Mono", "SF Mono", Menlo, Consolas, "Liberation Mono", monospace'

# Ink of the interface: ten shades of one blue that sits beside viridis without competing with it.
ACCENT = [
    "#eef2f9", "#dbe3f0", "#b6c6e2", "#8ea7d3", "#6c8cc6", "#567bbf", "#3f66ad", "#335596", "#2b4a86", "#1f3e76",
]

# Greys of dark paper, from text to the deepest background.
DARK = [
    "#e7e9ec", "#b8bfc8", "#a0a8b2", "#6d7681", "#3d444c", "#343a41", "#262a2f", "#1e2125", "#16181b", "#101214",
]

SIMILARITY_SCALE = "viridis"
DISTANCE_SCALE = "viridis_r"
SPREAD_SCALE = "cividis"
DIFFERENCE_SCALE = "PuOr"

# Okabe and Ito (2008), without black, which dark paper would swallow.
OKABE_ITO = {
    "orange": "#E69F00", "sky": "#56B4E9", "green": "#009E73", "yellow": "#F0E442",
    "blue": "#0072B2", "vermilion": "#D55E00", "purple": "#CC79A7", "grey": "#999999",
}
_ATTRIBUTE_COLOURS = {
    "objective": ("blue", "orange", "green", "grey", "purple"),
    "architecture": ("vermilion", "sky", "grey"),
    "training_data": ("sky", "blue", "yellow", "vermilion", "grey"),
    "size": ("yellow", "orange", "vermilion", "purple"),
    "domain": ("green", "sky", "purple", "yellow"),
}
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star")
ATTRIBUTE_TITLES = {
    "objective": "Training objective",
    "architecture": "Architecture",
    "training_data": "Training data",
    "size": "Size",
    "domain": "Domain",
}

GRAPH_CONFIG: dict[str, Any] = {
    "displayModeBar": False,
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "showLink": False,
    "responsive": True,
    "doubleClick": "reset",
    "scrollZoom": False,
}

_PAPER = {"light": "#ffffff", "dark": "#1e2125"}
_TEXT = {"light": "#212529", "dark": "#e3e5e8"}
_LINE = {"light": "#ced4da", "dark": "#484c52"}
_GRID = {"light": "#eceff2", "dark": "#2e3135"}


def vocabulary(attribute: str) -> dict[str, str]:
    """Slug -> shown name of an attribute of models, or of `domain`; empty for an attribute of somebody's own."""
    return DOMAINS if attribute == "domain" else MODEL_ATTRIBUTES.get(attribute, {})


def colour_of(attribute: str, slug: str) -> str:
    """Colour of one value of an attribute; the same everywhere. Grey for a value outside the vocabulary."""
    values = list(vocabulary(attribute))
    colours = _ATTRIBUTE_COLOURS[attribute]
    return OKABE_ITO[colours[values.index(slug)]] if slug in values else OKABE_ITO["grey"]


def colours_of_others(values: Sequence[str]) -> dict[str, str]:
    """Colours for the values of an attribute that has no vocabulary, in the order given; grey from the eighth on."""
    names = [name for name in OKABE_ITO if name != "grey"]
    return {value: OKABE_ITO[names[i] if i < len(names) else "grey"] for i, value in enumerate(values)}


def symbol_of(attribute: str, slug: str) -> str:
    """Shape of one value of an attribute, so that colour is never the only sign."""
    values = list(vocabulary(attribute))
    return SYMBOLS[values.index(slug)] if slug in values else SYMBOLS[-1]


def template(scheme: Scheme) -> go.layout.Template:
    """The plotly template of a colour scheme. Only text, lines and paper depend on the scheme."""
    axis = {
        "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "linecolor": _LINE[scheme],
        "gridcolor": _GRID[scheme], "tickcolor": _LINE[scheme], "automargin": True,
        "title": {"font": {"size": 15}, "standoff": 12},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": _TEXT[scheme]},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": [OKABE_ITO[name] for name in ("blue", "orange", "green", "vermilion", "purple", "sky")],
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": _PAPER[scheme], "bordercolor": _LINE[scheme], "align": "left",
                "font": {"family": FONT, "size": 14, "color": _TEXT[scheme]},
            },
            "coloraxis": {
                "colorbar": {
                    "thickness": 14, "outlinewidth": 0, "ticks": "", "tickfont": {"size": 13},
                    "title": {"side": "right", "font": {"size": 14}},
                }
            },
            "legend": {"orientation": "h", "font": {"size": 13}, "bgcolor": "rgba(0,0,0,0)"},
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "dragmode": "zoom",
            "hovermode": "closest",
            "shapedefaults": {"line": {"color": _TEXT[scheme]}},
            "annotationdefaults": {"font": {"size": 13, "color": _TEXT[scheme]}, "showarrow": False},
        }
    )


def templates() -> dict[str, Any]:
    """Both templates as plain data, for the browser to switch between without a round trip."""
    return {scheme: template(scheme).to_plotly_json() for scheme in SCHEMES}


def mantine_theme() -> dict[str, Any]:
    """Theme of the interface's components."""
    return {
        "colors": {"ink": ACCENT, "dark": DARK},
        "primaryColor": "ink",
        "primaryShade": {"light": 7, "dark": 4},
        "autoContrast": True,
        "luminanceThreshold": 0.32,
        "fontFamily": FONT,
        "fontFamilyMonospace": MONO,
        "headings": {"fontFamily": FONT, "fontWeight": "650"},
        "defaultRadius": "md",
        "cursorType": "pointer",
    }
