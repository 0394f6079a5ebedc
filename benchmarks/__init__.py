"""Measurements of speed, as ratios between two ways of doing the same work in one run.

CPU seconds are compared on one thread: with more, threads that wait for each other count as working.
"""

import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(
        f"{_library}_NUM_THREADS", "1"
    )  # read by the libraries when they are first imported
