"""How our code and Google Benchmark's library were built, as the measuring program says it."""

from __future__ import annotations

from typing import Any

from poolmark_scripts.fact import BAD, GOOD, UNKNOWN, Fact

OPTIMISED = ("Release", "RelWithDebInfo", "MinSizeRel")
NOT_BUILT = "scripts/bench --build-only"


def our_build(context: dict[str, Any] | None) -> Fact:
    """The build type of poolmark, in the context that the program writes; None where there is no such program."""
    name = "our build"
    effect = "without optimisation a task takes several times as long, and a pool's cost hides behind it"
    mend = "cmake --preset release && cmake --build --preset release, or scripts/bench, which does it"
    if context is None:
        return Fact(name, "not built yet, or by another version", UNKNOWN, effect, NOT_BUILT)
    build_type, flags = str(context.get("build_type")), str(context.get("compiler_flags"))
    if "-fsanitize" in flags:
        return Fact(name, f"{build_type} with sanitizers", BAD, "sanitizers make all code 2 to 20 times slower", mend)
    if build_type not in OPTIMISED:
        return Fact(name, build_type, BAD, effect, mend)
    return Fact(name, build_type, GOOD, "compiled as users of the library compile it")


def library_build(context: dict[str, Any] | None) -> Fact:
    """Google Benchmark's own build type. Debian compiles it without NDEBUG, which looks worse than it is."""
    name = "Google Benchmark"
    effect = "checks inside the library run between batches; the times are taken by poolmark, around whole batches"
    if context is None:
        return Fact(name, "unknown", UNKNOWN, effect, NOT_BUILT)
    if context.get("library_build_type") == "debug":
        return Fact(name, "debug, as Debian builds it", GOOD, f"no harm: {effect}")
    return Fact(name, str(context.get("library_build_type")), GOOD, "no checks inside the library")
