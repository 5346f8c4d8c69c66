"""One sample: what the program is asked, and what becomes of every way it can answer. The program is a stand-in."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from poolmark_scripts import sampling
from poolmark_scripts.one_process import Runner
from poolmark_scripts.program import ProgramError, examine
from poolmark_scripts.sampling import NotMeasured, Sampler

FAKE = Path(__file__).with_name("fake_scaling.py")
CELL, BASELINE = "sum/thread/map/workers:2", "sum/sequential/map/workers:1"
Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


@pytest.fixture
def measure(runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measure:
    """One sample by the stand-in, in a mode of its."""

    def call(mode: str = "ok", name: str = CELL, program: Path = FAKE, limit_s: float | None = None) -> dict[str, Any]:
        monkeypatch.setenv("FAKE_SCALING", mode)
        line = Sampler(program, [], tmp_path / "run.json", runner, limit_s).measure(name)
        assert not list(tmp_path.glob("run.sample*"))
        return line

    return call


def script(path: Path, text: str) -> Path:
    """A program that is a shell script."""
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_sample(measure: Measure) -> None:
    line = measure()
    assert line["status"] in ("ok", "disturbed") and line["entry"]["name"] == CELL and line["entry"]["real_time"] > 0
    assert line["wall_s"] > 0 and "tasks" not in line
    assert measure(name=BASELINE)["tasks"].keys() == {"sum"}


def test_a_name_with_brackets_is_no_pattern(runner: Runner, tmp_path: Path) -> None:
    other = tmp_path / "a.sample.json"
    other.write_text("somebody's")
    Sampler(FAKE, [], tmp_path / "[a].json", runner, None).measure(CELL)
    assert os.listdir(tmp_path) == [other.name]


def test_what_disturbed_it_is_said(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    import poolmark_scripts.disturbance as disturbance

    monkeypatch.setattr(disturbance.Disturbance, "reasons", lambda _: ("others used 31% of the CPUs",))
    line = measure()
    assert (line["status"], line["reasons"]) == ("disturbed", ["others used 31% of the CPUs"])
    assert measure("fail")["status"] == "failed"
    monkeypatch.setattr(disturbance.Disturbance, "reasons", lambda _: ())
    assert measure()["status"] == "ok"


@pytest.mark.parametrize(
    "mode, said",
    [
        ("fail", "^wrong sum$"),
        ("crash", "^wrote no results: it was killed by SIGSEGV; its last words: about to crash$"),
        ("rubbish", "^wrote results that are not JSON, and ended with status 0"),
    ],
)
def test_a_failure_has_last_words(mode: str, said: str, measure: Measure) -> None:
    line = measure(mode)
    assert line["status"] == "failed" and re.search(said, line["message"]) and "entry" not in line


def test_a_hang_is_ended(measure: Measure) -> None:
    line = measure("hang", limit_s=4.0)
    assert line["status"] == "failed"
    assert line["message"] == "was not at its end after 4 s and was ended (--limit allows it more); its last words: hanging"


@pytest.mark.parametrize(
    "document, said",
    [
        ("{}", "results in which it is not"),
        ('{"failures": [], "benchmarks": []}', "results in which it is not"),
        ('{"failures": [], "benchmarks": [{"name": "other", "real_time": 1}]}', "of something else: other"),
        ('{"failures": [], "benchmarks": [{"name": "%s", "real_time": 0}]}' % CELL, "0 ns"),
        ('{"failures": [], "benchmarks": [{"name": "%s", "real_time": NaN}]}' % CELL, "nan ns"),
        ("[1]", "results in which it is not"),
    ],
)
def test_results_that_are_none(document: str, said: str, measure: Measure, tmp_path: Path) -> None:
    program = script(tmp_path / "program", f"""for a; do [[ $a == --benchmark_out=* ]] && out=${{a#*=}}; done
cat > "$out" <<'END'
{document}
END""")
    line = measure(program=program)
    assert line["status"] == "failed" and said in line["message"]


def test_a_program_that_dies_after_measuring_has_failed(measure: Measure, tmp_path: Path) -> None:
    entry = json.dumps({"failures": [], "benchmarks": [{"name": CELL, "real_time": 5.0}]})
    program = script(tmp_path / "program", f"""for a; do [[ $a == --benchmark_out=* ]] && out=${{a#*=}}; done
echo '{entry}' > "$out"; echo free: invalid pointer >&2; kill -ABRT $$""")
    assert measure(program=program)["message"] == (
        "was measured, but then the program was killed by SIGABRT; its last words: free: invalid pointer"
    )


def test_a_full_disk_is_no_failure_of_the_cell(measure: Measure, tmp_path: Path) -> None:
    program = script(tmp_path / "program", "echo \"scaling: --benchmark_out: 'x' cannot be written: No space left on device\" >&2; exit 2")
    with pytest.raises(NotMeasured, match="No space left on device Nothing is lost: make room and go on with .*--resume"):
        measure(program=program)


def test_a_program_that_is_replaced_meanwhile_ends_the_run(measure: Measure, tmp_path: Path) -> None:
    program = script(tmp_path / "program", f"cp -p {FAKE} \"$0.new\"; mv \"$0.new\" \"$0\"; exec {FAKE} \"$@\"")
    with pytest.raises(NotMeasured, match="was replaced or removed while it was measured"):
        measure(program=program)


def test_the_limit_grows_with_what_the_cell_took(runner: Runner, tmp_path: Path) -> None:
    sampler = Sampler(FAKE, [], tmp_path / "run.json", runner, None)
    assert sampler.limit_s(CELL) == 60.0
    for wall_s in (2.0, 30.0, 1.0):
        sampler.remember({"name": CELL, "status": "ok", "wall_s": wall_s})
    assert sampler.limit_s(CELL) == 360.0 and sampler.limit_s(BASELINE) == 60.0
    assert Sampler(FAKE, [], tmp_path / "run.json", runner, 7.0).limit_s(CELL) == 7.0


def test_what_the_program_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCHMARK_MIN_TIME", raising=False)
    flags = sampling.sample_flags(["--long", "--workers=1,2"], "sum/thread/wait/workers:2/chunksize:4/cold")
    assert flags == [
        "--long", "--workers=1,2", "--workloads=sum", "--executors=thread", "--patterns=wait", "--workers=2",
        "--benchmark_filter=^sum/thread/wait/workers:2/chunksize:4/cold$", "--benchmark_repetitions=1",
        "--benchmark_min_time=0.1", "--no-baseline",
    ]  # fmt: skip
    assert "--no-baseline" not in sampling.sample_flags([], BASELINE)
    assert "--benchmark_min_time=0.1" not in sampling.sample_flags(["--benchmark_min_time=2"], BASELINE)
    monkeypatch.setenv("BENCHMARK_MIN_TIME", "3")
    assert "--benchmark_min_time=0.1" not in sampling.sample_flags([], BASELINE)


def test_a_workload_proves_itself_once(runner: Runner, tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = script(tmp_path / "program", f'echo "$@" >> {said}; exec {FAKE} "$@"')
    sampler = Sampler(program, [], tmp_path / "run.json", runner, None)
    for name in (CELL, CELL, BASELINE, "primes/thread/map/workers:2"):
        sampler.measure(name)
    assert ["--no-self-check" in line for line in said.read_text().splitlines()] == [False, True, True, False]


def test_every_cell_of_the_real_program_can_be_asked_for(scaling_program: Path, runner: Runner) -> None:
    flags = ["--workers=1,3", "--executors=thread,sequential", "--workloads=sum,sleep"]
    listing = examine(scaling_program, flags, runner)
    assert len(listing.cells) == 2 * (3 + 3 * 2) and listing.context["usable_cpus"] >= 1
    for name in listing.cells:
        assert examine(scaling_program, sampling.sample_flags(flags, name), runner).cells == (name,)


def test_a_real_sample(scaling_program: Path, runner: Runner, tmp_path: Path) -> None:
    sampler = Sampler(scaling_program, ["--executors=process"], tmp_path / "run.json", runner, None)
    for name in ("sum/process/map/workers:2", BASELINE):
        line = sampler.measure(name)
        assert line["status"] != "failed", line
        assert line["entry"]["name"] == name and line["entry"]["real_time"] * line["entry"]["iterations"] >= 0.1e9
        assert 0 < line["wall_s"] and os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "text, said",
    [
        ("echo hello", "asked for its cells as JSON it said 'hello'"),
        ("true", "asked for its cells as JSON it said nothing"),
        ("echo '[1, 2]'", r"as JSON it said '\[1, 2\]'"),
        ("echo unknown option >&2; exit 2", r"it ended with status 2; its last words: unknown option"),
        ("kill -SEGV $$", "it was killed by SIGSEGV and said nothing"),
        ("exec yes", "it wrote without end"),
        ("exec sleep 1000", "had not answered --benchmark_format=json after 3 s"),
        ("""echo '{"schema_version": 9, "cells": [], "context": {}}'""", "writes results of schema_version 9"),
    ],
)
def test_programs_that_are_none_of_ours(text: str, said: str, runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match=said) as error:
        examine(script(tmp_path / "program", text), [], runner, limit_s=3.0)
    assert str(tmp_path / "program") in str(error.value)


def test_files_that_are_no_programs(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("words")
    for path, said in ((tmp_path / "no", "does not exist"), (tmp_path, "is a directory"), (tmp_path / "text", "permission")):
        with pytest.raises(ProgramError, match=said):
            examine(path, [], runner)


def test_a_program_of_ours_refuses_in_its_own_words(scaling_program: Path, runner: Runner) -> None:
    with pytest.raises(ProgramError, match="^scaling: --workloads: there is no workload 'prime'"):
        examine(scaling_program, ["--workloads=prime"], runner)
