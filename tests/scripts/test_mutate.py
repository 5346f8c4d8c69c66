"""scripts/mutate on a project of two functions, and what the list of mutations of the library must be like."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from poolmark_scripts import mutations, supervising
from poolmark_scripts.mutation_copy import Copy
from poolmark_scripts.mutations import ListError

CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(fake LANGUAGES CXX)
include(CTest)
set(POOLMARK_TEST_SECONDS 120 CACHE STRING "")
add_library(sums sums.cpp)
add_executable(checks checks.cpp)
target_link_libraries(checks PRIVATE sums)
foreach(name add subtract)
  add_test(NAME checks.${name} COMMAND checks ${name})
endforeach()
set_tests_properties(checks.add checks.subtract PROPERTIES TIMEOUT ${POOLMARK_TEST_SECONDS})
"""
SUMS = """\
int add(int a, int b) { return a + b; }
int subtract(int a, int b) { return a - b; }
int nobody_asks(int a) { return a; }
"""
CHECKS = """\
#include <string>
int add(int, int);
int subtract(int, int);
int main(int, char** argv) {
  return std::string(argv[1]) == "add" ? add(2, 3) != 5 : subtract(5, 3) != 2;
}
"""
MUTATIONS = """\
tests = "add"

[[mutation]]
id = "noticed"
file = "sums.cpp"
what = "adding subtracts"
find = "return a + b;"
replace = "return a - b;"

[[mutation]]
id = "noticed-late"
what = "subtracting adds"
find = "return a - b;"
replace = "return a + b;"

[[mutation]]
id = "unnoticed"
what = "nobody gets one more"
find = "{ return a; }"
replace = "{ return a + 1; }"

[[mutation]]
id = "explained"
what = "nobody gets two more"
find = "{ return a; }"
replace = "{ return a + 2; }"
survives = "nobody asks"

[[mutation]]
id = "broken"
what = "it is no C++"
find = "return a + b;"
replace = "return a plus b;"

[[mutation]]
id = "gone"
what = "its text is not there"
find = "return a * b;"
replace = "return a;"

[[mutation]]
id = "twice"
what = "its text is there four times"
find = "int a"
replace = "int c"

[[mutation]]
id = "endless"
what = "adding hangs, and so does what it has started"
find = "int add(int a, int b) {"
replace = "extern \\"C\\" int fork(); extern \\"C\\" int pause(); int add(int a, int b) { fork(); for (;;) pause();"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout of the project, nothing built."""
    for name, text in (
        ("CMakeLists.txt", CMAKE), ("sums.cpp", SUMS), ("checks.cpp", CHECKS), (".gitignore", "/build/\n"),
        ("tests/mutations/sums.toml", MUTATIONS),
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def command(root: Path, project: Path, *arguments: str) -> list[str]:
    return [str(root / "scripts" / "mutate"), "--root", str(project), "--limit", "2", *arguments]


def mutate(root: Path, project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    ended = subprocess.run(command(root, project, *arguments), capture_output=True, text=True, check=False)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def test_each_mutation_comes_to_what_it_deserves(root: Path, project: Path, tmp_path: Path) -> None:
    ended = mutate(root, project, "--json", str(tmp_path / "out.json"))
    assert ended.returncode == 2, ended.stdout + ended.stderr
    results = {entry["id"]: entry for entry in json.loads((tmp_path / "out.json").read_text())["mutations"]}
    assert {name: entry["outcome"] for name, entry in results.items()} == {
        "noticed": "caught", "noticed-late": "caught", "unnoticed": "survived", "explained": "explained",
        "broken": "does not compile", "gone": "stale", "twice": "stale", "endless": "caught",
    }  # fmt: skip
    assert results["noticed"]["detail"] == "checks.add"
    assert results["noticed-late"]["detail"] == "checks.subtract"
    assert results["endless"]["detail"] == "checks.add (timeout)"
    assert results["unnoticed"]["line"] == 3 and "unnoticed  sums.cpp:3" in ended.stdout
    assert results["explained"]["detail"] == "nobody asks"
    assert "error:" in results["broken"]["detail"]
    assert "4 times" in results["twice"]["detail"]
    assert ended.stdout.splitlines()[-1].startswith("3 caught, 1 survived, 1 explained, 1 does not compile, 2 stale")
    # Neither the user's tree nor the copy is left broken, and nobody hangs on.
    assert (project / "sums.cpp").read_text() == SUMS == (project / "build/mutate/tree/sums.cpp").read_text()
    assert not running(project)


def running(project: Path) -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and str(project) in os.readlink(process / "exe"):
                found.append(process.name)
        except OSError:
            pass
    return found


def test_the_status_tells_survivors_from_none(root: Path, project: Path) -> None:
    assert mutate(root, project, "--only", "noticed", "explained").returncode == 0
    assert mutate(root, project, "--only", "noticed", "unnoticed").returncode == 1


def test_resuming_tries_again_only_what_may_have_changed(root: Path, project: Path) -> None:
    only = ("--only", "noticed", "unnoticed")
    mutate(root, project, *only)
    again = mutate(root, project, *only, "--resume").stdout
    assert "caught    before" in again and "survived  before" in again and "building" not in again
    (project / "checks.cpp").write_text(CHECKS.replace("!= 2;", "!= 2 || subtract(5, 4) != 1;"))
    again = mutate(root, project, *only, "--resume").stdout
    assert "caught    before" in again and "survived  before" not in again
    list_file = project / "tests" / "mutations" / "sums.toml"
    list_file.write_text(MUTATIONS.replace("return a - b;", "return b - a;", 1))
    assert "caught    before" not in mutate(root, project, "--only", "noticed", "--resume").stdout


def test_a_tree_that_is_red_already_is_refused(root: Path, project: Path) -> None:
    (project / "sums.cpp").write_text(SUMS.replace("a - b", "a + b + 0"))
    ended = mutate(root, project, "--only", "noticed")
    assert ended.returncode == 2 and "checks.subtract fails without any mutation" in ended.stderr


def test_a_tree_that_does_not_compile_is_refused(root: Path, project: Path) -> None:
    (project / "checks.cpp").write_text("int main() {")
    ended = mutate(root, project, "--only", "noticed")
    assert ended.returncode == 2 and "does not compile as it is" in ended.stderr


def test_interrupted_it_tells_what_it_has(root: Path, project: Path) -> None:
    process = subprocess.Popen(
        command(root, project, "--only", "noticed", "endless", "--limit", "60"), stdout=subprocess.PIPE, text=True,
        # Where the tests run in the background of a shell, SIGINT is ignored, and stays so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    seen = [process.stdout.readline()]
    while "[1/2]" not in seen[-1]:
        seen.append(process.stdout.readline())
    while not running(project / "build"):
        time.sleep(0.05)  # until the test that hangs is there
    second = mutate(root, project, "--only", "noticed")
    assert second.returncode == 2 and "another scripts/mutate is at work" in second.stderr
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    assert process.wait() == 130
    assert "1 caught; 100 % caught; 1 not tried" in rest
    assert not running(project) and (project / "build/mutate/tree/sums.cpp").read_text() == SUMS


def test_listing_tells_places_and_stale_entries(root: Path, project: Path) -> None:
    ended = mutate(root, project, "--list")
    assert ended.returncode == 2
    assert "noticed  sums.cpp:1\n" in ended.stdout and "gone  sums.cpp: stale" in ended.stdout
    assert mutate(root, project, "--list", "--only", "noticed").returncode == 0
    assert not (project / "build").exists()


def test_a_reader_that_has_seen_enough_ends_the_listing(root: Path, project: Path) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as closed:
        ended = subprocess.run(command(root, project, "--list"), stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--only", "nothing"), "no mutation is called 'nothing'"),
        (("--file", "none.cpp"), "there are no mutations of 'none.cpp'"),
        (("--jobs", "0"), "must be at least 1"),
    ],
)
def test_bad_usage_is_refused(root: Path, project: Path, arguments: tuple[str, ...], sentence: str) -> None:
    ended = mutate(root, project, *arguments)
    assert ended.returncode == 2 and sentence in ended.stderr


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ('id = "a"\nfile = "f"\nwhat = "w"\nfind = "x"', "replace is missing"),
        ('id = "a"\nfile = "f"\nwhat = "w"\nfind = "x"\nreplace = "x"', "changes nothing"),
        ('id = "a"\nfile = "f"\nwhat = "w"\nfind = "x"\nreplace = ""\nsurvive = ""', "nobody reads 'survive'"),
        ("id = a", "is no TOML"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(tmp_path: Path, entry: str, sentence: str) -> None:
    (tmp_path / "some.toml").write_text(f"[[mutation]]\n{entry}\n")
    with pytest.raises(ListError, match=sentence):
        mutations.load(tmp_path)


def test_ids_are_unique(tmp_path: Path) -> None:
    entry = '[[mutation]]\nid = "a"\nfile = "f"\nwhat = "w"\nfind = "x"\nreplace = "y"\n'
    (tmp_path / "some.toml").write_text(entry * 2)
    with pytest.raises(ListError, match="two mutations are called 'a'"):
        mutations.load(tmp_path)


def test_a_mutated_header_costs_only_what_was_built_with_it(project: Path, tmp_path: Path) -> None:
    copy = Copy(project, tmp_path / "place", 1, 1, 2)
    copy.bring_up_to_date()
    copy.configure()
    copy.build()
    program, library = (tmp_path / "place" / "build" / name for name in ("checks", "libsums.so"))
    before = program.stat().st_mtime_ns
    copy.apply(next(m for m in mutations.load(project / "tests" / "mutations") if m.id == "noticed"))
    copy.build(["sums"])
    assert copy.first_failure("add") is not None
    copy.restore()
    assert program.stat().st_mtime_ns == before and not library.exists()
    copy.build()
    assert copy.first_failure("add") is None


def test_who_makes_a_file_larger_than_it_may_be_is_ended(tmp_path: Path) -> None:
    for largest_file, status in ((2**22, 0), (2**20, -signal.SIGXFSZ)):
        command = ["truncate", "--size=2M", f"file-of-{largest_file}"]
        assert supervising.run(command, tmp_path, limit_s=60, largest_file=largest_file).status == status


def test_every_file_of_the_library_has_mutations(root: Path) -> None:
    """Of those that hold code which the tests run; what is found here wants an entry in tests/mutations."""
    mutated = {mutation.file for mutation in mutations.load(root / "tests" / "mutations")}
    sources = {str(path.relative_to(root)) for part in ("src", "src/process", "src/async") for path in (root / part).glob("*.cpp")}
    assert sources - mutated == {"src/process/fault_hooks.cpp"}  # of the tests alone
