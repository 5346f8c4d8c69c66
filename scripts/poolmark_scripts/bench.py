"""The command scripts/bench: build, measure, draw, explain."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "release" / "bench" / "scaling"
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

# scripts/compare judges from 7 repetitions on; with 9 it tolerates a disturbed one in most cells.
QUICK_REPETITIONS = 9
# What waits needs more workers than CPUs to show anything.
QUICK_WORKERS_OF_WAITING = {"sleep": 8}

EPILOG = """\
examples:
  scripts/bench                        everything: a few minutes
  scripts/bench --quick                less than a minute: one worker count a workload
  scripts/bench -o results/before.json keep the results, to compare them later
  scripts/bench --workloads=primes --executors=thread,process --patterns=map --workers=1,2,4
  scripts/bench --quick --pool=cold    with the making and shutting down of the pools

Every other flag goes to build/release/bench/scaling, whose --help lists them.
Installs what is missing (Debian, Ubuntu), builds, measures, writes FILE, draws FILE's .svg and .png,
prints a table and what it means.

exit status: 0 all measured, 1 a cell failed, 2 bad usage or no way to build, 130 interrupted
(what was measured is written)
"""


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def parser() -> argparse.ArgumentParser:
    """The command line of our own flags."""
    made = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures how the workloads scale through the executors and the ways of collecting results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--quick", action="store_true",
                      help="less than a minute: every pool and pattern with one worker count each, sequential by map")  # fmt: skip
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "latest.json", metavar="FILE.json",
                      help="results file (default: results/latest.json)")  # fmt: skip
    made.add_argument("--build-only", action="store_true", help="set up and build, measure nothing")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options, flags = parser().parse_known_args(argv)
    from poolmark_scripts import building, results, terminal

    console = terminal.console()
    try:
        check_flags(flags)
        check_output(options.output)
        build_program(console)
        if options.build_only:
            return 0
        return run(options, flags, console)
    except (UsageError, building.BuildError, results.ResultsError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("scripts/bench: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def check_flags(flags: list[str]) -> None:
    """Refuses what is no flag, and the flags that this script itself gives to the program."""
    for flag in flags:
        if not flag.startswith("--"):
            raise UsageError(f"{flag!r} is no flag of scripts/bench; write flags as --name=value, see --help.")
        name = flag.split("=", 1)[0]
        if name in ("--benchmark_out", "--benchmark_out_format"):
            raise UsageError(f"{name} is this script's own business; name the results file with -o FILE.json.")
        if name == "--progress-fd":
            raise UsageError("--progress-fd is this script's own business; run build/release/bench/scaling to use it.")
        if name in ("--benchmark_list_tests", "--version"):
            raise UsageError(f"{name} measures nothing; run build/release/bench/scaling {flag}.")


def check_output(output: Path) -> None:
    """Refuses a results file that cannot be written, before anything is built or measured."""
    advice = "Name another file with -o FILE.json."
    if output.suffix != ".json":
        raise UsageError(f"{output} does not end in .json; its pictures are written beside it as .svg and .png. {advice}")
    if output.is_dir():
        raise UsageError(f"{output} is a directory. {advice}")
    if output.parent == ROOT / "results":
        output.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {output.parent}: {error.strerror}. {advice}") from None


def build_program(console) -> None:
    """Builds the measuring program; on a tree already built this is one Ninja run that finds nothing to do."""
    from poolmark_scripts import building

    fresh = not building.is_configured("release")
    if fresh:
        # Without the tests: they need packages that measuring does not. scripts/test turns them on.
        building.configure("release", ["-DBUILD_TESTING=OFF"], console)
    building.build("release", ["scaling"], console, quiet_if_done=not fresh)


def run(options: argparse.Namespace, flags: list[str], console) -> int:
    """Measures, draws and explains."""
    from poolmark_scripts import measuring

    if options.quick:
        flags = quick_flags(flags)
    before = _identity(options.output)
    status, said = measuring.measure(PROGRAM, flags, options.output, console)
    if said and status not in (0, EXIT_INTERRUPTED):
        print(said, file=sys.stderr)
    if _identity(options.output) == before:
        return _nothing_written(status)
    _report(options.output, console)
    return status if status in (0, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED) else EXIT_FAILED


def quick_flags(flags: list[str]) -> list[str]:
    """`flags` and what makes a run of less than a minute of them; the user's own choices stay."""
    from poolmark_scripts import measuring

    names = {flag.split("=", 1)[0] for flag in flags}
    more = []
    if "--benchmark_repetitions" not in names:
        more.append(f"--benchmark_repetitions={QUICK_REPETITIONS}")
    if not names & {"--workers", "--benchmark_filter"}:
        cells = measuring.list_cells(PROGRAM, flags)
        if cells:
            chosen = quick_cells(cells, usable_cpus())
            more.append("--benchmark_filter=^(" + "|".join(re.escape(name) for name in chosen) + ")$")
    return flags + more


def quick_cells(names: list[str], cpus: int) -> list[str]:
    """One worker count for each workload: as many as CPUs where CPUs are needed, and the baselines."""
    counts: dict[str, set[int]] = {}
    for name in names:
        workload, executor, _, workers = name.split("/")
        if executor != "sequential":
            counts.setdefault(workload, set()).add(int(workers.removeprefix("workers:")))
    chosen = []
    for name in names:
        workload, executor, pattern, workers = name.split("/")
        wanted = QUICK_WORKERS_OF_WAITING.get(workload, cpus)
        if executor == "sequential":
            # The other patterns of the baseline would double the time and show the same.
            if pattern == "map" or not counts.get(workload):
                chosen.append(name)
        elif int(workers.removeprefix("workers:")) == min(counts[workload], key=lambda n: (abs(n - wanted), n)):
            chosen.append(name)
    return chosen


def usable_cpus() -> int:
    """CPUs of the affinity mask; the program itself also looks at quotas and says so in its results."""
    import os

    return len(os.sched_getaffinity(0))


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _nothing_written(status: int) -> int:
    if status == EXIT_USAGE:
        return EXIT_USAGE
    if status == EXIT_INTERRUPTED:
        print("scripts/bench: interrupted before there was anything to write", file=sys.stderr)
        return EXIT_INTERRUPTED
    reason = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    print(f"scripts/bench: {PROGRAM.relative_to(ROOT)} {reason} and wrote no results", file=sys.stderr)
    return EXIT_FAILED


def _report(output: Path, console) -> None:
    from poolmark_scripts import bench_report, plot, results

    measured = results.load(output)
    console.print()
    bench_report.print_report(measured, console)
    written = [output] + (plot.draw([measured], output.parent) if measured.cells else [])
    console.print("\nwritten: " + ", ".join(_shown(path) for path in written), soft_wrap=True)


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
