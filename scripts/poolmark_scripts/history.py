"""The command scripts/history: keep ratios to a pinned reference, find where they changed, draw them."""

from __future__ import annotations

import argparse
import datetime
import signal
import sys
from pathlib import Path
from typing import Any, Callable

# What needs numpy, rich or matplotlib is imported where it is used: --help and refusals do without.
from poolmark_scripts import history_adding, history_commits, history_file
from poolmark_scripts.gate import report_json
from poolmark_scripts.gate.model import GateReport

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / "results" / "history.json"
EXIT_SLOWER, EXIT_UNUSABLE = 1, 2
STATUS = """
exit status:
  0  no slow-down is there at the end; with add and draw: done
  1  show: a slow-down was found, and the latest level still lies above the one before it
  2  a file cannot be used or written, or a report cannot be compared with the history
"""
EPILOG = f"""\
examples:
  scripts/gate v0.3 HEAD -o gate.json        measure HEAD together with the reference, v0.3
  scripts/history add gate.json              keep its ratios; the first report pins its base as the reference
  scripts/history                            where did the ratios change, and how late is that found?
  scripts/history draw                       results/history.svg and .png
  scripts/history add gate.json --pin-anew   another reference or machine: a new epoch

"scripts/history add --help" and so on say more of each. docs/history.md says what is kept, how change
points are found, and how often that is wrong.
{STATUS}"""
ADD = f"""\
examples:
  scripts/history add gate.json
  scripts/history add monday.json tuesday.json --history nightly.json
  scripts/history add gate.json --pin-anew

A report whose base is not the pinned reference, or of another machine or compiler, is refused: its
ratios would be other quantities. --pin-anew keeps the old entries as an epoch of their own. A commit
that is added again, with another measurement, counts once, with the median of its ratios.
{STATUS}"""
SHOW = f"""\
examples:
  scripts/history
  scripts/history show --json changes.json
  scripts/history show --history nightly.json || echo "something became slower"
{STATUS}"""
DRAW = f"""\
examples:
  scripts/history draw                       results/history.svg and results/history.png
  scripts/history draw -o pictures/nightly   pictures/nightly.svg and pictures/nightly.png
{STATUS}"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = _parser(
        argparse.ArgumentParser, prog="scripts/history", epilog=EPILOG,
        description="Keeps what scripts/gate measured, as ratios to a pinned reference, and finds change points.",
    )  # fmt: skip
    commands = made.add_subparsers(dest="command", metavar="add | show | draw", required=True)
    add = _parser(commands.add_parser, "add", epilog=ADD, description="Appends the ratios of reports to the history.")
    add.add_argument("reports", nargs="+", type=Path, metavar="REPORT.json", help="what scripts/gate wrote with -o")
    add.add_argument("--pin-anew", action="store_true", help="begin a new epoch with the base of the (first) report")
    show = _parser(commands.add_parser, "show", epilog=SHOW, description="Says where the ratios changed.")
    show.add_argument("--json", type=Path, metavar="FILE", help="write the change points there too")
    draw = _parser(commands.add_parser, "draw", epilog=DRAW, description="Draws the ratios and their change points.")
    draw.add_argument("-o", "--output", type=Path, metavar="PATH",
                      help="the pictures are PATH.svg and PATH.png (default: beside the history)")  # fmt: skip
    for command in (add, show, draw):
        command.add_argument("--history", type=Path, default=HISTORY, metavar="FILE",
                             help="the history (default: results/history.json)")  # fmt: skip
        command.add_argument("--repository", type=Path, default=ROOT, metavar="DIR",
                             help="where git knows the commits (default: the checkout that these scripts are in)")  # fmt: skip
    return made


def _parser(make: Callable[..., Any], *words: str, **texts: str) -> argparse.ArgumentParser:
    return make(*words, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **texts)


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-h", "--help")):
        argv = ["show", *argv]
    options = parser().parse_args(argv)
    try:
        return {"add": add, "show": show, "draw": draw}[options.command](options)
    except (history_file.HistoryError, report_json.ReportError) as error:
        print(f"scripts/history: {error}", file=sys.stderr)
        return EXIT_UNUSABLE


def add(options: argparse.Namespace) -> int:
    """scripts/history add: all of the reports, or none."""
    reports = [(path, report_json.read(path)) for path in options.reports]
    said = []
    with history_file.alone(options.history):
        kept = history_file.read(options.history) if options.history.exists() else history_file.History()
        history = kept
        for index, (path, report) in enumerate(reports):
            about = history_commits.about(options.repository, report.new.commit)
            history, sentences = history_adding.add(
                history, report, measured_at(path, report), options.pin_anew and index == 0, str(path), about
            )
            said += sentences
        if history != kept:
            history_file.write(options.history, history)
    for sentence in said:
        print(f"{sentence}.")
    return 0


def show(options: argparse.Namespace) -> int:
    """scripts/history show."""
    from poolmark_scripts import history_findings, history_report, terminal

    history = history_file.read(options.history)
    findings = history_findings.examine(history.current, history_commits.line(options.repository))
    history_report.print_report(findings, history, str(options.history), terminal.console())
    if options.json:
        content = history_report.document(findings, history, str(options.history))
        history_file.save(options.json, content, "--json FILE")
    return findings.exit_status()


def draw(options: argparse.Namespace) -> int:
    """scripts/history draw."""
    from poolmark_scripts import drawing, history_findings, history_picture

    history = history_file.read(options.history)
    line = history_commits.line(options.repository)
    findings = [history_findings.examine(epoch, line) for epoch in history.epochs]
    stem = options.output or options.history
    stem = stem.with_suffix("") if stem.suffix in (".svg", ".png", ".json") else stem
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        written = drawing.save(history_picture.make(findings, options.history.name), stem)
    except OSError as error:
        raise history_file.HistoryError(
            f"cannot write pictures to {stem.parent}: {error.strerror}. Name another place with -o PATH."
        ) from None
    for path in written:
        print(path)
    return 0


def measured_at(path: Path, report: GateReport) -> str:
    """When a report was measured: as the program said it, or when the file was written."""
    date = report.new.context.get("date")
    if isinstance(date, str) and date:
        return date
    return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc).isoformat(timespec="seconds")


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # scripts/history | head
    sys.exit(main(sys.argv[1:]))
