"""The reports of scripts/gate: each says the same of the same cells, in a form that its reader takes."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as xml
from dataclasses import replace
from pathlib import Path
from typing import Any

import gate_data
import pytest
from poolmark_scripts import terminal
from poolmark_scripts.gate import picture, report_annotations, report_junit, report_markdown, report_sarif, report_terminal, source_of, wording
from poolmark_scripts.gate.model import GateReport, Stage, Verdict
from rich.console import Console

SLOW = "sum/thread/map/workers:2"
COUNTED = "tiny/thread/submit/workers:2"
FAILED = "tiny/process/map/workers:2"
PLACES = {"sum": ("bench/workloads/sum.cpp", 68), "tiny": ("bench/a, b: c.cpp", 3)}
locate = PLACES.get


@pytest.fixture(scope="module")
def every() -> GateReport:
    return gate_data.every_verdict()


@pytest.fixture(scope="module")
def decided() -> GateReport:
    return gate_data.decided()


def printed(report: GateReport, exit_status: int = 1) -> str:
    stream = io.StringIO()
    report_terminal.print_report(report, terminal.console(stream), exit_status)
    return stream.getvalue()


# ---- wording ---------------------------------------------------------------------------------------------------


def test_the_headline_names_what_is_grave_and_counts_the_rest(every: GateReport) -> None:
    said = wording.headline(every)
    assert said.startswith(f"2 of 16 cells regressed: {SLOW} (+12.1 %) and {COUNTED} (instructions +25.0 %); 1 failed: ")
    assert said.endswith("the others: 7 equivalent, 2 inconclusive, 1 improved, 1 new")


@pytest.mark.parametrize("verdicts, said", [
    ("equivalent equivalent", "no cell is slower: 2 equivalent"),
    ("equivalent inconclusive", "no cell is slower, as far as these rounds can tell: 1 equivalent, 1 inconclusive"),
    ("improved new", "no cell is slower: 1 improved, 1 new"),
    ("untrusted equivalent", "1 of 2 cells is not to be trusted: c0/t; no other cell is slower, as far as these rounds "
                             "can tell: 1 equivalent"),
    ("inconclusive inconclusive", "nothing can be said of any cell: 2 inconclusive"),
    ("new", "nothing can be said of any cell: 1 new"),
    ("untrusted inconclusive", "1 of 2 cells is not to be trusted: c0/t; nothing can be said of the others: 1 "
                               "inconclusive"),
    ("removed removed", "2 of 2 cells were removed: c0/t and c1/t"),
    ("failed", "1 of 1 cell failed: c0/t"),
    ("failed " * 5, "5 of 5 cells failed: c0/t, c1/t, c2/t and 2 more"),
    ("", "no cell was measured"),
])  # fmt: skip
def test_headlines(verdicts: str, said: str) -> None:
    report = gate_data.report([gate_data.cell(f"c{i}/t", Verdict(word)) for i, word in enumerate(verdicts.split())])
    assert wording.headline(report) == said
    if report.cells:
        assert wording.headline(replace(report, partial=True)) == f"interrupted; so far {said}"


@pytest.mark.parametrize("part, said", [
    (0.0512, "+5.1 %"), (-0.0512, "-5.1 %"), (-0.0004, "0.0 %"), (0.0, "0.0 %"), (1.234, "+123 %"), (24.0, "+2,400 %"),
])  # fmt: skip
def test_differences_have_a_sign_and_the_digits_that_are_of_use(part: float, said: str) -> None:
    assert wording.signed(part) == said


def test_layouts_agree_beyond_the_middle_of_the_band_on_the_side_of_the_ratio() -> None:
    slower = gate_data.cell("c/t", Verdict.REGRESSED, 1.05, layouts=(1.06, 1.05, 1.014, 0.94))
    assert wording.agreeing(slower) == "2 of 4 layouts"
    faster = gate_data.cell("c/t", Verdict.IMPROVED, 0.95, layouts=(0.94, 0.95, 0.986, 1.06))
    assert wording.agreeing(faster) == "2 of 4 layouts"


# ---- terminal --------------------------------------------------------------------------------------------------


def test_the_terminal_shows_the_gravest_first_and_folds_the_equivalent(every: GateReport) -> None:
    lines = printed(every).splitlines()
    assert lines[0].startswith("2 of 16 cells regressed")
    table = lines[next(index for index, line in enumerate(lines) if line.startswith("verdict")) + 1 :]
    starts = [line.split()[0] for line in table if line.startswith(tuple(f"{verdict.value} " for verdict in Verdict))]
    assert starts == ["regressed"] * 2 + ["failed", "removed", "untrusted"] + ["inconclusive"] * 2 + ["improved", "new"]
    assert any(line.startswith("7 equivalent cells: the largest change is +1.4 %") for line in lines)
    assert lines[-1] == "exit status 1: a cell regressed, failed or was removed"
    assert f"repeat with: {gate_data.COMMAND}" in lines


def test_the_terminal_says_how_sure_it_is(every: GateReport) -> None:
    row = next(line for line in printed(every).splitlines() if line.startswith("regressed") and SLOW in line)
    assert re.split(r"  +", row)[1:] == [
        SLOW, "+12.1 % [+11.0, +13.2]", "+0.1 % [-0.5, +0.7]", "±3 %", "+4.2 %", "24", "<0.001", "trial, 4 of 4 layouts",
    ]  # fmt: skip


def test_reasons_stand_below_their_row_on_one_line(every: GateReport) -> None:
    lines = printed(every).splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("failed") and FAILED in line)
    assert lines[place + 1] == '    a|b <x> 50 % "q" `c` @everyone [31m{0} [d](e)'
    assert "\x1b" not in "".join(lines)
    assert lines[place].split()[2] == "-", "how fast a cell fails is shown"


def test_what_rose_stands_below_its_row(every: GateReport) -> None:
    lines = printed(every).splitlines()
    place = next(index for index, line in enumerate(lines) if COUNTED in line and line.startswith("regressed"))
    assert lines[place + 1].strip() == "instructions a task: 1,000 to 1,250 (+25.0 %, of which +1.0 % is allowed)"


def test_counts_that_fell_are_told(every: GateReport) -> None:
    report = gate_data.report([gate_data.cell("c/t", Verdict.EQUIVALENT, 1.0, counts=gate_data.counts(900.0))])
    assert "    c/t: instructions a task: 1,000 to 900 (-10.0 %)" in printed(report, 0).splitlines()
    assert "counts that changed" not in printed(every)


def test_a_few_equivalent_cells_are_shown(decided: GateReport) -> None:
    assert sum(line.startswith("equivalent ") for line in printed(decided).splitlines()) == 2


@pytest.mark.parametrize("columns", [80, 100, 120, 140, 160])
def test_the_table_gives_up_columns_and_never_cuts(every: GateReport, columns: int, monkeypatch: Any) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = printed(every).splitlines()
    table = [line for line in lines if re.match(r"(verdict|regressed|untrusted|improved) ", line)]
    assert len(table) == 5 and all(len(line) <= max(columns, 77) and "…" not in line for line in table)
    assert all("%" in line for line in table[1:])


def test_colours_only_where_they_are_wanted(every: GateReport, monkeypatch: Any) -> None:
    def shown(**options: Any) -> str:
        stream = io.StringIO()
        report_terminal.print_report(every, Console(file=stream, force_terminal=True, width=160, **options), 1)
        return stream.getvalue()

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31mregressed" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "31mregressed" not in shown()


def test_an_interrupted_run_says_so_everywhere(every: GateReport) -> None:
    partial = replace(every, partial=True)
    for said in (printed(partial, 130), report_markdown.markdown(partial, 130), report_junit.junit(partial)):
        assert "nterrupted; so far 2 of 16 cells" in said
    assert report_sarif.sarif(partial, locate)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert "interrupted; so far" in picture.make(partial)._suptitle.get_text().replace("\n", " ")


# ---- Markdown --------------------------------------------------------------------------------------------------


def rows_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_markdown_begins_with_what_a_job_finds_it_by(every: GateReport) -> None:
    lines = report_markdown.markdown(every, 1).splitlines()
    assert lines[0] == "<!-- poolmark-gate -->"
    assert lines[1] == "### poolmark gate: 2 regressed, 1 failed, 1 removed"
    assert lines[3].startswith(f"2 of 16 cells regressed: `{SLOW}` (+12.1 %) and ")
    assert "- Example CPU, 2 usable CPUs, GNU 12.2.0 -O3 -DNDEBUG; 16 cells in 12:34 min, seed 7" in lines
    assert f"```sh\n{gate_data.COMMAND}\n```\n" in report_markdown.markdown(every, 1)


def test_markdown_tells_changed_from_unseen_and_folds_the_rest(every: GateReport) -> None:
    text = report_markdown.markdown(every, 1)
    changed, rest = text.split("#### What could not be seen")
    unseen, details = rest.split("<details>")
    assert f"| **regressed** | `{SLOW}` | +12.1 % [+11.0, +13.2] | +0.1 % [-0.5, +0.7] | ±3 % | 24 | " in changed
    assert "trial, 4 of 4 layouts" in changed and "primes/process" not in changed
    assert "| `primes/process/map/workers:2` | +1.8 % [+0.8, +2.8] | ±3 % | +4.2 % | 8 |" in unseen
    assert all(f"`{cell.name}`" in details for cell in every.cells) and "</details>" in details


def test_markdown_escapes_what_would_be_markup(every: GateReport) -> None:
    text = report_markdown.markdown(every, 1)
    assert r'a\|b &lt;x&gt; 50 % "q" \`c\` &#64;everyone' in text and r"\[d\](e)" in text
    assert "@everyone" not in text and "<x>" not in text and "\x1b" not in text
    counts = {len(re.findall(r"(?<!\\)\|", row)) for row in rows_of(text) if "no change | rounds | p" in row or "**" in row}
    assert counts == {9}


def test_a_command_with_backticks_stays_in_its_block(every: GateReport) -> None:
    text = report_markdown.markdown(replace(every, command="scripts/gate main --cells '```'"), 1)
    assert "````sh\nscripts/gate main --cells '```'\n````\n" in text


@pytest.mark.parametrize("verdict", Verdict)
def test_markdown_is_never_too_long(verdict: Verdict) -> None:
    cells = [gate_data.cell(f"w/{'x' * 150}{number}", verdict, 1.05, reason="|<`" * 1000) for number in range(400)]
    report = gate_data.report(cells, notes=("n" * 2000,) * 100, command="c" * 9000)
    text = report_markdown.markdown(report, 1)
    assert len(text) <= 65_000
    assert len(re.findall(r"\d+ more cells left out: too many for one comment", text)) >= 1
    assert text.count("<details>") == text.count("</details>") == 1
    assert text.rstrip().endswith("exit status 1: a cell regressed, failed or was removed.".capitalize())


def test_how_many_were_left_out_is_right() -> None:
    cells = [gate_data.cell(f"w/{'x' * 100}/{number}", Verdict.EQUIVALENT, 1.0) for number in range(600)]
    text = report_markdown.markdown(gate_data.report(cells), 0)
    left = re.search(r"(\d+) more cells left out", text)
    assert left and int(left[1]) + len(rows_of(text)) - 2 == 600 and len(text) > 60_000


# ---- JUnit -----------------------------------------------------------------------------------------------------


def test_junit_has_a_case_for_each_cell(every: GateReport) -> None:
    root = xml.fromstring(report_junit.junit(every).encode())
    suite = root.find("testsuite")
    assert root.tag == "testsuites" and suite is not None
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [cell.name for cell in every.cells]
    assert cases[0].get("classname") == "sum.thread" and float(cases[0].get("time")) == pytest.approx(0.0615)
    kinds = [next((child.tag for child in case if child.tag in ("failure", "skipped")), "passed") for case in cases]
    assert kinds == ["failure"] * 4 + ["skipped"] * 3 + ["passed", "skipped"] + ["passed"] * 7
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped"), suite.get("errors")) == ("16", "4", "4", "0")


def test_junit_carries_numbers_and_messages(every: GateReport) -> None:
    root = xml.fromstring(report_junit.junit(every).encode())
    case = next(case for case in root.iter("testcase") if case.get("name") == SLOW)
    numbers = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert float(numbers["ratio"]) == pytest.approx(1.121) and float(numbers["ratio_high"]) == pytest.approx(1.13221)
    assert numbers["stage"] == "trial" and float(numbers["p_slower"]) == 0.0002 and len(numbers["layouts"].split()) == 4
    failure = case.find("failure")
    assert failure is not None and failure.get("type") == "regressed"
    assert "+12.1 % [+11.0, +13.2]" in failure.get("message") and failure.get("message") in failure.text


def test_junit_leaves_out_what_xml_cannot_hold() -> None:
    bad = "a\x00b\x1b\ufffe\ud800c <&\"'> \U0001f600"
    report = gate_data.report([gate_data.cell(f"w/{bad}", Verdict.FAILED, reason=bad)], command=bad)
    text = report_junit.junit(report)
    root = xml.fromstring(text.encode())
    assert root.find(".//testcase").get("name") == "w/abc <&\"'> \U0001f600"
    assert "failed. A b c <&\"'> \U0001f600." in root.find(".//failure").get("message")


# ---- SARIF -----------------------------------------------------------------------------------------------------


def test_sarif_has_the_fields_that_readers_need(every: GateReport) -> None:
    made = json.loads(json.dumps(report_sarif.sarif(every, locate), allow_nan=False))
    assert made["version"] == "2.1.0" and made["$schema"].endswith("sarif-2.1.0.json") and len(made["runs"]) == 1
    run = made["runs"][0]
    driver = run["tool"]["driver"]
    assert driver["name"] == "poolmark gate" and "informationUri" not in driver
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"] and rule["help"]["text"]
    assert [rule["id"].split("/")[1] for rule in driver["rules"]] == [v.value for v in list(Verdict)[:5]]
    assert run["invocations"][0]["exitCode"] == 1 and run["invocations"][0]["executionSuccessful"] is True
    for result in run["results"]:
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] and result["message"]["text"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not uri.startswith("/") and " " not in uri


def test_sarif_has_a_result_for_what_needs_a_look(every: GateReport) -> None:
    results = report_sarif.sarif(every, locate)["runs"][0]["results"]
    assert [result["level"] for result in results] == ["error"] * 4 + ["warning"] + ["note"] * 2
    slow, counted, failed, removed, *_ = results
    assert "+12.1 % [+11.0, +13.2]" in slow["message"]["text"] and slow["properties"]["ratio"]["median"] == 1.121
    place = slow["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "bench/workloads/sum.cpp" and place["region"] == {"startLine": 68}
    assert "rose from 1,000 to 1,250" in counted["message"]["text"]
    assert "{{0}}" in failed["message"]["text"] and "ratio" not in failed["properties"]
    nowhere = removed["locations"][0]["physicalLocation"]
    assert nowhere["artifactLocation"]["uri"] == "CMakeLists.txt" and "region" not in nowhere


def test_fingerprints_tell_cells_apart_and_stay_when_lines_move(every: GateReport) -> None:
    one_more = replace(every, cells=(*every.cells, gate_data.cell("sum/thread/map/workers:4", Verdict.REGRESSED, 1.1)))

    def prints(line: int) -> list[str]:
        results = report_sarif.sarif(one_more, lambda workload: ("a.cpp", line))["runs"][0]["results"]
        return [result["partialFingerprints"]["primaryLocationLineHash"] for result in results]

    assert prints(1) == prints(2) and len(set(prints(1))) == 8


def test_sarif_takes_the_status_of_the_run(every: GateReport) -> None:
    assert report_sarif.sarif(every, locate, 130)["runs"][0]["invocations"][0]["exitCode"] == 130


# ---- annotations -----------------------------------------------------------------------------------------------


def test_annotations_say_where_and_what(every: GateReport) -> None:
    made = report_annotations.annotations(every, locate)
    assert [line.split()[0] for line in made] == ["::error"] * 4 + ["::warning", "::notice"]
    assert made[0].startswith(f"::error file=bench/workloads/sum.cpp,line=68,title={SLOW.replace(':', '%3A')} regressed::")
    assert "New / base is +12.1 %25 [+11.0, +13.2]" in made[0]
    assert made[1].startswith("::error file=bench/a%2C b%3A c.cpp,line=3,title=")
    assert made[3].startswith("::error title=skewed/")
    assert all("\n" not in line and "\r" not in line for line in made)


def test_annotations_escape() -> None:
    nasty = "w%/a,b\r\nc"
    (line,) = report_annotations.annotations(gate_data.report([gate_data.cell(nasty, Verdict.FAILED)]), locate)
    assert line.startswith("::error title=w%25/a%2Cb%0D%0Ac failed::w%25/a,b%0D%0Ac: failed")


@pytest.mark.parametrize("count, lines", [(9, 9), (10, 10), (11, 10), (300, 10)])
def test_no_more_annotations_than_are_shown(count: int, lines: int) -> None:
    cells = [gate_data.cell(f"w/{number}", Verdict.REMOVED) for number in range(count)]
    made = report_annotations.annotations(gate_data.report(cells), locate)
    assert len(made) == lines
    assert made[-1].endswith(f"::{count - 9} more cells: see the whole report for them.") == (count > 10)


# ---- where a workload is -----------------------------------------------------------------------------------------


def test_a_workload_is_found_where_it_is_registered(tmp_path: Path) -> None:
    for name, text in {
        "bench/b.cpp": '// "sum" adds\nthrow Wrong("sum");\nreturn {.name = "sum",\n',
        "bench/a.cpp": 'f("sum2"); g("only");\n',
        "a.cpp": '\nsuite.add("sum", {});\n',
        "examples/own.cc": '\n\nsuite.add("own", {});\n',
        "tests/t.cpp": '.name = "hidden"', "build/x/t.cpp": '.name = "hidden"', ".git/t.cpp": '.name = "hidden"',
        "results/t.cpp": '.name = "hidden"', "notes.md": '.name = "hidden"',
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert source_of.find(tmp_path, "sum") == ("bench/b.cpp", 3)
    assert source_of.find(tmp_path, "own") == ("examples/own.cc", 3)
    assert source_of.find(tmp_path, "only") == ("bench/a.cpp", 1)
    assert source_of.find(tmp_path, "hidden") is None


def test_our_own_workloads_are_found(root: Path) -> None:
    place = source_of.find(root, "primes")
    assert place is not None and place[0].startswith("bench/")
    assert '.name = "primes"' in (root / place[0]).read_text().splitlines()[place[1] - 1]


# ---- as a run has it ---------------------------------------------------------------------------------------------


def test_a_decided_report_goes_through_all_of_them(decided: GateReport) -> None:
    assert [cell.verdict.value for cell in decided.cells] == [
        "regressed", "untrusted", "inconclusive", "equivalent", "equivalent",
    ]  # fmt: skip
    assert decided.cells[0].stage is Stage.TRIAL and decided.cells[2].detectable is not None
    texts = [printed(decided), report_markdown.markdown(decided, 1), report_junit.junit(decided)]
    texts += [json.dumps(report_sarif.sarif(decided, locate)), "\n".join(report_annotations.annotations(decided, locate))]
    assert all("sum/thread/map/workers:2" in text and "15 of 24 blocks were disturbed" in text for text in texts)
    # What would have shown has a column of its own there; the reason would say it again.
    assert "would have shown" in texts[2] and "would have shown" not in texts[0].split("new/base: how much")[0]
