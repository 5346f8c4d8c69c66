"""The command scripts/test: every test there is, step by step."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence
from xml.etree import ElementTree

from poolmark_scripts.building import ROOT, TEST_RESULTS, build_directory

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
CLANG, CLANG_FORMAT = "clang++-16", "clang-format-16"
LAST_LINES = 20  # of a failed test, shown again at the end
EPILOG = """\
examples:
  scripts/test                  everything, as CI does
  scripts/test release python   two of the steps
  scripts/test format           a few seconds

exit status: 0 all passed, 1 a step failed, 2 bad usage or no way to set up, 130 interrupted
"""


class Skipped(Exception):
    """The step cannot run here; the text says why."""


class Failed(Exception):
    """The step failed; the text says where, `tests` which tests failed and what each wrote last."""

    def __init__(self, text: str, tests: Sequence["FailedTest"] = ()) -> None:
        super().__init__(text)
        self.tests = list(tests)


@dataclass(frozen=True)
class FailedTest:
    """A test that failed, and how its output ended."""

    name: str
    last_lines: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One part of the tests."""

    purpose: str
    run: Callable[[], None]


def _command(*command: str, **environment: str) -> None:
    """Runs a command with its output shown as it comes."""
    sys.stdout.flush()
    ended = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
    if ended.returncode != 0:
        raise Failed(f"{' '.join(command[:4])} ... ended with status {ended.returncode}")


def _tests(results: Path, *command: str) -> None:
    """Runs tests that write their results as JUnit XML to `results`."""
    results.unlink(missing_ok=True)
    try:
        _command(*command)
    except Failed as failure:
        raise Failed(str(failure), failed_tests(results)) from None


def failed_tests(results: Path) -> list[FailedTest]:
    """Those of ctest's or pytest's JUnit XML; none if it is not there or broken off."""
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return []
    failed = []
    for case in cases:
        causes = [cause for cause in (case.find("failure"), case.find("error")) if cause is not None]
        if causes:
            said = [causes[0].text or "", case.findtext("system-out", "")]
            lines = [line for text in said for line in text.splitlines() if line.strip()]
            failed.append(FailedTest(case.get("name", "a test without a name"), tuple(lines[-LAST_LINES:])))
    return failed


def _jobs() -> str:
    return str(len(os.sched_getaffinity(0)))


def _build_and_test(preset: str, *definitions: str) -> None:
    cache = shutil.which("ccache")
    launcher = f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache or ''}"
    _command("cmake", "--preset", preset, "-DBUILD_TESTING=ON", launcher, *definitions)
    # Paths relative to the checkout, so that what one clone has compiled serves the next.
    _command("cmake", "--build", f"build/{preset}", "-j", _jobs(), CCACHE_BASEDIR=str(ROOT), CCACHE_NOHASHDIR="1")
    _tests(build_directory(preset) / TEST_RESULTS,
           "ctest", "--test-dir", f"build/{preset}", "--output-on-failure", "-j", _jobs(), "--output-junit", TEST_RESULTS)  # fmt: skip


def _release() -> None:
    _build_and_test("release")
    _command("scripts/conformance", "--check")


def _tsan() -> None:
    found = shutil.which(CLANG)
    if not found:
        print(f"{CLANG} is not in this distribution: building with g++ instead")
    _build_and_test("tsan", *(() if found else ("-DCMAKE_CXX_COMPILER=g++",)))


def _python() -> None:
    with tempfile.TemporaryDirectory(prefix="poolmark-python-") as directory:
        results = Path(directory) / "results.xml"
        _tests(results, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results}", "tests/scripts")


def _format() -> None:
    if not shutil.which(CLANG_FORMAT):
        raise Skipped(f"{CLANG_FORMAT} is not in this distribution")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "*.cpp", "*.hpp"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if listed.returncode != 0:
        raise Skipped("this is no git checkout, so there is no list of files to check")
    files = [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    _command(CLANG_FORMAT, "--dry-run", "-Werror", *files)


def _smoke() -> None:
    with tempfile.TemporaryDirectory(prefix="poolmark-smoke-") as directory:
        first, second = (f"{directory}/{name}.json" for name in ("first", "second"))
        for output in (first, second):
            _command("scripts/bench", "--quick", "--benchmark_repetitions=1", "-o", output)
        # One repetition each: every cell must be there and none can be judged, so the gate stays open.
        _command("scripts/compare", first, second)
        _command("scripts/plot", first, second, "-o", directory)


STEPS = {
    "release": Step("release build, C++ tests, the account of docs/conformance.md", _release),
    "asan": Step("the same with address and undefined-behaviour sanitizers", lambda: _build_and_test("asan")),
    "tsan": Step("the same with the thread sanitizer", _tsan),
    "python": Step("tests of the scripts, some with the release build's program", _python),
    "format": Step("formatting of the C++ files", _format),
    "smoke": Step("the matrix, compare and plot once, for real", _smoke),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    steps = "\n".join(f"  {name:9s}{step.purpose}" for name, step in STEPS.items())
    made = argparse.ArgumentParser(
        prog="scripts/test",
        description="Runs the tests; without arguments all of them.",
        epilog=f"steps:\n{steps}\n\n{EPILOG}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("steps", nargs="*", metavar="STEP", help="steps to run (default: all, in this order)")
    return made


def main(argv: list[str]) -> int:
    """Runs the command; returns the exit status."""
    chosen = parser().parse_args(argv).steps or list(STEPS)
    unknown = [name for name in chosen if name not in STEPS]
    if unknown:
        print(f"scripts/test: no step is called {', '.join(unknown)}; there are {', '.join(STEPS)}.", file=sys.stderr)
        return EXIT_USAGE
    try:
        return run_steps({name: STEPS[name] for name in chosen})
    except KeyboardInterrupt:
        print("scripts/test: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def run_steps(steps: dict[str, Step]) -> int:
    """Runs all steps, whatever fails; closes with the tests that failed, a line for each step and one for all."""
    outcomes: list[tuple[str, str, float, str]] = []
    failed: list[tuple[str, FailedTest]] = []
    for name, step in steps.items():
        print(f"\n==== {name}: {step.purpose}", flush=True)
        started = time.monotonic()
        outcome, reason, tests = _outcome(step)
        failed += [(name, test) for test in tests]
        outcomes.append((name, outcome, time.monotonic() - started, reason))
        if reason:
            print(f"{name} {outcome}: {reason}", flush=True)
    # Again, because each step has buried those of the steps before it.
    for name, test in failed:
        print("\n".join([f"\n{name}: {test.name} failed", *(f"    {line}" for line in test.last_lines)]))
    print()
    for name, outcome, seconds, reason in outcomes:
        print(f"{name:9s}{outcome:8s}{seconds:7.0f} s  {reason}")
    counts = {word: sum(outcome == word for _, outcome, _, _ in outcomes) for word in ("passed", "failed", "skipped")}
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return EXIT_FAILED if counts["failed"] else 0


def _outcome(step: Step) -> tuple[str, str, list[FailedTest]]:
    try:
        step.run()
    except Skipped as reason:
        return "skipped", str(reason), []
    except Failed as reason:
        return "failed", str(reason), reason.tests
    return "passed", "", []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
