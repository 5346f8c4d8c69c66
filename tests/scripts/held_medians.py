#!/usr/bin/python3
"""How often the interval of a cell holds the median of that cell's medians over several runs of one build.

    for i in $(seq 10); do scripts/bench --quick -o /tmp/run$i.json; done
    tests/scripts/held_medians.py /tmp/run*.json

Within a run the intervals are exact; whether they hold from run to run says how much the machine moves between
runs. At least 90 % are wanted. It is a tool, not a test.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from poolmark_scripts import results  # noqa: E402
from poolmark_scripts.intervals import median_interval  # noqa: E402


def main(paths: list[str]) -> int:
    """Prints the share, and each cell that was missed; returns 1 if fewer than 90 % held."""
    runs = [results.load(path) for path in paths]
    if len(runs) < 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    held = pairs = without = 0
    for name in runs[0].cells:
        cells = [run.cells[name] for run in runs if name in run.cells]
        truth = statistics.median(cell.median for cell in cells)
        intervals = [median_interval(cell.real_times) for cell in cells]
        known = [interval for interval in intervals if interval]
        missed = [interval for interval in known if not interval.contains(truth)]
        held, pairs, without = held + len(known) - len(missed), pairs + len(known), without + len(cells) - len(known)
        if missed:
            away = ", ".join(f"{min(abs(i.low - truth), abs(i.high - truth)) / truth:.2%}" for i in missed)
            print(f"{name}: {len(missed)} of {len(known)} missed, by {away}")
    share = held / pairs if pairs else 0.0
    print(f"{held} of {pairs} intervals hold the median of medians: {share:.1%} ({without} with too few samples)")
    return 0 if share >= 0.9 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
