"""The command scripts/bench: build, measure, draw, explain."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from poolmark_scripts.usage import EXIT_INTERRUPTED, EXIT_USAGE, ROOT, UsageError, check_output

PROGRAM = ROOT / "build" / "release" / "bench" / "scaling"

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}

EPILOG = """\
examples:
  scripts/bench                        everything: five minutes
  scripts/bench --quick                about a minute: one worker count a workload
  scripts/bench --rigorous             everything: a quarter of an hour
  scripts/bench -o results/before.json keep the results, to compare them later
  scripts/bench --workloads=primes --executors=thread,process --patterns=map --workers=1,2,4
  scripts/bench --quick --pool=cold    with the making and shutting down of the pools
  scripts/bench --program build/mine   a program of your own, made with poolmark::harness
  scripts/bench --resume --budget 10m  go on with a run that was ended, for longer
  scripts/bench --quick --workloads=primes --trace trace.json
                                       and see what each worker did when

Every sample is a process of its own. A round measures each cell once, in an order drawn anew; rounds go
on until the 95 % interval of a cell's median lies within 1 % of it, or the budget is spent. Where no
--budget is given, six rounds are measured, the fewest that give an interval, if they take at most twice
the usual one. Samples that something disturbed are measured again. Every other flag goes to
build/release/bench/scaling (or PATH), whose --help lists them; --benchmark_repetitions=N asks for N
rounds, whatever they take.
Installs what is missing (Debian, Ubuntu), builds, measures, writes FILE, draws FILE's .svg and .png,
prints a table and what it means. FILE.journal.jsonl holds what was measured until FILE is complete.

exit status: 0 all measured, 1 a cell failed (its process crashed, hung or computed something wrong; the
others are measured), 2 bad usage, no way to build, a budget too small for one round, or a full disk
(the journal is kept: --resume), 130 interrupted (what was measured is written)
"""


def parser() -> argparse.ArgumentParser:
    """The command line of our own flags."""
    made = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measures how the workloads scale through the executors and the ways of collecting results.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    presets = made.add_mutually_exclusive_group()
    presets.add_argument("--quick", action="store_true",
                         help="about a minute: every pool with one worker count, by map and as_completed")  # fmt: skip
    presets.add_argument("--rigorous", action="store_true", help="a quarter of an hour")
    made.add_argument("--budget", type=seconds, metavar="TIME",
                      help="measure for so long at most, such as 90s, 5m or 1h (default: 5m; --quick 45s, --rigorous 15m)")  # fmt: skip
    made.add_argument("--limit", type=seconds, metavar="TIME",
                      help="a process that takes longer for one sample hangs, and is ended (default: a minute and ten "
                           "times what the cell's longest sample took)")  # fmt: skip
    made.add_argument("--resume", action="store_true",
                      help="go on with the run that FILE's journal is of, with its flags")  # fmt: skip
    made.add_argument("--seed", type=int, metavar="N", help="of the order within the rounds (default: a new one)")
    made.add_argument("--program", type=Path, metavar="PATH", help="measure with this program; nothing is built")
    made.add_argument("--trace", type=Path, metavar="FILE",
                      help="draw one batch of each cell in the end, for https://ui.perfetto.dev")  # fmt: skip
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "latest.json", metavar="FILE.json",
                      help="results file (default: results/latest.json)")  # fmt: skip
    made.add_argument("--build-only", action="store_true", help="set up and build, measure nothing")
    return made


def seconds(text: str) -> float:
    """A length of time: a number, then s (which may be left out), m or h."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or float(found[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of time: give a number above 0 and s, m or h, such as 90s")
    return float(found[1]) * UNITS[found[2]]


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options, flags = parser().parse_known_args(argv)
    from poolmark_scripts import bench_run, building, journal, program, results, sampling, terminal

    console = terminal.console()
    try:
        check_flags(flags)
        check_output(options.output)
        check_trace(options)
        check_budget(options, flags)
        request = bench_run.requested(options, flags, PROGRAM)
        if request.program == PROGRAM:
            build_program(console)
        if options.build_only:
            return 0
        return bench_run.run(request, console)
    except (
        UsageError, building.BuildError, results.ResultsError, journal.JournalError, program.ProgramError,
        sampling.NotMeasured, bench_run.BudgetTooSmall,
    ) as error:  # fmt: skip
        print(f"scripts/bench: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, bench_run.Interrupted):
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
        if name == "--benchmark_enable_random_interleaving":
            raise UsageError(
                f"{name} is of repetitions in one process; here each has a process of its own, and the order of a round "
                "is always drawn. Run build/release/bench/scaling to use it."
            )


def check_budget(options: argparse.Namespace, flags: list[str]) -> None:
    """Refuses a number of rounds beside a time to measure for."""
    from poolmark_scripts import sampling

    if options.budget is not None and sampling.given(flags, "benchmark_repetitions") is not None:
        raise UsageError(
            "--benchmark_repetitions asks for a number of rounds and --budget for a time: give one of them, the other "
            "follows."
        )


def check_trace(options: argparse.Namespace) -> None:
    """Refuses a trace file that cannot be written, before anything is built or measured."""
    from poolmark_scripts import bench_trace

    why = bench_trace.unwritable(options.trace, options.output) if options.trace else None
    if why:
        raise UsageError(why)


def build_program(console) -> None:
    """Builds the measuring program."""
    from poolmark_scripts import building

    building.build_to_measure(["scaling"], console)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
