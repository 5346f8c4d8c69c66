"""What git knows of the measured commits: their order, their subjects, and how far HEAD is ahead of them.

The order is that of HEAD's first parents: what was on the branch one after the other. What came in with a merge counts
as one step, the merge. Without git, or without the commits (a shallow clone), the order in which entries were added
has to do.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable


@dataclass(frozen=True)
class Line:
    """The commits of a branch."""

    commits: tuple[str, ...] = ()  # the oldest first, HEAD last; empty if git does not tell
    is_shallow: bool = False

    @property
    def head(self) -> str | None:
        """The newest commit."""
        return self.commits[-1] if self.commits else None

    def place(self, commit: str) -> int | None:
        """Of a commit on the line, from 0; None if it is not on it."""
        return self.commits.index(commit) if commit in self.commits else None

    def steps(self, start: str, end: str | None) -> int | None:
        """How many commits `end` is ahead of `start`; None if one of them is not on the line."""
        places = self.place(start), self.place(end) if end else None
        return None if places[0] is None or places[1] is None else places[1] - places[0]

    def ordered(self, commits: Iterable[str]) -> list[str]:
        """Each of `commits` once, in the order of the line. One that is not on it stays behind the one before it."""
        known = {commit: place for place, commit in enumerate(self.commits)}
        places: dict[str, int] = {}
        last = -1
        for commit in commits:
            last = known.get(commit, last)
            places.setdefault(commit, last)
        return sorted(places, key=lambda commit: (places[commit], commit not in known))


@dataclass(frozen=True)
class About:
    """A commit for people."""

    date: str
    subject: str


def line(repository: Path) -> Line:
    """The line of HEAD of the repository in that directory; an empty one if there is none."""
    listed = _git(repository, "rev-list", "--first-parent", "HEAD")
    if listed is None:
        return Line()
    is_shallow = _git(repository, "rev-parse", "--is-shallow-repository") == "true"
    return Line(tuple(listed.split()[::-1]), is_shallow)


def about(repository: Path, commit: str) -> About | None:
    """When a commit was made, and its subject; None if git does not know it."""
    told = _git(repository, "show", "--no-patch", "--no-show-signature", "--format=%cI%n%s", f"{commit}^{{commit}}", "--")
    if not told:
        return None
    date, _, subject = told.partition("\n")
    return About(date, subject)


def short(commit: str) -> str:
    """A commit as sentences and axes have it."""
    return commit[:7]


def _git(repository: Path, *words: str) -> str | None:
    try:
        ended = subprocess.run(
            ["git", "-C", str(repository), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            errors="replace", check=False,
        )  # fmt: skip
    except OSError:
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
