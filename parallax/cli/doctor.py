"""`parallax doctor`: what this machine has, what is missing, and how to get it."""

from __future__ import annotations

import json

import typer

from parallax.cli.options import HomeOption, JsonOption, settings_with

MARKS = {
    "ok": ("ok", typer.colors.GREEN),
    "note": ("note", typer.colors.YELLOW),
    "missing": ("MISSING", typer.colors.RED),
}


def doctor(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Check this machine and say what is missing and how to get it.

    Exit status 1 if something is missing that `parallax demo` needs.
    """
    from parallax.local.doctor import examine

    findings = examine(settings_with(home))
    complete = all(one.state != "missing" for one in findings)
    if as_json:
        checks = [{"name": one.name, "state": one.state, "detail": one.detail, "hint": one.hint} for one in findings]
        typer.echo(json.dumps({"complete": complete, "checks": checks}))
    else:
        for one in findings:
            word, colour = MARKS[one.state]
            typer.echo(f"{typer.style(f'{word:>7}', fg=colour)}  {one.name:<12} {one.detail}")
            if one.hint:
                typer.echo(f"{'':>23}{one.hint}")
    raise typer.Exit(0 if complete else 1)
