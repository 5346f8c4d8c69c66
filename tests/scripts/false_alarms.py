#!/usr/bin/python3
"""How often scripts/compare raises an alarm between runs of one build, and what it sees when cells are slowed.

    tests/scripts/false_alarms.py RUN.json RUN.json ...            all ordered pairs, as they are
    tests/scripts/false_alarms.py --slow /thread/=1.2 RUN.json ... the new file's cells that match are slowed
    tests/scripts/false_alarms.py --simulate=300 --drift=0.03      made-up runs instead of files

docs/investigations/2026-11-21-compare-false-alarms.md holds what it measured. It is a tool, not a test.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import random
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import sample_data  # noqa: E402
from poolmark_scripts import comparison, results  # noqa: E402

Pair = tuple[results.Results, results.Results]


def slowed(run: results.Results, pattern: str, factor: float) -> results.Results:
    """The run with the times of the matching cells multiplied."""
    cells = {
        name: dataclasses.replace(cell, real_times=tuple(time * factor for time in cell.real_times))
        if re.search(pattern, name)
        else cell
        for name, cell in run.cells.items()
    }
    return dataclasses.replace(run, cells=cells)


def simulated(index: int, options: argparse.Namespace) -> results.Results:
    """A quick run on a made-up machine: one speed for the run, one more for its parallel cells, spikes."""
    rng = random.Random(index)
    machine = rng.lognormvariate(0, options.drift)
    parallel = rng.lognormvariate(0, options.parallel_drift)
    cell_bias: dict[str, float] = {}

    def factor(name: str, repetition: int) -> float:
        if name.startswith("sleep/"):
            return 1.0
        bias = cell_bias.setdefault(name, rng.lognormvariate(0, options.cell_bias))
        spike = 1 + rng.expovariate(1 / 0.3) if rng.random() < options.spikes else 1.0
        return machine * (1.0 if "/sequential/" in name else parallel) * bias * spike

    content = sample_data.document(
        seed=index, repetitions=options.repetitions, noise=options.noise,
        workers=sample_data.QUICK_WORKERS, factor=factor,
    )
    return results._to_results(Path(f"simulated-{index}"), content)


def pairs(options: argparse.Namespace) -> list[Pair]:
    """The pairs to judge."""
    if options.simulate:
        runs = [simulated(index, options) for index in range(2 * options.simulate)]
        return list(zip(runs[::2], runs[1::2]))
    return list(itertools.permutations([results.load(path) for path in options.files], 2))


def main(argv: list[str]) -> int:
    """Prints exit statuses, verdicts, and which cells were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--slow", default="", metavar="REGEX=FACTOR")
    parser.add_argument("--threshold", type=float, default=comparison.DEFAULT_THRESHOLD)
    parser.add_argument("--simulate", type=int, default=0, metavar="PAIRS")
    parser.add_argument("--repetitions", type=int, default=7)
    for name, value in (("noise", 0.01), ("drift", 0.03), ("parallel-drift", 0.01), ("cell-bias", 0.005), ("spikes", 0.05)):
        parser.add_argument(f"--{name}", type=float, default=value)
    options = parser.parse_args(argv)
    pattern, _, factor = options.slow.rpartition("=")

    statuses: Counter[int] = Counter()
    verdicts: Counter[str] = Counter()
    named: Counter[str] = Counter()
    complete = 0
    judged = pairs(options)
    for base, new in judged:
        made = comparison.compare(base, slowed(new, pattern, float(factor)) if pattern else new, options.threshold)
        statuses[made.exit_status(strict=False)] += 1
        verdicts.update(row.verdict.value for row in made.rows)
        regressed = {row.name for row in made.rows if row.verdict is comparison.Verdict.REGRESSED}
        named.update(regressed)
        complete += regressed == {name for name in new.cells if pattern and re.search(pattern, name)}
    print(f"{len(judged)} pairs: exit status {dict(statuses)}; verdicts {dict(verdicts)}")
    print(f"exactly the slowed cells named: {complete} of {len(judged)}")
    for name, times in named.most_common():
        print(f"  {times:4d}  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
