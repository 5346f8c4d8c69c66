"""Builds that differ from the base in one thing: a worktree of the same commit, in which one file is edited."""

from __future__ import annotations

import json
from typing import Mapping

from rich.console import Console

from poolmark_scripts.gate import trees

TARGET = "bench/gate"
INJECTED = "bench/gate/injected.hpp"
# By name: the file, what stands in it, and what shall.
EDITS = {
    "comment": ("src/thread_pool_worker.cpp", "\nnamespace poolmark", "\n// A comment that changes nothing.\nnamespace poolmark"),
    "without naps": ("bench/gate.cpp", "\n      .add(bench::gate::naps());", ";"),
    "wrong results": ("bench/gate/workloads.cpp", "answers.push_back(burn(seed, steps));", "answers.push_back(burn(seed, steps) + 1);"),
}


def base(commit: str, console: Console) -> trees.Build:
    """The commit as it is."""
    return trees.build(trees.find(commit), TARGET, console)


def changed(commit: str, injected: Mapping[str, object], edit: str, console: Console) -> trees.Build:
    """The commit with other values in bench/gate/injected.hpp, or with an edit; in a tree beside the base's."""
    found = trees.find(commit)
    assert found.commit is not None
    directory = trees.TREES / f"{found.commit[:12]}-changed"
    wanted = trees.Wanted("the changed build", found.commit, directory / "build" / trees.PRESET, directory)
    trees.check_out(wanted, console)
    originals = _originals(found.commit)
    texts = {INJECTED: with_values(originals[INJECTED], injected)}
    for name, (file, find, replace) in EDITS.items():
        original = originals[file]
        if original.count(find) < 1:
            raise trees.TreeError(f"{file} of {commit} has no {find!r} to edit for {name!r}")
        texts[file] = original.replace(find, replace, 1) if name == edit else original
    for file, text in texts.items():
        path = directory / file
        if path.read_text() != text:
            path.write_text(text)
    return trees.compile_tree(wanted, TARGET, console)


def _originals(commit: str) -> dict[str, str]:
    files = {INJECTED, *(file for file, _, _ in EDITS.values())}
    return {file: trees.text_at(commit, file) for file in files}


def with_values(text: str, values: Mapping[str, object]) -> str:
    """The header with constants set."""
    for name, value in values.items():
        lines = text.splitlines(keepends=True)
        places = [place for place, line in enumerate(lines) if f" {name} = " in line]
        if len(places) != 1:
            raise trees.TreeError(f"{INJECTED} has no constant {name}")
        head, _, _ = lines[places[0]].partition(" = ")
        shown = json.dumps(value) if isinstance(value, str) else repr(value)
        lines[places[0]] = f"{head} = {shown};\n"
        text = "".join(lines)
    return text
