"""The command scripts/mutate: breaks the library in many small ways, and tells which of them no test notices."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXIT_SURVIVORS, EXIT_UNUSABLE, EXIT_INTERRUPTED = 1, 2, 130

EPILOG = """\
examples:
  scripts/mutate                                  all mutations: an hour or more, on two cores
  scripts/mutate --list --file src/future.cpp     what there is for one file, and what it breaks
  scripts/mutate --file src/wait.cpp              after work on that file, or on its tests
  scripts/mutate --only wait-count-late           one, to see a new test go red
  scripts/mutate --resume                         go on after Ctrl-C; or after new tests: what was
                                                  caught before is not tried again
  nice scripts/mutate --jobs 1 --json out.json    beside other work, with the results in a file

a mutation is an entry of tests/mutations/*.toml:
  [[mutation]]
  id = "wait-count-late"
  file = "src/wait.cpp"
  what = "wait() wakes one completion too late"
  find = '''memory_order_acq_rel) == 1;'''       exactly once in the file
  replace = '''memory_order_acq_rel) == 0;'''
  tests = "WAIT_"                                 optional: ctest -R, run first
  build = ["futures"]                             optional: targets that these tests need
  survives = "..."                                optional: why no test can tell

The tree is copied to build/mutate and built there, without the harness. First the copy as it is must
pass. Then each mutation: build, the tests that are likely to catch it, all others. A test that hangs
or crashes has caught it. A survivor wants a test, or a reason in its entry.

exit status: 0 all caught or explained, 1 survivors, 2 nothing to go by (bad usage, a stale entry, one
that does not compile, or tests that fail without any mutation), 130 interrupted
"""


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="scripts/mutate",
        description="Breaks the library on purpose, a little at a time, and tells what no test notices.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--only", nargs="+", metavar="ID", help="these mutations alone")
    made.add_argument("--file", nargs="+", metavar="PATH", help="those of these files alone")
    made.add_argument("--list", action="store_true", help="show the mutations and whether they fit, try none")
    made.add_argument("--resume", action="store_true", help="keep what an earlier run has found and still holds")
    made.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), metavar="N",
                      help="compilers at a time (default: one a CPU)")  # fmt: skip
    made.add_argument("--test-jobs", type=int, metavar="N", help="tests at a time (default: as many as --jobs)")
    made.add_argument("--limit", type=int, default=40, metavar="SECONDS",
                      help="a test that takes longer hangs, and has caught the mutation (default: 40)")  # fmt: skip
    made.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    made.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)  # of another project: for tests
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    options = parser().parse_args(argv)
    from poolmark_scripts import mutation_copy, mutations, terminal

    console = terminal.console()
    try:
        chosen = choose(mutations.load(options.root / "tests" / "mutations"), options)
        if options.list:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # scripts/mutate --list | head
            return print_list(chosen, options.root, console)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        return try_all(chosen, options, console)
    except (UsageError, mutations.ListError, mutation_copy.CopyError) as error:
        print(f"scripts/mutate: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except KeyboardInterrupt:
        print("scripts/mutate: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def choose(all_mutations: list, options: argparse.Namespace) -> list:
    """The mutations that --only and --file ask for."""
    ids = {mutation.id for mutation in all_mutations}
    files = {mutation.file for mutation in all_mutations}
    for name in options.only or ():
        if name not in ids:
            raise UsageError(f"no mutation is called {name!r}; --list shows them.")
    for name in options.file or ():
        if name not in files:
            raise UsageError(f"there are no mutations of {name!r}; --list shows what there is.")
    if min(options.jobs, options.test_jobs or 1, options.limit) < 1:
        raise UsageError("--jobs, --test-jobs and --limit must be at least 1.")
    return [
        mutation
        for mutation in all_mutations
        if (not options.only or mutation.id in options.only) and (not options.file or mutation.file in options.file)
    ]


def print_list(chosen: list, root: Path, console) -> int:
    """One line a mutation; exits as a run would for those that are stale."""
    any_stale = False
    for mutation in chosen:
        path = root / mutation.file
        text = path.read_text() if path.is_file() else ""
        line = mutation.line(text)
        any_stale = any_stale or line == 0
        place = f"{mutation.file}:{line}" if line else f"{mutation.file}: stale"
        reason = f" (survives: {mutation.survives})" if mutation.survives else ""
        console.print(f"{mutation.id}  {place}\n    {mutation.what}{reason}", soft_wrap=True)
    console.print(f"\n{len(chosen)} mutations of {len({m.file for m in chosen})} files")
    return EXIT_UNUSABLE if any_stale else 0


def try_all(chosen: list, options: argparse.Namespace, console) -> int:
    """Tries them one by one; tells what came of them also when it is interrupted."""
    from poolmark_scripts import mutation_copy, mutation_results, supervising

    place = options.root / "build" / "mutate"
    place.mkdir(parents=True, exist_ok=True)
    lock = (place / "lock").open("w")  # until this process ends
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another scripts/mutate is at work in {place}; wait for it, or end it.") from None
    supervising.begin()
    copy = mutation_copy.Copy(options.root, place, options.jobs, options.test_jobs or options.jobs, options.limit)
    tree = copy.bring_up_to_date()
    journal = mutation_results.Journal(place / "journal.jsonl", options.resume)
    results: list[mutation_results.Result] = []
    interrupted = False
    try:
        headers_too = any(not mutation.file.endswith(".cpp") for mutation in chosen)
        require_green(copy, tree, headers_too, place / "green", console)
        for number, mutation in enumerate(chosen, 1):
            text = copy.text_of(mutation.file)  # the tree may change while this runs
            if text is None or mutation.occurrences(text) != 1:
                results.append(mutation_results.stale(mutation, text))
                mutation_results.print_line(console, number, len(chosen), results[-1], False)
                continue
            known = journal.find(mutation, text, tree)
            result = known or try_one(copy, mutation, text)
            if known is None:
                journal.note(mutation, text, tree, result)
            results.append(result)
            mutation_results.print_line(console, number, len(chosen), result, known is not None)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        copy.restore()
    left = len(chosen) - len(results)
    mutation_results.print_summary(console, results, left)
    if options.json:
        mutation_results.write_json(options.json, results, left)
    return EXIT_INTERRUPTED if interrupted else status_of(results)


def status_of(results: list) -> int:
    """The exit status that the results deserve."""
    from poolmark_scripts import mutation_results

    outcomes = {result.outcome for result in results}
    if outcomes & set(mutation_results.UNUSABLE):
        return EXIT_UNUSABLE
    return EXIT_SURVIVORS if mutation_results.SURVIVED in outcomes else 0


def require_green(copy, tree: str, headers_too: bool, note: Path, console) -> None:
    """Builds and tests the copy as it is, unless that was done: who is red already cannot turn red.

    The tests that compile, which take longest, count only where headers are mutated.
    """
    from poolmark_scripts import mutation_copy

    copy.configure()
    wanted = f"{tree} with headers" if headers_too else tree
    if note.exists() and note.read_text().startswith(wanted):
        return
    console.print("building the copy, without any mutation ...")
    try:
        copy.build()
    except mutation_copy.DoesNotCompile as error:
        raise mutation_copy.CopyError(f"the tree does not compile as it is:\n{error}") from None
    console.print("testing the copy, without any mutation ...")
    failure = copy.first_failure_of_all(compiles_too=headers_too)
    if failure is not None:
        raise mutation_copy.CopyError(f"{failure} fails without any mutation: mend that first.")
    note.write_text(wanted)


def try_one(copy, mutation, text: str):
    """Breaks the copy, builds it, runs the tests, and mends it."""
    from poolmark_scripts import mutation_copy
    from poolmark_scripts.mutation_results import BROKEN, CAUGHT, Result, survivor

    started = time.monotonic()
    copy.apply(mutation)
    try:
        failure = None
        if mutation.tests:
            copy.build(mutation.build)
            failure = copy.first_failure(mutation.tests)
        if failure is None:
            copy.build()
            # Those that ran above too: what they need was built in part, and some may be of an older build.
            failure = copy.first_failure_of_all(compiles_too=not mutation.file.endswith(".cpp"))
    except mutation_copy.DoesNotCompile as complaint:
        return Result.of(mutation, text, BROKEN, str(complaint), time.monotonic() - started)
    finally:
        copy.restore()
    seconds = time.monotonic() - started
    if failure is None:
        return survivor(mutation, text, seconds)
    return Result.of(mutation, text, CAUGHT, str(failure), seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
