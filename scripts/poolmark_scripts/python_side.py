"""The command scripts/python-side: the same work through CPython's executors and through ours."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from poolmark_scripts import interpreters
from poolmark_scripts.whole_file import write_json

ROOT = Path(__file__).resolve().parents[2]
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
REPETITIONS, QUICK_REPETITIONS = 6, 1

EPILOG = """\
examples:
  scripts/python-side                     less than two minutes
  scripts/python-side --quick             less than 20 seconds: every run once
  scripts/python-side --python python3.13 another interpreter
  scripts/python-side --json results/python-side.json

Three kinds of work (primes, sums, naps) without a pool, with 1 and 2 threads, with 1 and 2 processes:
by the programs in examples/python and by build/release/bench/scaling, which is built if need be. And twenty downloads of
50 ms, one after the other, with 20 threads, and on an event loop, in both languages from one server.

exit status: 0 all measured, 1 a run failed, 2 bad usage, no Python or no way to build, 130 interrupted
"""


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/python-side",
        description="Measures what two workers bring in Python and here, and what of that the GIL decides.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--quick", action="store_true", help="every run once: less than 20 seconds")
    made.add_argument("--python", metavar="PROGRAM",
                      help="interpreter to measure (default: POOLMARK_PYTHON, /usr/bin/python3, or python3)")  # fmt: skip
    made.add_argument("--json", type=Path, metavar="FILE", help="write all times there too")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import bench, building, python_side_runs, results, terminal

    console = terminal.console()
    try:
        check_output(options.json)
        python = choose_python(options.python)
        console.print(f"Python: {python['path']}, {python['implementation']} {python['version']}"
                      f"{'' if python['gil'] else ', without GIL'}", soft_wrap=True)  # fmt: skip
        bench.build_program(console)
        build_downloads(console)
        return run(options, python, bench.PROGRAM, console)
    except (UsageError, building.BuildError, results.ResultsError) as error:
        print(f"scripts/python-side: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print("scripts/python-side: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def choose_python(wanted: str | None) -> dict:
    """What there is to say of the interpreter to measure."""
    try:
        return interpreters.find_python(wanted)
    except interpreters.NoPython as error:
        raise UsageError(f"{error} Name one with --python PROGRAM.") from None


def check_output(output: Path | None) -> None:
    """Refuses a file that cannot be written, before anything is measured."""
    if output is None:
        return
    if output.is_dir() or not output.parent.is_dir() or not os.access(output.parent, os.W_OK):
        raise UsageError(f"{output} cannot be written. Name another file with --json FILE.")


def build_downloads(console) -> None:
    """What downloads, and from where, beside bench/scaling."""
    from poolmark_scripts import building, python_side_downloads

    building.build_to_measure(python_side_downloads.TARGETS, console)


def run(options: argparse.Namespace, python: dict, program: Path, console) -> int:
    """Measures both, one after the other, and reports."""
    from poolmark_scripts import python_side_report, python_side_runs

    repetitions = QUICK_REPETITIONS if options.quick else REPETITIONS
    measured = python_side_runs.Measured(load_before=os.getloadavg()[0])
    python_side_runs.measure_poolmark(program, repetitions, measured, console)
    if measured.interrupted:
        raise KeyboardInterrupt
    if not console.is_terminal:
        console.print("measuring Python ...")
    with console.status("measuring Python ...") as status:
        programs = ROOT / "examples" / "python"
        for at_work in python_side_runs.measure_python(python["path"], programs, repetitions, measured):
            status.update(f"measuring Python: {at_work}")
    measure_downloads(python, repetitions, measured, program.parent, console)
    if measured.interrupted:
        raise KeyboardInterrupt
    python_side_report.print_report(measured, python, console)
    if options.json:
        write_json(options.json, python_side_report.document(measured, python, repetitions))
        console.print(f"\nwritten: {options.json}", soft_wrap=True)
    return EXIT_FAILED if measured.failures else 0


def measure_downloads(python: dict, repetitions: int, measured, directory: Path, console) -> None:
    """Twenty flags in both languages, if Python has a client."""
    from poolmark_scripts import python_side_downloads

    if not python_side_downloads.has_client(python["path"]):
        console.print(
            f"{python['path']} has no {python_side_downloads.MODULE}, so downloads are left out (Debian: python3-httpx).", soft_wrap=True
        )  # fmt: skip
        return
    if not console.is_terminal:
        console.print("measuring downloads ...")
    programs = ROOT / "examples" / "python"
    for _ in python_side_downloads.measure(directory, python["path"], programs, repetitions, measured, console):
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
