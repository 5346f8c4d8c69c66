"""scripts/doctor from the arguments to the table, the JSON and the exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from poolmark_scripts import bench, doctor, doctor_report, machine_facts
from poolmark_scripts.fact import BAD, GOOD, IN_GUEST, UNKNOWN, Fact
from rich.console import Console

QUIET = [
    Fact("usable CPUs", "2 of 2", GOOD, "so many workers compute side by side", short="2 usable CPUs of 2"),
    Fact("turbo", "unknown", UNKNOWN, "one busy CPU runs faster", IN_GUEST),
]
NOISY = [
    *QUIET,
    Fact("virtualisation", "KVM guest", BAD, "times drift", IN_GUEST, "KVM guest"),
    Fact("other processes", "60 % of the CPUs: ninja 52 %", BAD, "wide intervals", "wait for them"),
    Fact("SMT", "unknown", UNKNOWN, "a second worker brings a fraction", IN_GUEST),
]


@pytest.fixture
def facts(monkeypatch: pytest.MonkeyPatch) -> list[Fact]:
    """What the machine is found to be; tests put it in."""
    found: list[Fact] = []
    monkeypatch.setattr(machine_facts, "examine", lambda **_: found)
    monkeypatch.setattr(doctor, "ask", lambda _: None)
    return found


def printed(facts: list[Fact], width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, markup=False)
    doctor_report.print_report(facts, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_nothing_bad_is_0_and_something_bad_is_1(facts: list[Fact], capsys: pytest.CaptureFixture[str]) -> None:
    facts += QUIET
    assert doctor.main([]) == 0
    assert capsys.readouterr().out.endswith("Nothing is bad; 1 cannot be seen.\n")
    facts[:] = NOISY
    assert doctor.main([]) == 1
    assert "2 of 5 are bad (virtualisation, other processes); 2 cannot be seen.\n" in capsys.readouterr().out


def test_bad_stands_first_and_what_can_be_mended_before_what_cannot() -> None:
    lines = printed(NOISY).splitlines()
    assert lines[0] == (
        "2 usable CPUs of 2 · KVM guest · also bad: other processes · scripts/doctor says what to do"
    )
    headings = [line for line in lines if line and not line.startswith(" ")]
    assert [heading.split(":")[0] for heading in headings[1:-1]] == ["bad", "unknown", "good"]
    named = [line.split("  ")[2].strip() for line in lines if line.startswith("    ") and line[4] != " "]
    assert named == ["other processes", "virtualisation", "turbo", "SMT", "usable CPUs"]


def test_what_several_need_is_said_once() -> None:
    said = printed(NOISY)
    assert said.count("-> cannot be mended inside this guest") == 1
    assert said.count("-> both: cannot be mended inside this guest") == 1


@pytest.mark.parametrize("width", [80, 160])
def test_a_number_keeps_its_unit(width: int) -> None:
    crowd = Fact("other processes", "99 % of the CPUs: " + ", ".join(f"process{n} {n} %" for n in range(3, 30)), BAD, "x", "y")
    lines = printed([crowd], width).splitlines()
    assert not any(line.strip().startswith("%") for line in lines)
    assert max(map(len, lines)) <= width


def test_json_holds_every_finding(
    facts: list[Fact], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts += NOISY
    assert doctor.main(["--json", str(tmp_path / "machine.json")]) == 1
    document = json.loads((tmp_path / "machine.json").read_text())
    assert (document["bad"], document["unknown"]) == (2, 2)
    assert document["headline"] == machine_facts.headline(NOISY)
    assert document["facts"][3] == {
        "name": "other processes", "value": "60 % of the CPUs: ninja 52 %", "verdict": "bad", "effect": "wide intervals",
        "mend": "wait for them",
    }  # fmt: skip
    assert "other processes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "file, said",
    [("", "is a directory"), ("missing/machine.json", "there is no directory"), ("full", "No space left on device")],
)
def test_a_file_that_cannot_be_written_is_refused(
    facts: list[Fact], tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, said: str
) -> None:
    facts += QUIET
    path = tmp_path / file
    if file == "full":
        # What the file is written to before it takes its name.
        path.with_name("full.unfinished").symlink_to("/dev/full")
    assert doctor.main(["--json", str(path)]) == 2
    errors = capsys.readouterr().err
    assert said in errors
    assert str(path) in errors


def test_what_is_no_ordinary_file_is_written_to_and_stays(facts: list[Fact], tmp_path: Path) -> None:
    """A pipe and a link: to take their names away could take /dev/stdout from the whole system."""
    facts += QUIET
    pipe, link, target = tmp_path / "pipe", tmp_path / "link", tmp_path / "target.json"
    os.mkfifo(pipe)
    link.symlink_to(target)
    with open(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), encoding="utf-8") as reader:
        assert doctor.main(["--json", str(pipe)]) == 0
        assert json.load(reader)["bad"] == 0
    assert doctor.main(["--json", str(link)]) == 0
    assert pipe.is_fifo() and link.is_symlink()
    assert json.loads(target.read_text())["bad"] == 0


def test_a_program_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert doctor.main(["--program", str(tmp_path / "nothing")]) == 2
    assert "does not exist. Name a program" in capsys.readouterr().err


def test_the_program_is_asked_how_it_was_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scaling_program: Path
) -> None:
    monkeypatch.setattr(bench, "PROGRAM", tmp_path / "not built yet")
    assert doctor.ask(None) is None
    monkeypatch.setattr(bench, "PROGRAM", scaling_program)
    for named in (None, scaling_program):
        context = doctor.ask(named)
        assert context is not None
        assert context["build_type"] and context["library_build_type"] in ("debug", "release")


def test_the_command_itself(root: Path, tmp_path: Path) -> None:
    """On this machine, into a pipe: plain text, and an exit status that agrees with the findings."""
    ended = subprocess.run(
        [root / "scripts" / "doctor", "--json", tmp_path / "machine.json"], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}, check=False,
    )  # fmt: skip
    document = json.loads((tmp_path / "machine.json").read_text())
    assert ended.stderr == ""
    assert "\x1b" not in ended.stdout
    assert ended.returncode == (1 if document["bad"] else 0)
    assert ended.stdout.startswith(document["headline"] + "\n")
    assert all(fact["name"] in ended.stdout for fact in document["facts"])


def test_help_has_examples_and_what_the_exit_status_means(root: Path) -> None:
    said = subprocess.run([root / "scripts" / "doctor", "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert "examples:" in said
    assert "exit status: 0 nothing is bad, 1 something is bad, 2 bad usage" in said
    refused = subprocess.run([root / "scripts" / "doctor", "--mend"], stderr=subprocess.PIPE, text=True, check=False)
    assert refused.returncode == 2
    assert "--mend" in refused.stderr
