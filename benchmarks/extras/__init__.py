"""Tables beside the main one. Each is a module with a title, a measurement and its text."""

from extras import calls, imports, latency, reads, recording, single, tasks, threads
from extras.base import Context, Extra

EXTRAS: dict[str, Extra] = {
    extra.name: extra
    for module in (calls, imports, latency, reads, recording, single, tasks, threads)
    for extra in module.EXTRAS
}

__all__ = ["EXTRAS", "Context", "Extra"]
