"""What the demo shows in the terminal: one live line of progress, or plain lines where there is no
terminal."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from backend.contracts.jobs import Job, JobCounts
from backend.domain.jobs import FINAL_STATES

PLAIN_EVERY_S = 5.0


class Screen(Protocol):
    """Where the demo says what it does."""

    def say(self, line: str) -> None:
        """A line that stays."""

    def complain(self, line: str) -> None:
        """A line that stays, on standard error."""

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        """What is being done now."""

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        """How far the jobs are."""

    def finish(self) -> None:
        """No more progress to show."""

    def close(self) -> None:
        """The end."""


def screen_for(to_stderr: bool) -> Screen:
    """A live display in a terminal, else plain lines. `to_stderr` keeps standard output free for JSON."""
    stream = sys.stderr if to_stderr else sys.stdout
    return LiveScreen(Console(stderr=to_stderr)) if stream.isatty() else PlainScreen(to_stderr)


class PlainScreen:
    """One line for each news, and at most one every few seconds for progress."""

    def __init__(self, to_stderr: bool) -> None:
        self._to_stderr = to_stderr
        self._last_progress = float("-inf")
        self._last_line = ""

    def say(self, line: str) -> None:
        print(line, file=sys.stderr if self._to_stderr else sys.stdout, flush=True)

    def complain(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        self._progress(what + (f" ({done} of {total})" if total else ""))

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        now = f"; now: {describe(running[0])}" if running else ""
        self._progress(summary(counts) + now)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _progress(self, line: str) -> None:
        if line != self._last_line and time.monotonic() - self._last_progress >= PLAIN_EVERY_S:
            self.say(line)
            self._last_line, self._last_progress = line, time.monotonic()


class LiveScreen:
    """A bar of all jobs with what runs below it. Lines that stay are printed above."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._errors = Console(stderr=True)
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(bar_width=30)]
        columns += [MofNCompleteColumn(), TimeElapsedColumn()]
        self._live = Progress(*columns, console=console, transient=True)
        self._lines: list[TaskID] = []
        self._shown = False

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, soft_wrap=True)

    def complain(self, line: str) -> None:
        self._errors.print(line, markup=False, style="red", soft_wrap=True)

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        self._draw([(what, done, total)])

    def work(self, counts: JobCounts, running: list[Job]) -> None:
        final, everything = done_and_all(counts)
        lines = [(summary(counts), final, everything)]
        lines += [(f"  {one.title}", one.progress.done, one.progress.total) for one in running]
        self._draw(lines)

    def finish(self) -> None:
        if self._shown:
            self._live.stop()
            self._shown = False

    def close(self) -> None:
        self.finish()

    def _draw(self, lines: list[tuple[str, int, int]]) -> None:
        if not self._shown:
            self._live.start()
            self._shown = True
        while len(self._lines) < len(lines):
            self._lines.append(self._live.add_task(""))
        for number, task in enumerate(self._lines):
            if number < len(lines):
                what, done, total = lines[number]
                self._live.update(task, description=what, completed=done, total=total or None, visible=True)
            else:
                self._live.update(task, visible=False)


def done_and_all(counts: JobCounts) -> tuple[int, int]:
    """Jobs that are final, and all jobs."""
    return sum(counts.states.get(state, 0) for state in FINAL_STATES), sum(counts.states.values())


def summary(counts: JobCounts) -> str:
    """`12 of 40 jobs done, 2 running, 1 failed`."""
    final, everything = done_and_all(counts)
    parts = [f"{final} of {everything} jobs done"]
    parts += [f"{counts.states[state]} {state}" for state in ("running", "failed") if counts.states.get(state)]
    if not counts.workers:
        parts.append("waiting for a worker")
    return ", ".join(parts)


def describe(job: Job) -> str:
    """A running job with how far it is."""
    return job.title + (f" ({job.progress.done} of {job.progress.total})" if job.progress.total else "")
