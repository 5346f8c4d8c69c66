"""scripts/conformance: which rows have tests, and whether the document says so."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from poolmark_scripts import conformance, conformance_document, conformance_rows, conformance_tests
from poolmark_scripts.conformance_rows import Rows, RowsError
from poolmark_scripts.conformance_tests import Outcome, ResultsError, RowTest

SEQUENTIAL = "FutureConformance.{}<FutureConformance/sequential.  # TypeParam = poolmark::test::Sequential>"
THREAD = "FutureConformance.{}<FutureConformance/thread.  # TypeParam = poolmark::test::Threads>"
DEVIATIONS = "# Where\n\nIds like FUT-02\n\n## Cancelling and waiting\n\n| a cancelled future (FUT-02) | not done | done |\n"
EVERYTHING = (
    (SEQUENTIAL.format("FUT_01_states_follow_the_task"), "skip"),
    (THREAD.format("FUT_01_states_follow_the_task"), "run"),
    ("By/FutureTest.FUT_02_may_be_cancelled/2", "run"),
)
OTHER_TYPE = "FutureTest.FUT_01_of_a_type<FutureTest/0.  # TypeParam = int>"


MUTATIONS = """
[[mutation]]
id = "told-twice"
file = "src/future.cpp"
what = "a callback | runs twice"
find = "once"
replace = "twice"

[[mutation]]
id = "slower"
file = "src/future.cpp"
what = "it takes longer"
find = "fast"
replace = "slow"
survives = "no test goes by time"
"""


def table_file(directory: Path, **changes: object) -> Path:
    """A table of three rows; `changes` replace fields of the second one."""
    row = {"id": "FUT-02", "status": "DEVIATE", "what": "A | B", "cpp": "cancel()", "why": "better", "cpython": [7]}
    table = {
        "groups": {"FUT": "Futures"},
        "suites": {"alone": ["FutureTest"]},
        "rows": [
            {"id": "FUT-01", "status": "MUST", "what": "States", "cpp": "done()"},
            {**row, **changes},
            {"id": "FUT-30", "status": "N/A", "what": "Subscripts", "why": "a template"},
        ],
    }
    path = directory / "rows.json"
    path.write_text(json.dumps(table))
    return path


def results_file(directory: Path, *cases: tuple[str, str]) -> Path:
    """What ctest writes: (name, "run", "fail", "skip" by the test, or "lack" of the machine)."""
    parts = []
    for name, status in cases:
        if status in ("skip", "lack"):
            reason = "makes no sense here: it has no workers" if status == "skip" else "needs two CPUs"
            said = f'<skipped message="x"/><system-out>a.cpp:3: Skipped\n{reason}\n[  SKIPPED ]</system-out>'
            parts.append(f'<testcase name={quoteattr(name)} status="notrun">{said}</testcase>')
        else:
            parts.append(f'<testcase name={quoteattr(name)} status="{status}"/>')
    path = directory / "results.xml"
    path.write_text(f"<testsuite>{''.join(parts)}</testsuite>")
    return path


@pytest.fixture
def table(tmp_path: Path) -> Rows:
    return conformance_rows.load(table_file(tmp_path))


def load_tests(directory: Path, table: Rows, *cases: tuple[str, str]) -> list[RowTest]:
    return conformance_tests.load(results_file(directory, *cases), table)


def test_names_tell_row_executor_and_skips(tmp_path: Path, table: Rows) -> None:
    tests = load_tests(tmp_path, table, *EVERYTHING, ("FutureTest.a_test_of_no_row", "run"))
    assert [(test.ids, test.executor, test.outcome) for test in tests] == [
        (("FUT-01",), "sequential", Outcome.SKIPPED),
        (("FUT-01",), "thread", Outcome.PASSED),
        (("FUT-02",), "alone", Outcome.PASSED),
    ]
    assert tests[0].reason == "it has no workers"
    assert load_tests(tmp_path, table, (OTHER_TYPE, "run"))[0].executor == "alone"


def test_one_test_may_prove_several_rows(table: Rows) -> None:
    assert conformance_tests.ids_in("FUT_01_breaks_and_FUT_02_says_so", table) == ("FUT-01", "FUT-02")
    assert conformance_tests.ids_in("OTHER_01_FUT_1_FUT_011", table) == ()


def test_all_rows_are_accounted_for(tmp_path: Path, table: Rows) -> None:
    account = conformance.account_for(table, load_tests(tmp_path, table, *EVERYTHING), DEVIATIONS)
    assert account.is_complete and account.tested == ["FUT-01", "FUT-02"]


def test_a_row_without_a_test_is_missing_and_one_that_is_only_skipped_too(tmp_path: Path, table: Rows) -> None:
    account = conformance.account_for(table, load_tests(tmp_path, table, EVERYTHING[0]), DEVIATIONS)
    assert account.missing == ["FUT-01", "FUT-02"] and not account.is_complete
    assert account.skipped == {("sequential", "it has no workers"): ["FUT-01"]}


def test_an_id_that_is_no_rows_is_told(tmp_path: Path, table: Rows) -> None:
    tests = load_tests(tmp_path, table, *EVERYTHING, ("FutureTest.FUT_99_of_no_row", "run"))
    account = conformance.account_for(table, tests, DEVIATIONS)
    assert account.unknown == ["FutureTest.FUT_99_of_no_row: FUT-99"] and not account.is_complete


def test_a_failed_test_and_an_unexplained_deviation_are_told(tmp_path: Path, table: Rows) -> None:
    failed = load_tests(tmp_path, table, *EVERYTHING[:2], ("FutureTest.FUT_02_fails", "fail"))
    assert conformance.account_for(table, failed, DEVIATIONS).failed == ["FutureTest.FUT_02_fails"]
    passed = load_tests(tmp_path, table, *EVERYTHING)
    assert conformance.account_for(table, passed, "nothing of it").unexplained == ["FUT-02"]


def test_what_the_machine_lacks_changes_nothing_in_the_document(tmp_path: Path, table: Rows) -> None:
    ran = load_tests(tmp_path, table, *EVERYTHING)
    lacking = load_tests(tmp_path, table, *EVERYTHING[:2], ("By/FutureTest.FUT_02_may_be_cancelled/2", "lack"))
    texts = [conformance_document.document(table, tests, DEVIATIONS) for tests in (ran, lacking, ran[::-1])]
    assert texts[0] == texts[1] == texts[2]
    assert "| FUT-01 | States | MUST | `done()` | a | yes | – | – | – |" in texts[0]
    assert "a: it has no workers." in texts[0]
    linked = "[DEVIATE](deviations.md#cancelling-and-waiting): better; cpython#7"
    assert f"| FUT-02 | A \\| B | {linked} | `cancel()` | – | – | – | – | yes |" in texts[0]
    assert "3 rows: 1 MUST, 1 DEVIATE, 0 EXTRA, 1 N/A." in texts[0]


def test_a_suite_of_unknown_purpose_is_refused(tmp_path: Path, table: Rows) -> None:
    with pytest.raises(ResultsError, match="which executor NewSuite is about"):
        load_tests(tmp_path, table, ("NewSuite.FUT_01_states", "run"))


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"why": ""}, "FUT-02 is DEVIATE and does not say why"),
        ({"id": "FUT-01"}, "FUT-01 is there twice"),
        ({"id": "XYZ-01"}, "XYZ-01 is no id of a group"),
        ({"status": "PERHAPS"}, "'PERHAPS' is not a valid Status"),
        ({"cpp": ""}, "FUT-02 has no C\\+\\+ name"),
        ({"reason": "misspelt"}, "unexpected keyword argument 'reason'"),
    ],
)
def test_mistakes_in_the_table_are_refused(tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(RowsError, match=sentence):
        conformance_rows.load(table_file(tmp_path, **changes))


def test_a_stale_document_is_told_with_what_would_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = tmp_path / "conformance.md"
    assert conformance.bring_up_to_date(document, "one\ntwo\n", only_check=False)
    assert conformance.bring_up_to_date(document, "one\ntwo\n", only_check=True)
    assert not conformance.bring_up_to_date(document, "one\n2\n", only_check=True)
    said = capsys.readouterr().err
    assert "is not up to date; run scripts/conformance" in said and "-two" in said and "+2" in said
    assert document.read_text() == "one\ntwo\n"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the small table, and a ctest that lists what `built` names."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "docs").mkdir()
    (tmp_path / "build").mkdir()
    table_file(tmp_path).rename(tmp_path / conformance.ROWS)
    (tmp_path / conformance.DEVIATIONS).write_text(DEVIATIONS)
    (tmp_path / conformance.MUTATIONS).mkdir()
    (tmp_path / conformance.MUTATIONS / "all.toml").write_text(MUTATIONS)
    listed = json.dumps({"tests": [{"name": name} for name, _ in EVERYTHING]})
    ctest = tmp_path / "bin" / "ctest"
    ctest.parent.mkdir()
    ctest.write_text(f"#!/bin/bash\ncat <<'END'\n{listed}\nEND\n")
    ctest.chmod(0o755)
    monkeypatch.setenv("PATH", str(ctest.parent), prepend=":")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(conformance, "ROOT", tmp_path)
    return tmp_path


def put_results(checkout: Path, *cases: tuple[str, str]) -> list[str]:
    results_file(checkout, *cases).rename(checkout / "build" / conformance.TEST_RESULTS)
    return ["--build", str(checkout / "build")]


def test_the_command_writes_then_checks(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = put_results(checkout, *EVERYTHING)
    assert conformance.main([*arguments, "--check"]) == 1
    assert conformance.main(arguments) == 0
    assert conformance.main([*arguments, "--check"]) == 0
    said = capsys.readouterr().out
    assert "3 rows: 2 tested (1 of them skipped" in said and "1 not applicable, 0 missing" in said
    assert "\x1b" not in said
    written = (checkout / conformance.DOCUMENT).read_text()
    assert "in 2 ways" in written and "told-twice" not in written
    assert "| `slower`, `src/future.cpp` | it takes longer | no test goes by time |" in written


def test_a_list_of_mutations_that_cannot_be_read_is_told(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / conformance.MUTATIONS / "all.toml").write_text(MUTATIONS + "survived = 1\n")
    assert conformance.main(put_results(checkout, *EVERYTHING)) == 2
    assert "all.toml" in capsys.readouterr().err


def test_results_of_other_tests_than_are_built_are_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    assert conformance.main(["--build", str(checkout / "build")]) == 2
    assert "`scripts/conformance --run` runs those of the rows" in capsys.readouterr().err
    assert conformance.main(put_results(checkout, *EVERYTHING[:2])) == 2
    assert "FUT_02_may_be_cancelled/2 is in one of them only" in capsys.readouterr().err
    assert conformance.main(put_results(checkout, *EVERYTHING, ("FutureTest.FUT_01_gone", "run"))) == 2


def test_help_teaches_by_example(root: Path) -> None:
    shown = subprocess.run([root / "scripts" / "conformance", "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "scripts/conformance --check" in shown.stdout


def test_the_table_of_this_project_is_sound(root: Path) -> None:
    table = conformance_rows.load(root / conformance.ROWS)
    assert len(table.rows) == 155
    explained = conformance_document.sections_by_row((root / conformance.DEVIATIONS).read_text())
    assert set(explained) <= table.ids
