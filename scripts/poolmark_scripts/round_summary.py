"""What is said of a run of rounds at its end: why each cell was stopped, what was disturbed, where the time went."""

from __future__ import annotations

import re
from typing import Any, Iterable

from poolmark_scripts.stopping import BUDGET, FAILED, INTERRUPTED, PRECISE, PRECISION, ROUNDS
from poolmark_scripts.units import clock

MOST_NAMED = 6
NUMBER = re.compile(r"\d+")


def summary(document: dict[str, Any]) -> list[str]:
    """Sentences about a results document, an empty kind left out."""
    stops = document["stops"]
    groups = (
        (PRECISE, f"precise (the median is known to ±{PRECISION:.0%} or better)"),
        (BUDGET, "stopped by the budget"),
        (ROUNDS, "measured as often as was asked for"),
        (INTERRUPTED, "interrupted"),
        (FAILED, "failed"),
    )
    said = []
    for reason, what in groups:
        names = [name for name, stop in stops.items() if stop["reason"] == reason]
        if len(names) == len(stops) > 1:
            said.append(f"all {len(names)} cells {what}{'' if reason in (PRECISE, FAILED) else _worst(names, stops)}")
        elif names:
            shown = [name if reason in (PRECISE, FAILED) else _known(name, stops[name]) for name in names]
            said.append(f"{_count(names, 'cell')} {what}: {_some(shown)}")
    return said + _disturbances(document)


def closing(document: dict[str, Any], elapsed_s: float) -> str:
    """The last line: what the run took."""
    context = document["context"]
    return (
        f"{context['processes']} processes in {_count(range(context['rounds']), 'round')}, {clock(elapsed_s)}, "
        f"{context['measured_share']:.0%} of it measuring"
    )


def _disturbances(document: dict[str, Any]) -> list[str]:
    said = []
    repeated = document["disturbed"]
    if repeated:
        names = list(dict.fromkeys(f"{entry['name']} (round {entry['round']})" for entry in repeated))
        why = _reasons(reason for entry in repeated for reason in entry["reasons"])
        said.append(f"{_count(repeated, 'sample')} disturbed and repeated ({why}): {_some(names)}")
    kept = [entry for entry in document["benchmarks"] if entry.get("disturbed")]
    if kept:
        names = list(dict.fromkeys(entry["name"] for entry in kept))
        why = _reasons(reason for entry in kept for reason in entry["disturbed_by"].split("; "))
        said.append(f"{_count(kept, 'sample')} disturbed, but counted and marked in the file ({why}): {_some(names)}")
    return said


def _reasons(sentences: Iterable[str]) -> str:
    """Each kind once, with the range of its numbers: others used 18 to 96% of the CPUs."""
    kinds: dict[str, list[int]] = {}
    for sentence in sentences:
        number = NUMBER.search(sentence)
        kinds.setdefault(NUMBER.sub("{}", sentence, count=1), []).append(int(number[0]) if number else 0)
    return "; ".join(
        kind.format(f"{min(numbers)} to {max(numbers)}" if min(numbers) < max(numbers) else str(numbers[0]))
        for kind, numbers in kinds.items()
    )


def _known(name: str, stop: dict[str, Any]) -> str:
    width = f"±{stop['half_width']:.1%}" if "half_width" in stop else "too few for an interval"
    return f"{name} ({width} after {_count(range(stop['rounds']), 'round')})"


def _worst(names: list[str], stops: dict[str, Any]) -> str:
    widths = [stops[name]["half_width"] for name in names if "half_width" in stops[name]]
    return f", the widest interval ±{max(widths):.1%}" if len(widths) == len(names) else ", too seldom for intervals"


def _some(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _count(things: Any, what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"
