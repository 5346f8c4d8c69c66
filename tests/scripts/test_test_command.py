"""scripts/test itself: which steps run, and how it ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from poolmark_scripts import test as command
from poolmark_scripts.test import Failed, FailedTest, Skipped, Step


def passing() -> None:
    """Does nothing, and so passes."""


def failing() -> None:
    raise Failed("ctest ended with status 8")


def skipping() -> None:
    raise Skipped("clang-format-16 is not in this distribution")


def test_all_steps_run_and_the_last_line_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    steps = {"a": Step("first", failing), "b": Step("second", passing), "c": Step("third", skipping)}
    assert command.run_steps(steps) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 passed, 1 failed, 1 skipped"
    assert lines[-4].startswith("a        failed") and lines[-4].endswith("ctest ended with status 8")


def test_a_skipped_step_does_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run_steps({"b": Step("second", passing), "c": Step("third", skipping)}) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed, 1 skipped"


def test_a_command_that_fails_fails_its_step() -> None:
    with pytest.raises(Failed, match="ended with status 3"):
        command._command("bash", "-c", "exit 3")


def test_only_the_named_steps_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command, "STEPS", {"a": Step("first", failing), "b": Step("second", passing)})
    assert command.main(["b"]) == 0
    assert "==== a" not in capsys.readouterr().out


def test_an_unknown_step_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["releas"]) == 2
    assert "no step is called releas; there are release, asan, tsan, python, format, smoke" in capsys.readouterr().err


def test_tsan_falls_back_to_gcc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(command, "_command", lambda *words, **_: calls.append(words))
    monkeypatch.setenv("PATH", str(tmp_path))
    command._tsan()
    assert "-DCMAKE_CXX_COMPILER=g++" in calls[0]
    (tmp_path / "clang++-16").symlink_to("/bin/true")
    calls.clear()
    command._tsan()
    assert not any(word.startswith("-DCMAKE_CXX_COMPILER=") for word in calls[0])


def test_a_cache_of_compiled_files_is_used_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr(command, "_command", lambda *words, **_: calls.append(words))
    monkeypatch.setenv("PATH", str(tmp_path))
    command._build_and_test("release")
    # Also says so to a build that was configured when there was one.
    assert "-DCMAKE_CXX_COMPILER_LAUNCHER=" in calls[0]
    cache = tmp_path / "ccache"
    cache.symlink_to("/bin/true")
    calls.clear()
    command._build_and_test("release")
    assert f"-DCMAKE_CXX_COMPILER_LAUNCHER={cache}" in calls[0]


def test_ci_runs_everything_from_anywhere(root: Path, tmp_path: Path) -> None:
    shown = subprocess.run([root / ".ci" / "run", "--help"], cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert shown.returncode == 0 and shown.stdout.startswith("usage: scripts/test")


CTEST_RESULTS = """<testsuite>
  <testcase name="Pool.Runs" status="run"><system-out>fine</system-out></testcase>
  <testcase name="Pool.Stops" status="fail"><failure message="Failed"/><system-out>starting
Expected 3, got &lt;4&gt;

</system-out></testcase>
</testsuite>"""
PYTEST_RESULTS = """<testsuites><testsuite>
  <testcase name="test_a"/>
  <testcase name="test_b"><failure message="x">def test_b():
E  assert 3 == 4</failure></testcase>
  <testcase name="test_c"><error message="x">E  no such fixture</error></testcase>
</testsuite></testsuites>"""


def test_failed_tests_are_found_in_what_ctest_and_pytest_write(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(CTEST_RESULTS, encoding="utf-8")
    assert command.failed_tests(results) == [FailedTest("Pool.Stops", ("starting", "Expected 3, got <4>"))]
    results.write_text(PYTEST_RESULTS, encoding="utf-8")
    assert command.failed_tests(results) == [
        FailedTest("test_b", ("def test_b():", "E  assert 3 == 4")), FailedTest("test_c", ("E  no such fixture",)),
    ]  # fmt: skip


def test_results_that_are_not_there_name_no_test(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    assert command.failed_tests(results) == []
    results.write_text("<testsuite><testcase", encoding="utf-8")
    assert command.failed_tests(results) == []


def test_failed_tests_are_told_again_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    def ctest() -> None:
        raise Failed("ctest ended with status 8", [FailedTest("Pool.Stops", ("Expected 3, got 4",))])

    assert command.run_steps({"asan": Step("first", ctest), "b": Step("second", passing)}) == 1
    shown = capsys.readouterr().out
    assert "\nasan: Pool.Stops failed\n    Expected 3, got 4\n" in shown[shown.index("==== b") :]


def test_results_of_an_earlier_run_are_not_taken_for_this_one_s(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(CTEST_RESULTS, encoding="utf-8")
    with pytest.raises(Failed) as failure:
        command._tests(results, "false")
    assert failure.value.tests == []
