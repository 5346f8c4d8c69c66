"""The command scripts/overhead: build, measure what the machinery costs, compare with peers and limits."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from poolmark_scripts.usage import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, ROOT, UsageError, check_output

PROGRAM = ROOT / "build" / "release" / "bench" / "overhead"

# What the table needs, with two workers; and one worker where its CPU time is asked for.
QUICK_CASES = "|".join((
    "^stream/result/.*/n:100000/workers:",
    "^stream/.*/poolmark/n:100000/workers:2",
    "^stream/result/.*/n:100/workers:[02]",
    "^map/.*/workers:[02]",
    "^(round_trip|burst)/.*/workers:[02]",
    "^limit/(cache_line|futex|malloc)",
    "^wait_any/(completion_set|as_completed)/",
    "^(memory|idle|submitters:[0-9]+)/",
))  # fmt: skip
# The process pool and what it is held against; and what of that the table needs.
PROCESS_CASES = "^process/|^limit/(process_|eventfd|pipe|shared_memcpy|fork_wait)"
QUICK_PROCESS_CASES = "|".join((
    "^process/stream/result/.*/n:100+/workers:2",
    "^process/(map|round_trip|payload|start|stop)/.*/workers:2",
    "^process/(after_kill|deadline)/",
    "^limit/(process_cache_line|process_futex_round_trip_cold|shared_memcpy|fork_wait)",
))  # fmt: skip
QUICK_REPETITIONS = 3
# CPython takes some 100 us a task.
CPYTHON_REPETITIONS, CPYTHON_TASKS = 5, 20_000
QUICK_CPYTHON_TASKS = 5000

EPILOG = """\
examples:
  scripts/overhead                        everything: less than five minutes
  scripts/overhead --quick                less than a minute: what the table shows
  scripts/overhead -o results/before.json keep the results
  scripts/overhead --only processes       the process pool alone, and CPython's beside it
  scripts/overhead --quick --syscalls     and count the futex calls of a task, with strace
  scripts/overhead --benchmark_filter=^stream/ --benchmark_repetitions=15

Every other flag goes to build/release/bench/overhead, whose --help lists them.
Installs what is missing (Debian, Ubuntu), builds, measures, writes FILE and prints a table.
docs/measuring.md, "What the machinery costs", says how to read it.

exit status: 0 all measured, 1 a case failed, 2 bad usage or no way to build, 130 interrupted
"""


def parser() -> argparse.ArgumentParser:
    """The command line of our own flags."""
    made = argparse.ArgumentParser(
        prog="scripts/overhead",
        description="Measures what the machinery of pools costs: poolmark's and its peers', side by side.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--quick", action="store_true", help="less than a minute: the cases of the table alone")
    made.add_argument("--only", choices=("threads", "processes"), help="one kind of pool, and the limits beside it")
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "overhead-latest.json",
                      metavar="FILE.json", help="results file (default: results/overhead-latest.json)")  # fmt: skip
    made.add_argument("--syscalls", action="store_true",
                      help="count futex calls of the streams and hot round trips, in runs of their own under strace")  # fmt: skip
    made.add_argument("--build-only", action="store_true", help="set up and build, measure nothing")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options, flags = parser().parse_known_args(argv)
    from poolmark_scripts import building, overhead_results, terminal

    console = terminal.console()
    try:
        check_flags(flags)
        flags = chosen_flags(options, flags)
        check_output(options.output, has_pictures=False)
        build_program(console)
        if options.build_only:
            return 0
        return run(options, flags, console)
    except (UsageError, building.BuildError, overhead_results.ResultsError) as error:
        print(f"scripts/overhead: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("scripts/overhead: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def check_flags(flags: list[str]) -> None:
    """Refuses what is no flag, and the flags that this script itself gives to the program."""
    for flag in flags:
        if not flag.startswith("--"):
            raise UsageError(f"{flag!r} is no flag of scripts/overhead; write flags as --name=value, see --help.")
        name = flag.split("=", 1)[0]
        if name in ("--benchmark_out", "--benchmark_out_format"):
            raise UsageError(f"{name} is this script's own business; name the results file with -o FILE.json.")
        if name == "--benchmark_list_tests":
            raise UsageError(f"{name} measures nothing; run build/release/bench/overhead {flag}.")


def build_program(console) -> None:
    """Builds the measuring program."""
    from poolmark_scripts import building

    building.build_to_measure(["overhead"], console)


def run(options: argparse.Namespace, flags: list[str], console) -> int:
    """Measures and prints the table; then counts system calls if that was asked for."""
    from poolmark_scripts import overhead_cpython, overhead_report, overhead_results, syscalls, terminal

    status, written = measure(flags, options.output, console)
    if not written:
        return status
    repetitions = QUICK_REPETITIONS if options.quick else CPYTHON_REPETITIONS
    tasks = QUICK_CPYTHON_TASKS if options.quick else CPYTHON_TASKS
    if not overhead_cpython.add_to(options.output, repetitions, tasks, console):
        status = EXIT_FAILED
    overhead_report.print_report(overhead_results.load(options.output), console)
    console.print(f"\nwritten: {terminal.shown(options.output)}", soft_wrap=True)
    if options.syscalls:
        console.print()
        syscalls.print_counts(PROGRAM, console)
    return status


def chosen_flags(options: argparse.Namespace, flags: list[str]) -> list[str]:
    """`flags`, and what --quick and --only make of them; the user's own choices stay."""
    names = {flag.split("=", 1)[0] for flag in flags}
    more = []
    if options.quick and "--benchmark_repetitions" not in names:
        more.append(f"--benchmark_repetitions={QUICK_REPETITIONS}")
    if "--benchmark_filter" in names:
        if options.only:
            raise UsageError("--only and --benchmark_filter both choose the cases; give one of them.")
        return flags + more
    chosen = filter_of(options.quick, options.only)
    return flags + more + ([f"--benchmark_filter={chosen}"] if chosen else [])


def filter_of(quick: bool, only: str | None) -> str:
    """The expression for --benchmark_filter; empty for all cases."""
    if only == "processes":
        return QUICK_PROCESS_CASES if quick else PROCESS_CASES
    if only == "threads":
        return QUICK_CASES if quick else f"-{PROCESS_CASES}"
    return f"{QUICK_CASES}|{QUICK_PROCESS_CASES}" if quick else ""


def measure(flags: list[str], output: Path, console) -> tuple[int, bool]:
    """Runs the program to its end; returns our exit status, and whether there are results.

    They take the name `output` only when they are complete.
    """
    unfinished = output.with_name(output.name + ".unfinished")
    console.print("measuring ...")
    try:
        # Standard error is the terminal's, if there is one: the program shows there what it is at.
        status = subprocess.run(
            [PROGRAM, *flags, f"--benchmark_out={unfinished}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith("BENCHMARK_")}, check=False,
        ).returncode  # fmt: skip
        if status in (0, EXIT_FAILED) and unfinished.exists():
            os.replace(unfinished, output)
            return status, True
        if status == EXIT_USAGE:
            return status, False  # the program has said why
        reason = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
        print(f"scripts/overhead: {PROGRAM.name} {reason} and wrote no results", file=sys.stderr)
        return EXIT_FAILED, False
    finally:
        unfinished.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
