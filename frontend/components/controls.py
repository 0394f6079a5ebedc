"""Controls of a view. A control's id is `<page>--<field>`: the browser writes its value into that field of the link."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

Option = dict[str, str]


def control_id(page: str, field: str) -> str:
    return f"{page}--{field}"


def options(pairs: Sequence[tuple[str, str]]) -> list[Option]:
    """(value, label) pairs as the components take them."""
    return [{"value": value, "label": label} for value, label in pairs]


def picker(page: str, field: str, label: str, data: list[Option] | None = None, value: str | None = None) -> dmc.Select:
    """A drop-down that can be searched when it is long and never be empty by hand."""
    return dmc.Select(
        id=control_id(page, field), label=label, data=data or [], value=value or None, allowDeselect=False,
        searchable=len(data or []) > 12, checkIconPosition="right", size="sm",
        comboboxProps={"shadow": "md", "withinPortal": True}, maxDropdownHeight=320,
    )


def switcher(page: str, field: str, label: str, data: list[Option], value: str) -> html.Div:
    """A few choices side by side."""
    name = control_id(page, field)
    return html.Div(
        [
            dmc.Text(label, size="sm", fw=500, mb=4, id=f"{name}-label"),
            dmc.SegmentedControl(
                id=name, data=data, value=value, fullWidth=True, size="sm", **{"aria-labelledby": f"{name}-label"}
            ),
        ]
    )


def label_switcher(page: str, value: str) -> html.Div:
    """Whose labels describe models: the published ones or those of an audit. Training data is all they differ in."""
    titles = [("published", "Published"), ("audited", "Audited")]
    return switcher(page, "labels", "Training data", options(titles), value)


def panel(title: str, children: Any, class_name: str = "") -> html.Section:
    """A titled block of a side panel."""
    return html.Section([html.H2(title, className="panel-title"), html.Div(children)], className=f"panel {class_name}")
