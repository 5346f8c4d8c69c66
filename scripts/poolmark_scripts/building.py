"""Configures and builds with the presets of CMakePresets.json."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Mapping, Sequence

if TYPE_CHECKING:  # whoever asks where things are, as scripts/test does before any set-up, has no need of rich
    from rich.console import Console

ROOT = Path(__file__).resolve().parents[2]
SHOWN_LINES = 40
TEST_RESULTS = "test-results.xml"  # in a build directory: what ctest wrote last


class BuildError(Exception):
    """Configuring or building failed; the text ends with the last lines the tool wrote, `lines` has all."""

    def __init__(self, text: str, lines: Sequence[str] = ()) -> None:
        super().__init__(text)
        self.lines = list(lines)


def build_directory(preset: str) -> Path:
    """Where a preset builds."""
    return ROOT / "build" / preset


def is_configured(preset: str) -> bool:
    """Whether CMake has run for the preset; Ninja runs it again by itself when its files change."""
    return (build_directory(preset) / "build.ninja").exists()


def configure(preset: str, definitions: Sequence[str], console: Console) -> None:
    """Runs cmake --preset."""
    run_tool(f"configuring build/{preset}", ["cmake", "--preset", preset, *definitions], console)


def build(preset: str, targets: Sequence[str], console: Console, quiet_if_done: bool = False) -> None:
    """Builds the targets; none means all. With `quiet_if_done` a build with nothing to do says nothing."""
    command = ["cmake", "--build", f"build/{preset}", "-j", str(len(os.sched_getaffinity(0)))]
    if targets:
        command += ["--target", *targets]
    run_tool(f"building build/{preset}", command, console, quiet=quiet_if_done)


def build_to_measure(targets: Sequence[str], console: Console) -> None:
    """Builds measuring programs; on a tree already built this is one Ninja run that finds nothing to do."""
    fresh = not is_configured("release")
    if fresh:
        # Without the tests: they need packages that measuring does not. scripts/test turns them on.
        configure("release", ["-DBUILD_TESTING=OFF"], console)
    build("release", targets, console, quiet_if_done=not fresh)


def run_tool(
    what: str, command: list[str], console: Console, quiet: bool = False, directory: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Runs one of CMake's tools, showing its last line on a terminal. Raises BuildError."""
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            command, cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace",
        )  # fmt: skip
    except FileNotFoundError:
        raise BuildError(f"{command[0]} is not installed; scripts/bench installs it where there is apt-get.") from None
    assert process.stdout is not None
    if not (quiet or console.is_terminal):
        console.print(f"{what} ...")
    with process, console.status(f"{what} ...") as status:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            status.update(f"{what} ... {lines[-1][: max(20, console.width - len(what) - 10)]}")
    if process.returncode != 0:
        tail = "\n".join(f"  {line}" for line in lines[-SHOWN_LINES:])
        raise BuildError(f"{what} failed ({' '.join(command)}):\n{tail}", lines)
