"""Links of one program in several layouts: a small program is built for real, with Ninja and with Makefiles."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from poolmark_scripts import program as program_file
from poolmark_scripts.gate import layouts
from poolmark_scripts.one_process import Runner

CMAKE = """\
cmake_minimum_required(VERSION 3.25)
project(small C)
add_library(parts STATIC one.c sub/one.c two.c)
add_subdirectory(bench)
"""
BENCH = """\
add_executable(small main.c more.c)
target_link_libraries(small PRIVATE parts m)
"""
SOURCES = {
    "one.c": "int one(void) { return 1; }\n",
    "sub/one.c": "int another_one(void) { return 2; }\n",  # two members of one name
    "two.c": "int two(void) { return 40; }\n",
    "bench/main.c": "int one(void); int another_one(void); int two(void); int more(void);\n"
    "int main(void) { return one() + another_one() + two() + more(); }\n",
    "bench/more.c": "int more(void) { return 8; }\n",
}
ANSWER = 51


@pytest.fixture(scope="module", params=["Ninja", "Unix Makefiles"])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    needed = {"Ninja": "ninja", "Unix Makefiles": "make"}[request.param]
    if not all(map(shutil.which, ("cmake", "cc", needed))):
        pytest.skip(f"cmake, cc or {needed} is not installed")
    source = tmp_path_factory.mktemp("small")
    for name, text in {"CMakeLists.txt": CMAKE, "bench/CMakeLists.txt": BENCH, **SOURCES}.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text)
    for command in (["cmake", "-G", request.param, "-S", source, "-B", source / "build"], ["cmake", "--build", source / "build"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return source / "build"


def link(build: Path, into: Path, seed: str = "7", count: int = 4) -> list[Path]:
    with Runner() as runner:
        return [
            layouts.link(build, build / "bench" / "small", seed, number, into / str(number), runner) for number in range(count)
        ]


def symbols(program: Path) -> dict[str, int]:
    listed = subprocess.run(["nm", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    fields = [line.split() for line in listed.splitlines()]
    return {name: int(address, 16) for address, _, name in (row for row in fields if len(row) == 3)}


def test_each_layout_computes_the_same_elsewhere(built: Path, tmp_path: Path) -> None:
    before = (built / "bench" / "small").read_bytes()
    programs = link(built, tmp_path)
    assert [subprocess.run([program], check=False).returncode for program in programs] == [ANSWER] * 4
    assert len({program_file.sha256(program) for program in programs}) == 4
    assert len({symbols(program)["main"] % 64 for program in programs}) > 1
    assert (built / "bench" / "small").read_bytes() == before


def test_the_padding_lies_differently_in_a_cache_line(built: Path, tmp_path: Path) -> None:
    def code_bytes(padding: Path) -> int:
        listed = subprocess.run(["size", "-A", padding], check=True, stdout=subprocess.PIPE, text=True).stdout
        return next(int(line.split()[1]) for line in listed.splitlines() if line.startswith(".text"))

    programs = link(built, tmp_path)
    assert {code_bytes(program.parent / "padding.o") % 64 for program in programs} == {0, 16, 32, 48}


def test_the_order_of_objects_and_members_changes(built: Path, tmp_path: Path) -> None:
    names = ("main", "more", "one", "another_one", "two")
    orders = set()
    for program in link(built, tmp_path, count=8):
        found = symbols(program)
        orders.add(tuple(sorted(names, key=found.__getitem__)))
    assert len({order.index("main") < order.index("more") for order in orders}) == 2
    assert len({tuple(name for name in order if name in ("one", "another_one", "two")) for order in orders}) > 1


def test_one_seed_gives_one_program(built: Path, tmp_path: Path) -> None:
    def hashes(into: str, seed: str) -> list[str]:
        return [program_file.sha256(program) for program in link(built, tmp_path / into, seed, count=2)]

    assert hashes("first", "7") == hashes("second", "7")
    assert hashes("first", "7") != hashes("third", "8")


def test_a_directory_that_tells_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "small").write_text("")
    with pytest.raises(layouts.LinkError, match="does not tell how .*small is linked"):
        link(tmp_path, tmp_path / "links", count=1)


def test_a_linker_that_fails_is_quoted(built: Path, tmp_path: Path) -> None:
    hidden = next(built.glob("**/more.c.o"))
    kept = hidden.with_suffix(".hidden")
    hidden.rename(kept)
    try:
        with pytest.raises(layouts.LinkError, match="linking anew failed.*more.c.o"):
            link(built, tmp_path, count=1)
    finally:
        kept.rename(hidden)
