"""Keeps the processes of one machine running: starts them in order, restarts what dies, stops all in
reverse order.

Everything happens in the main thread, which polls: signals arrive there, and the kernel ties a child's life
to the thread that started it. Ctrl-C (or SIGTERM) stops in order; a second one kills."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from backend.domain.errors import NotAvailable
from parallax.local import processes
from parallax.local.home import Home
from parallax.local.postgres import last_lines

POLL_S = 0.1
FIRST_PAUSE_S = 0.3
LONGEST_PAUSE_S = 20.0
SETTLED_S = 30.0  # after this long a death is not taken for a repetition of the one before
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A signal asked to stop while something was being started."""


@dataclass(frozen=True)
class Child:
    """How one process is started, known to be ready, and stopped."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)  # of processes.start: user, nice, keep_open, ...
    ready: Callable[[], bool] = lambda: True
    ready_s: float = 60.0
    before_restart: Callable[[], None] = lambda: None
    stop_signal: int = signal.SIGTERM
    patience_s: float = 8.0


@dataclass
class _Running:
    """A child with its process and the history of its deaths."""

    child: Child
    log: Path
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """A context: on leaving it, whatever was started is stopped. `say` gets one line for each thing a
    person should know; `on_change` gets the process numbers whenever they change."""

    def __init__(
        self,
        home: Home,
        say: Callable[[str], None],
        on_change: Callable[[dict[str, int]], None] = lambda pids: None,
    ) -> None:
        self.stopping = threading.Event()
        self._home = home
        self._say = say
        self._on_change = on_change
        self._running: list[_Running] = []
        self._previous: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            self._previous[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        for one in reversed(self._running):
            processes.stop(one.process, one.child.stop_signal, one.child.patience_s)
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def start(self, *children: Child) -> None:
        """Starts children side by side and returns when all are ready. Raises NotAvailable, with the end of
        its log, if one ends or is not ready in time; Stopped if a signal came."""
        fresh = [self._start(child) for child in children]
        self._report()
        try:
            for one in fresh:
                self._wait_ready(one)
        except NotAvailable:
            for one in fresh:
                processes.kill_group(one.process)
                self._running.remove(one)
            raise

    def watch(self) -> None:
        """Restarts what dies, until a signal comes or `stopping` is set."""
        while not self.stopping.wait(POLL_S):
            for one in self._running:
                self._look_after(one)

    def _start(self, child: Child) -> _Running:
        self._check_stop()
        log = self._home.fresh_log(child.name)
        one = _Running(child, log, self._spawn(child, log), time.monotonic())
        self._running.append(one)
        return one

    def _spawn(self, child: Child, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return processes.start(
                child.argv,
                log=output,
                env=child.env,
                cwd=child.cwd,
                **child.options,  # type: ignore[arg-type]
            )

    def _wait_ready(self, one: _Running) -> None:
        deadline = time.monotonic() + one.child.ready_s
        while not one.child.ready():
            self._check_stop()
            ended = one.process.poll()
            if ended is not None or time.monotonic() > deadline:
                how = (
                    f"ended with {describe(ended)}"
                    if ended is not None
                    else f"did not answer in {one.child.ready_s:g} s"
                )
                raise NotAvailable(f"{one.child.name} {how}: {last_lines(one.log)}", f"Its log is {one.log}.")
            time.sleep(POLL_S / 2)

    def _look_after(self, one: _Running) -> None:
        """Notices a death, and starts the child again when its pause is over."""
        now = time.monotonic()
        if one.restart_at is None:
            ended = one.process.poll()
            if ended is None:
                return
            processes.kill_group(one.process)
            one.deaths = 0 if now - one.started > SETTLED_S else one.deaths + 1
            pause = min(FIRST_PAUSE_S * 2 ** max(one.deaths - 1, 0), LONGEST_PAUSE_S)
            one.restart_at = now + pause
            self._say(f"{one.child.name} ended with {describe(ended)}; starting it again (log: {one.log})")
        elif now >= one.restart_at:
            try:
                one.child.before_restart()
                one.process = self._spawn(one.child, one.log)
            except (
                OSError,
                NotAvailable,
            ) as error:  # no memory, no disk: try again later, the others live on
                self._say(f"{one.child.name} could not be started: {error}")
                one.restart_at = now + LONGEST_PAUSE_S
                return
            one.started, one.restart_at = now, None
            self._report()

    def _report(self) -> None:
        with suppress(OSError):  # a full disk must not end what runs
            self._on_change({one.child.name: one.process.pid for one in self._running})

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise Stopped

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.stopping.is_set():
            self.stopping.set()
            return
        for one in self._running:  # the second signal: no more waiting
            with suppress(ProcessLookupError):
                one.process.send_signal(signal.SIGKILL)


def describe(status: int) -> str:
    """An exit status in words: `exit status 1`, `signal SIGKILL`."""
    if status < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"
