"""The same program, linked several times: the same instructions, at other addresses.

Where the linker puts a hot loop decides how it lies in cache lines and in the tables of the branch predictor, and moves
its time by up to a tenth on some processors. A new build has its code elsewhere whatever was changed, so a single link of
each build tells code and place apart by luck alone. Here each arm is linked anew with its object files in an order drawn
from a seed, those inside its static libraries too, behind a piece of padding; the nth layout of every arm has the same
order and padding, so that equal objects give equal programs.

The commands are those of the build directory itself (Ninja or Makefiles), so a layout differs from the program that was
built in nothing but the order.
"""

from __future__ import annotations

import random
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, Sequence

from poolmark_scripts.one_process import Runner

LINK_S = 120.0
CACHE_LINE, ALIGNMENT = 64, 16  # functions begin at multiples of the second
LINES_AT_MOST = 64  # of padding, beside the part of a line in which layouts differ for sure


class LinkError(Exception):
    """A program cannot be linked anew; the text is the sentence the user reads."""


@dataclass(frozen=True)
class Command:
    """One command of a build, and where it runs."""

    words: tuple[str, ...]
    directory: Path

    def path(self, word: str) -> Path:
        """The file that a word of it names."""
        return (self.directory / word).resolve()


def link(build: Path, program: Path, seed: str, number: int, into: Path, runner: Runner) -> Path:
    """Links `program` of the build directory anew, in layout `number` of `seed`; the file, below `into`.

    Raises LinkError and Interrupted.
    """
    commands = list(_commands(build, program))
    linking = _linking(commands, program)
    into.mkdir(parents=True, exist_ok=True)
    drawn = random.Random(f"{seed} {number}")
    padding = into / "padding.o"
    _run(Command((linking.words[0], "-c", "-x", "assembler", str(_write_padding(into, drawn, number)), "-o", str(padding)),
                 linking.directory), runner)  # fmt: skip
    made = into / program.name
    _run(_reordered(linking, commands, program, made, padding, into, drawn, runner), runner)
    return made


def _reordered(
    linking: Command, commands: Sequence[Command], program: Path, made: Path, padding: Path, into: Path,
    drawn: random.Random, runner: Runner,
) -> Command:  # fmt: skip
    objects = [word for word in linking.words if word.endswith(".o")]
    shuffled = drawn.sample(objects, len(objects))
    archives: dict[str, str] = {}
    words = []
    for word in linking.words:
        if word.endswith(".o"):
            if len(shuffled) == len(objects):
                words.append(str(padding))
            words.append(shuffled.pop())
        elif word.endswith(".a") and (members := _members(commands, linking.path(word))):
            if word not in archives:
                archives[word] = str(_shuffled_archive(members, into / f"{len(archives)}-{Path(word).name}", drawn, runner))
            words.append(archives[word])
        else:
            words.append(str(made) if linking.path(word) == program.resolve() else word)
    return Command(tuple(words), linking.directory)


def _write_padding(into: Path, drawn: random.Random, number: int) -> Path:
    """Places in a cache line differ between neighbouring layouts for certain, and pages and sets by chance."""
    code = ALIGNMENT * (number % (CACHE_LINE // ALIGNMENT)) + CACHE_LINE * drawn.randrange(LINES_AT_MOST)
    data = ALIGNMENT * drawn.randrange(CACHE_LINE // ALIGNMENT * LINES_AT_MOST)
    source = into / "padding.s"
    source.write_text(
        f"    .text\n    .p2align 4\n    .skip {code}\n    .data\n    .p2align 4\n    .skip {data + ALIGNMENT}\n"
        '    .section .note.GNU-stack,"",@progbits\n'
    )
    return source


# ---- the commands of a build directory -------------------------------------------------------------------------


def _commands(build: Path, program: Path) -> Iterator[Command]:
    """Those that link and make archives, as the generator has written them down."""
    if (build / "build.ninja").exists():
        asked = subprocess.run(
            ["ninja", "-C", str(build), "-t", "commands", str(program.relative_to(build))], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        if asked.returncode != 0:
            raise LinkError(f"ninja does not tell how {program} is linked: {asked.stdout.strip().splitlines()[-1]}")
        lines = [(line, build) for line in asked.stdout.splitlines()]
    else:
        lines = [
            (line, path.parents[2])
            for path in sorted(build.glob("**/CMakeFiles/*.dir/link.txt")) for line in path.read_text().splitlines()
        ]  # fmt: skip
    for line, directory in lines:
        for part in line.split(" && "):
            if words := tuple(shlex.split(part)):
                yield Command(words, directory)


def _linking(commands: Sequence[Command], program: Path) -> Command:
    for command in commands:
        if "-o" in command.words[:-1] and command.path(command.words[command.words.index("-o") + 1]) == program.resolve():
            return command
    raise LinkError(
        f"the build directory does not tell how {program} is linked, so its layouts cannot be made. Build it with CMake's "
        "Ninja or Makefiles generator."
    )


def _members(commands: Sequence[Command], archive: Path) -> list[Path]:
    """The object files of a static library of this build; none for one of the system."""
    for command in commands:
        is_archiving = Path(command.words[0]).name.endswith("ar") and len(command.words) > 3
        if is_archiving and command.path(command.words[2]) == archive:
            return [command.path(word) for word in command.words[3:]]
    return []


def _shuffled_archive(members: Sequence[Path], made: Path, drawn: random.Random, runner: Runner) -> Path:
    made.unlink(missing_ok=True)
    shuffled = drawn.sample(list(members), len(members))
    _run(Command(("ar", "qcs", str(made), *map(str, shuffled)), made.parent), runner)
    return made


def _run(command: Command, runner: Runner) -> None:
    try:
        ended = runner.run(command.words, LINK_S, directory=command.directory)
    except OSError as error:
        raise LinkError(f"{command.words[0]} cannot be started: {error.strerror}. It is needed to link anew.") from None
    if ended.status != 0:
        raise LinkError(f"linking anew failed: {Path(command.words[0]).name} {ended.last_words}")
