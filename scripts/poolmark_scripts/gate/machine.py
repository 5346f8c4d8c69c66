"""Whether the machine can be measured on at all, before the first round."""

from __future__ import annotations

import time
from typing import Callable

from poolmark_scripts import processes
from poolmark_scripts.disturbance import Disturbance, Watch
from poolmark_scripts.units import percent

WATCHED_S = 1.0
# A block is left out from a twentieth on. When a quarter is gone before anything runs, hardly a block would be left.
MOST_GONE = 0.25
SHOWN = 3


def why_unusable(watch: Watch | None = None, pause: Callable[[], None] = lambda: time.sleep(WATCHED_S)) -> str:
    """A sentence that says what is wrong and what to do; empty if it can be measured on. Takes a second."""
    watch = watch or Watch()
    before = processes.cpu_times()
    watch.start()
    pause()
    seen = watch.stop()
    busy = processes.busy_between(before, processes.cpu_times(), seen.wall_s, least=0.05)
    return said(seen, busy)


def said(seen: Disturbance, busy: list[processes.Busy]) -> str:
    """The same of what was seen."""
    if (seen.foreign or 0) > MOST_GONE:
        named = f" ({', '.join(map(str, busy[:SHOWN]))})" if busy else ""
        return f"other programs use {percent(seen.foreign)} of the CPUs{named}: end them, or wait for their end"
    if (seen.steal or 0) > MOST_GONE:
        return f"the hypervisor gives {percent(seen.steal)} of the CPUs to other guests: measure at another time, or elsewhere"
    if seen.throttled_s > 0:
        return "the CPU quota of the control group stops this process already while it sleeps: raise the quota"
    return ""
