"""The command scripts/granularity: build, measure over many lengths of tasks, say where pools become worth it."""

from __future__ import annotations

import argparse
import os
import random
import re
import signal
import sys
from pathlib import Path

from poolmark_scripts.usage import EXIT_INTERRUPTED, EXIT_USAGE, ROOT, UsageError, check_output, status_of

PROGRAM = ROOT / "build" / "release" / "bench" / "granularity"

ROUNDS, BUDGET_S = 8, 900.0
QUICK_ROUNDS, QUICK_BUDGET_S = 3, 80.0
# Powers of two in ns. A shorter task is hardly more than its call; a batch of 200 of the longest a worker takes 0.8 s.
SHORTEST, LONGEST, QUICK_LONGEST = 5, 22, 20
# The two longest are a factor of four apart: everything is near 100 % there, and the one between takes 0.4 s.
LEFT_OUT = 21

EPILOG = """\
examples:
  scripts/granularity                        everything, 8 rounds: about ten minutes
  scripts/granularity --quick                some 90 s: one worker a CPU, 3 rounds, tasks up to 1 ms
  scripts/granularity -o results/before.json keep the results
  scripts/granularity --subjects '^(thread|tbb)/' --workers 2
  scripts/granularity --report results/before.json   its tables and pictures again, nothing measured

Installs what is missing (Debian, Ubuntu), builds, measures, writes FILE.json and its pictures FILE.svg and .png
(efficiency against granularity) and FILE.workers.svg and .png (METG by workers), prints tables and sentences.
docs/measuring.md, "How long tasks must be", says how to read it; docs/granularity-format.md describes FILE.

exit status: 0 all measured, 1 a subject failed, 2 bad usage or no way to build, 130 interrupted
(what was measured is written)
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/granularity",
        description="Measures how long tasks must be for a pool to be worth it (METG), poolmark's pools and their peers.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--quick", action="store_true", help="some 90 s, see below")
    made.add_argument("--subjects", metavar="REGEX", default="", help="those whose name executor/pattern/workers:N matches")
    made.add_argument("--workers", metavar="N,...", default="", help="worker counts (default: 1, 2, 4 ... and the usable CPUs)")
    made.add_argument("--rounds", type=int, metavar="N", help=f"fresh processes of each subject (default: {ROUNDS}; --quick: {QUICK_ROUNDS})")
    made.add_argument("--budget", metavar="TIME",
                      help=f"begin no round that would end later, as 90s or 5m (default: {BUDGET_S / 60:g}m; --quick: {QUICK_BUDGET_S:g}s; "
                           "up to twice as long for the first three rounds, which an interval takes)")  # fmt: skip
    made.add_argument("--seed", type=int, metavar="N", help="of the orders in which subjects run (default: another each time)")
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "granularity-latest.json", metavar="FILE.json",
                      help="results file (default: results/granularity-latest.json)")  # fmt: skip
    made.add_argument("--report", type=Path, metavar="FILE.json", help="measure nothing: print and draw an earlier run")
    made.add_argument("--build-only", action="store_true", help="set up and build, measure nothing")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import building, granularity_results, granularity_runs, terminal

    console = terminal.console()
    try:
        if options.report:
            results = granularity_results.load(options.report)
            report(results, options.report, console)
            return status_of(results)
        check_options(options)
        check_output(options.output)
        build_program(console)
        return 0 if options.build_only else run(options, console)
    except (UsageError, building.BuildError, granularity_results.ResultsError, granularity_runs.ProgramError) as error:
        print(f"scripts/granularity: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("scripts/granularity: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def check_options(options: argparse.Namespace) -> None:
    """Fills in what was not given and refuses what makes no sense."""
    from poolmark_scripts import metg

    if options.rounds is None:
        options.rounds = QUICK_ROUNDS if options.quick else ROUNDS
    if options.rounds < 1:
        raise UsageError(f"--rounds {options.rounds}: at least 1; with fewer than 3 there are no intervals.")
    # Where the user says nothing, there are intervals if they take at most twice the usual budget.
    options.least_rounds = 0 if options.budget else min(metg.FEW_ROUNDS, options.rounds)
    options.budget_s = _seconds(options.budget) if options.budget else QUICK_BUDGET_S if options.quick else BUDGET_S
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(2**31)
    if options.seed < 0:
        raise UsageError(f"--seed {options.seed}: 0 or more.")
    if options.workers and not re.fullmatch(r"[0-9]+(,[0-9]+)*", options.workers):
        raise UsageError(f"--workers {options.workers}: numbers with commas between them, as in --workers 1,2.")
    try:
        options.pattern = re.compile(options.subjects)
    except re.error as error:
        raise UsageError(f"--subjects {options.subjects!r} is no regular expression: {error}.") from None


def _seconds(text: str) -> float:
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(s|m|min|h)?", text)
    if not found or float(found[1]) == 0:
        raise UsageError(f"--budget {text}: a time above 0, as in --budget 90s or --budget 5m.")
    return float(found[1]) * {"s": 1, "m": 60, "min": 60, "h": 3600, None: 1}[found[2]]


def build_program(console) -> None:
    """Builds the measuring program."""
    from poolmark_scripts import building

    building.build_to_measure(["granularity"], console)


def run(options: argparse.Namespace, console) -> int:
    """Measures, writes, prints and draws; an interruption ends the measuring only."""
    from poolmark_scripts import granularity_progress, granularity_report, granularity_results, granularity_runs, whole_file

    described = granularity_runs.ask(PROGRAM, ["--describe", *_workers_flag(options)], granularity_runs.LONGEST_SAMPLE_S)
    results = granularity_results.GranularityResults(
        described["context"],
        {"rounds": options.rounds, "budget_s": options.budget_s, "seed": options.seed, "quick": options.quick,
         "grains_ns": grains_of(options.quick)},
        chosen_subjects(described, options),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with granularity_progress.display(console) as show:
        try:
            plan = granularity_runs.Plan(
                options.rounds, options.budget_s, options.seed, grains_of(options.quick), least_rounds=options.least_rounds
            )  # fmt: skip
            granularity_runs.Run(PROGRAM, results, plan, show).measure()
        except KeyboardInterrupt:
            results.partial = True
    if not results.samples and not results.failures:
        print("scripts/granularity: interrupted before there was anything to write", file=sys.stderr)
        return EXIT_INTERRUPTED
    try:
        whole_file.write_json(options.output, granularity_results.document(results))
    except OSError as error:
        granularity_report.print_report(results, console)
        raise UsageError(f"{options.output} could not be written: {error.strerror}. Only the tables above are left.") from None
    report(results, options.output, console)
    return status_of(results)


def _workers_flag(options: argparse.Namespace) -> list[str]:
    return [f"--workers={options.workers}"] if options.workers else []


def chosen_subjects(described: dict, options: argparse.Namespace) -> dict:
    """The subjects that the options choose, by name."""
    from poolmark_scripts.granularity_results import Subject

    subjects = {name: Subject(name, **facts) for name, facts in described["subjects"].items()}
    if options.quick and not options.workers:
        cpus = described["context"]["usable_cpus"]
        subjects = {name: one for name, one in subjects.items() if one.workers == cpus}
    chosen = {name: one for name, one in subjects.items() if options.pattern.search(name)}
    if not chosen:
        raise UsageError(
            f"--subjects {options.subjects!r} matches none of {len(subjects)} subjects, such as {next(iter(subjects))}; "
            f"{os.path.relpath(PROGRAM)} --list names them."
        )
    return chosen


def grains_of(quick: bool) -> list[int]:
    """Lengths of tasks in ns, the longest first."""
    powers = range(QUICK_LONGEST if quick else LONGEST, SHORTEST - 1, -1)
    return [2**power for power in powers if power != LEFT_OUT]


def report(results, output: Path, console) -> None:
    """Prints the tables and draws the pictures."""
    from poolmark_scripts import granularity_picture, granularity_report, terminal

    granularity_report.print_report(results, console)
    try:
        written = [output, *granularity_picture.draw(results, output)]
    except OSError as error:
        raise UsageError(f"the pictures of {output} could not be written: {error.strerror}.") from None
    console.print("\nwritten: " + ", ".join(terminal.shown(path) for path in written), soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
