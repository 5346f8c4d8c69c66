"""One thing about a machine that decides what its measurements are worth."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, BAD, UNKNOWN = "good", "bad", "unknown"
IN_GUEST = "cannot be mended inside this guest; use more rounds: scripts/bench --rigorous"


@dataclass(frozen=True)
class Fact:
    """What was found, and what to make of it. What cannot be seen is unknown, and that is never good."""

    name: str
    value: str
    verdict: str  # GOOD, BAD or UNKNOWN
    effect: str  # what it does to the numbers
    mend: str = ""  # a command, or a sentence; empty where there is nothing to mend
    short: str = ""  # how the head of a run says it; empty where it does not
