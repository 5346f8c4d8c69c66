"""What commands refuse before they do anything, and how they end."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def check_output(output: Path, has_pictures: bool = True) -> None:
    """Refuses a results file that cannot be written, before anything is built or measured."""
    advice = "Name another file with -o FILE.json."
    if has_pictures and output.suffix != ".json":
        raise UsageError(f"{output} does not end in .json; its pictures are written beside it as .svg and .png. {advice}")
    if output.is_dir():
        raise UsageError(f"{output} is a directory. {advice}")
    if output.parent == ROOT / "results":
        output.parent.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=output.parent):
            pass
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {output.parent}: {error.strerror}. {advice}") from None


def status_of(results: Any) -> int:
    """The exit status that results with `partial` and `failures` deserve."""
    return EXIT_INTERRUPTED if results.partial else EXIT_FAILED if results.failures else 0
