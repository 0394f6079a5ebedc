"""Starts one program so that it cannot outlive the supervisor; run as a script, with the standard library
alone.

    python -I -S launch.py --parent PID [--death-signal N] [--user UID:GID] [--nice N] -- COMMAND ...

It becomes the program (exec), so the program is the supervisor's own child and is reaped by it. Order
matters: the kernel forgets the parent-death signal when the user changes, so the user is changed first.
Elsewhere than on Linux there is no such signal, and a supervisor killed with -9 leaves its children behind.
"""

import argparse
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=int(signal.SIGKILL))
    parser.add_argument("--user", default="")
    parser.add_argument("--nice", type=int, default=0)
    parser.add_argument("command", nargs="+")
    given = parser.parse_args(arguments)
    if given.nice:
        os.nice(given.nice)
    if given.user:
        uid, gid = (int(part) for part in given.user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        die_with_parent(given.death_signal)
        if os.getppid() != given.parent:  # The parent died before the signal was asked for.
            sys.exit(1)
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these two, and what is ignored stays so across exec.
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    try:
        os.execvp(given.command[0], given.command)
    except OSError as error:
        sys.exit(f"{given.command[0]}: {error.strerror}")


def die_with_parent(death_signal: int = signal.SIGKILL) -> None:
    """Asks the kernel to send `death_signal` to this process when the thread that started it ends (Linux alone)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
