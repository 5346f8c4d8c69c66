"""What commands refuse before they do anything."""

from __future__ import annotations

import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class UsageError(Exception):
    """The command cannot be carried out as given; the text says what to do."""


def check_output(output: Path) -> None:
    """Refuses a results file that cannot be written, before anything is built or measured."""
    advice = "Name another file with -o FILE.json."
    if output.suffix != ".json":
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
