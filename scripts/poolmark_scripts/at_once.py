"""The command scripts/at-once: very many tasks that wait at once, on an event loop and in a pool of threads."""

from __future__ import annotations

import argparse
import random
import signal
import sys
from pathlib import Path

from poolmark_scripts.usage import EXIT_INTERRUPTED, EXIT_USAGE, ROOT, UsageError, check_output, status_of

PROGRAM = ROOT / "build" / "release" / "bench" / "at_once"

ROUNDS, QUICK_ROUNDS = 7, 3
COUNTS, QUICK_COUNTS = (10, 100, 1000, 10_000), (100, 1000)
MOST_TASKS = 16_000
LATENCY_MS = 50

EPILOG = """\
examples:
  scripts/at-once                          10 to 10 000 naps and downloads of 50 ms, 7 rounds: two minutes
  scripts/at-once --quick                  100 and 1000, 3 rounds: a few seconds
  scripts/at-once --counts 1000,4000,16000 --work download
  scripts/at-once --report results/before.json   its table and picture again, nothing measured

Installs what is missing (Debian, Ubuntu), builds, measures each point in a process of its own in interleaved rounds,
writes FILE.json and its picture FILE.svg and .png, and prints a table and what it means. Downloads come from a server
on 127.0.0.1, whose CPU time and memory are not counted. docs/measuring.md, "Very many at once", says how to read it.

exit status: 0 all measured, 1 a point failed, 2 bad usage or no way to build, 130 interrupted (what was measured is
written)
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/at-once",
        description="Measures what it takes to wait for very many things at once: time, CPU time, memory and threads.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--quick", action="store_true", help="a few seconds, see below")
    made.add_argument("--work", choices=("sleep", "download"), help="one kind of task (default: both)")
    made.add_argument("--counts", metavar="N,...", help=f"how many at once (default: {','.join(map(str, COUNTS))})")
    made.add_argument("--latency", type=int, default=LATENCY_MS, metavar="MS", help=f"what each waits for, in ms (default: {LATENCY_MS})")
    made.add_argument("--rounds", type=int, metavar="N", help=f"fresh processes of each point (default: {ROUNDS}; --quick: {QUICK_ROUNDS})")
    made.add_argument("--seed", type=int, metavar="N", help="of the orders in which points are measured (default: another each time)")
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "at-once-latest.json", metavar="FILE.json",
                      help="results file (default: results/at-once-latest.json)")  # fmt: skip
    made.add_argument("--report", type=Path, metavar="FILE.json", help="measure nothing: print and draw an earlier run")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import at_once_results, building, terminal

    console = terminal.console()
    try:
        if options.report:
            results = at_once_results.load(options.report)
            report(results, options.report, console)
            return status_of(results)
        plan = plan_of(options)
        check_output(options.output)
        build_program(console)
        return run(plan, options.output, console)
    except (UsageError, building.BuildError, at_once_results.ResultsError) as error:
        print(f"scripts/at-once: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("scripts/at-once: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def plan_of(options: argparse.Namespace):
    """What is to be measured; UsageError for what makes no sense."""
    from poolmark_scripts.at_once_results import Plan

    rounds = options.rounds if options.rounds is not None else QUICK_ROUNDS if options.quick else ROUNDS
    if rounds < 1:
        raise UsageError(f"--rounds {rounds}: at least 1; with fewer than 6 there are no intervals.")
    if not 1 <= options.latency <= 60_000:
        raise UsageError(f"--latency {options.latency}: 1 to 60000 ms.")
    works = (options.work,) if options.work else ("sleep", "download")
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**31)
    return Plan(works, _counts(options), options.latency, rounds, seed)


def _counts(options: argparse.Namespace) -> tuple[int, ...]:
    if options.counts is None:
        return QUICK_COUNTS if options.quick else COUNTS
    counts = options.counts.split(",")
    if not all(text.isdecimal() and 1 <= int(text) <= MOST_TASKS for text in counts):
        raise UsageError(f"--counts {options.counts}: numbers from 1 to {MOST_TASKS} with commas between them, as in --counts 100,1000.")
    return tuple(sorted({int(text) for text in counts}))


def build_program(console) -> None:
    """Builds the measuring program."""
    from poolmark_scripts import building

    building.build_to_measure(["at_once"], console)


def run(plan, output: Path, console) -> int:
    """Measures, writes, prints and draws; an interruption ends the measuring only."""
    from poolmark_scripts import at_once_results, at_once_runs, whole_file

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = at_once_results.AtOnceResults(plan)
    try:
        at_once_runs.measure(PROGRAM, results, console)
    except KeyboardInterrupt:
        results.partial = True
    if not results.samples and not results.failures:
        print("scripts/at-once: interrupted before there was anything to write", file=sys.stderr)
        return EXIT_INTERRUPTED
    try:
        whole_file.write_json(output, at_once_results.document(results))
    except OSError as error:
        raise UsageError(f"{output} could not be written: {error.strerror}.") from None
    report(results, output, console)
    return status_of(results)


def report(results, output: Path, console) -> None:
    """Prints the table and draws the picture."""
    from poolmark_scripts import at_once_picture, at_once_report, terminal

    at_once_report.print_report(results, console)
    try:
        written = [output, *at_once_picture.draw(results, output)]
    except OSError as error:
        raise UsageError(f"the picture of {output} could not be written: {error.strerror}.") from None
    console.print("\nwritten: " + ", ".join(terminal.shown(path) for path in written), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
