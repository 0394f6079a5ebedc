"""Server callbacks that never block the event loop.

The pages run on one event loop with everything else; a plain function that waits for the API would stop all of it.
Every callback is registered here: the function runs in a thread, its coroutine is what Dash sees.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

import anyio.to_thread
from dash import ClientsideFunction, Dash

Function = TypeVar("Function", bound=Callable[..., Any])


def in_thread(app: Dash, *dependencies: Any, **options: Any) -> Callable[[Function], Function]:
    """Decorator: registers a function as a callback of `app`, run in a worker thread."""

    def register(function: Function) -> Function:
        @wraps(function)
        async def callback(*arguments: Any) -> Any:
            return await anyio.to_thread.run_sync(partial(function, *arguments))

        app.callback(*dependencies, **options)(callback)
        return function

    return register


def in_browser(app: Dash, name: str, *dependencies: Any, **options: Any) -> None:
    """Registers the function `name` of `assets/parallax*.js` as a callback that runs in the browser."""
    app.clientside_callback(ClientsideFunction("parallax", name), *dependencies, **options)
