"""How our code and Google Benchmark's library were built."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from poolmark_scripts.fact import BAD, GOOD, UNKNOWN, Fact
from poolmark_scripts.kernel_files import text_of

OPTIMISED = ("Release", "RelWithDebInfo", "MinSizeRel")
# What the library prints when it was compiled without NDEBUG; it is nowhere in it otherwise.
MARK_OF_DEBUG = b"Library was built as DEBUG"
MARK_OF_LIBRARY = b"benchmark_filter"
LIMIT_S = 10


def our_build(program: Path) -> Fact:
    """The build type in CMake's cache, in the nearest directory above the program that has one."""
    name = "our build"
    effect = "without optimisation a task takes several times as long, and a pool's cost hides behind it"
    mend = "cmake --preset release && cmake --build --preset release, or scripts/bench, which does it"
    if not program.is_file():
        return Fact(name, "not built yet", UNKNOWN, effect, "scripts/bench --build-only")
    cache = next((text for above in program.resolve().parents if (text := text_of(above / "CMakeCache.txt"))), None)
    if cache is None:
        return Fact(name, "unknown: no CMakeCache.txt above the program", UNKNOWN, effect, "build it with CMake's Release")
    build_type = _entry(cache, "CMAKE_BUILD_TYPE") or "no build type"
    flags = f"{_entry(cache, 'CMAKE_CXX_FLAGS')} {_entry(cache, f'CMAKE_CXX_FLAGS_{build_type.upper()}')}"
    if "-fsanitize" in flags:
        return Fact(name, f"{build_type} with sanitizers", BAD, "sanitizers make all code 2 to 20 times slower", mend)
    if build_type not in OPTIMISED:
        return Fact(name, build_type, BAD, effect, mend)
    return Fact(name, build_type, GOOD, "compiled as users of the library compile it")


def _entry(cache: str, name: str) -> str:
    found = re.search(rf"^{name}:\w+=(.*)$", cache, re.MULTILINE)
    return found[1].strip() if found else ""


def library_build(program: Path) -> Fact:
    """Google Benchmark's own build type. Debian compiles it without NDEBUG, which looks worse than it is."""
    name = "Google Benchmark"
    effect = "checks inside the library run between batches; the times are taken by poolmark, around whole batches"
    library = _library_of(program) if program.is_file() else None
    if library is None:
        mend = "scripts/bench --build-only" if not program.is_file() else f"ldd {program}"
        return Fact(name, "unknown", UNKNOWN, effect, mend)
    if MARK_OF_DEBUG in library:
        return Fact(name, "debug, as Debian builds it", GOOD, f"no harm: {effect}")
    return Fact(name, "release", GOOD, "no checks inside the library")


def _library_of(program: Path) -> bytes | None:
    """The library's file, or the program's own where it is linked into it; None where neither can be found."""
    try:
        listed = subprocess.run(
            ["ldd", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="replace",
            timeout=LIMIT_S, check=False,
        ).stdout  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        listed = ""
    found = re.search(r"libbenchmark\.so\S* => (/\S+)", listed)
    try:
        content = Path(found[1] if found else program).read_bytes()
    except OSError:
        return None
    return content if found or MARK_OF_LIBRARY in content else None
