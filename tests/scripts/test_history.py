"""scripts/history: what it keeps, what it refuses, and the order of commits."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import history_data
import pytest
from history_data import CELL, REFERENCE, cell, report
from history_fixtures import Run, commits, entries, kept, one, run  # noqa: F401
from poolmark_scripts import history_commits, history_file, history_findings
from poolmark_scripts.gate.model import Verdict
from poolmark_scripts.intervals import Interval


# ---- what is kept ----------------------------------------------------------------------------------------------


def test_the_first_report_pins_the_reference(run: Run, one: Path, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    added = run("add", one)
    assert added.returncode == 0, added.stderr
    assert added.stdout == f"pinned aaaaaaa as the reference of epoch 1.\nadded 2 cells of {commits[1][0][:7]}.\n"
    epoch = kept(tmp_path)["epochs"][0]
    assert epoch["reference"] == {"commit": REFERENCE, "sha256": list(history_data.LINKS)}
    assert epoch["machine"]["cpu_model"] == "Testing 3000" and "kernel" not in epoch["machine"]
    entry = epoch["entries"][0]
    assert entry["commit"] == commits[1][0] and entry["subject"] == "Change 0" and entry["date"].startswith("2026-01-01")
    assert entry["measured"] == history_data.CONTEXT["date"]
    assert entry["cells"][CELL] == {
        "ratio": {"median": 1.01, "low": pytest.approx(1.0), "high": pytest.approx(1.0201)},
        "blocks": 8, "kind": "pool", "tolerance": 0.03,
    }  # fmt: skip


def test_no_time_is_kept(run: Run, one: Path, tmp_path: Path) -> None:
    """base_ns is 4.3e8; a ratio, a share or a count is small."""
    run("add", one)

    def numbers(part: Any) -> list[float]:
        parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return [part] if isinstance(part, (int, float)) else [number for inner in parts for number in numbers(inner)]

    assert "_ns" not in (tmp_path / "history.json").read_text()
    assert max(numbers(kept(tmp_path))) <= 8


def test_the_file_is_read_back_as_it_was(run: Run, one: Path, tmp_path: Path) -> None:
    run("add", one)
    assert history_file.document(history_file.read(tmp_path / "history.json")) == kept(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".json"] == []


def test_the_same_report_again_adds_nothing(run: Run, one: Path, tmp_path: Path) -> None:
    run("add", one)
    again = run("add", one)
    assert again.returncode == 0 and "in the history already" in again.stdout
    assert len(entries(tmp_path)) == 1


def test_a_commit_measured_again_counts_with_its_median(run: Run, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    for index, ratio in enumerate((1.0, 1.5, 1.02)):
        made = report(commits[1][0], [cell(CELL, ratio)], context={"date": f"2026-02-0{index + 1}"})
        said = run("add", history_data.write(tmp_path / f"{index}.json", made)).stdout
    assert "measured 3 times now; the median counts" in said
    assert len(entries(tmp_path)) == 3
    findings = history_findings.examine(history_file.read(tmp_path / "history.json").current, history_commits.Line())
    assert findings.commits == (commits[1][0],)
    assert [ratio.median for ratio in findings.series[0].ratios] == pytest.approx([1.02])


def test_what_is_not_known_well_is_left_out_and_said(run: Run, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    cells = [
        cell(CELL, 1.0), cell("a", 2.0, verdict=Verdict.UNTRUSTED, reason="6 of 8 blocks were disturbed"),
        cell("b", 1.0, verdict=Verdict.FAILED, reason="it died"), cell("c", 1.0, verdict=Verdict.NEW, ratio=None),
        cell("d", 1.0, verdict=Verdict.REMOVED, ratio=None),
        cell("e", 1.0, verdict=Verdict.INCONCLUSIVE, ratio=None, reason="was not measured"),
        cell("f", 1.0, verdict=Verdict.INCONCLUSIVE, blocks=5), cell("g", 1.3, verdict=Verdict.REGRESSED),
        cell("h", 1.0, ratio=Interval(1.0, 0.0, 2.0)),
    ]  # fmt: skip
    added = run("add", history_data.write(tmp_path / "r.json", report(commits[1][0], cells, partial=True)))
    assert added.returncode == 0
    assert list(entries(tmp_path)[0]["cells"]) == ["g", CELL]
    assert list(entries(tmp_path)[0]["left_out"]) == ["a", "b", "c", "d", "e", "f", "h"]
    assert "r.json is partial, its run was interrupted" in added.stdout
    for sentence in ("a: untrusted; 6 of 8 blocks were disturbed.", "b: failed; it died.", "d: removed.",
                     "e: was not measured.", "f: 5 blocks that count are too few"):  # fmt: skip
        assert f"left out {sentence}" in added.stdout


def test_who_adds_waits_for_the_one_before(tmp_path: Path) -> None:
    with history_file.alone(tmp_path / "history.json"):
        code = f"import fcntl, os; fcntl.flock(os.open({str(tmp_path)!r}, os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        tried = subprocess.run(["/usr/bin/python3", "-c", code], capture_output=True, text=True, check=False)
    assert "BlockingIOError" in tried.stderr


# ---- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, sentences",
    [
        ({"base": {"commit": "b" * 40}},
         ("is bbbbbbb, but the history's ratios are to aaaaaaa", "scripts/gate aaaaaaaaaaaa", "--pin-anew")),
        ({"context": {"cpu_model": "Other"}}, ("cpu_model was 'Testing 3000', is 'Other'", "--pin-anew")),
        ({"context": {"host_name": "bench-2"}}, ("host_name was 'bench-1', is 'bench-2'",)),
        ({"context": {"usable_cpus": 4}}, ("usable_cpus was 2, is 4",)),
        ({"context": {"compiler": "Clang 16"}}, ("compiler was 'GCC 12.2.0', is 'Clang 16'",)),
        ({"context": {"compiler_flags": "-O2"}}, ("compiler_flags was '-O3', is '-O2'",)),
        ({"new": {"context": {**history_data.CONTEXT, "compiler": "Clang 16"}}},
         ("compares different builds", "compiler is 'GCC 12.2.0' in the base")),
        ({"context": {"dirty": True}}, ("changes that are not committed", "Commit them")),
        ({"new": {"commit": "unknown"}}, ("the new build of", "is of commit 'unknown'", "git checkout")),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused(
    changes: dict[str, Any], sentences: tuple[str, ...], run: Run, one: Path, tmp_path: Path, commits: tuple[Path, list[str]]
) -> None:
    run("add", one)
    before = kept(tmp_path)
    made = report(changes.get("new", {}).get("commit", commits[1][1]), [cell(CELL, 1.0)], **changes)
    refused = run("add", history_data.write(tmp_path / "other.json", made))
    assert refused.returncode == 2 and refused.stdout == "" and refused.stderr.startswith("scripts/history: ")
    for sentence in sentences:
        assert sentence in refused.stderr
    assert kept(tmp_path) == before


def test_of_several_reports_all_are_added_or_none(run: Run, one: Path, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    bad = history_data.write(tmp_path / "bad.json", report(commits[1][1], [cell(CELL, 1.0)], base={"commit": "b" * 40}))
    assert run("add", one, bad).returncode == 2
    assert not (tmp_path / "history.json").exists()


def test_a_report_without_a_ratio_is_refused(run: Run, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    made = report(commits[1][0], [cell(CELL, 1.0, verdict=Verdict.UNTRUSTED, reason="disturbed")])
    refused = run("add", history_data.write(tmp_path / "r.json", made))
    assert refused.returncode == 2 and f"{CELL}: untrusted; disturbed" in refused.stderr


def test_pinned_anew_the_old_entries_are_kept_but_not_compared(
    run: Run, one: Path, tmp_path: Path, commits: tuple[Path, list[str]]
) -> None:
    run("add", one)
    other = history_data.write(tmp_path / "o.json", report(commits[1][1], [cell(CELL, 2.0)], base={"commit": "b" * 40}))
    added = run("add", other, "--pin-anew")
    assert added.returncode == 0 and "pinned bbbbbbb as the reference of epoch 2" in added.stdout
    assert [epoch["reference"]["commit"][0] for epoch in kept(tmp_path)["epochs"]] == ["a", "b"]
    assert [len(epoch["entries"]) for epoch in kept(tmp_path)["epochs"]] == [1, 1]
    shown = run("show")
    assert "1 commit measured, 1 cell, epoch 2: earlier epochs have other references" in shown.stdout
    refused = run("add", history_data.write(tmp_path / "a.json", report(commits[1][2], [cell(CELL, 1.0)])))
    assert refused.returncode == 2 and "ratios are to bbbbbbb" in refused.stderr


def test_a_rebuilt_reference_is_said(run: Run, one: Path, tmp_path: Path, commits: tuple[Path, list[str]]) -> None:
    run("add", one)
    some = report(commits[1][1], [cell(CELL, 1.0)], base={"sha256": (history_data.LINKS[1], "9" * 64)})
    assert "built anew" not in run("add", history_data.write(tmp_path / "some.json", some)).stdout
    other = report(commits[1][1], [cell(CELL, 1.0)], base={"sha256": ("8" * 64,)}, seed=2)  # linked otherwise, no more
    assert "built anew" not in run("add", history_data.write(tmp_path / "seed.json", other)).stdout
    run("add", history_data.write(tmp_path / "two.json", report(commits[1][1], [cell(CELL, 1.1)])))
    none = report(commits[1][2], [cell(CELL, 1.0)], base={"sha256": ("9" * 64,)})
    assert "the reference aaaaaaa was built anew" in run("add", history_data.write(tmp_path / "none.json", none)).stdout


@pytest.mark.parametrize(
    "content, sentence",
    [
        ("", "is no JSON"), ("[]", "is no history"), ('{"format": 9, "epochs": []}', "has format 9, these scripts read 1"),
        ('{"format": 1, "epochs": []}', "none at all"), ('{"format": 1, "epochs": [{"entries": []}]}', "is damaged"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["add", "show", "draw"])
def test_a_history_that_is_none_is_refused_and_kept(
    command: str, content: str, sentence: str, run: Run, one: Path, tmp_path: Path
) -> None:
    (tmp_path / "history.json").write_text(content)
    refused = run(command, *([one] if command == "add" else []))
    assert refused.returncode == 2 and sentence in refused.stderr and "Traceback" not in refused.stderr
    assert "--history FILE" in refused.stderr
    assert (tmp_path / "history.json").read_text() == content


def test_a_damaged_ratio_is_found(run: Run, one: Path, tmp_path: Path) -> None:
    run("add", one)
    changed = kept(tmp_path)
    changed["epochs"][0]["entries"][0]["cells"][CELL]["ratio"]["low"] = -1
    (tmp_path / "history.json").write_text(json.dumps(changed))
    refused = run()
    assert refused.returncode == 2 and f"the ratio of {CELL} is 1.01, between -1" in refused.stderr


def test_without_a_history_it_says_how_to_begin(run: Run) -> None:
    for command in ((), ("show",), ("draw",)):
        refused = run(*command)
        assert refused.returncode == 2 and "scripts/history add REPORT.json" in refused.stderr


def test_a_report_that_is_none(run: Run, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text("{}")
    for name in ("r.json", "nowhere.json"):
        refused = run("add", tmp_path / name)
        assert refused.returncode == 2 and name in refused.stderr and "scripts/gate" in refused.stderr


def test_a_place_that_cannot_be_written(run: Run, one: Path, tmp_path: Path) -> None:
    run("add", one)
    for refused in (run("show", "--json", tmp_path / "no" / "x.json"), run("draw", "-o", one / "x")):
        assert refused.returncode == 2 and "cannot" in refused.stderr and "Name another" in refused.stderr


# ---- the order of commits --------------------------------------------------------------------------------------


def test_entries_stand_in_the_order_of_the_branch() -> None:
    line = history_commits.Line(tuple("abcdef"))
    assert line.ordered("ecab") == list("abce")
    assert line.ordered("exacx") == list("acex")  # x is not on it: stays behind e
    assert line.ordered("xeb") == list("xbe")
    assert history_commits.Line().ordered("ecaec") == list("eca")
    assert (line.steps("b", "e"), line.steps("b", "x"), line.steps("b", None)) == (3, None, None)


def test_git_is_asked(commits: tuple[Path, list[str]], tmp_path: Path) -> None:
    repository, hashes = commits
    line = history_commits.line(repository)
    assert list(line.commits) == hashes and line.head == hashes[-1] and not line.is_shallow
    about = history_commits.about(repository, hashes[5])
    assert about is not None and about.subject == "Change 5"
    assert history_commits.about(repository, "f" * 40) is None
    assert history_commits.line(tmp_path / "nowhere") == history_commits.Line()
