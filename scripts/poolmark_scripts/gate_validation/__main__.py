"""The command scripts/validate-gate: runs what is missing of the plan, and writes what all runs say."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from poolmark_scripts.bench import UsageError, seconds

EXIT_UNEXPECTED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

EPILOG = """\
examples:
  scripts/validate-gate --list              the plan, and how much of it is done
  scripts/validate-gate                     everything that is missing: some hours on two CPUs
  scripts/validate-gate --budget 40m        for so long; the next call goes on
  scripts/validate-gate --only slower-5     one experiment
  scripts/validate-gate --write             write docs/gate.md anew from the runs that are kept, run nothing

Each run is a run of scripts/gate on the commit that is checked out, against a build of it that was made slower, or not, or
was sabotaged; its report is kept in results/gate-validation/. Leave the machine alone meanwhile.

exit status: 0 all that ended did so as planned, 1 a run that did not (docs/gate.md says which), 2 bad usage or no build, 130
interrupted (what had ended is kept)
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/validate-gate",
        description="Measures how often scripts/gate is wrong, and what it sees.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--list", action="store_true", help="show the plan, run nothing")
    made.add_argument("--write", action="store_true", help="write docs/gate.md from what is there, run nothing")
    made.add_argument("--only", metavar="NAME", nargs="+", help="these experiments alone")
    made.add_argument("--commit", default="HEAD", metavar="REVISION", help="of which builds are made (default: HEAD)")
    made.add_argument("--budget", type=seconds, metavar="TIME", help="begin no run after so long, such as 40m")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import one_process, program, terminal
    from poolmark_scripts.gate import layouts, run, trees

    console = terminal.console()
    try:
        chosen = _chosen(options.only)
        if options.list:
            _list(chosen, console)
            return 0
        if not options.write:
            _run(chosen, options, console)
        return _write(console)
    except (UsageError, ValueError, run.GateError, trees.TreeError, layouts.LinkError, program.ProgramError) as error:
        print(f"scripts/validate-gate: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, one_process.Interrupted):
        print("scripts/validate-gate: interrupted; what had ended is kept, and the next call goes on", file=sys.stderr)
        return EXIT_INTERRUPTED


def _chosen(names: list[str] | None):
    from poolmark_scripts.gate_validation.plan import BY_NAME, EXPERIMENTS, RECORDING

    if names is None:
        return EXPERIMENTS
    if unknown := [name for name in names if name not in BY_NAME and name != RECORDING]:
        raise UsageError(f"there is no experiment {unknown[0]!r}: there are {', '.join([RECORDING, *BY_NAME])}.")
    return tuple(BY_NAME[name] for name in names if name in BY_NAME)


def _list(chosen, console) -> None:
    from poolmark_scripts import terminal
    from poolmark_scripts.gate_validation import runs

    table = terminal.table(("experiment", "left"), ("runs", "right"), ("of", "right"), ("what", "left"))
    for experiment in chosen:
        table.add_row(experiment.name, str(len(runs.kept(experiment.name))), str(experiment.runs), experiment.what)
    console.print(table)


def _run(chosen, options: argparse.Namespace, console) -> None:
    from poolmark_scripts.gate_validation import recording, runs
    from poolmark_scripts.gate_validation.plan import RECORDING

    latest = time.monotonic() + options.budget if options.budget else None
    wants_recording = options.only is None or RECORDING in options.only
    if wants_recording and not runs.kept(RECORDING):
        recording.perform(options.commit, console)
    for experiment, number in runs.missing(chosen) if chosen else ():
        if latest is not None and time.monotonic() > latest:
            console.print("the budget is spent; the next call goes on")
            return
        console.print(f"\n== {experiment.name}, run {number} of {experiment.runs}: {experiment.what}", soft_wrap=True)
        began = time.monotonic()
        status = runs.perform(experiment, number, options.commit, console)
        console.print(f"exit status {status}, {time.monotonic() - began:.0f} s", soft_wrap=True)


def _write(console) -> int:
    from poolmark_scripts.gate_validation import runs, tables
    from poolmark_scripts.gate_validation.plan import EXPERIMENTS
    from poolmark_scripts.whole_file import write_text

    write_text(tables.DOCUMENT, tables.written())
    console.print(f"written: {tables.DOCUMENT.relative_to(Path(tables.ROOT))}")
    wrong = [
        f"{run.experiment} {run.number}" for experiment in EXPERIMENTS if experiment.expected and not experiment.injected
        for run in runs.kept(experiment.name) if not tables.as_expected(run, experiment)
    ]  # fmt: skip
    if wrong:
        console.print(f"not as planned: {', '.join(wrong)}", soft_wrap=True)
    return EXIT_UNEXPECTED if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
