"""The list of mutations: tests/mutations/*.toml, one file a part of the library, one table a mutation.

    tests = "Future"            # the tests that are likely to catch what follows; they run first
    build = ["futures"]         # the targets that these need; left out: everything

    [[mutation]]
    id = "cancelled-not-told"
    file = "src/future_state.cpp"
    what = "cancel() tells no waiter and runs no callback"
    find = '''tell_everyone(word, Phase::kCancelled).run(*this);'''
    replace = '''static_cast<void>(word);'''
    tests = "FUT_1"             # for this one alone
    survives = "why no test can tell"

`find` must be in the file exactly once; `file` may be left out where it is that of the mutation above.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REQUIRED = ("id", "file", "what", "find", "replace")
OPTIONAL = ("tests", "build", "survives")


class ListError(Exception):
    """The list of mutations cannot be read; the text says where and what to do."""


@dataclass(frozen=True)
class Mutation:
    """One way to break one file."""

    id: str
    file: str
    what: str
    find: str
    replace: str
    tests: str = ""
    build: tuple[str, ...] = ()
    survives: str = ""

    def occurrences(self, text: str) -> int:
        """How often the text to be replaced stands in the file; anything but 1 means that the entry is stale."""
        return text.count(self.find)

    def line(self, text: str) -> int:
        """The line at which the mutation begins; 0 if it is stale."""
        at = text.find(self.find) if self.occurrences(text) == 1 else -1
        return 0 if at < 0 else text.count("\n", 0, at) + 1

    def applied_to(self, text: str) -> str:
        """The file, broken."""
        return text.replace(self.find, self.replace)

    def key(self, text: str) -> str:
        """Changes when the mutation does, or the file it breaks."""
        return hashlib.sha256("\0".join((self.file, self.find, self.replace, text)).encode()).hexdigest()[:16]


def load(directory: Path) -> list[Mutation]:
    """All mutations, those of one file together, which is then compiled once less; headers, which cost more, last."""
    mutations: list[Mutation] = []
    for path in sorted(directory.glob("*.toml")):
        mutations += _load_file(path)
    if not mutations:
        raise ListError(f"there are no mutations in {directory}/*.toml")
    seen: set[str] = set()
    for mutation in mutations:
        if mutation.id in seen:
            raise ListError(f"two mutations are called {mutation.id!r}: give one another id")
        seen.add(mutation.id)
    order: dict[str, tuple[bool, int]] = {}
    for mutation in mutations:
        order.setdefault(mutation.file, (not mutation.file.endswith(".cpp"), len(order)))
    return sorted(mutations, key=lambda mutation: order[mutation.file])


def _load_file(path: Path) -> list[Mutation]:
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise ListError(f"{path.name} is no TOML: {error}") from None
    mutations: list[Mutation] = []
    for number, entry in enumerate(content.get("mutation", []), 1):
        if mutations:
            entry.setdefault("file", mutations[-1].file)
        _check_entry(entry, f"{path.name}, mutation {number} ({entry.get('id', 'without id')})")
        mutations.append(Mutation(
            **{name: entry[name] for name in REQUIRED},
            tests=entry.get("tests", content.get("tests", "")),
            build=tuple(entry.get("build", content.get("build", ()))),
            survives=entry.get("survives", ""),
        ))  # fmt: skip
    return mutations


def _check_entry(entry: dict[str, Any], where: str) -> None:
    for name in REQUIRED:
        if not isinstance(entry.get(name), str):
            raise ListError(f"{where}: {name} is missing, or no string")
    for name in entry:
        if name not in REQUIRED + OPTIONAL:
            raise ListError(f"{where}: nobody reads {name!r}; there are {', '.join(REQUIRED + OPTIONAL)}")
    if not entry["find"] or entry["find"] == entry["replace"]:
        raise ListError(f"{where}: find is empty or the same as replace, which changes nothing")
