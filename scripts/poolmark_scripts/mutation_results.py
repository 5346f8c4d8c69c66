"""What came of each mutation: its line, the summary, the JSON, and the journal that --resume reads."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterable

from rich.console import Console

from poolmark_scripts import whole_file
from poolmark_scripts.mutations import Mutation

CAUGHT, SURVIVED, EXPLAINED, STALE, BROKEN = "caught", "survived", "explained", "stale", "does not compile"
UNUSABLE = (STALE, BROKEN)


@dataclass(frozen=True)
class Result:
    """What came of one mutation."""

    id: str
    file: str
    line: int
    what: str
    outcome: str
    detail: str = ""  # the test that caught it, the compiler's complaint, or why it survives
    seconds: float = 0.0

    @classmethod
    def of(cls, mutation: Mutation, text: str, outcome: str, detail: str = "", seconds: float = 0.0) -> "Result":
        """The result of `mutation` on a file with this text."""
        return cls(mutation.id, mutation.file, mutation.line(text), mutation.what, outcome, detail, round(seconds, 1))

    def where(self) -> str:
        """The place, as compilers write it."""
        return f"{self.file}:{self.line}" if self.line else self.file


def stale(mutation: Mutation, text: str | None) -> Result:
    """The result of a mutation whose text is not there once."""
    if text is None:
        return Result.of(mutation, "", STALE, "there is no such file")
    count = mutation.occurrences(text)
    return Result.of(mutation, text, STALE, f"its text is in the file {count} times, and must be there once")


def survivor(mutation: Mutation, text: str, seconds: float) -> Result:
    """The result of a mutation that no test has noticed."""
    return Result.of(mutation, text, EXPLAINED if mutation.survives else SURVIVED, mutation.survives, seconds)


class Journal:
    """Remembers results between runs, each with what it depends on."""

    def __init__(self, path: Path, resume: bool) -> None:
        self._path = path
        self._known: dict[str, dict[str, object]] = {}
        if resume and path.exists():
            for line in path.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue  # the line that an interrupted run was about to write
                self._known[entry["key"]] = entry
        else:
            path.unlink(missing_ok=True)

    def find(self, mutation: Mutation, text: str, tree: str) -> Result | None:
        """What is known: a catch as long as mutation and file are the same, all else while the tree is."""
        entry = self._known.get(mutation.key(text))
        if entry is None:
            return None
        known = Result(**entry["result"])  # type: ignore[arg-type]
        if known.outcome == CAUGHT or (known.outcome == BROKEN and entry["tree"] == tree):
            return Result.of(mutation, text, known.outcome, known.detail, known.seconds)
        return survivor(mutation, text, known.seconds) if entry["tree"] == tree else None

    def note(self, mutation: Mutation, text: str, tree: str, result: Result) -> None:
        """Writes a result down at once."""
        entry = {"key": mutation.key(text), "tree": tree, "result": asdict(result)}
        with self._path.open("a") as file:
            file.write(json.dumps(entry) + "\n")


def print_line(console: Console, number: int, total: int, result: Result, is_old: bool) -> None:
    """The line of one mutation, as soon as it is known."""
    width = len(str(total))
    time = "before" if is_old else f"{result.seconds:.0f} s"
    console.print(
        f"[{number:{width}d}/{total}] {result.outcome:9s} {time:>6s}  {result.id}  {_shown(result)}".rstrip(),
        soft_wrap=True,
    )


def print_summary(console: Console, results: list[Result], left: int) -> None:
    """All that is not simply caught, one by one, and a line of counts."""
    for outcome, heading in (
        (SURVIVED, "survived: no test notices"),
        (EXPLAINED, "survived, for the reason in the list"),
        (BROKEN, "did not compile, and so proved nothing"),
        (STALE, "stale: mend or remove the entry"),
    ):
        of_this = [result for result in results if result.outcome == outcome]
        if of_this:
            console.print(f"\n{heading}")
        for result in of_this:
            console.print(f"  {result.id}  {result.where()}\n    {result.what}", soft_wrap=True)
            if result.detail:
                console.print(f"    {result.detail}", soft_wrap=True)
    console.print(f"\n{counts_of(results)}" + (f"; {left} not tried" if left else ""), soft_wrap=True)


def counts_of(results: Iterable[Result]) -> str:
    """How many of each, and the share that was caught of those that say anything."""
    counts = Counter(result.outcome for result in results)
    tried = counts[CAUGHT] + counts[SURVIVED] + counts[EXPLAINED]
    shown = [outcome for outcome in (CAUGHT, SURVIVED, EXPLAINED, BROKEN, STALE) if counts[outcome] or outcome == CAUGHT]
    words = ", ".join(f"{counts[outcome]} {outcome}" for outcome in shown)
    return words + (f"; {100 * counts[CAUGHT] / tried:.0f} % caught" if tried else "")


def write_json(path: Path, results: list[Result], left: int) -> None:
    """Everything, for other programs."""
    counts = Counter(result.outcome for result in results)
    content = {"counts": dict(counts), "not_tried": left, "mutations": [asdict(result) for result in results]}
    whole_file.write_json(path, content)


def _shown(result: Result) -> str:
    if result.outcome == CAUGHT:
        return f"by {result.detail}"
    return result.detail.splitlines()[0] if result.detail else result.what
