"""The command scripts/conformance: every row of concurrent.futures, and the tests that prove it."""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from poolmark_scripts import conformance_document, conformance_rows, conformance_tests, mutations
from poolmark_scripts.building import ROOT, TEST_RESULTS
from poolmark_scripts.conformance_rows import Rows, RowsError, Status
from poolmark_scripts.conformance_tests import Outcome, ResultsError, RowTest

ROWS = Path("tests", "conformance_rows.json")
MUTATIONS = Path("tests", "mutations")
DOCUMENT = Path("docs", "conformance.md")
DEVIATIONS = Path("docs", "deviations.md")
EXIT_INCOMPLETE, EXIT_USAGE = 1, 2
EPILOG = """\
examples:
  scripts/conformance --run      run the tests of all rows (a minute), count, write docs/conformance.md
  scripts/conformance            the same from the last such run, or that of scripts/test
  scripts/conformance --check    write nothing, but fail if docs/conformance.md is not up to date
  scripts/conformance --build build/asan --run --check

A test belongs to a row by its name: FUT_07_result_may_be_read_many_times proves FUT-07. What a row says,
its status and its C++ name stand in tests/conformance_rows.json.

exit status:
  0  every row is accounted for    1  a row has no test or a failed one, a test's name has an id that is no
     row's, a deviation is not in docs/deviations.md, or docs/conformance.md is not up to date (--check)
  2  bad usage, or there are no results of the tests that are built
"""


@dataclass
class Account:
    """What there is to say about the rows."""

    tested: list[str] = field(default_factory=list)
    skipped: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # executor, reason: rows
    missing: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to be done."""
        return not (self.missing or self.failed or self.unknown or self.unexplained)


def account_for(table: Rows, tests: list[RowTest], deviations: str) -> Account:
    """Sorts the rows, and finds the tests that are of none."""
    account = Account()
    real = {row_id for test in tests if test.outcome is not Outcome.SKIPPED for row_id in test.ids}
    explained = conformance_document.sections_by_row(deviations)
    for row in table.rows:
        if row.needs_a_test:
            (account.tested if row.id in real else account.missing).append(row.id)
        if row.status is Status.DEVIATE and row.id not in explained:
            account.unexplained.append(row.id)
    for test in tests:
        strange = [row_id for row_id in test.ids if row_id not in table.ids]
        if strange:
            account.unknown.append(f"{test.name}: {', '.join(strange)}")
        if test.outcome is Outcome.FAILED:
            account.failed.append(test.name)
    for (executor, reason), ids in _skips(table, tests).items():
        account.skipped[executor, reason] = ids
    return account


def _skips(table: Rows, tests: list[RowTest]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in table.rows:
        for executor in conformance_tests.EXECUTORS:
            of_row = [test for test in tests if row.id in test.ids and test.executor == executor]
            if of_row and all(test.outcome is Outcome.SKIPPED for test in of_row):
                found.setdefault((executor, of_row[0].reason), []).append(row.id)
    return found


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/conformance",
        description="Accounts for every row of concurrent.futures, and writes docs/conformance.md.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--run", action="store_true", help="run the tests of the rows first; they must be built")
    made.add_argument("--check", action="store_true", help="write nothing; fail if docs/conformance.md would change")
    made.add_argument("--build", type=Path, default=ROOT / "build" / "release", metavar="DIR",
                      help="the build directory (default: build/release)")  # fmt: skip
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    try:
        table = conformance_rows.load(ROOT / ROWS)
        if options.run:
            _run(options.build, table)
        tests = _results_of(options.build, table)
        broken = mutations.load(ROOT / MUTATIONS)
    except (RowsError, ResultsError, mutations.ListError) as error:
        print(f"scripts/conformance: {error}", file=sys.stderr)
        return EXIT_USAGE
    deviations = (ROOT / DEVIATIONS).read_text(encoding="utf-8")
    account = account_for(table, tests, deviations)
    report(table, account)
    text = conformance_document.document(table, tests, deviations, broken)
    is_written = bring_up_to_date(ROOT / DOCUMENT, text, options.check)
    return 0 if account.is_complete and is_written else EXIT_INCOMPLETE


def _run(build: Path, table: Rows) -> None:
    results = build / TEST_RESULTS
    results.unlink(missing_ok=True)
    command = ["ctest", "--test-dir", str(build), "--output-junit", TEST_RESULTS, "-j", "2"]
    command += ["-R", rf"[._]({'|'.join(table.groups)})_[0-9][0-9]"]
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    # A test that failed is told by the account; without results there is only what ctest says.
    if not results.exists():
        raise ResultsError(f"ctest has run nothing in {build}:\n{ended.stdout.strip()}")


def _results_of(build: Path, table: Rows) -> list[RowTest]:
    """The last run. One of other tests than those that are built now would make the document wrong."""
    results = build / TEST_RESULTS
    if not results.exists():
        raise ResultsError(
            f"there is no {results}. `scripts/test release` builds the tests and runs them all; "
            "`scripts/conformance --run` runs those of the rows, once they are built."
        )
    shown = subprocess.run(
        ["ctest", "--test-dir", str(build), "--show-only=json-v1"], stdout=subprocess.PIPE, text=True, check=False
    )
    if shown.returncode != 0:
        raise ResultsError(f"ctest cannot list the tests of {build}; build them with `scripts/test release`.")
    built = {test["name"] for test in json.loads(shown.stdout)["tests"]}
    not_built = sorted(name for name in built if name.endswith("_NOT_BUILT"))
    if not_built:
        raise ResultsError(f"not all tests are built: {', '.join(not_built)}. `scripts/test release` builds them.")
    tests = conformance_tests.load(results, table)
    ran = {test.name for test in tests}
    missing = [name for name in sorted(built) if name not in ran and _is_of_a_row(name, table)]
    if missing or not ran <= built:
        odd = missing[0] if missing else sorted(ran - built)[0]
        raise ResultsError(
            f"{results} is not of the tests that are built now ({odd} is in one of them only). Run "
            "`scripts/conformance --run`."
        )
    return tests


def _is_of_a_row(name: str, table: Rows) -> bool:
    return conformance_tests.ids_in(name.partition("<")[0].rpartition(".")[2], table) != ()


def report(table: Rows, account: Account) -> None:
    """Prints the account: what is wrong at the end, where it is seen."""
    # Imported here, so that --help needs nothing.
    from poolmark_scripts import terminal

    out = terminal.console()
    shown = terminal.table(("skipped", "left"), ("because", "left"), ("rows", "left"))
    for (executor, reason), ids in account.skipped.items():
        shown.add_row(executor, reason, str(len(ids)))
    out.print(shown)
    out.print()
    for label, names in (
        ("no test", account.missing),
        ("failed", account.failed),
        ("no such row", account.unknown),
        ("DEVIATE, and not in docs/deviations.md", account.unexplained),
    ):
        for name in names:
            out.print(f"{label}: {name}", style="bold red", soft_wrap=True)
    not_applicable = sum(not row.needs_a_test for row in table.rows)
    skips = len({row_id for ids in account.skipped.values() for row_id in ids})
    out.print(
        f"{len(table.rows)} rows: {len(account.tested)} tested ({skips} of them skipped, with the reason, where they "
        f"make no sense), {not_applicable} not applicable, {len(account.missing)} missing",
        style="green" if account.is_complete else "bold red",
        soft_wrap=True,
    )


def bring_up_to_date(path: Path, text: str, only_check: bool) -> bool:
    """Writes the document if it differs; with `only_check` says so instead, and returns False."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before == text:
        return True
    if not only_check:
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")
        return True
    print(f"scripts/conformance: {path} is not up to date; run scripts/conformance. It would change:", file=sys.stderr)
    changes = difflib.unified_diff(before.splitlines(), text.splitlines(), "is", "would be", n=0, lineterm="")
    for line in list(changes)[:20]:
        print(f"  {line}", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
