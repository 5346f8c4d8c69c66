"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, document: dict[str, Any]) -> None:
    """The document, indented, as write_text() does."""
    write_text(path, json.dumps(document, indent=1) + "\n")


def write_text(path: Path, text: str) -> None:
    """The file takes its name only when it is complete. The file behind a link is replaced, not the link; a device or
    a pipe is written to: to replace it would take /dev/null away from everybody, where root measures."""
    if path.exists() and not path.is_file():
        path.write_text(text, encoding="utf-8")
        return
    path = path.resolve()
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # without it a crash of the machine could leave an empty file of that name
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
