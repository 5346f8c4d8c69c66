"""The command scripts/doctor: examine the machine, and say what to mend."""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from poolmark_scripts import machine_facts
from poolmark_scripts.whole_file import write_json

EXIT_BAD, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
EPILOG = """\
examples:
  scripts/doctor                         a table: what is bad, what cannot be seen, what is good
  scripts/doctor --json machine.json     the same for programs, beside the table
  scripts/doctor && scripts/bench        measure only where nothing is bad
  taskset -c 0 scripts/doctor            what a run on CPU 0 alone would find

It reads /proc and /sys for half a second and changes nothing, neither here nor with root: what to do
stands beside each finding, for you to decide. "unknown" means that it cannot be seen from here; that
is not the same as good.

exit status: 0 nothing is bad, 1 something is bad, 2 bad usage, 130 interrupted
"""


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/doctor",
        description="Examines the machine: what its state does to measurements, and how to mend it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the findings there too")
    made.add_argument("--program", type=Path, metavar="PATH",
                      help="the measuring program whose build is looked at (default: build/release/bench/scaling)")  # fmt: skip
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import doctor_report, one_process, program, terminal

    try:
        check_output(options.json)
        facts = machine_facts.examine(context=ask(options.program))
        doctor_report.print_report(facts, terminal.console())
        if options.json:
            write(options.json, facts)
        return EXIT_BAD if any(fact.verdict == machine_facts.BAD for fact in facts) else 0
    except (UsageError, program.ProgramError) as error:
        print(f"scripts/doctor: {error}", file=sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, one_process.Interrupted):
        print("scripts/doctor: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def ask(named: Path | None) -> dict[str, Any] | None:
    """What the program says of its build; None if it is ours, and not built or of another version."""
    from poolmark_scripts import bench, one_process, program

    try:
        with one_process.Runner() as runner:
            return program.examine(named.absolute() if named else bench.PROGRAM, [], runner).context
    except program.ProgramError:
        if named is None:
            return None  # one more thing that is unknown
        raise


def check_output(output: Path | None) -> None:
    """Refuses a file that cannot be written, before anything is examined."""
    if output is None:
        return
    if output.is_dir():
        raise UsageError(f"{output} is a directory. Name a file with --json FILE.")
    if not output.parent.is_dir():
        raise UsageError(f"{output} cannot be written: there is no directory {output.parent}. Make it, or name another "
                         "file with --json FILE.")  # fmt: skip


def write(output: Path, facts: list[machine_facts.Fact]) -> None:
    """The findings for programs."""
    try:
        write_json(output, document(facts))
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}. Name another file with --json FILE.") from None


def document(facts: list[machine_facts.Fact]) -> dict[str, Any]:
    """The findings as JSON."""
    return {
        "format": 1,
        "headline": machine_facts.headline(facts),
        "bad": sum(fact.verdict == machine_facts.BAD for fact in facts),
        "unknown": sum(fact.verdict == machine_facts.UNKNOWN for fact in facts),
        "facts": [{key: value for key, value in asdict(fact).items() if key != "short"} for fact in facts],
    }


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # scripts/doctor | head
    sys.exit(main(sys.argv[1:]))
