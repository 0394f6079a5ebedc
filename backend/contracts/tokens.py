"""Names that the dispatcher and the workers share. A token carries no data: it says "look for work"."""

from __future__ import annotations

WORK_TASK = "parallax.work"
WORK_QUEUE = "work"
