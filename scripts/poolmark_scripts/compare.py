"""The command scripts/compare."""

from __future__ import annotations

import argparse
import signal
import sys

from poolmark_scripts import comparability, results

EXIT_UNUSABLE = 2
EPILOG = """\
examples:
  scripts/compare results/before.json results/after.json
  scripts/compare base.json head.json --threshold 10% --strict
  scripts/compare base.json head.json --format markdown >> "$GITHUB_STEP_SUMMARY"
  scripts/compare laptop.json server.json --across-machines

exit status:
  0  no regression found     1  a cell regressed, failed or is missing
  2  a file cannot be used, the files cannot be compared, or --strict and undecided cells

docs/ci.md says how to read the verdicts.
"""


def threshold(text: str) -> float:
    """`5%` or `0.05` as 0.05."""
    try:
        value = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        value = float("nan")
    if not 0.001 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not between 0.1% and 100%; write 5% or 0.05")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/compare",
        description="Judges the results file NEW against BASE, cell by cell: is anything slower?",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("base", metavar="BASE", help="results of the code before the change")
    made.add_argument("new", metavar="NEW", help="results of the code with the change, same machine and settings")
    made.add_argument("--threshold", type=threshold, default=0.05, metavar="T",
                      help="slow-downs up to this size do not count: 5%% or 0.05 (default: 5%%)")  # fmt: skip
    made.add_argument("--strict", action="store_true", help="exit 2 when a cell is undecided")
    made.add_argument("--across-machines", action="store_true",
                      help="allow different machines, compilers and settings, and compare the speed-ups only")  # fmt: skip
    made.add_argument("--format", choices=("text", "markdown", "json"), default="text", help="default: text")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    try:
        base, new = results.load(options.base), results.load(options.new)
        _check_comparable(base, new, options.across_machines)
    except results.ResultsError as error:
        print(f"scripts/compare: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return _report(base, new, options)


def _check_comparable(base: results.Results, new: results.Results, across_machines: bool) -> None:
    if across_machines:
        found = comparability.work_differences(base, new)
    else:
        found = comparability.differences(base, new)
    if found:
        lines = "".join(f"\n  {difference}" for difference in found)
        only_work = all(difference.kind == "work" for difference in found)
        advice = (
            "Measure both with the same workloads."
            if only_work
            else "Measure both on one machine with one compiler and the same settings; --across-machines "
            "compares the speed-ups only."
        )
        raise results.ResultsError(f"{base.path} and {new.path} cannot be compared:{lines}\n{advice}")
    known = set(new.cells) | {failure.name for failure in new.failures}
    if not known & (set(base.cells) | {failure.name for failure in base.failures}):
        raise results.ResultsError(
            f"{base.path} and {new.path} have no cell in common, so there is nothing to compare. "
            "Measure both with the same --workloads, --executors, --patterns and --workers."
        )


def _report(base: results.Results, new: results.Results, options: argparse.Namespace) -> int:
    # Imported here, so that --help and the refusals above need neither numpy nor rich.
    from poolmark_scripts import compare_report, comparison, terminal

    judged = comparison.compare(base, new, options.threshold, options.across_machines)
    if options.format == "text":
        compare_report.print_text(judged, options.strict, terminal.console())
    elif options.format == "markdown":
        sys.stdout.write(compare_report.markdown(judged, options.strict))
    else:
        sys.stdout.write(compare_report.as_json(judged, options.strict))
    return judged.exit_status(options.strict)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `scripts/compare ... | head` ends without a trace-back
    sys.exit(main(sys.argv[1:]))
