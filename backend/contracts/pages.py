"""One page of a listing."""

from __future__ import annotations

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """Items and the cursor of the next page, if there is one."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Give it as `cursor` to get the next page.")
    total: int = Field(description="How many items there are in all, whatever the page.")
