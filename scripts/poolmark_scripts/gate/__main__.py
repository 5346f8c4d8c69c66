"""The command scripts/gate: is the new build slower than the base?"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from poolmark_scripts.bench import ROOT, UsageError, check_output, seconds

EXIT_USAGE, EXIT_UNTRUSTED, EXIT_INTERRUPTED = 2, 4, 130
PROGRAM = "bench/gate"
BUDGET_S = 600.0

EPILOG = """\
examples:
  scripts/gate main                       is the working tree slower than main?
  scripts/gate v0.1.0 HEAD                two revisions, each built in a tree of its own below build/gate
  scripts/gate main --cells '^tiny/'      the cells of one workload
  scripts/gate ../base/build build        two build directories
  scripts/gate main --program bench/scaling -- --workloads=sum
                                          another program that both builds have, with flags of its own
  scripts/gate main --strict              and closed also where nothing can be said

Both builds, and the base linked anew, are measured side by side: every sample in a process of its own, all arms of a cell
one right after the other, each arm in four layouts. Eight rounds of all cells say whom to suspect; the verdict rests on
24 or more rounds of the suspects alone, and on more with other links where these leave it open. First, and without a clock, it is counted what each build does: instructions,
allocations, system calls. docs/gate.md says what is decided, and how often it is wrong.

Writes FILE.json and, beside it, .md (a pull request), .junit.xml, .sarif, .svg and .png. On GitHub it prints annotations.

exit status: 0 no cell regressed, 1 a cell regressed, failed or was removed, 2 unusable input (no such revision, a build
that fails, builds that cannot be compared), 3 a cell is inconclusive, with --strict, 4 a cell or the machine cannot be
trusted, 130 interrupted (what was measured is written)
"""


def parser() -> argparse.ArgumentParser:
    """The command line of our own flags; what follows -- is the program's."""
    made = argparse.ArgumentParser(
        prog="scripts/gate",
        description="Says whether a new build is slower than a base, and how sure that is.",
        usage="scripts/gate BASE [NEW] [options] [-- FLAGS OF THE PROGRAM]",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("base", metavar="BASE", help="what to compare with: a git revision, or a build directory")
    made.add_argument("new", metavar="NEW", nargs="?",
                      help="what to judge: the same (default: the working tree, as it is)")  # fmt: skip
    made.add_argument("--program", default=PROGRAM, metavar="PATH",
                      help=f"the measuring program, below the build directories (default: {PROGRAM})")  # fmt: skip
    made.add_argument("--cells", metavar="REGEX", help="judge the cells whose names match (default: all but wait, and of "
                      "the sequential ones map)")  # fmt: skip
    made.add_argument("--budget", type=seconds, default=BUDGET_S, metavar="TIME",
                      help="what both trials of the suspects may take at most, if they can be short of their 24 rounds "
                           "(default: 10m)")  # fmt: skip
    made.add_argument("--seed", type=int, metavar="N", help="of orders and layouts (default: a new one)")
    made.add_argument("--no-counts", action="store_true", help="count nothing, measure only")
    made.add_argument("--strict", action="store_true", help="exit 3 if a cell is inconclusive")
    made.add_argument("--allow-removed", action="store_true", help="a cell that NEW has not is no failure")
    made.add_argument("--anyway", action="store_true", help="measure also where the machine is unusable for it")
    made.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "gate.json", metavar="FILE.json",
                      help="report (default: results/gate.json)")  # fmt: skip
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    own, flags = _split(argv)
    options = parser().parse_args(own)
    from poolmark_scripts import one_process, program, terminal
    from poolmark_scripts.gate import layouts, run, trees

    try:
        check_output(options.output)
        return run.run(_request(options, flags, argv), terminal.console())
    except (UsageError, run.GateError, trees.TreeError, layouts.LinkError, program.ProgramError) as error:
        print(f"scripts/gate: {error}", file=sys.stderr)
        return EXIT_USAGE
    except run.Unusable as error:
        print(f"scripts/gate: {error}", file=sys.stderr)
        return EXIT_UNTRUSTED
    except (KeyboardInterrupt, one_process.Interrupted):
        print("scripts/gate: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in argv:
        return argv, []
    place = argv.index("--")
    return argv[:place], argv[place + 1 :]


def _request(options: argparse.Namespace, flags: list[str], argv: list[str]):
    from poolmark_scripts.gate import run, trees

    for flag in flags:
        if not flag.startswith("--") or flag.split("=", 1)[0] in ("--benchmark_out", "--benchmark_repetitions"):
            raise UsageError(f"{flag!r} cannot be given to the program: the gate says itself how often it measures, and where to.")
    seed = int.from_bytes(os.urandom(4), "little") if options.seed is None else options.seed
    said = argv if options.seed is not None else [f"--seed={seed}", *argv]
    return run.Request(
        base=trees.find(options.base), new=trees.find(options.new) if options.new else trees.working_tree(),
        target=options.program, flags=tuple(flags), cells=options.cells, output=options.output, seed=seed,
        budget_s=options.budget, command=f"scripts/gate {shlex.join(said)}", counts=not options.no_counts,
        strict=options.strict, removed_is_fine=options.allow_removed, anyway=options.anyway,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
