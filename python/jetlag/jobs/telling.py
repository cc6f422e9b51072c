"""`jl.progress`: how far a job is, told from inside of it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

_PAUSE = 0.05
_last = 0.0


def progress(done: float, total: float | None = None, text: str = "") -> None:
    """Tell how far the work is: shown by `job.progress` and the job's card.

    Outside of a job it does nothing. What is told too fast is left out, but for the end.
    """
    global _last
    folder = os.environ.get("JETLAG_FOLDER")
    now = time.monotonic()
    if not folder or (now - _last < _PAUSE and done != total):
        return
    _last = now
    line = json.dumps({"done": done, "total": total, "text": text, "at": time.time()})
    with open(Path(folder) / "progress", "a") as file:
        file.write(line + "\n")
