"""An arm of the gate: a git revision, built in a tree of its own, or a build directory that is there.

A revision is checked out into build/gate/<commit> as a worktree of this repository and stays there: the next gate against
the same base builds nothing. A build directory is taken as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from poolmark_scripts import building
from poolmark_scripts.building import ROOT

TREES = ROOT / "build" / "gate"
PRESET = "release"
# A release build of the measuring program and its libraries takes 60 MB, the checkout 10.
TREE_BYTES = 200 << 20
SHOWN_LINES = 12
LINKS = "links-"  # then the pid of the gate whose programs these are
GIVE = "Give a revision (a commit, a branch, a tag), or a build directory, the one with CMakeCache.txt."

ANOTHER = "name a program that both arms have with --program, such as --program bench/scaling."


class TreeError(Exception):
    """An arm that cannot be made; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Build:
    """A build of one arm."""

    name: str  # as the user gave it
    directory: Path  # in which CMake has configured it
    program: Path
    tree: Path | None  # its source; None if the build directory does not say


@dataclass(frozen=True)
class Wanted:
    """An arm that was asked for and can be had, as far as can be told before it is built."""

    name: str
    commit: str | None  # to be checked out; None: `directory` is the arm
    directory: Path
    tree: Path | None
    is_working_tree: bool = False

    @property
    def is_new_tree(self) -> bool:
        """Whether making it takes disk."""
        return self.commit is not None and not (self.directory / "build.ninja").exists()


def find(name: str) -> Wanted:
    """What a command line argument names. Builds nothing. Raises TreeError."""
    path = Path(name)
    if (path / "CMakeCache.txt").is_file():
        return Wanted(name, None, path.resolve(), _source_of(path))
    commit = _commit(name)
    if commit is None:
        what = "is a directory, but no build directory" if path.is_dir() else "is no revision of this repository and no directory"
        raise TreeError(f"{name!r} {what}. {GIVE}")
    tree = TREES / commit[:12]
    return Wanted(name, commit, tree / "build" / PRESET, tree)


def working_tree() -> Wanted:
    """This checkout as it is, with what is not committed."""
    return Wanted("the working tree", None, ROOT / "build" / PRESET, ROOT, is_working_tree=True)


def check_room(wanted: list[Wanted]) -> None:
    """Refuses what would fill the disk, before the first tree is made."""
    needed = TREE_BYTES * len({arm.directory for arm in wanted if arm.is_new_tree})
    free = shutil.disk_usage(ROOT).free
    if needed > free:
        raise TreeError(
            f"the trees of {needed >> 20} MB do not fit: {free >> 20} MB are free below {ROOT}. Make room (old trees of the "
            f"gate are in {TREES}, and may be removed), or give build directories."
        )


def remove_old_links() -> None:
    """Removes the links of runs that were killed. Makes the directory in which they lie."""
    TREES.mkdir(parents=True, exist_ok=True)
    for left in TREES.glob(f"{LINKS}*"):
        if not Path("/proc", left.name.removeprefix(LINKS).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)


def build(wanted: Wanted, target: str, console: Console) -> Build:
    """Checks the arm out and builds its program, where that is to be done. Blocks for as long as a compiler takes.

    `target` is the program below the build directory, such as bench/gate. Raises TreeError.
    """
    if wanted.commit is not None:
        check_out(wanted, console)
    if wanted.commit is not None or wanted.is_working_tree:
        return compile_tree(wanted, target, console)
    return _built(wanted, target)


def compile_tree(wanted: Wanted, target: str, console: Console) -> Build:
    """Builds the program in a tree that is there. Raises TreeError."""
    _compile(wanted, target, console)
    return _built(wanted, target)


def _built(wanted: Wanted, target: str) -> Build:
    program = wanted.directory / target
    if not program.is_file():
        raise TreeError(f"{wanted.name} has no program {target}: {program} does not exist. Build it, or {ANOTHER}")
    return Build(wanted.name, wanted.directory, program, wanted.tree)


def check_out(wanted: Wanted, console: Console) -> None:
    """Makes the tree of a commit, unless it is there. Raises TreeError."""
    assert wanted.commit is not None and wanted.tree is not None
    if (wanted.tree / ".git").exists():
        if _git("rev-parse", "HEAD", directory=wanted.tree) == wanted.commit:
            return
        shutil.rmtree(wanted.tree)
    _git("worktree", "prune")
    console.print(f"checking {wanted.name} out into {wanted.tree.relative_to(ROOT)} ...", soft_wrap=True)
    made = subprocess.run(
        ["git", "-C", str(ROOT), "worktree", "add", "--detach", "--force", str(wanted.tree), wanted.commit],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if made.returncode != 0:
        raise TreeError(f"{wanted.name} cannot be checked out: {made.stdout.strip().splitlines()[-1]}")


def _compile(wanted: Wanted, target: str, console: Console) -> None:
    assert wanted.tree is not None
    if not (wanted.directory / "build.ninja").exists():
        cache = shutil.which("ccache")
        launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache}"] if cache else []
        # Without the tests: they need packages that measuring does not.
        _run(wanted, "configuring", ["cmake", "--preset", PRESET, "-DBUILD_TESTING=OFF", *launcher], console)
    jobs = str(len(os.sched_getaffinity(0)))
    _run(wanted, "building", ["cmake", "--build", str(wanted.directory), "-j", jobs, "--target", Path(target).name], console)


def _run(wanted: Wanted, what: str, command: list[str], console: Console) -> None:
    assert wanted.tree is not None
    # In English, whose errors are recognised; with paths that let one tree use what another has compiled.
    environment = {**os.environ, "LC_ALL": "C", "CCACHE_BASEDIR": str(wanted.tree), "CCACHE_NOHASHDIR": "1"}
    try:
        building.run_tool(f"{what} {wanted.name}", command, console, directory=wanted.tree, environment=environment)
    except building.BuildError as error:
        if any("unknown target" in line for line in error.lines):
            raise TreeError(f"{wanted.name} has no program {command[-1]} yet: {ANOTHER}") from None
        said = first_error(error.lines) if error.lines else str(error)
        raise TreeError(f"{wanted.name} does not build; {said}") from None


def first_error(lines: list[str]) -> str:
    """What a compiler complained of first, and what stands below it; the last lines if nobody complained."""
    for place, line in enumerate(lines):
        if " error: " in line or line.startswith(("CMake Error", "error:", "ninja: error:")):
            shown = lines[place : place + SHOWN_LINES]
            break
    else:
        shown = lines[-SHOWN_LINES:]
    return "the first error:\n" + "\n".join(f"  {line}" for line in shown)


def text_at(commit: str, file: str) -> str:
    """The content of a file of a commit; empty if it has none."""
    ended = subprocess.run(
        ["git", "-C", str(ROOT), "show", f"{commit}:{file}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        check=False,
    )  # fmt: skip
    return ended.stdout if ended.returncode == 0 else ""


def _commit(name: str) -> str | None:
    return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}") or None


def _git(*words: str, directory: Path | None = None) -> str:
    try:
        ended = subprocess.run(
            ["git", "-C", str(directory or ROOT), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
    except FileNotFoundError:
        raise TreeError("git is not installed; give build directories, or install it.") from None
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _source_of(build: Path) -> Path | None:
    for line in (build / "CMakeCache.txt").read_text(errors="replace").splitlines():
        if line.startswith("CMAKE_HOME_DIRECTORY:"):
            return Path(line.partition("=")[2])
    return None
