"""scripts/bench --trace: once more through all cells, to see what each worker did; its times count nowhere."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any, Sequence

from poolmark_scripts import sampling
from poolmark_scripts.one_process import Runner

MUCH_SLOWER = 10.0  # than it was measured: then it hangs


def unwritable(trace: Path, output: Path) -> str | None:
    """Why there can be no trace file of this name, as a sentence."""
    advice = "Name another file with --trace FILE."
    if trace.is_dir():
        return f"{trace} is a directory. {advice}"
    if trace.resolve() == output.resolve():
        return f"{trace} is the results file too. {advice}"
    if trace.resolve() in (output.resolve().with_suffix(".svg"), output.resolve().with_suffix(".png")):
        return f"{trace} is a picture of the results. {advice}"
    try:
        with tempfile.TemporaryFile(dir=trace.parent):
            return None
    except OSError as error:
        return f"{trace} cannot be written: {trace.parent}: {error.strerror}. {advice}"


def flags(user_flags: Sequence[str], cells: Sequence[str], trace: Path) -> list[str]:
    """What makes a program draw one batch of each of these cells, and of no other: what failed may hang again."""
    chosen = "|".join(re.escape(name) for name in cells)
    return [
        *user_flags, f"--benchmark_filter=^({chosen})$", "--benchmark_repetitions=1", *sampling.least_flags(user_flags),
        "--no-self-check", *([] if any(map(sampling.is_baseline, cells)) else ["--no-baseline"]), flag(trace),
    ]  # fmt: skip


def flag(trace: Path) -> str:
    """What makes a program draw."""
    return f"--trace={trace.absolute()}"


def write(
    program: Path, user_flags: Sequence[str], document: dict[str, Any], trace: Path, limit_s: float | None, runner: Runner
) -> str | None:
    """Draws the cells that were measured; why that failed, or None. Raises Interrupted."""
    longest: dict[str, float] = {}
    for entry in document["benchmarks"]:
        longest[entry["name"]] = max(longest.get(entry["name"], 0.0), entry["real_time"] / 1e9)
    if not longest:
        return "no cell was measured that could be drawn"
    limit_s = limit_s or sampling.FIRST_LIMIT_S + MUCH_SLOWER * sum(longest.values())
    try:
        ended = runner.run([str(program), *flags(user_flags, list(longest), trace)], limit_s)
    except OSError as error:
        return f"{program} cannot be started: {error.strerror}"
    if ended.too_late:
        return f"the program was not at its end after {limit_s:.0f} s"
    return None if ended.status == 0 else f"the program {ended.last_words}"
