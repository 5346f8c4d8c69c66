"""The copy of the tree in which mutations are made, built and tested. The user's own tree is only read."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from poolmark_scripts import supervising
from poolmark_scripts.mutations import Mutation
from poolmark_scripts.supervising import Ended

# Fast to compile, and one library for all test programs: a mutation is linked once, not into each of them.
DEFINITIONS = (
    "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_CXX_FLAGS=-O1 -DNDEBUG", "-DBUILD_TESTING=ON", "-DPOOLMARK_DEVELOPER_MODE=ON",
    "-DPOOLMARK_BUILD_HARNESS=OFF", "-DBUILD_SHARED_LIBS=ON", "-DCMAKE_LINK_DEPENDS_NO_SHARED=ON",
    # Or a library that cannot even list the tests would look like one that cannot be compiled.
    "-DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST",
)  # fmt: skip
# These compile: what a .cpp does is nothing to them. And the stranger's build takes longer than all others.
COMPILING_TESTS = r"^(compile_fail|process_refusals)\."
NEVER_RUN = r"^consumer\."
SLOW_TESTS = r"^(sandbox\.|process_pool_soak|ThreadPoolStress|fault_hooks)"
# Changes of these make no green copy red.
NOT_BUILT = ("docs/", "results/", "scripts/", "tests/mutations/", "tests/scripts/")
TRIES_WHEN_STOPPED = 3
BUILD_LIMIT_S = 3600.0
# A mutation may ask for all memory there is, in a file of memory; what the kernel would kill then is chance.
LARGEST_FILE = 2**32
TESTS_LIMIT_S = 1800.0

RESULT = re.compile(r"\s*\d+/\d+ Test\s+#\d+: (?P<name>.+?) \.{2,}.*?\*\*\*(?P<how>\w+)")
# How a typed test is called when its program is asked at the last moment.
TYPED_TEST = re.compile(r"\w+\.(?P<test>\w+)<(?P<suite>[\w/]+)\.\s")
ERROR_LINE = re.compile(r"error:|undefined reference|ld returned|FAILED:.*undefined", re.IGNORECASE)
BUILT_SUFFIXES = {".o", ".a", ".so"}


class CopyError(Exception):
    """The copy cannot be made, built or tested; the text says why."""


class DoesNotCompile(Exception):
    """The text is the compiler's first complaint."""


@dataclass(frozen=True)
class Failure:
    """A test that noticed."""

    test: str
    how: str  # Failed, Timeout, Exception

    def __str__(self) -> str:
        return self.test if self.how == "Failed" else f"{self.test} ({self.how.lower()})"


class Copy:
    """The tree as it was when the copy was made, a build of it, and at most one mutation at a time."""

    def __init__(self, root: Path, place: Path, jobs: int, test_jobs: int, limit_s: int) -> None:
        self._root, self._tree, self._build = root, place / "tree", place / "build"
        self._jobs, self._test_jobs, self._limit_s = jobs, test_jobs, limit_s
        self._original: tuple[Path, str, os.stat_result] | None = None
        self._broken_at = 0

    # ---- what is in it

    def bring_up_to_date(self) -> str:
        """Copies what differs, so that little is built again; returns a digest of what is built."""
        names = self._listed()
        whole = hashlib.sha256()
        for name in names:
            content = (self._root / name).read_bytes()
            if not name.startswith(NOT_BUILT):
                whole.update(f"{name}\0{len(content)}\0".encode() + content)
            target = self._tree / name
            if not target.exists() or target.read_bytes() != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                shutil.copymode(self._root / name, target)
        wanted = set(names)
        for path in [path for path in self._tree.rglob("*") if path.is_file()]:
            if str(path.relative_to(self._tree)) not in wanted:
                path.unlink()
        return whole.hexdigest()[:16]

    def _listed(self) -> list[str]:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=self._root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if listed.returncode != 0:
            raise CopyError(f"{self._root} is no git checkout: {listed.stderr.strip()}")
        return sorted(name for name in listed.stdout.split("\0") if name and (self._root / name).is_file())

    def text_of(self, file: str) -> str | None:
        """A file of it; None if there is no such file."""
        path = self._tree / file
        return path.read_text() if path.is_file() else None

    # ---- breaking it

    def apply(self, mutation: Mutation) -> None:
        """Writes the mutation into the copy."""
        path = self._tree / mutation.file
        text = path.read_text()
        self._original = (path, text, path.stat())
        self._broken_at = time.time_ns()
        path.write_text(mutation.applied_to(text))

    def restore(self) -> None:
        """Takes the mutation back, and everything that was built with it.

        The file gets its old time too: of what includes a header only that is built again which was.
        """
        if self._original is None:
            return
        path, text, before = self._original
        path.write_text(text)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        self._original = None
        for built in self._build.rglob("*"):
            is_output = built.suffix in BUILT_SUFFIXES or (not built.suffix and os.access(built, os.X_OK))
            if is_output and built.is_file() and built.stat().st_mtime_ns >= self._broken_at:
                built.unlink()

    # ---- building and testing it

    def configure(self) -> None:
        """Runs CMake; on a copy that has been configured this takes a second."""
        command = ["cmake", "-S", str(self._tree), "-B", str(self._build), "-G", "Ninja", *DEFINITIONS]
        ended = supervising.run([*command, f"-DPOOLMARK_TEST_SECONDS={self._limit_s}"], self._root, BUILD_LIMIT_S)
        if ended.status != 0:
            raise CopyError(f"the copy cannot be configured:\n{ended.tail}")

    def build(self, targets: Sequence[str] = ()) -> None:
        """Builds the targets; none means all."""
        command = ["ninja", "-j", str(self._jobs), "-C", str(self._build), *targets]
        ended = supervising.run(command, self._root, BUILD_LIMIT_S)
        if any(line.startswith("ninja: error: unknown target") for line in ended.lines):
            raise CopyError(ended.lines[-1])
        if ended.status != 0:
            complaints = [line.strip() for line in ended.lines if ERROR_LINE.search(line)]
            raise DoesNotCompile(complaints[0] if complaints else ended.tail)

    def first_failure(self, tests: str) -> Failure | None:
        """Runs the tests with such names until one fails."""
        return self._test_until_failure(["-R", tests, "-E", NEVER_RUN])

    def first_failure_of_all(self, compiles_too: bool) -> Failure | None:
        """Runs all tests, the slow ones last, until one fails."""
        leave_out = [NEVER_RUN] + ([] if compiles_too else [COMPILING_TESTS])
        quick = self._test_until_failure(["-E", "|".join((*leave_out, SLOW_TESTS))])
        return quick or self._test_until_failure(["-R", SLOW_TESTS, "-E", "|".join(leave_out)])

    def _test_until_failure(self, chosen: list[str]) -> Failure | None:
        for _ in range(TRIES_WHEN_STOPPED):
            failure, ended = self._test(chosen)
            if not ended.was_stopped:
                break
        if failure is None and ended.status != 0:
            raise CopyError(f"ctest did not run the tests:\n{ended.tail}")
        return failure

    def _test(self, chosen: list[str]) -> tuple[Failure | None, Ended]:
        command = ["ctest", "--test-dir", str(self._build), "-j", str(self._test_jobs), "--stop-on-failure", *chosen]
        ended = supervising.run(command, self._root, TESTS_LIMIT_S, largest_file=LARGEST_FILE)
        for line in ended.lines:
            found = RESULT.match(line)
            if found and found["how"] not in ("Skipped", "Not"):
                typed = TYPED_TEST.match(found["name"])
                name = f"{typed['suite']}.{typed['test']}" if typed else found["name"].partition("  #")[0]
                return Failure(name, found["how"]), ended
        if any("Error running test executable" in line for line in ended.lines):
            return Failure("a test program cannot even list its tests", "Failed"), ended
        return (Failure("the tests together", "Timeout") if ended.too_late else None), ended
